"""Backups, integrity checks, recovery, restore and purge."""

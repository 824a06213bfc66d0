"""Tests of the register, on real SQLite files."""

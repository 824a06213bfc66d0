"""Tests of the history, on real SQLite files."""

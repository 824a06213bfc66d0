"""Downloading results to disk."""

"""Tests of the domain: pure values, so no files and no sockets."""

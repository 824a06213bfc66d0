"""The register: one SQLite file a profile, and everything that reads or writes it."""

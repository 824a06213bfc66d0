"""Verify, list, preview, unpack and encrypt downloaded archives, whose content is taken for hostile."""

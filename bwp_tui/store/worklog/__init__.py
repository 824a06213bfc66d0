"""Intents, polls, downloads, events received, engine state: what is due, and the outcomes it records."""

"""Receiving the service's events from their queue."""

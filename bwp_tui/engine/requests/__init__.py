"""Submitting, cancelling and polling tasks."""

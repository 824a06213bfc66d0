"""Backoff, rate limiter, circuit breaker."""

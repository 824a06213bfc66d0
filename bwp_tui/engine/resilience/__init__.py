"""When calls may be made: intervals between polls, waits after failures, rate limiter, circuit breaker."""

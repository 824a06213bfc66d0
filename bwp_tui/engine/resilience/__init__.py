"""When calls may be made: the schedule of polls, waits after failures, rate limiter, circuit breaker."""

"""One controller a feature: prompt, command, status line."""

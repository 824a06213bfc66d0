"""Keep what a screen remembers, without widgets: list, draft, completion, and what lasts from one start to the next."""

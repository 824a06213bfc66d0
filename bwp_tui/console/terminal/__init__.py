"""The terminal below Textual: driver, differential output, keys, pastes, clipboard. Nothing of tasks."""

"""Below Textual: the driver, differential output, pastes, keys, clipboard."""

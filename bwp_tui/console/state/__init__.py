"""State of the screens without widgets, and what is kept between starts."""

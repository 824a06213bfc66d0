"""The widgets, which show what `presentation` makes; each has its styles in `styles/`."""

"""The widgets, which lay out and paint what `presentation` makes; each has its styles in `styles/`."""

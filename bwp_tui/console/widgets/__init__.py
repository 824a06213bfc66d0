"""The widgets of the console; each has its styles in `styles/`."""

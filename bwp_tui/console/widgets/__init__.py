"""The widgets of the console, one a module; each has its styles in `styles/`."""

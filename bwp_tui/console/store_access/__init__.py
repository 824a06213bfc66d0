"""Give the console access to the store: reading snapshots, carrying out actions, noticing ended tasks. No widgets."""

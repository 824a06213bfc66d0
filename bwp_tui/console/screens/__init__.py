"""The console's screens: each puts widgets together and passes keys and snapshots on to them."""

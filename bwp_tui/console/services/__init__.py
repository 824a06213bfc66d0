"""The console's access to the store and the engine, without widgets."""

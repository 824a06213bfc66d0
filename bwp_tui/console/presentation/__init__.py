"""Make styled text of values, without widgets."""

"""What to run: plans, keys, and the plug-ins that plans name."""

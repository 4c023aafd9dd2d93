"""What goes wrong in use, tried on purpose and counted: `python -m perf.faults` writes the tables."""

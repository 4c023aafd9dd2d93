"""How fast the engine trains, side by side with its peers: `python -m perf.throughput`."""

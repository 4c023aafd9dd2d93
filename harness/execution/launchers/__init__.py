"""Launchers: what trains runs on this machine, on a Ray cluster, and through SLURM."""

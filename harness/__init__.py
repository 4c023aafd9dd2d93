"""multiepoch: is it safe to train this embedding model for more than one epoch?"""

__version__ = "1.0.0"

ENGINE = 2
"""Bumped whenever the engine's numbers change; part of every run's key."""

"""Running a plan: preparing it, scheduling its runs over workers, and showing how far it is."""

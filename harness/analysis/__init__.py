"""What the runs of a plan say: differences, intervals, tests, ranks."""

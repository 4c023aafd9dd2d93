"""What `import multiepoch` gives: benchmarks of data and strategies that live in Python, and results as frames."""

"""What a data set looks like in numbers, and presets of the generator that look like it."""

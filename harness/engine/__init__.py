"""Training: the row-sparse tables, batches, the loop, evaluation, checkpoints."""

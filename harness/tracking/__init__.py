"""What is told to an experiment tracker beside the records on disk."""

"""What the columns of a stranger's table are, guessed from their names and from a sample of rows."""

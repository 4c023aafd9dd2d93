"""Tables of the user's own: their schema, and their columns as ids, labels and times."""

"""From raw rows to indexed arrays on disk."""

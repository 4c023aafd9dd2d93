"""A finished plan of the protocol in one file, checked without running it, and run again in part."""

"""The HTML page, and the answer in words."""

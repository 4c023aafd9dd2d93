"""The tables of a report before they are printed, and as Markdown, CSV and for the terminal."""

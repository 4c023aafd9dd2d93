"""The command line: commands and their arguments. What a command needs is imported when it runs."""

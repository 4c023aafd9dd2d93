"""Checks for labels that leak, made on coded data before anything trains."""

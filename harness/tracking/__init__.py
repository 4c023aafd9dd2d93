"""Showing the runs of a plan elsewhere. The records on disk stay the truth, from which all can be shown again."""

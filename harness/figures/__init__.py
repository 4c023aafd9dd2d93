"""Figures that more than one room draws."""

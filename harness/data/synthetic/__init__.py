"""Synthetic conversions of any size: a population is described once, and each of its rows is a function of its number.

`population` says what there is, `stream` and `zipf` draw, `compile` prepares, `kernel` makes rows, `sampler` calibrates
and cuts.
"""

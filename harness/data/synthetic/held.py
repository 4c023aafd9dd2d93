"""How much memory making and coding a population takes: the number of its ids tells, not that of its rows."""

from __future__ import annotations

import numpy as np

from harness.data.synthetic.population import Population
from harness.data.vocabulary import BYTES_PER_ID

BINS = 2000
"""Of ranks, in equal ratios."""


def held_bytes(population: Population) -> int:
    """Of the vocabularies at the end, at least; fields that follow another, the clock or a policy, and
    lists, are left out."""
    free = (field for field in population.fields.values() if field.free and not field.hidden and field.candidates == 1)
    thinned = [task for task in population.tasks.values() if task.kept < 1]
    kept = min((task.rate + (1 - task.rate) * task.kept for task in thinned), default=1.0)
    kept_rows = round(population.rows * kept)
    drawn = ((field, round(kept_rows * (1 - population.repeat)) if field.session else kept_rows) for field in free)
    found = (
        field.once * rows + distinct(round((1 - field.once) * rows), max(field.ids, 2), field.exponent, field.shift)
        for field, rows in drawn
    )
    return int(BYTES_PER_ID * sum(found))


def distinct(rows: int, ids: int, exponent: float, shift: float) -> float:
    """How many ids of a Zipf-Mandelbrot law are expected in so many draws, if none ever goes to a new rank."""
    edges = np.unique(np.geomspace(1, ids + 1, BINS).astype(np.int64))
    number, middle = np.diff(edges), (edges[:-1] + edges[1:] - 1) / 2
    mass = (middle + shift) ** -exponent
    return float((number * -np.expm1(-rows * mass / (mass * number).sum())).sum())

"""Whether a state and the data of a run that begins with it read numbers alike: rows of numbers hold for one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.api import UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.checkpoint import State

Scales = Mapping[str, Mapping[str, Any]]
"""By field, what `harness.data.numbers.Scale.told` says."""
SHOWN = 100
"""Edges that a message holds at most."""


def check_scales(state: State, source: str, dataset: IndexedDataset) -> None:
    """Refuse a state whose numbers are on other scales than those of a data set that has the same fields.

    Where one of them does not tell, as it is older than this check, they must have the same training split.

    Raises:
        UserError: scales are others, or not known to be the same.
    """
    theirs, mine = state["outline"].get("scales", {}), dataset.scales
    names = sorted({*theirs, *mine, *(number.name for number in dataset.kinds.numbers)})
    if not all(name in theirs and name in mine for name in names) and not _same_training(state, dataset):
        raise UserError(f"train.start: {_untold(source, names, theirs, mine)}")
    if odd := [name for name in names if name in theirs and name in mine and theirs[name] != mine[name]]:
        read = "; ".join(f"'{name}' by {_shown(theirs[name])}, this run's data by {_shown(mine[name])}" for name in odd)
        given = "; ".join(f"{name}: {_as_given(theirs[name])}" for name in odd)
        raise UserError(f"train.start: '{source}' reads number {read}; accepted: the same, as by a schema with {given}")


def _same_training(state: State, dataset: IndexedDataset) -> bool:
    """Whether the state was left by a run on the same training split, as all its ids with their counts say."""
    for name, ids_V, count_V in zip(dataset.tables, dataset.ids_V, dataset.count_V, strict=True):
        held, known_V = state["ids"][name], count_V > 0
        if not np.array_equal(held["ids"].numpy(), ids_V[known_V]):
            return False
        if not np.array_equal(held["count"].numpy(), count_V[known_V]):
            return False
    return True


def _untold(source: str, names: list[str], theirs: Scales, mine: Scales) -> str:
    if lacking := [name for name in names if name not in theirs]:
        who, anew = f"'{source}' does", "one kept anew: delete it and its data set, and run again what left it"
    else:
        lacking = [name for name in names if name not in mine]
        who, anew = "this run's data do", "data built anew: delete this data set in data/ of the results folder"
    return (
        f"{who} not say how number '{', '.join(lacking)}' is read, as what was made before did not; "
        f"accepted: a state of a run on these very data, or {anew}"
    )


def _shown(told: Mapping[str, Any]) -> str:
    if "scale" not in told:
        return f"{len(told['edges'])} edges of buckets, {told['edges'][0]} to {told['edges'][-1]}"
    return ", ".join([f"scale {told['scale']}", *(f"{k} {told[k]}" for k in ("mean", "deviation") if k in told)])


def _as_given(told: Mapping[str, Any]) -> str:
    """What a schema says to have this scale."""
    if "scale" not in told:
        edges = told["edges"]
        return f"edges = {edges}" if len(edges) <= SHOWN else "the edges in meta.json of the state's data set"
    if "shares" in told:
        return "scale = 'standard' or 'log1p', for the state too, as quantiles cannot be given"
    fixed = f", mean = {told['mean']}, deviation = {told['deviation']}" if "mean" in told else ""
    return f"scale = '{told['scale']}'{fixed}"

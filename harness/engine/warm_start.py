"""Begin a run with what another one ended with: rows by the ids they stand for, the net, and what was remembered.

A state is what a trainer ended with, beside an outline of what can read it, and, of every table, its ids, their counts
and their rows. Ids that only the state knows become known to the run, so that validation reads them; those that no row
of the run's data has are dropped. Ids that the state does not know have rows as they are drawn.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from harness.api import Model, Strategy, UserError
from harness.base.digests import digest_of
from harness.base.files import whole_file
from harness.base.plugin import params
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.carried_rows import held, taken
from harness.engine.checkpoint import State
from harness.engine.network import network_of, plain_columns
from harness.engine.number_scales import check_scales
from harness.engine.trainer import Trainer, table_spec
from harness.experiment.specs import StartSpec, TrainSpec

KEPT = StartSpec(source="the run itself")
"""All that a state holds is used."""


def end_state(trainer: Trainer, model: Model) -> State:
    """What another run can begin with; the trainer is not to be used any more."""
    trainer.tables.settle()
    outline = _outline(model, trainer.dataset, trainer.net, trainer.tables.width, trainer.tables.spec.optimizer)
    if trainer.dataset.scales:
        outline["scales"] = trainer.dataset.scales
    return trainer.state() | {"outline": outline, "ids": held(trainer.dataset, trainer.mapping)}


def save(state: State, path: Path) -> None:
    """Write a state, whole or not at all; the same one as the same bytes, as torch knows no name of an open file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("wb") as file:
        torch.save(state, file)


def ensure_whole(path: Path) -> None:
    """Read a state once against the checksums in it, as reading it piece by piece later does not.

    Raises:
        UserError: it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if (part := file.testzip()) is not None:
                raise UserError(f"train.start: '{path}' is damaged at '{part}'; delete it and run again what left it")
    except (OSError, zipfile.BadZipFile):
        return  # no state at all, which reading it says


def read(spec: StartSpec) -> State:
    """The state of a file, which stays on disk as far as it is not read.

    Raises:
        UserError: it is none, or not the file that the plan was checked with.
    """
    path = Path(spec.source)
    try:
        if spec.digest and digest_of(path) != spec.digest:
            raise UserError(f"train.start: '{path}' has changed since the plan was checked; run the plan again")
        state: State = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        if not isinstance(state, dict) or not {"outline", "ids", "tables", "net", "optimizer"} <= state.keys():
            raise ValueError("it holds something else")
    except UserError:
        raise
    except Exception as error:  # torch raises whatever a file leads to that is none of its own
        why = str(error).partition("\n")[0]
        raise UserError(f"train.start: '{path}' is no state that a run has kept: {why}") from error
    return state


def check(
    state: State, spec: StartSpec, model: Model, strategies: Sequence[Strategy], dataset: IndexedDataset,
    train: TrainSpec,
) -> None:  # fmt: skip
    """Refuse a state that these cannot begin with, before anything is trained.

    Raises:
        UserError: fields, tasks, model, width, optimiser or scales of numbers differ, or a strategy changes the net.
    """
    net, width = network_of(model, plain_columns(model, dataset), len(dataset.tasks), strategies)
    mine = _outline(model, dataset, net, width, table_spec(train, strategies).optimizer)
    for what, value in mine.items():
        if (theirs := state["outline"][what]) != value and (spec.optimizer or what != "table optimizer"):
            raise UserError(
                f"train.start: '{spec.source}' is of {what} {_shown(theirs, value)}; this run has "
                f"{_shown(value, theirs)}; accepted: the same"
            )
    check_scales(state, spec.source, dataset)


def knowing(dataset: IndexedDataset, state: State, spec: StartSpec) -> IndexedDataset:
    """The data set with the ids that the state knows counted as if they had been trained on here.

    Without counts, an id that only the state knows counts once.
    """
    counts = []
    for name, ids_V, count_V in zip(dataset.tables, dataset.ids_V, dataset.count_V, strict=True):
        known, count_V = state["ids"][name], np.array(count_V)
        _, theirs, mine = np.intersect1d(known["ids"].numpy(), ids_V, assume_unique=True, return_indices=True)
        if spec.counts:
            count_V[mine] += known["count"].numpy()[theirs]
        else:
            count_V[mine] = np.maximum(count_V[mine], 1)
        counts.append(count_V)
    return replace(dataset, count_V=tuple(counts))


def begin(trainer: Trainer, state: State, spec: StartSpec) -> None:
    """Give a trainer that has made no step what the state holds for it. Its data must be `knowing` the state.

    Raises:
        UserError: ids have another number of rows each, in the state of another run. From window to window an encoder
            may change that, as more ids are known; the rows of the table are then as they are drawn.
    """
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for name, ours in held(trainer.dataset, trainer.mapping).items():
        theirs = state["ids"][name]
        have, had = ours["rows"].shape[1], theirs["rows"].shape[1]
        if have == had:
            found.append(taken(ours, theirs))
        elif spec is not KEPT:
            raise UserError(
                f"train.start: '{spec.source}' has {had} rows for an id of field '{name}'; this run has {have}; "
                "accepted: the same"
            )
    into_M, from_M, share_M = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*found, strict=True))
    trainer.tables.adopt(state["tables"], into_M, from_M, share_M, optimizer=spec.optimizer, counts=spec.counts)
    trainer.net.load_state_dict(state["net"])
    if spec.optimizer:
        trainer.optimizer.restore(state["optimizer"])


def begun(trainer: Trainer) -> State:
    """What a trainer that has begun with a state needs of it when it goes on from a checkpoint; empty: it has not."""
    if (weight_RD := trainer.tables.begun_RD) is None:
        return {}
    return {"weight_RD": weight_RD, "count_V": [torch.from_numpy(np.array(c)) for c in trainer.dataset.count_V]}


def known_again(dataset: IndexedDataset, begun: State) -> IndexedDataset:
    """What `knowing` gave to the trainer that had begun so."""
    return replace(dataset, count_V=tuple(c.numpy() for c in begun["count_V"])) if begun else dataset


def begin_again(trainer: Trainer, begun: State) -> None:
    """Give the rows of a trainer that has made no step the weights that it had begun with."""
    if begun:
        trainer.tables.begin_with(begun["weight_RD"])


def _outline(model: Model, dataset: IndexedDataset, net: nn.Module, width: int, optimizer: str) -> dict[str, Any]:
    """What must be the same on both sides, in words."""
    columns = plain_columns(model, dataset)
    return {
        "tasks": list(dataset.tasks),
        "fields": sorted({*columns.names, *dataset.tables}),
        "model": f"{model.name}({', '.join(f'{knob}={value}' for knob, value in params(model).items())})",
        "table width": width,
        "net": [f"{name} {list(tensor.shape)}" for name, tensor in net.state_dict().items()],
        "table optimizer": optimizer,
    }


def _shown(value: Any, other: Any) -> str:
    """A part of an outline; of a list, what the other has not."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join([each for each in value if each not in other] or value)

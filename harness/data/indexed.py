"""Coded data sets on disk: written whole, sealed, and opened as memory-mapped arrays."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.api import Data, Doubt, Kept, Kinds, ListField, NumberField, Stream, UserError
from harness.base.digests import check_seal, seal
from harness.base.files import whole
from harness.data.coder import tables_of
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.indexer import write_indexed
from harness.data.validation import Checker


def check(data: Data, name: str) -> None:
    """Refuse data that cannot be trained or evaluated on.

    Raises:
        UserError: an empty split, a wrong shape, a label that is not 0/1, one class only, or no probability.
    """
    checker = Checker(name, data.fields, data.tasks, data.kinds)
    for part, split in data.stream().pieces:
        checker.add(part, split)
    checker.finish()


def save(
    data: Data | Stream, folder: Path, name: str = "data", progress: Callable[[int], object] = lambda rows: None
) -> None:
    """Check, code and write a data set under a temporary name, then rename: half a data set is never seen.

    Pieces are written as they come, so memory holds one of them and the vocabularies. progress: told the rows done.

    Raises:
        UserError: the data cannot be trained or evaluated on.
        OSError: it cannot be written.
    """
    with whole(folder) as partial:
        write_indexed(data.stream() if isinstance(data, Data) else data, partial, name, progress)
        seal(partial)


def load(folder: Path) -> IndexedDataset:
    """Open a saved data set; the splits stay on disk, memory-mapped. Names and sizes of its files are checked.

    Raises:
        UserError: its files are not what was once written.
    """
    try:
        check_seal(folder, contents=False)
        return _load(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"data set '{folder}' is damaged: {error}; delete this folder, it is built again") from error


def damage(folder: Path) -> str:
    """What about a saved data set is not as it was written, by the content of every file; empty: nothing."""
    try:
        check_seal(folder, contents=True)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _kinds(saved: dict[str, Any]) -> Kinds:
    return Kinds(
        numbers=tuple(NumberField(**each | {"edges": tuple(each.get("edges", ()))}) for each in saved["numbers"]),
        lists=tuple(ListField(**each) for each in saved["lists"]),
        shares=saved["shares"],
    )


def _load(folder: Path) -> IndexedDataset:
    meta = json.loads((folder / "meta.json").read_text())
    kinds = _kinds(meta["kinds"]) if "kinds" in meta else Kinds()

    def array(name: str) -> Any:
        path = folder / f"{name}.npy"
        return np.load(path, mmap_mode="r") if path.exists() else None

    def split(part: str) -> IndexedSplit:
        return IndexedSplit(**{f.name: array(f"{part}_{f.name}") for f in dataclasses.fields(IndexedSplit)})

    tables, lists = range(len(tables_of(tuple(meta["fields"]), kinds))), range(len(kinds.lists))
    return IndexedDataset(
        fields=tuple(meta["fields"]),
        tasks=tuple(meta["tasks"]),
        ids_V=tuple(np.asarray(array(f"ids_{t}")) for t in tables),
        count_V=tuple(np.asarray(array(f"count_{t}")) for t in tables),
        train=split("train"),
        valid=split("valid"),
        test=split("test"),
        kinds=kinds,
        values=tuple(array(f"values_{g}") for g in lists),
        weights=tuple(array(f"weights_{g}") for g in lists),
        scales=meta.get("scales", {}),
        notes=tuple(meta.get("notes", ())),
        kept={task: Kept(**kept) for task, kept in meta.get("kept", {}).items()},
        doubts=tuple(Doubt(**each) for each in meta.get("doubts", ())),
    )

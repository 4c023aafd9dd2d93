"""What every data set must do: have a version, and build the same data whenever it is asked."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.api import Dataset, Ints, Split
from harness.base import seeds
from harness.data import indexed
from harness.testing.another_process import AnotherProcess
from harness.testing.checks import Checks, Failed


def dataset_checks(cls: type[Dataset], another: AnotherProcess) -> Checks:
    example = cls.example

    def version() -> None:
        if not isinstance(getattr(cls, "version", None), int):
            raise Failed("has no integer version")

    def builds() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        indexed.check(cls(**example).build(seeds.generator(0, "check")), cls.name)
        return None

    def repeats() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        first = built(cls)
        if built(cls) != first:
            raise Failed("builds different data from the same random stream")
        if another.ask("data set", cls.name) != first:
            raise Failed("builds different data in another process from the same random stream")
        return None

    return {
        "has a version": version,
        "builds data that can be trained on": builds,
        "builds the same twice": repeats,
        "leaves its pieces as they are": lambda: _leaves_pieces(cls),
    }


def built(cls: type[Dataset]) -> str:
    """The digest of all that it builds."""
    digest = hashlib.sha256()
    for part in _parts(cls(**cls.example or {}).build(seeds.generator(0, "check"))):
        digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    """Every array and every other value of data, in turn."""
    match value:
        case np.ndarray():
            yield f"{value.dtype} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        case tuple() | list():
            for each in value:
                yield from _parts(each)
        case dict():
            yield from _parts(sorted(value.items()))
        case _ if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                yield from _parts(getattr(value, field.name))
        case _:
            yield repr(value).encode()


def _leaves_pieces(cls: type[Dataset]) -> str | None:
    if cls.example is None:
        return "no example parameters: it needs a file"
    pieces = cls(**cls.example).stream(seeds.generator(0, "check")).pieces
    held = [(split, split.labels_NT.copy(), _ids(split)) for _, split in pieces]
    for split, labels_NT, ids_N in held:
        if not (np.array_equal(split.labels_NT, labels_NT) and np.array_equal(_ids(split), ids_N)):
            raise Failed("changes a piece while it makes the next one; a piece must have arrays of its own")
    return None


def _ids(split: Split) -> list[Ints]:
    """Copies of the ids of every field."""
    return [split.ids_of(f) for f in range(split.ids_NF.shape[1] if split.ids_N is None else len(split.ids_N))]

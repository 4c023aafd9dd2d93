"""Tables coded in threads, each at a piece of its own, come to the bytes of one thread that codes piece by piece."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine import make_split

from harness.api import Data, Kinds, Lists, Split, Stream, UserError
from harness.base import threads
from harness.data import coder, columns, indexed, scaled
from harness.data.coder import Coder
from harness.data.indexer import write_indexed
from harness.data.vocabulary import Vocabulary
from harness.testing.kinds import with_kinds

Pieces = list[tuple[str, Split]]


def everything(rng: np.random.Generator, rows: int) -> Data:
    """Data of every kind of field, with all that rows may have beside it."""

    def split(n: int) -> Split:
        more: dict[str, Any] = {
            "observed_NT": rng.random((n, 2)) < 0.9,
            "group_N": rng.integers(0, 5, n),
            "time_N": np.sort(rng.integers(0, 100, n)),
            "truth_NT": rng.random((n, 2)).astype(np.float32),
            "weight_N": rng.random(n).astype(np.float32) + 0.1,
        }
        made = make_split(rng, rng.choice([-(2**63), -1, 0, 3, 2**62, 2**62 + 1, *range(4, 40)], (n, 3)), **more)
        made.observed_NT[:4] = True  # type: ignore[index]  # it is given
        made.labels_NT[:4] = [[0, 0], [1, 1], [0, 0], [1, 1]]
        return made

    data = Data(("a", "b", "c"), ("click", "buy"), split(rows), split(9), split(7))
    return with_kinds(data, rng)


def cut(data: Data, sizes: Iterator[int]) -> Pieces:
    """Pieces of each split, in turn, so that splits alternate as they do where rows are split at random."""
    queues: list[Pieces] = []
    for part in ("train", "valid", "test"):
        whole, at = getattr(data, part), 0
        queues.append([])
        while at < len(whole.ids_NF):
            rows = slice(at, at + next(sizes))
            arrays = {f.name: getattr(whole, f.name) for f in dataclasses.fields(Split) if f.name != "lists"}
            lists = tuple(
                Lists(each.values_M, each.length_N[rows], each.begins()[rows], each.weight_M) for each in whole.lists
            )
            taken: dict[str, Any] = {name: None if array is None else array[rows] for name, array in arrays.items()}
            queues[-1].append((part, Split(**taken, lists=lists)))
            at = rows.stop
    return [queue.pop(0) for turn in range(max(map(len, queues))) for queue in queues if queue]


def written(data: Data, pieces: Pieces, **constants: int) -> dict[str, bytes]:
    """Every file that is saved of them, with other constants for how many go side by side."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(threads, "CORES", constants["cores"])
        patch.setattr(coder, "MOST", constants["most"])
        patch.setattr(coder, "ROWS", constants["rows"])
        for module in (columns, scaled):
            patch.setattr(module, "ROWS", constants["block"])
        stream = Stream(data.fields, data.tasks, pieces, kinds=data.kinds)
        write_indexed(stream, Path(folder), "mine", lambda rows: None)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(8, 120),
    cores=st.integers(2, 8),
    most=st.integers(1, 5),
    held=st.sampled_from([0, 10, 10_000]),
    block=st.integers(9, 60),
)
def test_the_bytes_are_those_of_one_thread(seed: int, rows: int, cores: int, most: int, held: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    data = everything(rng, rows)
    pieces = cut(data, iter(lambda: int(rng.integers(5, 30)), 0))
    alone = written(data, pieces, cores=1, most=1, rows=0, block=10_000)
    assert written(data, pieces, cores=cores, most=most, rows=held, block=block) == alone
    assert {"train_weight_N.npy", "valid_begin_NG.npy", "weights_0.npy", "train_numbers_NP.npy"} <= alone.keys()


def many(count: int, rows: int = 4) -> Pieces:
    split = make_split(np.random.default_rng(0), np.arange(2 * rows).reshape(rows, 2))
    return [("train", split)] * count + [("valid", split), ("test", split)]


def test_a_table_does_not_wait_for_another_and_pieces_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first table stands still at the first piece; the second goes on for as long as pieces are handed out."""
    monkeypatch.setattr(threads, "CORES", 2)
    real, ahead, seen, read = Vocabulary.code, threading.Event(), dict[int, int](), list[int]()

    def code(self: Vocabulary, ids_N: Any, *, training: bool) -> Any:
        first = ids_N[0] == 0
        if first and not seen.get(0):
            assert ahead.wait(60), "the second table waited for the first"
        seen[int(ids_N[0])] = seen.get(int(ids_N[0]), 0) + 1
        if not first and seen[1] == coder.MOST:
            ahead.set()
        return real(self, ids_N, training=training)

    def counted() -> Iterator[tuple[str, Split]]:
        for i, piece in enumerate(many(20)):
            read.append(i)
            yield piece

    monkeypatch.setattr(Vocabulary, "code", code)
    with Coder(("a", "b"), Kinds()) as each:
        for taken, _ in enumerate(each.coded(counted()), start=1):
            assert len(read) < taken + coder.MOST
    assert taken == 22
    assert seen == {0: 22, 1: 22}


def test_large_pieces_are_in_memory_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coder, "ROWS", 3)
    pieces = iter(many(5))
    with Coder(("a", "b"), Kinds()) as each:
        coded = each.coded(pieces)
        next(coded)
        assert len(list(pieces)) == 6


@pytest.mark.parametrize("stage", ["reading", "checking", "coding", "ids", "writing", "interrupt"])
def test_an_error_of_any_stage_comes_out_and_leaves_nothing(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, real, count = many(20), Vocabulary.code, iter(range(1000))
    errors: dict[str, tuple[type[BaseException], str]] = {
        "reading": (OSError, "the disk is gone"),
        "checking": (UserError, "data set 'mine', train split: label 'click' has the value 2; accepted: 0 or 1"),
        "coding": (MemoryError, "no room"),
        "ids": (UserError, "more than 7 distinct ids in one table"),
        "writing": (OSError, "no space left"),
        "interrupt": (KeyboardInterrupt, "by hand"),
    }
    kind, message = errors[stage]

    def read() -> Iterator[tuple[str, Split]]:
        yield from pieces[:10]
        if stage == "reading":
            raise kind(message)
        if stage == "checking":
            yield "train", dataclasses.replace(pieces[0][1], labels_NT=np.full((4, 2), 2, np.uint8))
        yield from pieces[10:]

    def code(self: Vocabulary, ids_N: Any, *, training: bool) -> Any:
        if stage in ("coding", "ids") and next(count) == 15:
            raise OverflowError(message) if stage == "ids" else kind(message)
        return real(self, ids_N, training=training)

    def append(self: columns.Column, array: Any) -> None:
        if stage in ("writing", "interrupt") and next(count) == 15:
            raise kind(message)

    monkeypatch.setattr(Vocabulary, "code", code)
    if stage in ("writing", "interrupt"):
        monkeypatch.setattr(columns.Column, "append", append)
    with pytest.raises(kind, match=message):
        indexed.save(Stream(("a", "b"), ("click", "buy"), read()), tmp_path / "data", "mine")
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("lane", "mapped"))]

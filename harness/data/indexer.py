"""A data set coded as it streams: raw ids become positions in vocabularies, arrays become `.npy` files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Kinds, Split, Stream, UserError
from harness.data.coder import Coded, Coder, Found, tables_of
from harness.data.columns import Column, change
from harness.data.scaled import finish_numbers
from harness.data.validation import SPLITS, Checker, check_kept
from harness.data.vocabulary import Codes, translate

DTYPES = {
    "labels_NT": np.uint8,
    "observed_NT": np.bool_,
    "group_N": np.int64,
    "time_N": np.int64,
    "truth_NT": np.float32,
    "weight_N": np.float32,
    "numbers_NP": np.float32,
}


class Indexer:
    """Writes the pieces of a data set into a folder; vocabularies come last, when all ids are known.

    Numbers that become buckets are columns of codes after those of `fields`, in the order of `kinds`.
    """

    def __init__(self, folder: Path, fields: tuple[str, ...], kinds: Kinds) -> None:
        self._folder, self._columns, self._kinds = folder, dict[str, Column](), kinds
        self._fields = fields
        self._values = dict.fromkeys(kinds.list_names, 0)

    def __enter__(self) -> Indexer:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self._columns.values():
            column.close()

    def add(self, piece: Coded) -> None:
        """Append one piece."""
        part, split, codes = piece.part, piece.split, piece.codes
        buckets = [np.zeros(len(split.ids_NF), np.int32) for number in self._kinds.numbers if number.bucketed]
        self._append(f"{part}_codes_NF", np.column_stack([*(codes[name] for name in self._fields), *buckets]))
        for name, dtype in DTYPES.items():
            value = getattr(split, name)
            if value is not None:
                self._append(f"{part}_{name}", value.astype(dtype, copy=False))
        self._append_lists(piece)

    def _append_lists(self, piece: Coded) -> None:
        part, lists = piece.part, piece.lists
        if not lists:
            return
        begins = [each.begins() + self._values[name] for name, each in lists.items()]
        self._append(f"{part}_begin_NG", np.column_stack(begins))
        self._append(f"{part}_length_NG", np.column_stack([each.length_N.astype(np.int32) for each in lists.values()]))
        for g, (name, each) in enumerate(lists.items()):
            self._append(f"values_{g}", piece.codes[name])
            if each.weight_M is not None:
                self._append(f"weights_{g}", each.weight_M.astype(np.float32, copy=False))
            self._values[name] += len(each.values_M)

    def finish(self, found: dict[str, Found]) -> tuple[tuple[str, ...], Kinds, dict[str, dict[str, Any]]]:
        """Write the vocabularies that were found, and turn codes into positions in them, end to end.

        Returns the fields that have become single ids, the kinds of the others, and the scales of numbers.

        Raises:
            UserError: more ids than int32 can count.
        """
        for column in self._columns.values():
            column.finish()
        buckets, scales = finish_numbers(self._folder, self._kinds.numbers, len(self._fields))
        for name, count_V in buckets.items():
            found[name] = np.arange(len(count_V)), count_V, np.arange(len(count_V), dtype=np.int32)
        fields = (*self._fields, *buckets)
        kinds = replace(self._kinds, numbers=tuple(n for n in self._kinds.numbers if not n.bucketed))
        position_V, start = self._write_vocabularies({name: found[name] for name in tables_of(fields, kinds)})
        for part in SPLITS:
            self._translate(f"{part}_codes_NF", position_V, [start[kinds.table_of(name)] for name in fields])
        for g, name in enumerate(kinds.list_names):
            self._translate(f"values_{g}", position_V, [start[kinds.table_of(name)]])
        return fields, kinds, scales

    def _write_vocabularies(self, found: dict[str, Found]) -> tuple[Codes, dict[str, int]]:
        """The position of each code in the vocabularies of all tables, end to end, and where each table starts."""
        total = sum(len(ids_V) for ids_V, _, _ in found.values())
        if total > np.iinfo(np.int32).max:
            raise UserError(f"{total:,} distinct ids in all fields; accepted: at most {np.iinfo(np.int32).max:,}")
        position_V, start, offset = np.empty(total, np.int32), dict[str, int](), 0
        for t, (name, (ids_V, count_V, position)) in enumerate(found.items()):
            position_V[offset : offset + len(ids_V)] = position + offset
            start[name], offset = offset, offset + len(ids_V)
            np.save(self._folder / f"ids_{t}.npy", ids_V)
            np.save(self._folder / f"count_{t}.npy", count_V)
        return position_V, start

    def _translate(self, name: str, position_V: Codes, starts: list[int]) -> None:
        """Codes on disk become positions; of each column, in the table that starts there."""
        start_F = np.array(starts)

        def body(block: npt.NDArray[Any], at: int) -> None:
            translate(block.reshape(len(block), len(start_F)), position_V, start_F)

        change(self._folder / f"{name}.npy", body)

    def _append(self, name: str, array: npt.NDArray[Any]) -> None:
        if name not in self._columns:
            self._columns[name] = Column(self._folder / f"{name}.npy", array)
        self._columns[name].append(array)


def write_indexed(stream: Stream, folder: Path, name: str, progress: Callable[[int], object]) -> None:
    """Check, code and write every piece of a data set into a folder."""
    checker = Checker(name, stream.fields, stream.tasks, stream.kinds)
    check_kept(stream.kept, stream.tasks, f"data set '{name}'")
    with Coder(stream.fields, stream.kinds) as coder, Indexer(folder, stream.fields, stream.kinds) as indexer:
        for piece in coder.coded(_checked(checker, stream.pieces)):
            indexer.add(piece)
            progress(len(piece.split.ids_NF))
        checker.finish()
        fields, kinds, scales = indexer.finish(coder.finish())
    meta: dict[str, Any] = {"fields": fields, "tasks": stream.tasks}
    meta |= {} if kinds == Kinds() else {"kinds": asdict(kinds)}
    meta |= {"scales": scales} if scales else {}
    meta |= {"notes": stream.notes} if stream.notes else {}
    meta |= {"kept": {task: asdict(kept) for task, kept in stream.kept.items()}} if stream.kept else {}
    meta |= {"doubts": [asdict(doubt) for doubt in stream.doubts]} if stream.doubts else {}
    (folder / "meta.json").write_text(json.dumps(meta))


def _checked(checker: Checker, pieces: Iterable[tuple[str, Split]]) -> Iterator[tuple[str, Split]]:
    for part, split in pieces:
        checker.add(part, split)
        yield part, split

"""A data set coded as it streams: raw ids become positions in vocabularies, arrays become `.npy` files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Split, Stream, UserError
from harness.data.validation import SPLITS, Checker
from harness.data.vocabulary import Vocabulary, translate

DTYPES = {
    "labels_NT": np.uint8,
    "observed_NT": np.bool_,
    "group_N": np.int64,
    "time_N": np.int64,
    "truth_NT": np.float32,
}
ROWS = 1 << 18
"""Rows that are translated at a time."""


class Column:
    """A `.npy` file that grows by its first axis; its header is right once it is finished."""

    def __init__(self, path: Path, like: npt.NDArray[Any]) -> None:
        self._path, self._file = path, path.open("wb")
        self._dtype, self._rest, self._rows = like.dtype, like.shape[1:], 0
        self._header = self._write_header()

    def append(self, array: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(array).data)
        self._rows += len(array)

    def finish(self) -> None:
        self._file.seek(0)
        if self._write_header() != self._header:
            raise AssertionError(f"the header of {self._path} grew")
        self.close()

    def close(self) -> None:
        self._file.close()

    def _write_header(self) -> int:
        shape = (self._rows, *self._rest)
        about = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, about)
        return self._file.tell()


class Indexer:
    """Writes the pieces of a data set into a folder; vocabularies come last, when all ids are known."""

    def __init__(self, folder: Path, fields: int) -> None:
        self._folder, self._columns = folder, dict[str, Column]()
        self._vocabularies = [Vocabulary() for _ in range(fields)]
        self._pool = ThreadPoolExecutor(os.cpu_count())

    def __enter__(self) -> Indexer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for column in self._columns.values():
            column.close()

    def add(self, part: str, split: Split) -> None:
        """Code one piece, its fields in parallel, and append it."""
        training = part == "train"
        codes = self._pool.map(
            lambda f: self._vocabularies[f].code(np.ascontiguousarray(split.ids_NF[:, f]), training=training),
            range(len(self._vocabularies)),
        )
        self._append(f"{part}_codes_NF", np.column_stack(list(codes)))
        for name, dtype in DTYPES.items():
            value = getattr(split, name)
            if value is not None:
                self._append(f"{part}_{name}", value.astype(dtype, copy=False))

    def finish(self) -> None:
        """Write the vocabularies, and turn codes into positions in them, end to end.

        Raises:
            UserError: more ids than int32 can count.
        """
        total = sum(v.used for v in self._vocabularies)
        if total > np.iinfo(np.int32).max:
            raise UserError(f"{total:,} distinct ids in all fields; accepted: at most {np.iinfo(np.int32).max:,}")
        position_V, start_F = np.empty(total, np.int32), np.zeros(len(self._vocabularies), np.int64)
        offset = 0
        for f, vocabulary in enumerate(self._vocabularies):
            ids_V, count_V, position = vocabulary.finish()
            position_V[offset : offset + len(ids_V)] = position + offset
            start_F[f], offset = offset, offset + len(ids_V)
            np.save(self._folder / f"ids_{f}.npy", ids_V)
            np.save(self._folder / f"count_{f}.npy", count_V)
        for column in self._columns.values():
            column.finish()
        for part in SPLITS:
            _translate_file(self._folder / f"{part}_codes_NF.npy", position_V, start_F)

    def _append(self, name: str, array: npt.NDArray[Any]) -> None:
        if name not in self._columns:
            self._columns[name] = Column(self._folder / f"{name}.npy", array)
        self._columns[name].append(array)


def write_indexed(stream: Stream, folder: Path, name: str, progress: Callable[[int], object]) -> None:
    """Check, code and write every piece of a data set into a folder."""
    checker = Checker(name, stream.fields, stream.tasks)
    with Indexer(folder, len(stream.fields)) as coder:
        for part, split in stream.pieces:
            checker.add(part, split)
            coder.add(part, split)
            progress(len(split.ids_NF))
        checker.finish()
        coder.finish()
    (folder / "meta.json").write_text(json.dumps({"fields": stream.fields, "tasks": stream.tasks}))


def _translate_file(path: Path, position_V: npt.NDArray[np.int32], start_F: npt.NDArray[np.int64]) -> None:
    """Rewrite a file of codes in place, by plain reads and writes: mapped pages would count as memory."""
    fields = len(start_F)
    with path.open("r+b") as file:
        np.lib.format.read_magic(file)
        (rows, _), _, _ = np.lib.format.read_array_header_1_0(file)
        start = file.tell()
        for at in range(0, rows, ROWS):
            n = min(ROWS, rows - at)
            file.seek(start + 4 * fields * at)
            code_NF = np.frombuffer(bytearray(file.read(4 * fields * n)), np.int32).reshape(n, fields)
            translate(code_NF, position_V, start_F)
            file.seek(start + 4 * fields * at)
            file.write(code_NF.data)

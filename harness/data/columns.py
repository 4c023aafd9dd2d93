"""Arrays on disk that grow, and that are changed in place, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from harness.base.threads import mapped

R = TypeVar("R")
ROWS = 1 << 16
"""Rows that are read or changed at a time."""


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


def change(path: Path, body: Callable[[npt.NDArray[Any], int], R]) -> list[R]:
    """Rewrite an array in place, blocks of rows at a time in threads, by plain reads and writes: mapped pages would
    count as memory. body: changes a block in place, and is told its first row. Returns what it did of each."""
    with path.open("rb") as file:
        shape, dtype, start = _header(file)
    width = dtype.itemsize * int(np.prod(shape[1:]))

    def changed(at: int) -> R:
        block = np.empty((min(ROWS, shape[0] - at), *shape[1:]), dtype)
        with path.open("r+b") as file:
            file.seek(start + width * at)
            file.readinto(block.data)
            found = body(block, at)
            file.seek(start + width * at)
            file.write(block.data)
        return found

    return list(mapped(changed, range(0, shape[0], ROWS)))


def blocks(path: Path) -> Iterator[npt.NDArray[Any]]:
    """An array, a block of rows at a time."""
    with path.open("rb") as file:
        shape, dtype, _ = _header(file)
        width = dtype.itemsize * int(np.prod(shape[1:]))
        for at in range(0, shape[0], ROWS):
            n = min(ROWS, shape[0] - at)
            yield np.frombuffer(file.read(width * n), dtype).reshape(n, *shape[1:])


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape and type of an array in C order, and where its numbers start."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype, file.tell()

"""Drawing rows from the initial distribution: at the start, and again whenever a strategy resets them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from harness.api import FieldTable
from harness.base import seeds

CHUNK = 1 << 16
"""Rows drawn from one random stream."""


class InitialRows:
    """Normal draws of rows of width D. Each field has its own random streams, and each of its draws has new ones."""

    def __init__(self, width: int, std: float, seed: int) -> None:
        self._width, self._std, self._seed = width, std, seed
        self._draws: dict[str, int] = {}
        self.begun_RD: Tensor | None = None
        """What all rows were at first, where that was not drawn."""

    def draw(self, weight_RD: Tensor, field: FieldTable, which: Tensor | slice) -> None:
        """Overwrite these rows of a field in weight_RD."""
        number = self._draws[field.name] = self._draws.get(field.name, -1) + 1
        self._write(weight_RD, field, which, number)

    def begin_with(self, weight_RD: Tensor) -> None:
        """A run begins with these rows, in the place of what was drawn."""
        self.begun_RD = weight_RD.clone()

    def first(self, field: FieldTable) -> Tensor:
        """What the rows of a field were at first, [num_rows, D]."""
        if self.begun_RD is not None:
            return self.begun_RD[field.offset : field.offset + field.num_rows]
        first_RD = torch.empty(field.num_rows, self._width)
        self._write(first_RD, field, slice(0, field.num_rows), 0)
        return first_RD

    def _write(self, weight_RD: Tensor, field: FieldTable, which: Tensor | slice, number: int) -> None:
        """The rows of this draw, in chunks that the threads of torch share."""
        whole = isinstance(which, slice)
        start, count = (which.start, which.stop - which.start) if isinstance(which, slice) else (0, len(which))

        def draw(at: int) -> None:
            size = min(CHUNK, count - at)
            random = seeds.torch_generator(self._seed, "table", field.name, number, at)
            drawn = torch.randn((size, self._width), generator=random) * self._std
            part = slice(start + at, start + at + size)
            weight_RD[part if whole else which[part]] = drawn.to(weight_RD.device)  # type: ignore[index]

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(draw, range(0, count, CHUNK)))

    def state(self) -> dict[str, Any]:
        return {"draws": self._draws}

    def restore(self, state: dict[str, Any]) -> None:
        self._draws = state["draws"]

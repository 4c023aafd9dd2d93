"""What data must be to be trained and evaluated on, checked piece by piece."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Kept, Kinds, Lists, Split, UserError
from harness.base.errors import unknown
from harness.base.names import check_names
from harness.base.words import counted

SPLITS = ("train", "valid", "test")
PER_TASK, PER_ROW = ("labels_NT", "observed_NT", "truth_NT"), ("group_N", "time_N", "weight_N")
NONE = Kinds()


class Checker:
    """Sees every piece of a data set and refuses what is wrong with its place.

    Raises:
        UserError: an empty split, a wrong shape, a label that is not 0/1, one class only, or no probability.
    """

    def __init__(self, name: str, fields: tuple[str, ...], tasks: tuple[str, ...], kinds: Kinds = NONE) -> None:
        self.name, self.fields, self.tasks, self.kinds = name, fields, tasks, kinds
        check_names("field", (*fields, *kinds.names), f"data set '{name}'")
        check_names("task", tasks, f"data set '{name}'")
        kinds.check(fields, f"data set '{name}'")
        self._rows = dict.fromkeys(SPLITS, 0)
        self._known = {part: np.zeros((2, len(tasks)), np.int64) for part in SPLITS}
        self._present: dict[str, set[str]] = {}

    def add(self, part: str, split: Split) -> None:
        """Check one more piece of a split."""
        if part not in SPLITS:
            raise UserError(f"data set '{self.name}': split '{part}' is unknown; accepted: {', '.join(SPLITS)}")
        where = f"data set '{self.name}', {part} split"
        if len(split.ids_NF) == 0:
            raise UserError(f"{where}: 0 rows; at least one of each label is needed")
        self._check_shapes(split, where)
        self._check_numbers(split, where)
        self._check_lists(split, where)
        _check_weights(split, where)
        present = {f.name for f in dataclasses.fields(Split) if getattr(split, f.name) is not None}
        if self._present.setdefault(part, present) != present:
            odd = ", ".join(sorted(self._present[part] ^ present))
            raise UserError(f"{where}: {odd} is given in some pieces and not in others; accepted: all or none")
        for t, task in enumerate(self.tasks):
            known_N = np.ones(len(split.ids_NF), bool) if split.observed_NT is None else split.observed_NT[:, t]
            counts_N = known_N if split.weight_N is None else known_N & (split.weight_N > 0)
            self._known[part][:, t] += _classes(split.labels_NT[known_N, t], counts_N[known_N], task, where)
        if split.truth_NT is not None and not ((split.truth_NT >= 0) & (split.truth_NT <= 1)).all():
            raise UserError(f"{where}: truth_NT holds a number that is no probability; accepted: 0 to 1")
        self._rows[part] += len(split.ids_NF)

    def finish(self) -> None:
        """Check what only the whole can show."""
        for part in SPLITS:
            where = f"data set '{self.name}', {part} split"
            if self._rows[part] == 0:
                raise UserError(f"{where}: 0 rows; at least one of each label is needed")
            for task, (zeros, ones) in zip(self.tasks, self._known[part].T, strict=True):
                if zeros == 0 or ones == 0:
                    only = "no known label" if zeros == ones else f"only the class {int(ones > 0)}"
                    rows = f"{zeros + ones:,} rows{' of a weight above 0' if 'weight_N' in self._present[part] else ''}"
                    raise UserError(f"{where}: label '{task}' has {only} in {rows}; both 0 and 1 are needed")

    def _check_shapes(self, split: Split, where: str) -> None:
        n, fields, tasks = len(split.ids_NF), len(self.fields), len(self.tasks)
        for name in ("ids_NF", "numbers_NP", *PER_TASK, *PER_ROW):
            value = getattr(split, name)
            if not isinstance(value, np.ndarray) and (value is not None or name in ("ids_NF", "labels_NT")):
                raise UserError(f"{where}: {name} is a {type(value).__name__}; accepted: a numpy array")
        accepted = (n, fields if split.ids_N is None else 0)
        if split.ids_NF.dtype != np.int64 or split.ids_NF.shape != accepted:
            raise UserError(f"{where}: ids are {split.ids_NF.dtype} {split.ids_NF.shape}; accepted: int64 {accepted}")
        if split.ids_N is not None:
            self._check_columns(split.ids_N, n, where)
        for field, shape in [(f, (n, tasks)) for f in PER_TASK] + [(f, (n,)) for f in PER_ROW]:
            value = getattr(split, field)
            if value is not None and value.shape != shape:
                raise UserError(f"{where}: {field} has shape {value.shape}; accepted: {shape}")
        for field in ("group_N", "time_N"):
            value = getattr(split, field)
            if value is not None and value.dtype.kind not in "iu":
                raise UserError(f"{where}: {field} is {value.dtype}; accepted: int64")
        if split.observed_NT is not None and split.observed_NT.dtype != np.bool_:
            raise UserError(f"{where}: observed_NT is {split.observed_NT.dtype}; accepted: bool")

    def _check_columns(self, ids_N: Sequence[npt.NDArray[Any]], n: int, where: str) -> None:
        if len(ids_N) != len(self.fields):
            raise UserError(f"{where}: ids_N is of {counted(len(ids_N), 'field')}; accepted: {len(self.fields)}")
        for name, id_N in zip(self.fields, ids_N, strict=True):
            if id_N.shape != (n,) or not np.can_cast(id_N.dtype, np.int64):
                found = f"field '{name}': ids are {id_N.dtype} {id_N.shape}"
                raise UserError(f"{where}: {found}; accepted: a type whose values int64 holds, {(n,)}")

    def _check_numbers(self, split: Split, where: str) -> None:
        value_NP, accepted = split.numbers_NP, (len(split.ids_NF), len(self.kinds.numbers))
        if value_NP is None:
            if accepted[1]:
                raise UserError(f"{where}: numbers_NP is not given; accepted: float32 {accepted}")
            return
        if value_NP.dtype != np.float32 or value_NP.shape != accepted:
            raise UserError(f"{where}: numbers_NP is {value_NP.dtype} {value_NP.shape}; accepted: float32 {accepted}")
        if (infinite_NP := np.isinf(value_NP)).any():
            name = self.kinds.numbers[int(infinite_NP.any(axis=0).argmax())].name
            raise UserError(f"{where}: field '{name}' is infinite in a row; accepted: numbers, NaN where missing")

    def _check_lists(self, split: Split, where: str) -> None:
        if len(split.lists) != len(self.kinds.lists):
            raise UserError(f"{where}: {len(split.lists)} lists are given; accepted: {len(self.kinds.lists)}")
        for field, lists in zip(self.kinds.lists, split.lists, strict=True):
            if problem := _problem(lists, len(split.ids_NF)):
                raise UserError(f"{where}: field '{field.name}': {problem}")


def _problem(lists: Lists, rows: int) -> str:
    """What is wrong with the lists of one field; empty: nothing."""
    size, begin_N = len(lists.values_M), lists.begins()
    if lists.values_M.dtype != np.int64 or lists.values_M.ndim != 1:
        return f"values_M is {lists.values_M.dtype} {lists.values_M.shape}; accepted: int64 (M,)"
    if len(lists.length_N) != rows or len(begin_N) != rows:
        return f"length_N and begin_N are of {len(lists.length_N):,} and {len(begin_N):,} rows; accepted: {rows:,}"
    if lists.length_N.min() < 0 or begin_N.min() < 0 or (begin_N + lists.length_N).max() > size:
        return f"a list reaches beyond the {size:,} values; accepted: lists within them"
    weight_M = lists.weight_M
    if weight_M is not None and (weight_M.shape != (size,) or not np.isfinite(weight_M).all() or (weight_M < 0).any()):
        return f"weight_M is {weight_M.shape} or has a weight that is negative or not finite; accepted: {(size,)}"
    return ""


def check_kept(kept: Mapping[str, Kept], tasks: tuple[str, ...], where: str) -> None:
    """Raises: UserError: a name is no task."""
    for name in kept:
        if name not in tasks:
            raise unknown("task", name, tasks, f"{where}: kept")


def _check_weights(split: Split, where: str) -> None:
    weight_N = split.weight_N
    if weight_N is None:
        return
    if weight_N.dtype.kind != "f":
        raise UserError(f"{where}: weight_N is {weight_N.dtype}; accepted: float32")
    fits_N = (weight_N >= 0) & (weight_N <= np.finfo(np.float32).max)
    if not fits_N.all():
        raise UserError(f"{where}: weight_N has the value {weight_N[~fits_N][0]}; accepted: finite, 0 or more")


def _classes(label_M: npt.NDArray[Any], counts_M: npt.NDArray[np.bool_], task: str, where: str) -> tuple[int, int]:
    """How many labels that count are 0 and 1."""
    one_M, zero_M = label_M == 1, label_M == 0
    if not (one_M | zero_M).all():
        wrong = label_M[~(one_M | zero_M)][0]
        raise UserError(f"{where}: label '{task}' has the value {wrong}; accepted: 0 or 1")
    return int((zero_M & counts_M).sum()), int((one_M & counts_M).sum())

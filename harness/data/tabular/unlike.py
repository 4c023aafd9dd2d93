"""Files of one table that have not the same columns: a log that got one on some day, or writes it as another type."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, groupby
from typing import NamedTuple

import polars as pl
from polars import selectors

from harness.base.errors import UserError
from harness.data.tabular.extensions import plain, stored
from harness.data.tabular.files import Source
from harness.data.tabular.formats import readable

Read = Callable[[Sequence[Source], pl.Schema], pl.LazyFrame]
"""Reads files that have these columns, as these types."""
TEXTS = (pl.String, pl.Categorical, pl.Enum)
UNITS = ("ms", "us", "ns")
"""The finest last."""
Opened = Callable[[Source], pl.LazyFrame]
"""Opens one file, its columns of the types it has."""
FOOTERS = 32
"""Files whose columns alone are asked for at once: a store takes its time to answer."""


class Problem(NamedTuple):
    """What is wrong with a column. lacks: some files do not have it, so that it may be missing there."""

    said: str
    lacks: bool


class Columns:
    """What files have together.

    own: of each file, the columns it has. text: they are written as text, so that numbers beside words are text.
    """

    problems: Mapping[str, Problem]
    types: pl.Schema
    """What columns are read as; without those of which no type holds what all files have."""

    def __init__(self, own: Mapping[Source, pl.Schema], *, text: bool) -> None:
        self._own, self._text = own, text
        _refuse_others(own)
        names = dict.fromkeys(name for columns in own.values() for name in columns)
        if odd := next((name for name in names if "\0" in name), None):
            raise UserError(
                f"file '{next(file for file in own if odd in own[file])}' has a NUL byte in the name {odd!r}"
            )
        found = {name: _type([c[name] for c in own.values() if name in c], text=text) for name in names}
        self.types = pl.Schema({name: dtype for name, dtype in found.items() if dtype is not None})
        self.problems = dict(self._problems(names))

    @property
    def clashing(self) -> dict[str, Problem]:
        """The problems of columns that are not read, as their types have nothing in common."""
        return {name: problem for name, problem in self.problems.items() if not problem.lacks}

    def read(self, alike: Read) -> pl.LazyFrame:
        """The rows of all files in their order; null where a file has no such column."""
        groups = groupby(self._own, key=lambda file: list(self._own[file] if self._text else self._own[file].items()))
        frames = [alike(files, self._wanted(files[0])) for files in (list(files) for _, files in groups)]
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal")

    def _wanted(self, file: Source) -> pl.Schema:
        return pl.Schema({name: self.types[name] for name in self._own[file] if name in self.types})

    def _problems(self, names: Collection[str]) -> Iterator[tuple[str, Problem]]:
        for name in names:
            having = {file: columns[name] for file, columns in self._own.items() if name in columns}
            if name not in self.types:
                first = dict[pl.DataType, Source]()
                for file, dtype in having.items():
                    first.setdefault(dtype, file)
                one, other = next(pair for pair in combinations(first, 2) if _type(pair, text=self._text) is None)
                yield name, Problem(f"is {one} in '{first[one]}' and {other} in '{first[other]}'", lacks=False)
            elif len(having) < len(self._own):
                without = next(file for file in self._own if file not in having)
                said = f"is in {len(having):,} of {len(self._own):,} files, not in '{without}'"
                yield name, Problem(said, lacks=True)


def columns_of(files: Sequence[Source], opened: Opened, at_once: int = FOOTERS) -> dict[Source, pl.Schema]:
    """The columns of every file. at_once: how many are opened together, each of which may be held in memory."""

    def its(file: Source) -> pl.Schema:
        with readable([file]):
            return opened(file).collect_schema()

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(files, pool.map(its, files), strict=True))


def as_types(frame: pl.LazyFrame, own: Mapping[str, pl.DataType], types: pl.Schema) -> pl.LazyFrame:
    """Columns that have types of their own as the ones wanted; those that are not wanted are left out."""
    frame = stored(frame, own)
    other = {name: dtype for name, dtype in types.items() if plain(own[name]) != dtype}
    unwanted = [name for name in own if name not in types]
    frame = frame.drop(selectors.by_name(*unwanted)) if unwanted else frame
    return frame.cast(pl.Schema(other)) if other else frame


def _refuse_others(own: Mapping[Source, pl.Schema]) -> None:
    """Refuse a file that has none of the columns of the first: it has no header, or is of another table."""
    begun, *others = own
    for file in others:
        if not own[begun].keys() & own[file].keys():
            raise UserError(
                f"file '{file}' has none of the columns of '{begun}', but {', '.join(map(repr, own[file].keys()))}; "
                "accepted: files of one table"
            )


def _type(types: Sequence[pl.DataType], *, text: bool) -> pl.DataType | None:
    """One that holds what all of these do, and as which it is read; None: there is none."""
    distinct = list(dict.fromkeys(plain(dtype) for dtype in types if dtype != pl.Null)) or [pl.Null()]
    if len(distinct) == 1:
        return distinct[0]
    if all(dtype.is_numeric() for dtype in distinct):
        frames = [pl.DataFrame(schema={"": dtype}) for dtype in distinct]
        return pl.concat(frames, how="vertical_relaxed").schema[""]
    if all(dtype in TEXTS for dtype in distinct):
        return pl.String()
    if (moments := [dtype for dtype in distinct if isinstance(dtype, pl.Datetime)]) == distinct:
        return _moment(moments)
    inner = [dtype.inner for dtype in distinct if isinstance(dtype, pl.List)]
    if len(inner) == len(distinct):
        found = _type(inner, text=text)  # type: ignore[arg-type]
        return None if found is None else pl.List(found)
    if all(isinstance(dtype, pl.Struct) for dtype in distinct):
        return _nested([dtype.to_schema() for dtype in distinct], text=text)  # type: ignore[attr-defined]
    return pl.String() if text and not any(dtype.is_nested() for dtype in distinct) else None


def _nested(parts: Sequence[Mapping[str, pl.DataType]], *, text: bool) -> pl.DataType | None:
    """With all parts that any of them has."""
    names = dict.fromkeys(name for each in parts for name in each)
    found = {name: _type([each[name] for each in parts if name in each], text=text) for name in names}
    return None if None in found.values() else pl.Struct(found)  # type: ignore[arg-type]


def _moment(types: Sequence[pl.Datetime]) -> pl.DataType | None:
    """The finest unit; instants of several time zones are of UTC, and have nothing in common with dates of no zone."""
    unit = max((dtype.time_unit for dtype in types), key=UNITS.index)
    zones = {dtype.time_zone for dtype in types}
    return None if None in zones and len(zones) > 1 else pl.Datetime(unit, zones.pop() if len(zones) == 1 else "UTC")

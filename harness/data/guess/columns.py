"""A sample of a table, column by column, with the facts that rules ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from harness.data.tabular.odd_values import FRACTION

WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
"""Of a name: `reviewerID`, `unix_review_time` and `Customer ID` have two, three and two."""
BARE = {"id", "ids", "key", "code", "no", "name", "value"}
"""Words that say nothing of what has an id or a value."""
MOST_LEVELS = 50
FRACTIONS = 0.3
"""Share of the known values; with more than half of the first rows, an id without its kind is refused."""
SIMPLE = re.compile(r"[A-Za-z_]\w*")
ODD = re.compile(r"[^\w .,:;()+%$#@!?&=<>*'-]")
"""Signs that the name of a field may not have."""


@dataclass(frozen=True)
class Guess:
    """What a column, or the whole table, is taken as.

    what: the kind, as `id` or `label`. entries: the lines of the schema that say so, key -> value. why: the reason.
    """

    column: str
    what: str
    entries: dict[str, str | dict[str, str]]
    why: str


class Column:
    """A column of the sample, or a part of a nested one, `user.geo.city`; infinite values and NaN are missing. key: its
    name as that of a field. named: the name is the file's, and may say much. path: of a part, the names down to it.
    infinite: one of its infinite values."""

    def __init__(self, values: pl.Series, key: str, named: bool, path: Sequence[str] = ()) -> None:
        self.name, self.key, self.named, self._path = values.name, key, named, path or (values.name,)
        plain = values.cast(pl.Float64) if values.dtype.is_decimal() else values
        plain = plain.cast(pl.String) if plain.dtype in (pl.Categorical, pl.Enum) else plain
        self.values = plain.alias("value")  # Polars would read a name such as ^a$ as a pattern
        self.infinite: float | None = None
        if self.values.dtype.is_float():
            self.infinite = next(iter(self.values.filter(self.values.is_infinite())), None)
            self.values = self.values.to_frame().select(pl.when(pl.col("value").is_finite()).then("value")).to_series()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Of a part those of its own name, and of what it is a part of where they say nothing, as in `user.id`."""
        own = _words(self._path[-1])
        own = _words(self._path[-2]) + own if len(self._path) > 1 and set(own) <= BARE else own
        return own if self.named else ()

    @cached_property
    def known(self) -> pl.Series:
        return self.values.drop_nulls()

    @cached_property
    def distinct(self) -> int:
        return self.known.n_unique() if not self.values.dtype.is_nested() else len(self.known)

    @cached_property
    def is_text(self) -> bool:
        return self.values.dtype == pl.String

    @cached_property
    def is_whole(self) -> bool:
        """Whole numbers, if need be as floats, as which they come where some are missing."""
        if self.values.dtype.is_float():
            return len(self.known) > 0 and self.infinite is None and bool((self.known == self.known.round()).all())
        return self.values.dtype.is_integer()

    @cached_property
    def is_digits(self) -> bool:
        """Whole numbers written as text."""
        return self.is_text and len(self.known) > 0 and bool(self.known.str.contains(r"^\s*-?\d+\s*$").all())

    @cached_property
    def texts(self) -> pl.Series:
        """The values as text, whole numbers without a point."""
        return as_text(self.values.cast(pl.Int128) if self.is_whole else self.values)

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The distinct values as text, in order, where there are few."""
        if self.values.dtype.is_nested() or self.distinct > MOST_LEVELS:
            return ()
        return tuple(self.texts.drop_nulls().unique().sort().to_list())

    @property
    def sql(self) -> str:
        """The name as it stands within an expression."""
        if SIMPLE.fullmatch(self.name) and _is_bare(self.name):
            return self.name
        return ".".join('"' + name.replace('"', '""') + '"' for name in self._path)

    @property
    def as_id(self) -> str:
        """The expression of it as an id, which no number with a point is."""
        return f"CAST({self.sql} AS BIGINT)" if self.values.dtype.is_float() else self.name

    @property
    def is_there(self) -> str:
        """SQL that is true where it is not missing, as NaN is, which is no null of SQL."""
        return f"ABS({self.sql}) < 1e308" if self.values.dtype.is_float() else f"{self.sql} IS NOT NULL"

    def has(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self.words)

    def last(self, words: frozenset[str]) -> str:
        """The last word of its name that is among these, which says most: `item_price` is a price. Empty: none is."""
        return next((word for word in reversed(self.words) if word in words), "")

    def taken(self, what: str, why: str, value: str | dict[str, str] | None = None) -> Guess:
        """The guess that it is a field, or is left out."""
        bare = {"id": self.name} if what == "id" and self._has_fractions else self.name
        return Guess(self.name, what, {self.key: bare if value is None else value}, why)

    @property
    def _has_fractions(self) -> bool:
        """Text of which so much is a number with a fraction that an id has to be called one."""
        return self.is_text and float(str(self.known.str.contains(FRACTION).mean() or 0)) > FRACTIONS


class Table:
    """The columns of the sample, in their order in the file; in the place of nested ones all of their parts. delimited:
    its numbers were text there."""

    def __init__(self, frame: pl.DataFrame, named: bool, delimited: bool = False) -> None:
        self.frame, self.named, self.delimited = frame, named, delimited
        keys, self._named = list[str](), dict[str, Column]()
        for values, path in _parts(frame.get_columns()):
            if len(path) == 1 or values.name not in frame.columns:
                key = plain("_".join(path))
                keys.append(f"{key[:90]}_{len(keys)}" if key in keys else key)
                self._named[values.name] = Column(values, keys[-1], named, path)
        self.columns = tuple(self._named.values())

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> Iterable[str]:
        return self._named

    def __getitem__(self, name: str) -> Column:
        return self._named[name]


def _parts(columns: Iterable[pl.Series], path: tuple[str, ...] = ()) -> Iterator[tuple[pl.Series, tuple[str, ...]]]:
    """Columns, and the parts of nested ones in their places, with the names down to them."""
    for values in columns:
        here = (*path, values.name)
        if isinstance(values.dtype, pl.Struct) and values.dtype.fields:
            yield from _parts((values.struct.field(field.name) for field in values.dtype.fields), here)
        else:
            yield values.alias(".".join(here)), here


def as_text(values: pl.Series) -> pl.Series:
    """Values that are no text themselves: bytes as hexadecimal, and how long something took as a number."""
    if values.dtype == pl.Binary:
        return values.bin.encode("hex")
    return (values.to_physical() if values.dtype == pl.Duration else values).cast(pl.String)


def _is_bare(name: str) -> bool:
    """Whether SQL takes a word for the column of this name, and for nothing of its own, as `user` or `order`."""
    try:
        return pl.sql_expr(name).meta.is_column()
    except pl.exceptions.PolarsError:
        return False


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in WORDS.findall(name))


def plain(name: str) -> str:
    """A name without the signs that those of fields and labels may not have."""
    kept = ODD.sub("_", name)
    return (kept if re.match(r"\w", kept) else f"column{kept}")[:100]


def quoted(text: str) -> str:
    """A text as it stands within an expression."""
    return "'" + text.replace("'", "''") + "'"

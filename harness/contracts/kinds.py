"""The fields of a data set that are no single ids: numbers, lists and sequences; and which fields share a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from harness.base.errors import UserError, unknown

SCALES = ("standard", "log1p", "quantile", "none")
FIXED = ("standard", "log1p")
"""Scales whose mean and deviation can be given."""
POOLS = ("mean", "sum")


@dataclass(frozen=True)
class NumberField:
    """A number, which multiplies a learned vector; a missing one has a vector of its own.

    Raises:
        UserError: a value is not accepted, or two do not go together.
    """

    name: str
    scale: str = "standard"
    """What is learnt of the training split. standard: mean 0 and deviation 1. log1p: the same, of
    `sign(x) log(1 + |x|)`. quantile: the share of training values below, as a uniform of mean 0 and deviation 1. none:
    as it is."""
    buckets: int = 0
    """If above 0, the number becomes an id instead: its bucket between as many quantiles of the training split."""
    mean: float | None = None
    deviation: float | None = None
    """If given, the scale has these and learns nothing, so that it can be the same in several data sets. Of the scale
    log1p, they are those of the logarithm."""
    edges: tuple[float, ...] = ()
    """If given, the number becomes an id: 1 + how many of these are not above it, or 0 where it is missing."""

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise unknown("scale", self.scale, SCALES, f"field '{self.name}'")
        if not 0 <= self.buckets <= 1_000_000 or self.buckets == 1:
            raise UserError(f"field '{self.name}': buckets = {self.buckets}; accepted: 2 to 1,000,000, or 0 for none")
        if odd := self._odd():
            raise UserError(f"field '{self.name}': {odd}")

    @property
    def bucketed(self) -> bool:
        """Whether it becomes an id."""
        return self.buckets > 0 or len(self.edges) > 0

    def _odd(self) -> str:
        """What is wrong with what is given instead of learnt; empty: nothing."""
        if not all(map(math.isfinite, self.edges)) or any(a >= b for a, b in pairwise(self.edges)):
            return f"edges = {list(self.edges)}; accepted: numbers, each above the one before"
        if self.mean is None and self.deviation is None:
            both = self.edges and self.buckets
            return f"buckets = {self.buckets} beside edges; accepted: one of them" if both else ""
        given = f"mean = {self.mean}, deviation = {self.deviation}"
        if self.bucketed or self.scale not in FIXED:
            beside = "buckets" if self.buckets else "edges" if self.edges else f"scale = '{self.scale}'"
            return f"{given} beside {beside}; accepted: beside scale = {' or '.join(map(repr, FIXED))}"
        if (
            self.mean is None
            or self.deviation is None
            or not 0 < self.deviation < math.inf
            or not math.isfinite(self.mean)
        ):
            return f"{given}; accepted: both, finite, the deviation above 0"
        return ""


@dataclass(frozen=True)
class ListField:
    """Several ids of an example.

    Raises:
        UserError: pool or longest is not accepted.
    """

    name: str
    longest: int = 50
    """Ids that count: the last ones of a sequence, the first ones of another list."""
    pool: str = "mean"
    """How the rows of a list become one: their mean or sum, weighted if the data has weights."""
    ordered: bool = False
    """A sequence, oldest first: models with attention read its ids one by one; others pool it."""

    def __post_init__(self) -> None:
        if self.pool not in POOLS:
            raise unknown("pool", self.pool, POOLS, f"field '{self.name}'")
        if not 1 <= self.longest <= 10_000:
            raise UserError(f"field '{self.name}': longest = {self.longest}; accepted: 1 to 10,000")


@dataclass(frozen=True)
class Kinds:
    """What a data set has beside single ids."""

    numbers: tuple[NumberField, ...] = ()
    lists: tuple[ListField, ...] = ()
    shares: Mapping[str, str] = field(default_factory=dict)
    """A field of ids or a list -> the field whose table it looks up instead of one of its own."""

    @property
    def names(self) -> tuple[str, ...]:
        return (*(number.name for number in self.numbers), *self.list_names)

    @property
    def list_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.lists)

    def table_of(self, name: str) -> str:
        """The field whose table a field of ids or a list looks up."""
        return self.shares.get(name, name)

    def check(self, fields: tuple[str, ...], where: str) -> None:
        """Refuse what fields cannot be. fields: those of single ids. where: begins messages.

        Raises:
            UserError: no field has single ids, or one shares a table that it cannot.
        """
        if not fields:
            raise UserError(f"{where}: no field has single ids; accepted: at least one")
        of_ids = (*fields, *self.list_names)
        owners = [name for name in of_ids if name not in self.shares]
        for name, owner in self.shares.items():
            if name not in of_ids:
                raise unknown("field", name, of_ids, f"{where}: shares")
            if owner not in owners:
                raise unknown("table", owner, owners, f"{where}: field '{name}' shares")

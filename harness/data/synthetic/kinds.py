"""The fields of a population that are no single ids: numbers, lists, and sequences of what a user did before."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.api import Kinds, ListField, NumberField
from harness.base.config import Config
from harness.base.errors import UserError, unknown
from harness.data.synthetic.fields import MOST_EXPONENT, MOST_IDS, FieldSpec

MOST_LISTED = 1_000
"""Ids of one list: a row holds room for as many, whatever its length."""


class NumberSpec(Config):
    """One number of each row: z, a standard normal, shown as mean + deviation z, or as e to the power of that.

    of: the field whose id has a normal of its own (the price of an item), which makes up `strength` of the variance of
    z; the row has the rest. missing: share of the rows that show no number, in which it has no effect. weight: share in
    the `number_bias` of the logit, relative to the other numbers; it goes with z, or to the share `curve` with z^2.
    scale, buckets: how models read it, as in a schema.
    """

    law: Literal["normal", "lognormal"] = "normal"
    mean: float = 0.0
    deviation: float = Field(1.0, gt=0)
    of: str | None = None
    strength: float = Field(1.0, ge=0, le=1)
    missing: float = Field(0.0, ge=0, lt=1)
    weight: float = Field(1.0, ge=0)
    curve: float = Field(0.0, ge=0, le=1)
    scale: str = "standard"
    buckets: int = 0


class ListSpec(Config):
    """Several ids of a row, each drawn by a law as that of a field of ids; the same one may come twice.

    of: the field whose id has one list for ever (the tags of an item); else each row draws its own. length: mean number
    of ids, `shortest` of them for sure, others as a geometric law has it, and none beyond `longest`. weight: share in
    the `list_bias` of the logit, to which a list adds the mean of what its ids would add. pool: how models read it.
    """

    ids: int = Field(ge=2, le=MOST_IDS)
    exponent: float = Field(1.0, ge=0, le=MOST_EXPONENT)
    shift: float = Field(0.0, gt=-1, le=10**9)
    of: str | None = None
    length: float = Field(3.0, gt=0)
    shortest: int = Field(0, ge=0, le=MOST_LISTED)
    longest: int = Field(20, ge=1, le=MOST_LISTED)
    weight: float = Field(1.0, ge=0)
    pool: str = "mean"


class SequenceSpec(Config):
    """What `by`, a user, did before a row, oldest first: ids of the field `of`, whose table models look up for both.

    An event is drawn as `of` would be in a row of that user at that time, and stays the same in every later row. A user
    has `length` of them when the log begins, as a geometric law has it, and `per_day` more from there on; the last
    `longest` are shown. weight: share in the `history_match` of the logit, which is how near they are to the id of `of`
    in the row.
    """

    of: str
    by: str
    length: float = Field(10.0, ge=0, le=10**6)
    per_day: float = Field(1.0, gt=0, le=10**5)
    longest: int = Field(20, ge=1, le=MOST_LISTED)
    weight: float = Field(1.0, ge=0)


def check_kinds(
    numbers: dict[str, NumberSpec],
    lists: dict[str, ListSpec],
    sequences: dict[str, SequenceSpec],
    fields: dict[str, FieldSpec],
) -> None:
    """Refuse what does not fit the fields of single ids, or models would not accept.

    Raises:
        UserError: which it is.
    """
    follow = {f"numbers.{name}.of": number.of for name, number in numbers.items()}
    follow |= {f"lists.{name}.of": each.of for name, each in lists.items()}
    follow |= {f"sequences.{name}.by": sequence.by for name, sequence in sequences.items()}
    for where, field in follow.items():
        if field is not None and field not in fields:
            raise unknown("field", field, fields, where)
    for name, each in lists.items():
        if not each.shortest <= each.length <= each.longest:
            raise UserError(
                f"lists.{name}: length = {each.length:g} beside shortest = {each.shortest} and longest = "
                f"{each.longest}; accepted: a mean between the two"
            )
    shown = [field for field, about in fields.items() if not about.hidden]
    for name, sequence in sequences.items():
        of = sequence.of
        if of not in shown:
            raise unknown("field", of, shown, f"sequences.{name}.of")
        if fields[of].time is not None or fields[of].cross:
            raise UserError(f"sequences.{name}.of = '{of}', a time or a cross; accepted: a field with ids")
        if others := follows(of, fields) - {sequence.by}:
            raise UserError(
                f"sequences.{name}.of = '{of}', whose ids follow those of '{sorted(others)[0]}': what a row shows "
                f"would change the past; accepted: a field that follows none, or '{sequence.by}' alone"
            )
    kinds(numbers, lists, sequences)


def follows(name: str, fields: dict[str, FieldSpec]) -> set[str]:
    """The fields whose ids determine those of a field."""
    return {other for other in (fields[name].of, fields[name].otherwise) if other is not None}


def kinds(
    numbers: dict[str, NumberSpec], lists: dict[str, ListSpec], sequences: dict[str, SequenceSpec]
) -> Kinds:  # fmt: skip
    """As models read them."""
    pooled = [ListField(name, spec.longest, spec.pool) for name, spec in lists.items()]
    ordered = [ListField(name, spec.longest, ordered=True) for name, spec in sequences.items()]
    return Kinds(
        numbers=tuple(NumberField(name, spec.scale, spec.buckets) for name, spec in numbers.items()),
        lists=(*pooled, *ordered),
        shares={name: spec.of for name, spec in sequences.items()},
    )

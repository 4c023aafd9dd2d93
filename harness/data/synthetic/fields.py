"""The fields of single ids of a population: their laws, and what they follow or are made of."""

from __future__ import annotations

from operator import not_
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.base.config import Config
from harness.base.errors import UserError, unknown

MOST_EXPONENT = 8.0
MOST_IDS = 10**12
MOST_IN_ORDER = 10_000
"""Ids of two fields, one of which follows the other in order: a table holds them."""


class FieldSpec(Config):
    """One id field: `ids` alive at a time, rank r drawn in proportion to (r + shift) ** -exponent.

    of: the field, declared before, whose id determines this one (the campaign of a product), or `choices` ids among
    which a row has one (the products of a customer). strength: share of the rows in which it does; in others the id of
    `otherwise` determines it, or none. session: drawn once for all rows of a session. once: share of the draws that
    give an id of their own, which no other draw gives. in_order: where it follows, the most frequent ids of the one go
    with those of the other; else any may go with any.

    time: hour or weekday of the row, or its session, instead. cross: the ids of these fields as one instead. hidden: a
    part of the truth, and no column.

    candidates: draws for a row, of which a policy shows the one that it predicts most for: with what the id adds to the
    logit of the first task, with the match as far as fields declared before tell it, and a normal of deviation
    `policy_noise` that it mistakes for more. examined: of a position, how fewer look at those further down: r to the
    power of -examined, at rank r from 1, multiplies the probability of tasks that are under no other.

    life: days until a rank goes to a new id (0: never); fade: mean days for which the old id is still drawn. changes:
    share of the ids that say something else of labels from a moment on, each from one of its own, which is anywhere in
    the log; a history goes by what they said before. weight: share in the biases of ids, or of context, relative to the
    other such fields.
    """

    ids: int = Field(0, ge=0, le=MOST_IDS)
    exponent: float = Field(1.0, ge=0, le=MOST_EXPONENT)
    shift: float = Field(0.0, gt=-1, le=10**9)
    of: str | None = None
    strength: float = Field(1.0, ge=0, le=1)
    choices: int = Field(1, ge=1, le=10**6)
    otherwise: str | None = None
    in_order: bool = False
    cross: tuple[str, ...] = ()
    hidden: bool = False
    session: bool = False
    once: float = Field(0.0, ge=0, lt=1)
    candidates: int = Field(1, ge=1, le=1_000)
    policy_noise: float = Field(0.5, ge=0, le=10)
    examined: float = Field(0.0, ge=0, le=MOST_EXPONENT)
    time: Literal["hour", "weekday", "session"] | None = None
    life: float = Field(0.0, ge=0, le=10**5)
    fade: float = Field(0.0, ge=0, le=10**5)
    changes: float = Field(0.0, ge=0, le=1, exclude_if=not_)
    weight: float = Field(1.0, ge=0)
    context: bool = False

    @property
    def looked_at(self) -> float:
        """The share of its rows that are examined."""
        if not self.examined:
            return 1.0
        return float(self.share_R @ np.arange(1, self.ids + 1) ** -self.examined)

    @property
    def share_R(self) -> npt.NDArray[np.float64]:
        """By its law, the share of each rank in what is drawn."""
        p_R = (np.arange(1, self.ids + 1) + self.shift) ** -self.exponent
        return np.asarray(p_R / p_R.sum())

    @property
    def free(self) -> bool:
        """Whether each of its ids is drawn from its law, whatever else a row shows."""
        return self.of is None and self.time is None and not self.cross


def check_field(name: str, field: FieldSpec, fields: dict[str, FieldSpec]) -> None:
    before = list(fields)[: list(fields).index(name)]
    for knob, others in (("of", [field.of]), ("otherwise", [field.otherwise]), ("cross", field.cross)):
        for other in others:
            if other is not None and other not in before:
                raise unknown("field", other, before, f"fields.{name}.{knob}, which names a field declared before")
    if field.time is not None and (field.ids or field.of or field.cross):
        raise UserError(f"fields.{name} has a time, '{field.time}', and ids, of or cross; accepted: either")
    if field.cross and (field.ids or field.of or field.life or len(field.cross) < 2):
        raise UserError(
            f"fields.{name}.cross = {list(field.cross)}; accepted: two fields or more, and neither ids, of nor life"
        )
    if field.time is None and not field.cross and field.ids < 2:
        raise UserError(f"fields.{name}.ids = {field.ids}; accepted: 2 or more")
    if field.once and not field.free:
        raise UserError(f"fields.{name}.once = {field.once:g} beside of, time or cross; accepted: either")
    _check_follower(name, field, fields)
    _check_exposure(name, field)
    if field.fade and not field.life:
        raise UserError(f"fields.{name}.fade = {field.fade:g} without a life; accepted: life above 0, or no fade")


def _check_follower(name: str, field: FieldSpec, fields: dict[str, FieldSpec]) -> None:
    if field.of is None and (field.strength < 1 or field.choices > 1 or field.otherwise):
        raise UserError(f"fields.{name} has strength, choices or otherwise without of; accepted: all of them with of")
    if field.in_order and not (field.of and 0 < fields[field.of].ids <= MOST_IN_ORDER >= field.ids):
        place = f"fields.{name}.in_order = true beside of = {field.of!r} and ids = {field.ids:,}"
        raise UserError(f"{place}; accepted: two fields of {MOST_IN_ORDER:,} ids at most")


def _check_exposure(name: str, field: FieldSpec) -> None:
    if field.candidates > 1 and (field.time or field.cross or field.session):
        raise UserError(
            f"fields.{name}.candidates = {field.candidates} beside time, cross or session; accepted: a field that each "
            "row draws"
        )
    if field.candidates > 1 and field.changes:
        raise UserError(
            f"fields.{name}.changes = {field.changes:g} beside candidates, shown by what their ids say at first; "
            "accepted: either"
        )
    if field.examined and not (field.free and not (field.life or field.once) and field.ids <= MOST_IN_ORDER):
        raise UserError(
            f"fields.{name}.examined = {field.examined:g}; accepted: a field of {MOST_IN_ORDER:,} ids at most, without "
            "of, time, cross, life and once"
        )

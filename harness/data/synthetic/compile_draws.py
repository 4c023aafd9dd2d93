"""How indices of fields are drawn, as the arrays that the kernel reads: laws of ranks, and what a field depends on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.synthetic.fields import FieldSpec
from harness.data.synthetic.kernel import CROSS, FREE, HOUR, SESSION, WEEKDAY
from harness.data.synthetic.population import Population
from harness.data.synthetic.stream import keys
from harness.data.synthetic.zipf import compile_ranks

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


class Draws(NamedTuple):
    """How the index of each field is drawn.

    of_F: field that an index depends on, or FREE, HOUR, WEEKDAY, CROSS, SESSION; otherwise_F: the field in its place
    where it does not follow, or -1. beside: ranks by the rank of the field that is followed in order, from beside_F on,
    which is -1 for others. crossed_FF: which fields the ids of one are made of. alias, keep, at_F, size_F, tail_F8:
    ranks, end to end.
    """

    draw_F: U64
    of_F: I64
    otherwise_F: I64
    strength_F: Floats
    choices_F: Floats
    follow_F: U64
    beside: I64
    beside_F: I64
    crossed_FF: npt.NDArray[np.bool_]
    ids_F: I64
    once_F: Floats
    life_F: Floats
    fade_F: Floats
    turn_F: U64
    alias: npt.NDArray[np.int32]
    keep: npt.NDArray[np.uint32]
    at_F: I64
    size_F: I64
    tail_F8: Floats


def compile_draws(p: Population, seed: int) -> Draws:
    """Everything that indices are drawn by, as arrays."""
    names, specs = list(p.fields), list(p.fields.values())
    ranks = [compile_ranks(max(s.ids, 2), s.exponent, s.shift) for s in specs]
    size_F = np.array([len(r.alias) for r in ranks])
    beside, beside_F = _beside(p, names)
    return Draws(
        draw_F=keys(seed, "draw", names),
        of_F=np.array([_source(s, names) for s in specs]),
        otherwise_F=np.array([-1 if s.otherwise is None else names.index(s.otherwise) for s in specs]),
        strength_F=np.array([s.strength for s in specs]),
        choices_F=np.array([float(s.choices) for s in specs]),
        follow_F=keys(seed, "follow", names),
        beside=beside,
        beside_F=beside_F,
        crossed_FF=np.array([[n in s.cross for n in names] for s in specs]),
        ids_F=np.array([s.ids for s in specs]),
        once_F=np.array([s.once for s in specs]),
        life_F=np.array([s.life for s in specs]),
        fade_F=np.array([s.fade for s in specs]),
        turn_F=keys(seed, "turn", names),
        alias=np.concatenate([r.alias for r in ranks]),
        keep=np.concatenate([r.keep for r in ranks]),
        at_F=np.cumsum(size_F) - size_F,
        size_F=size_F,
        tail_F8=np.stack([r.tail for r in ranks]),
    )


def _source(field: FieldSpec, names: list[str]) -> int:
    if field.time is not None:
        return {"hour": HOUR, "weekday": WEEKDAY, "session": SESSION}[field.time]
    if field.cross:
        return CROSS
    return FREE if field.of is None else names.index(field.of)


def _beside(p: Population, names: list[str]) -> tuple[I64, I64]:
    """By rank of a field that others follow in order: their rank, where its middle falls in their law."""
    tables, at_F = [np.empty(0, np.int64)], np.full(len(names), -1)
    for f, field in enumerate(p.fields.values()):
        if field.of is not None and field.in_order:
            above_R, own_R = p.fields[field.of].share_R, field.share_R
            at_F[f] = sum(map(len, tables))
            middle_R = np.cumsum(above_R) - above_R / 2
            tables.append(np.minimum(np.searchsorted(np.cumsum(own_R), middle_R), len(own_R) - 1))
    return np.concatenate(tables), at_F

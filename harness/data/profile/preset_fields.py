"""The knobs of every field of a log: its law, what it follows or is made of, and whether sessions hold on to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.preset_choices import choices
from harness.data.profile.preset_draws import draws
from harness.data.profile.preset_fit import match_field, span
from harness.data.profile.preset_pairs import by_session, crosses, follows
from harness.data.profile.sessions import Sessions, starts
from harness.data.profile.statistics import Profile
from harness.data.profile.together import together
from harness.data.profile.zipf_fit import frequencies
from harness.data.validation import SPLITS

STAYS = 0.9
"""Share of the steps of sessions that a field keeps its id in, from which on it is drawn once for each of them."""


def match_fields(
    data: IndexedDataset, wanted: Profile, visits: Sessions | None, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Knobs by name: fields that others follow before these, crosses last. say: told which field is being fitted."""
    found = together(data)
    crossed = crosses(data, found)
    share = {
        field.name: data.counts(f)[data.counts(f) > 0] / wanted.rows["train"]
        for f, field in enumerate(wanted.fields)
        if field.name in found.names and field.name not in crossed and field.frequencies.ids > 1
    }
    first = {part: starts(data.split(part)) for part in SPLITS} if visits is not None else None
    held = [] if visits is None else [name for name in share if name == visits.by or visits.stays[name] >= STAYS]
    following = follows(found if first is None else by_session(data, found, held, first["train"]), share)
    out: dict[str, dict[str, Any]] = {}
    for field in sorted(wanted.fields, key=lambda field: -field.frequencies.ids):
        name = field.name
        if name in crossed:
            continue
        say(f"fitting {name}")
        drawn = draws(data, data.fields.index(name), field, first if name in held else None)
        knobs = match_field(drawn.profile, drawn.count_V, span(data), drawn.rows, follows=name in following)
        if knobs is None:
            continue
        out[name] = knobs | following.get(name, {}) | ({"session": True} if name in held else {})
        if drawn.once and name not in following:
            out[name]["once"] = drawn.once
    for name, made_of in crossed.items():
        say(f"fitting {name}")
        parent, other = sorted(made_of, key=list(out).index)
        if "of" in out[parent] or "of" in out[other]:
            continue
        whole = {"days": math.ceil(span(data))} | ({} if visits is None else visits.knobs())
        repeated = choices(out[parent], out[other], whole, frequencies(data.counts(data.fields.index(name))))
        if repeated:
            out[other] = {knob: v for knob, v in out[other].items() if knob != "once"} | {"of": parent} | repeated
    return out | {name: {"cross": list(made_of)} for name, made_of in crossed.items()}

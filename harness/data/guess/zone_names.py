"""Names of time zones in text: those that mean one offset, and those that mean several."""

from __future__ import annotations

from collections.abc import Collection, Mapping

NONE = frozenset(("UTC", "GMT"))
"""Names of no offset at all."""
FAMILIES: tuple[Mapping[str, str], ...] = (
    {"UTC": "+0000"},
    {"GMT": "+0000", "BST": "+0100"},
    {"WET": "+0000", "WEST": "+0100"},
    {"CET": "+0100", "CEST": "+0200"},
    {"EET": "+0200", "EEST": "+0300"},
    {"SAST": "+0200"},
    {"HKT": "+0800"},
    {"JST": "+0900"},
    {"AWST": "+0800"},
    {"ACST": "+0930", "ACDT": "+1030"},
    {"AEST": "+1000", "AEDT": "+1100"},
    {"NZST": "+1200", "NZDT": "+1300"},
    {"EST": "-0500", "EDT": "-0400"},
    {"MST": "-0700", "MDT": "-0600"},
    {"PST": "-0800", "PDT": "-0700"},
    {"AKST": "-0900", "AKDT": "-0800"},
)
"""The names of a place in winter and in summer, and their offsets. Others are not guessed."""
SHARED = {
    "BST": "UTC+1 in Britain and UTC+6 in Bangladesh",
    "CDT": "UTC-5 in America and UTC-4 in Cuba",
    "CST": "UTC-6 in America and UTC+8 in China",
    "IST": "UTC+5:30 in India, UTC+2 in Israel and UTC+1 in Ireland",
    "MSK": "UTC+3, and UTC+4 from 2011 to 2014",
    "PST": "UTC-8 in America and UTC+8 in the Philippines",
}
"""Names that tell nothing, unless another of their family stands in the same column."""


def offsets(names: Collection[str]) -> dict[str, str]:
    """The offsets of names, and of those that a later row may have instead of them, as `+0200`; the longest name first.
    Names that mean several, or nothing known, are missing."""
    sure = set(names) - SHARED.keys()
    known = [family for family in FAMILIES if not sure.isdisjoint(family)]
    found = {name: offset for family in known for name, offset in family.items()}
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def why_unknown(name: str) -> str:
    """Why a name has no offset, in words that follow it."""
    return f"is {SHARED[name]}" if name in SHARED else "is no zone that is known"

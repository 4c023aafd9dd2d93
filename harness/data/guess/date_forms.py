"""The formats of STRPTIME that may read a text, found from its parts: words, numbers, a clock and an offset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

WEEKDAYS = frozenset(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
MONTHS = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
WORDS = frozenset(("T", "Z", "UTC", "GMT", "at"))
"""That stand in a date as they are."""
SIGNS = frozenset(",./-:[]()")
PART = re.compile(r"[^\W\d_]+|\d+|\s+|.")
HALF = r"(?P<half>\s?[AaPp][Mm]\b)"
CLOCK = re.compile(
    r"(?<!\d)\d{1,2}(?P<sign>:)\d{2}(?P<second>:\d{2}(?P<fraction>\.\d{1,9}|,(?:\d{3}){1,3}(?!\d))?)?" + HALF + r"?"
    r"(?:(?P<before>\s?(?:GMT|UTC)?)[+-]\d{2}(?P<minutes>:?\d{2})?\b(?P<name>\s[A-Z]{3,5}\b)?)?"
)
"""An hour with its minutes, and all that belongs to it. The name of a zone behind an offset says nothing more."""
ORACLE = re.compile(r"(?<![\d.])\d{1,2}(?P<sign>\.)\d{2}(?P<second>\.\d{2}(?P<fraction>\.\d{1,9})?)" + HALF)
NUMBERS: dict[str, str] = {"%Y": r"\d{4}", "%y": r"\d{2}", "%d": r"\d{1,2}", "%m": r"\d{1,2}"}
"""A part of a form -> the digits that it must have, of which STRPTIME reads fewer too."""


def forms_of(text: str) -> list[str]:
    """The forms that may read a text: several where day, month or year stand in an order that it does not tell."""
    clock = CLOCK.search(text) or ORACLE.search(text)
    first, last = (text[: clock.start()], text[clock.end() :]) if clock is not None else (text, "")
    before, after = _parts(first), _parts(last)
    if before is None or after is None:
        return []
    parts = [*before, *(() if clock is None else (_clock(clock),)), *after]
    digits = [len(part) for part in parts if part.isdigit()]
    month = any(part in ("%b", "%B") for part in parts)
    roles = _beside_a_month(digits) if month else _alone(digits, first + last, clock is not None)
    return [_joined(parts, each) for each in roles]


def shape_of(form: str) -> str:
    """A pattern of the texts that may have a form."""
    parts = re.findall(r"%[.:#\d]?[A-Za-z]|\s|.", form)
    return "^" + "".join(NUMBERS.get(part) or _loose(part) for part in parts) + "$"


def _loose(part: str) -> str:
    return ".*?" if part[0] == "%" else r"\s*" if part.isspace() else re.escape(part)


def _parts(text: str) -> list[str] | None:
    """Words as parts of a form, and numbers as they are; None where there is something that no date has."""
    found = list[str]()
    for part in PART.findall(text):
        short, long = part[:3].lower(), len(part) > 3
        if part.isdigit() or part in WORDS or part in SIGNS:
            found.append(part)
        elif part.isspace():
            found.append(" ")
        elif short in WEEKDAYS:
            found.append("%A" if long else "%a")
        elif short in MONTHS:
            found.append("%B" if long else "%b")
        else:
            return None
    return found


def _clock(found: re.Match[str]) -> str:
    sign, half, said = found["sign"], found["half"], found.groupdict()
    form = f"{'%I' if half else '%H'}{sign}%M" + (f"{sign}%S" if found["second"] else "")
    if fraction := found["fraction"]:
        form += "%.f" if fraction[0] == "." else f",%{len(fraction) - 1}f"
    if half:
        form += " %p" if half[0].isspace() else "%p"
    if said.get("before") is not None:
        form += said["before"] + ("%z" if said["minutes"] else "%#z") + (" %Z" if said["name"] else "")
    return form


def _beside_a_month(digits: Sequence[int]) -> Iterator[Sequence[str]]:
    """What the numbers of a date may be whose month is a word."""
    match digits:
        case [1 | 2, 4]:
            yield "%d", "%Y"
        case [4, 1 | 2]:
            yield "%Y", "%d"
        case [1 | 2, 2]:
            yield "%d", "%y"


def _alone(digits: Sequence[int], date: str, clock: bool) -> Iterator[Sequence[str]]:
    """What the numbers of a date may be that has no word. date: its text. clock: whether there is one beside it."""
    match digits:
        case [4, 1 | 2, 1 | 2]:
            yield "%Y", "%m", "%d"
        case [1 | 2, 1 | 2, 4]:
            if not re.search(r"\d, ?\d{4}", date):  # as Americans write, the month first
                yield "%d", "%m", "%Y"
            yield "%m", "%d", "%Y"
        case [1 | 2 as first, 1 | 2, 2] if clock or "." in date or "/" in date:
            yield "%d", "%m", "%y"
            yield "%m", "%d", "%y"
            if first == 2:
                yield "%y", "%m", "%d"
        case [8] if clock:
            yield ("%Y%m%d",)
        case [8, 6] if not clock:
            yield "%Y%m%d", "%H%M%S"


def _joined(parts: Sequence[str], roles: Sequence[str]) -> str:
    rest = iter(roles)
    return "".join(next(rest) if part.isdigit() else part for part in parts)

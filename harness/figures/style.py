"""How figures look in every page: sizes, inks, and the pen of an arm, which is a colour, a marker and a dash."""

from __future__ import annotations

from dataclasses import dataclass

INK = "currentColor"
"""The text colour of the page around."""
FADED = "#b4bbc2"
"""Of what does not stand out; pages, and files on a dark ground, have another in its place."""
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that colour-blind readers tell apart (Okabe and Ito, 2002)."""
DASHES = ("", "6 2", "2 2", "8 2 2 2", "4 4")
"""Lengths of dashes and gaps, in widths of the line."""
SQUARE, UP, DIAMOND, DOWN, CIRCLE = MARKERS = (
    "m-2.8-2.8h5.6v5.6h-5.6z",
    "m0-3.3l3.5 6h-7z",
    "m0-3.8l3.8 3.8-3.8 3.8-3.8-3.8z",
    "m0 3.3l3.5-6h-7z",
    "m0-3a3 3 0 1 0 .01 0z",
)
"""SVG paths in points, around where they stand."""
RING = "m0-5a5 5 0 1 0 .01 0z"


@dataclass(frozen=True)
class Pen:
    """What an arm is drawn with."""

    color: str
    marker: str
    dash: str


PLAIN_PEN = Pen(INK, CIRCLE, "")
"""Of the plain model."""


def pen(place: int) -> Pen:
    """The pen of the arm at this place: colours first, then dashes; markers of their own turn."""
    dash = DASHES[place // len(OKABE_ITO) % len(DASHES)]
    return Pen(OKABE_ITO[place % len(OKABE_ITO)], MARKERS[place % len(MARKERS)], dash)

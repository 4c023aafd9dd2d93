"""How an arm is drawn, in every figure of every page: a colour, a marker and a dash."""

from __future__ import annotations

from dataclasses import dataclass

OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that colour-blind readers tell apart (Okabe and Ito, 2002)."""
DASHES = ("", "6 2", "2 2", "8 2 2 2", "4 4")
MARKERS = {
    "s": "M1.5 1.5h7v7h-7z",
    "^": "M5 1l4.3 8H.7z",
    "D": "M5 .5L9.5 5 5 9.5.5 5z",
    "v": "M5 9l4.3-8H.7z",
    "o": "M5 1a4 4 0 1 0 .01 0z",
}
"""Matplotlib's name -> the same as an SVG path in a box of 10 x 10."""


@dataclass(frozen=True)
class Pen:
    """What an arm is drawn with."""

    color: str
    marker: str
    dash: str

    @property
    def path(self) -> str:
        """The marker as an SVG path."""
        return MARKERS[self.marker]

    @property
    def line(self) -> str | tuple[int, tuple[float, ...]]:
        """The dash as matplotlib writes it."""
        return (0, tuple(map(float, self.dash.split()))) if self.dash else "-"


PLAIN_PEN = Pen("currentColor", "o", "")
"""Of the plain model."""


def pen(place: int) -> Pen:
    """The pen of the arm at this place: colours first, then dashes; markers of their own turn."""
    markers = tuple(MARKERS)
    dash = DASHES[place // len(OKABE_ITO) % len(DASHES)]
    return Pen(OKABE_ITO[place % len(OKABE_ITO)], markers[place % len(markers)], dash)

"""A figure with one frame: what is drawn, and where in the figure the frame lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.figures.axis import Axis
from harness.figures.marks import Mark, Point
from harness.figures.style import Pen

WIDTH, HEIGHT = 353.0, 238.0
"""In points; legible at the width of a phone."""
FONT, SMALL = 9.5, 8.5
"""Sizes of letters: of axes, and of notes and legends."""
LINE, LETTER = 1.2, 0.6
"""Height of a line and width of a letter, in sizes of the font, which is the page's and not known: of a wide one."""
EDGE, GAP, TICK = 3.0, 4.0, 3.5
"""Around everything; between texts, and from these to ticks; length of a tick."""
SAMPLE = 24.0
"""Of a legend: room for the line before a name."""


@dataclass(frozen=True)
class Note:
    """Words beside a point in data coordinates. rise: of their baseline above it. anchor: `start` or `end`."""

    at: Point
    text: str
    rise: float
    anchor: str = "start"


@dataclass(frozen=True)
class Named:
    """An entry of the legend."""

    label: str
    pen: Pen
    width: float = 1.6
    """Of its line."""


@dataclass(frozen=True)
class Chart:
    """A figure. columns: of the legend, which is below."""

    x: Axis
    y: Axis
    marks: Sequence[Mark]
    """The last is on top."""
    notes: Sequence[Note] = ()
    legend: Sequence[Named] = ()
    columns: int = 2
    room: float = HEIGHT
    """Height without the legend."""

    @cached_property
    def width(self) -> float:
        """More than `WIDTH` where names are long: half of that is the frame's."""
        return max(WIDTH, self._left + WIDTH / 2, 2 * EDGE + sum(width for _, width in self.legend_columns))

    @property
    def height(self) -> float:
        rows = max((len(entries) for entries, _ in self.legend_columns), default=0)
        return self.room + (GAP + rows * LINE * FONT if rows else 0.0)

    @cached_property
    def legend_columns(self) -> list[tuple[Sequence[Named], float]]:
        """Entries of each, and its width."""
        rows = -(-len(self.legend) // self.columns)
        columns = [self.legend[i : i + rows] for i in range(0, len(self.legend), rows or 1)]
        return [(column, SAMPLE + max(width_of(entry.label, SMALL) for entry in column)) for column in columns]

    @property
    def tick(self) -> float:
        """Length of a tick of the y axis."""
        return TICK if self.y.ticked else 0.0

    @property
    def _left(self) -> float:
        beside = max((width_of(text) for _, text in self.y.ticks), default=0.0)
        return EDGE + height_of(self.y.label) + GAP + beside + GAP + self.tick

    @cached_property
    def frame(self) -> Frame:
        """What the texts around it leave."""
        under = TICK + GAP + height_of(max((text for _, text in self.x.ticks), key=height_of, default=""))
        bottom = self.room - EDGE - under - height_of(self.x.label)
        above = max((note.rise + SMALL for note in self.notes if self.y.share(note.at[1]) >= 1), default=0.0)
        right = self.width - EDGE
        room = right - self._left
        over = max((self.x.share(x) * room + width_of(text) / 2 - room for x, text in self.x.ticks), default=0.0)
        return Frame(self._left, max(EDGE + above, LINE * FONT / 2), right - max(over, 0.0), bottom)

    def at(self, point: Point) -> Point:
        """From data coordinates to those of the figure."""
        x, y, frame = self.x.share(point[0]), self.y.share(point[1]), self.frame
        return frame.left + x * (frame.right - frame.left), frame.bottom - y * (frame.bottom - frame.top)


@dataclass(frozen=True)
class Frame:
    """Its sides, from the left and from the top."""

    left: float
    top: float
    right: float
    bottom: float


def height_of(text: str, font: float = FONT) -> float:
    return LINE * font * (text.count("\n") + 1) if text else 0.0


def width_of(text: str, font: float = FONT) -> float:
    return LETTER * font * max(map(len, text.split("\n")))

"""What stands in the frame of a figure, in data coordinates: lines, areas and markers, each as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.figures.style import INK

Point = tuple[float, float]
Place = Callable[[Point], str]
"""From data coordinates to those of the SVG, as text."""


@dataclass(frozen=True)
class Line:
    """One or more polylines of one look. classes: of the SVG element, for a page's styles. dash: in widths."""

    paths: Sequence[Sequence[Point]]
    color: str = INK
    width: float = 1.6
    alpha: float = 1.0
    dash: str = ""
    classes: str = ""

    def svg(self, place: Place) -> str:
        dash = " ".join(f"{float(part) * self.width:g}" for part in self.dash.split())
        look = f'fill="none" stroke="{self.color}" stroke-width="{self.width:g}"{_given("stroke-dasharray", dash)}'
        look += _given("stroke-opacity", _share(self.alpha))
        return _path(self.classes, look, "".join(_trace(path, place) for path in self.paths))


@dataclass(frozen=True)
class Area:
    """What lies inside a polygon."""

    outline: Sequence[Point]
    color: str = INK
    alpha: float = 1.0
    classes: str = ""

    def svg(self, place: Place) -> str:
        look = f'fill="{self.color}"{_given("fill-opacity", _share(self.alpha))}'
        return _path(self.classes, look, f"{_trace(self.outline, place)}Z")


@dataclass(frozen=True)
class Dots:
    """A marker at every point, or its outline. marker: a path in points around its middle, in relative coordinates."""

    points: Sequence[Point]
    marker: str
    color: str = INK
    classes: str = ""
    hollow: bool = False

    def svg(self, place: Place) -> str:
        data = "".join(f"M{place(point)}{self.marker}" for point in self.points)
        look = f'fill="none" stroke="{self.color}"' if self.hollow else f'fill="{self.color}"'
        return _path(self.classes, look, data)


Mark = Line | Area | Dots


def between(points: Iterable[tuple[float, float, float]]) -> list[Point]:
    """The outline of a band: of x, low and high."""
    found = list(points)
    return [*((x, low) for x, low, _ in found), *((x, high) for x, _, high in reversed(found))]


def spans(points: Iterable[tuple[float, float, float]]) -> list[list[Point]]:
    """A vertical line from low to high at each x."""
    return [[(x, low), (x, high)] for x, low, high in points]


def _trace(points: Sequence[Point], place: Place) -> str:
    return "M" + "L".join(map(place, points))


def _path(classes: str, look: str, data: str) -> str:
    return f'<path{_given("class", classes)} {look} d="{data}"/>'


def _share(alpha: float) -> str:
    return f"{alpha:g}" if alpha < 1 else ""


def _given(name: str, value: str) -> str:
    return f' {name}="{value}"' if value else ""

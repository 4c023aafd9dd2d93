"""Pictures of a data set's description: tails, lines by period, base rates, and which columns go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from harness.figures.axis import THIN_SPACE, Axis, Ticks, around, axis
from harness.figures.chart import Chart, Named, Note
from harness.figures.marks import Area, Line, Mark, Point, between, spans
from harness.figures.style import FADED, INK, OKABE_ITO, Pen, pen
from harness.figures.svg import to_svg
from harness.results.description import Description, Periods, RateInTime, Tail, Together, Values

MOST_NAMED, LEAST_HEIGHT = 6, 0.02
"""Lines with a colour of their own, and how high these reach, as a share of the highest; the others are grey."""
TICKS = 5
DAY = 86_400
CELL, WITH_NUMBERS, MOST_CELLS = (11.0, 24.0), 12, 20
"""Least and most height of a row of the map; columns up to which its cells have numbers, and each column one."""
AROUND = 40.0
"""Height of a map beside its rows."""

Lines = Sequence[tuple[str, Values]]
"""Names, each with its values by period."""


def tails(found: Description) -> str:
    """Occurrences of the r-th most frequent id, both on scales of logarithms; dotted: the fitted law."""
    shown = {tail.name: tail for tail in found.tails if len(tail.points) > 1}
    named = [name for name in _by_ids(found) if name in shown][:MOST_NAMED]
    marks = [Line([_logs(tail.points)], FADED, 0.8) for tail in shown.values() if tail.name not in named]
    for name in named:
        drawn = _pen(found, name)
        marks.append(Line([_logs(shown[name].points)], drawn.color, 1.6, dash=drawn.dash))
        if law := _logs(shown[name].law):
            marks.append(Line([law], drawn.color, 0.8, 0.8, "1.5 2.5"))
    points = [point for tail in shown.values() for point in _logs(tail.points)] or [(0.0, 0.0)]
    x = _decades("rank of the id in training", max(point[0] for point in points))
    y = _decades("occurrences", max(point[1] for point in points))
    legend = [Named(_with_exponent(shown[name]), _pen(found, name)) for name in named]
    chart = Chart(x, y, marks, legend=legend + _others(len(shown) - len(named)))
    return to_svg(chart, f"{found.name}: how often ids occur, by rank")


def by_period(found: Description, label: str, lines: Lines, title: str, *, percent: bool = True) -> str:
    """A line a field; training is shaded. Lines with the highest values have colours."""
    periods = found.periods
    assert periods is not None
    scale = 100.0 if percent else 1.0
    heights = {name: max((value for value in values if value is not None), default=0.0) for name, values in lines}
    least = LEAST_HEIGHT * max(heights.values(), default=0.0)
    order = sorted((name for name in _by_ids(found) if name in heights), key=lambda name: -heights[name])
    named = [name for name in order if heights[name] > least][:MOST_NAMED]
    x = _time(periods)
    y = around(label, [scale * height for height in heights.values()], 6, low=0.0)
    marks = _training(periods, y)
    for name, values in sorted(lines, key=lambda line: line[0] in named):
        drawn = _pen(found, name) if name in named else Pen(FADED, "", "")
        marks.append(Line(_paths(values, scale), drawn.color, 1.6 if name in named else 0.8, dash=drawn.dash))
    legend = [Named(name, _pen(found, name)) for name in named]
    return to_svg(Chart(x, y, marks, legend=legend + _others(len(dict(lines)) - len(named))), f"{found.name}: {title}")


def rate(found: Description, each: RateInTime) -> str:
    """The base rate of a label by period, and its interval as a band."""
    periods = found.periods
    assert periods is not None
    known = [value for values in (each.low, each.high) for value in values if value is not None]
    y = around(f"{each.name}, %", [100 * value for value in known], 6)
    y = axis(y.label, 0.0, y.high, 6) if y.low < 0.35 * y.high else y
    bands = zip(each.low, each.high, strict=True)
    band = [
        (p + 0.5, 100 * low, 100 * high) for p, (low, high) in enumerate(bands) if low is not None and high is not None
    ]
    blue = OKABE_ITO[0]
    marks = [*_training(periods, y), Area(between(band), blue, 0.18), Line(spans(band), blue, 0.6, 0.5)]
    marks.append(Line(_paths(each.rate, 100.0), blue))
    return to_svg(Chart(_time(periods), y, marks), f"{found.name}: base rate of {each.name} by {periods.unit}")


def goes_together(name: str, found: Together) -> str:
    """A cell of every two columns, the darker the more they go together."""
    columns = len(found.names)
    marks: list[Mark] = []
    notes = []
    for i, row in enumerate(found.matrix):
        for j, value in enumerate(row):
            if value is not None:
                outline = [(j + 0.04, i + 0.04), (j + 0.96, i + 0.04), (j + 0.96, i + 0.96), (j + 0.04, i + 0.96)]
                marks.append(Area(outline, OKABE_ITO[0], round(0.06 + 0.64 * value, 3)))
                if columns <= WITH_NUMBERS:
                    notes.append(Note((j + 0.5, i + 0.5), f"{value:.2f}".removeprefix("0"), -3.0, "middle"))
    fields = columns - found.labels
    marks.append(Line([[(0, fields), (columns, fields)], [(fields, 0), (fields, columns)]], INK, 0.8))
    every = 1 if columns <= MOST_CELLS else 5
    x = Axis(
        "number of the column", 0.0, columns, [(i + 0.5, str(i + 1)) for i in range(0, columns, every)], ticked=False
    )
    y = Axis("", columns, 0.0, [(i + 0.5, f"{_short(n)} {i + 1}") for i, n in enumerate(found.names)], ticked=False)
    height = min(max(CELL[0], 240 / columns), CELL[1])
    return to_svg(Chart(x, y, marks, notes, room=AROUND + height * columns), f"{name}: which columns go together")


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _pen(found: Description, name: str) -> Pen:
    """The same for a field in every picture."""
    drawn = pen(_by_ids(found).index(name))
    return Pen(drawn.color, "", drawn.dash)


def _by_ids(found: Description) -> list[str]:
    """Names of all fields, those with most ids first."""
    ids = {field.name: float(field.ids) for field in found.fields}
    ids |= {tail.name: tail.points[-1][0] for tail in found.tails if tail.points}
    return sorted(ids, key=lambda name: -ids[name])


def _others(count: int) -> list[Named]:
    name = f"{count} other{'s' if count > 1 else ''}"
    return [Named(name, Pen(FADED, "", ""), width=0.8)] if count > 0 else []


def _with_exponent(tail: Tail) -> str:
    return tail.name if tail.exponent is None else f"{tail.name}: {tail.exponent:.2f}"


def _logs(points: Sequence[Point]) -> list[Point]:
    return [(math.log10(rank), math.log10(max(count, 0.5))) for rank, count in points]


def _decades(label: str, last: float) -> Axis:
    """From 1 on; last: a logarithm."""
    ticks = [(float(k), f"{10**k:,}".replace(",", THIN_SPACE)) for k in range(math.ceil(last) + 1)]
    high = max(last * 1.03, 0.5)
    every = 1 if len(ticks) <= 5 else 2
    return Axis(label, -0.03 * high, high, [tick for tick in ticks if tick[0] <= high][::every])


def _paths(values: Values, scale: float) -> list[list[Point]]:
    """Unbroken stretches; one that is a single period is a short dash."""
    found = []
    for known, group in groupby(enumerate(values), key=lambda item: item[1] is not None):
        if known:
            path = [(p + 0.5, scale * value) for p, value in group if value is not None]
            found.append(path if len(path) > 1 else [(path[0][0] - 0.3, path[0][1]), (path[0][0] + 0.3, path[0][1])])
    return found


def _training(periods: Periods, y: Axis) -> list[Mark]:
    """Training shaded, and a rule at its end."""
    if periods.cut is None:
        return []
    outline = between([(0.0, y.low, y.high), (periods.cut, y.low, y.high)])
    return [Area(outline, alpha=0.05), Line(spans([(periods.cut, y.low, y.high)]), width=0.6, alpha=0.35)]


def _time(periods: Periods) -> Axis:
    count = len(periods.rows)
    every = max(1, -(-count // TICKS))
    places = range(0, count, every)
    if not periods.timed:
        ticks: Ticks = [(float(p), f"{periods.starts[p]:,}".replace(",", THIN_SPACE)) for p in places]
        return Axis("rows in the order train, valid, test", 0.0, count, ticks)
    if not periods.dated:
        return Axis(f"{periods.unit} of the log", 0.0, count, [(float(p), str(p)) for p in places])
    by_day = periods.starts[1] - periods.starts[0] >= DAY
    ticks, before = [], ""
    for p in places:
        at = datetime.fromtimestamp(periods.starts[p], UTC)
        day = f"{at.day} {at:%b}"
        text, under = (day, f"{at.year}") if by_day else (f"{at:%H:%M}", day)
        ticks.append((float(p), text if under == before else f"{text}\n{under}"))
        before = under
    return Axis("UTC", 0.0, count, ticks)

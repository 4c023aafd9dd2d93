"""A figure as SVG that follows the colours and the font of the page around it.

It is written as text: a page gives it its font, and matplotlib takes some twenty times as long for the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from zlib import crc32

from harness.figures.chart import EDGE, FONT, GAP, LINE, SAMPLE, SMALL, TICK, WIDTH, Chart
from harness.figures.marks import Dots, Line, Point
from harness.figures.style import FADED, INK

NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
DARK = "#24292f"
STANDALONE_STYLE = (
    f"<style>svg{{color:{DARK};font-family:system-ui,sans-serif}}"
    f'@media(prefers-color-scheme:dark){{svg{{color:#c9d1d9}}[stroke="{FADED}"]{{stroke:#4d555e}}}}</style>'
)
ASCENT, DESCENT = 0.8, 0.2
"""Of letters from their baseline, in sizes of the font."""
RULE = f'fill="none" stroke="{INK}" stroke-width="0.6"'


def to_svg(chart: Chart, title: str) -> str:
    """The same text for the same numbers. title: read out in the place of the figure."""
    frame = chart.frame
    box = f'x="{frame.left:.2f}" y="{frame.top:.2f}"'
    box += f' width="{frame.right - frame.left:.2f}" height="{frame.bottom - frame.top:.2f}"'
    clip = f"frame-{crc32(f'{title} {box}'.encode()):08x}"
    size = f'viewBox="0 0 {chart.width:g} {chart.height:g}" font-size="{FONT:g}" fill="{INK}"'
    parts = [
        f'<svg {NAMESPACE} {size} role="img" aria-label="{escape(title)}">',
        f'<clipPath id="{clip}"><rect {box}/></clipPath>',
        f'<g clip-path="url(#{clip})" stroke-linejoin="round">',
        *(mark.svg(lambda point: _pair(chart.at(point))) for mark in chart.marks),
        "</g>",
        *_x_axis(chart),
        *_y_axis(chart),
        *_notes(chart),
        *_legend(chart),
        "</svg>\n",
    ]
    return "\n".join(parts)


def standalone(svg: str) -> str:
    """A figure as a file of its own: legible on a light and on a dark ground."""
    return svg.replace(">", f">{STANDALONE_STYLE}", 1)


def sheet(title: str, rows: Sequence[Sequence[Chart]]) -> str:
    """Charts beside and below each other in a file of their own: dark on white, for pages whose ground is not known."""
    charts = [chart for row in rows for chart in row]
    wide, high = max((c.width for c in charts), default=WIDTH), max((c.height for c in charts), default=0.0)
    width, top = wide * max(map(len, rows), default=1), LINE * FONT + GAP
    parts = [
        f'<svg {NAMESPACE} viewBox="0 0 {width:g} {top + high * len(rows):g}" font-family="system-ui,sans-serif"'
        f' font-size="{FONT:g}" color="{DARK}" fill="{INK}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text((width / 2, EDGE + ASCENT * FONT), title, "middle"),
    ]
    for i, row in enumerate(rows):
        for j, chart in enumerate(row):
            box = f'x="{j * wide:g}" y="{top + i * high:g}" width="{chart.width:g}" height="{chart.height:g}"'
            parts.append(to_svg(chart, f"{title}: {chart.y.label}").replace("<svg", f"<svg {box}", 1))
    return "\n".join([*parts, "</svg>\n"])


def _x_axis(chart: Chart) -> Iterator[str]:
    frame = chart.frame
    places = [(chart.at((x, chart.y.low))[0], text) for x, text in chart.x.ticks]
    ticks = "".join(f"M{x:.2f} {frame.bottom:.2f}v{TICK}" for x, _ in places if chart.x.ticked)
    yield f'<path {RULE} d="M{frame.left:.2f} {frame.bottom:.2f}H{frame.right:.2f}{ticks}"/>'
    for x, text in places:
        yield _text((x, frame.bottom + TICK + GAP + ASCENT * FONT), text, "middle")
    yield _text(((frame.left + frame.right) / 2, chart.room - EDGE - DESCENT * FONT), chart.x.label, "middle")


def _y_axis(chart: Chart) -> Iterator[str]:
    frame, end = chart.frame, chart.frame.left - chart.tick
    places = [(chart.at((chart.x.low, y))[1], text) for y, text in chart.y.ticks]
    if chart.y.ticked:
        ticks = "".join(f"M{frame.left:.2f} {y:.2f}H{end:.2f}" for y, _ in places)
        yield f'<path {RULE} d="M{frame.left:.2f} {frame.top:.2f}V{frame.bottom:.2f}{ticks}"/>'
    for y, text in places:
        yield _text((end - GAP, y + (ASCENT - DESCENT) / 2 * FONT), text, "end")
    if chart.y.label:
        middle = (frame.top + frame.bottom) / 2
        yield f'<g transform="translate({EDGE:g} {middle:.2f}) rotate(-90)">'
        yield _text((0.0, ASCENT * FONT), chart.y.label, "middle")
        yield "</g>"


def _notes(chart: Chart) -> Iterator[str]:
    yield '<g fill-opacity="0.75">'
    for note in chart.notes:
        x, y = chart.at(note.at)
        yield _text((x, y - note.rise), note.text, note.anchor, SMALL)
    yield "</g>"


def _legend(chart: Chart) -> Iterator[str]:
    """Entries down the columns, which are as wide as their names and stand in the middle."""
    top = chart.room + GAP + ASCENT * SMALL
    x = (chart.width - sum(width for _, width in chart.legend_columns)) / 2
    for entries, width in chart.legend_columns:
        for row, entry in enumerate(entries):
            pen, base = entry.pen, top + row * LINE * FONT
            middle = base - (ASCENT - DESCENT) / 2 * SMALL
            sample = [(x, middle), (x + 0.7 * SAMPLE, middle)]
            yield Line([sample], pen.color, entry.width, dash=pen.dash).svg(_pair)
            if pen.marker:
                yield Dots([(x + 0.35 * SAMPLE, middle)], pen.marker, pen.color).svg(_pair)
            yield _text((x + 0.85 * SAMPLE, base), entry.label, "start", SMALL)
        x += width


def _text(at: Point, text: str, anchor: str, font: float = FONT) -> str:
    """at: the baseline of its first line."""
    size = "" if font == FONT else f' font-size="{font:g}"'
    first, *rest = map(escape, text.split("\n"))
    more = "".join(f'<tspan x="{at[0]:.2f}" dy="{LINE}em">{line}</tspan>' for line in rest)
    return f'<text x="{at[0]:.2f}" y="{at[1]:.2f}" text-anchor="{anchor}"{size}>{first}{more}</text>'


def _pair(point: Point) -> str:
    return f"{point[0]:.2f} {point[1]:.2f}"

"""How figures look, and their way into SVG that follows the colours and the font of the page around it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.load import Group

INK = "#0a0b0c"
"""Stands for the text colour of the page until the SVG is written."""
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "6 2", "2 2")
MARKERS = {
    "s": "M1.5 1.5h7v7h-7z",
    "^": "M5 1l4.3 8H.7z",
    "D": "M5 .5L9.5 5 5 9.5.5 5z",
    "v": "M5 9l4.3-8H.7z",
    "o": "M5 1a4 4 0 1 0 .01 0z",
}
NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
STANDALONE_STYLE = (
    "<style>svg{color:#24292f;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#c9d1d9}}</style>"
)
SETTINGS: Any = {
    "font.size": 9.5,
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}


@dataclass(frozen=True)
class Style:
    """How an arm looks in every figure of a report. path: its marker in a 10 x 10 box; dash: of its line."""

    color: str
    marker: str
    dash: str

    @property
    def path(self) -> str:
        return MARKERS[self.marker]

    @property
    def line(self) -> str | tuple[int, tuple[float, ...]]:
        return (0, tuple(map(float, self.dash.split()))) if self.dash else "-"


def styles(group: Group) -> list[Style]:
    """One style per arm, in the order of the plan; `none` is drawn in the colour of the text."""
    markers, found, n = cycle(MARKERS), [], 0
    for arm in group.arms:
        if arm is group.plain:
            found.append(Style("currentColor", "o", ""))
        else:
            dash = DASHES[n // len(OKABE_ITO) % len(DASHES)]
            found.append(Style(OKABE_ITO[n % len(OKABE_ITO)], next(markers), dash))
            n += 1
    return found


def canvas(height: float = 3.3) -> tuple[Figure, Axes]:
    """An empty figure that is legible at the width of a phone; height in inches."""
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(4.9, height), layout="constrained")
        return figure, figure.add_subplot()


def to_svg(figure: Figure, title: str) -> str:
    """The same text for the same numbers; colours and font are left to the page, arms are marked by class."""
    buffer = io.StringIO()
    with mpl.rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<(metadata|style).*?</\1>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'id="arm-(\d+)-\w+"', r'class="arm-\1"', text)
    text = re.sub(r"font-family: [^;\"]*; ", "", text).replace("xlink:href", "href")
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", text)
    return re.sub(
        r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", rf'<svg {NAMESPACE} \1 role="img" aria-label="{escape(title)}">', text
    )


def standalone(svg: str) -> str:
    """A figure as a file of its own: legible on a light and on a dark ground."""
    return svg.replace(">", f">{STANDALONE_STYLE}", 1)

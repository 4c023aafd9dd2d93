"""How figures look, and their way into SVG that follows the colours and the font of the page around it."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from harness.figures.style import Pen

INK = "#0a0b0c"
"""Stands for the text colour of the page until the SVG is written."""
FADED = "#b4bbc2"
"""Of what does not stand out, where no page can fade it."""
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


def ink(pen: Pen) -> str:
    """The colour to draw an arm with."""
    return INK if pen.color == "currentColor" else pen.color


def canvas(height: float = 3.3) -> tuple[Figure, Axes]:
    """An empty figure that is legible at the width of a phone; height in inches."""
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(4.9, height))
        return figure, figure.add_subplot()


def to_svg(figure: Figure, title: str) -> str:
    """The same text for the same numbers; colours and font are left to the page, arms are marked by class.

    An artist with gid `arm-3-line` becomes a group of classes `arm-3` and `line`.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**SETTINGS, "svg.hashsalt": title}):
        _settle(figure)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<(metadata|style).*?</\1>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'id="(arm-\d+)-(\w+)"', r'class="\1 \2"', text)
    text = re.sub(r'(<defs>\s*<path [^>]*?) style="[^"]*"', r"\1", text)  # a marker takes the style of its use
    text = re.sub(r"font-family: [^;\"]*; ", "", text).replace("xlink:href", "href")
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", text)
    label = f'role="img" aria-label="{escape(title)}"'
    return re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", lambda m: f"<svg {NAMESPACE} {m[1]} {label}>", text)


def _settle(figure: Figure) -> None:
    """Lay the figure out once, measured as SVG; one that has a layout engine is laid out and drawn twice."""
    FigureCanvasSVG(figure)
    ConstrainedLayoutEngine().execute(figure)


def standalone(svg: str) -> str:
    """A figure as a file of its own: legible on a light and on a dark ground."""
    return svg.replace(">", f">{STANDALONE_STYLE}", 1)

"""The colour of each arm in MLflow's charts, which would otherwise draw several alike."""

from __future__ import annotations

from collections.abc import Sequence

from harness.figures.style import OKABE_ITO

PLAIN, BASELINE = "#24292f", "#8c959f"
"""Of `none`, and of arms that are no strategy of the plan."""
SHADES = ((0.0, 0.0), (0.0, 0.45), (1.0, 0.5), (0.5, 0.55))
"""A grey level, and how far a colour is mixed with it: one pair for every round through the palette."""


def color(strategy: str, strategies: Sequence[str]) -> str:
    """The report's colours, in the order of the plan; further rounds are darker, lighter and greyer."""
    places = [name for name in strategies if name != "none"]
    if strategy not in places:
        return PLAIN if strategy == "none" else BASELINE
    turn, place = divmod(places.index(strategy), len(OKABE_ITO))
    grey, share = SHADES[turn % len(SHADES)]
    parts = ((1 - share) * part + share * grey * 255 for part in bytes.fromhex(OKABE_ITO[place][1:]))
    return "#" + bytes(map(round, parts)).hex()

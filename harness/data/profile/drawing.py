"""A description as one image of small pictures, by matplotlib: tails, unseen ids, base rates, drift, a map of pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.results.description import Description, Together, Values

MOST_NAMED = 8
TRAINING = "0.93"


def draw(found: Description, path: Path) -> None:
    """Write the image; of a plain table it is the tails alone."""
    pictures = 1 if found.periods is None else 4 + len(found.rates)
    columns = min(3, pictures)
    rows = -(-pictures // columns)
    figure = Figure(figsize=(8, 5.5) if pictures == 1 else (5 * columns, 4 * rows), dpi=130, layout="constrained")
    figure.suptitle(found.name)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    _tails(axes[0], found)
    if found.periods is not None:
        unseen = [(field.name, field.never_seen) for field in found.fields if field.ids]
        _lines(axes[1], found, "ids never seen before, share of lookups", unseen)
        _lines(axes[2], found, "drift, bits", [(field.name, field.drift) for field in found.fields])
        for each, at in zip(found.rates, axes[3:], strict=False):
            _lines(at, found, f"base rate of {each.name}", [(each.name, each.rate)])
            places = [p for p, low in enumerate(each.low) if low is not None]
            low, high = (np.array([values[p] for p in places], float) for values in (each.low, each.high))
            at.fill_between(np.array(places) + 0.5, low, high, alpha=0.2, lw=0)
        if found.together is not None:
            _map(axes[3 + len(found.rates)], found.together)
    for at in axes[pictures:]:
        at.axis("off")
    figure.savefig(path)


def _tails(axes: Axes, found: Description) -> None:
    axes.set(xscale="log", yscale="log", xlabel="rank of the id in training", ylabel="occurrences")
    shown = sorted((tail for tail in found.tails if len(tail.points) > 1), key=lambda tail: -len(tail.points))
    for tail in shown[:MOST_NAMED]:
        label = tail.name if tail.exponent is None else f"{tail.name}: {tail.exponent:.2f}"
        (line,) = axes.plot(*zip(*tail.points, strict=True), lw=1.5, label=label)
        if tail.law:
            axes.plot(*zip(*tail.law, strict=True), lw=0.8, ls="--", color=line.get_color())
    if shown:
        axes.legend(title="field: exponent (dashed: the fitted law)", frameon=False, fontsize="small")


def _lines(axes: Axes, found: Description, label: str, lines: list[tuple[str, Values]]) -> None:
    periods = found.periods
    assert periods is not None
    axes.set(xlabel=f"{periods.unit} of the log, training shaded", ylabel=label, xlim=(0, len(periods.rows)))
    if periods.cut is not None:
        axes.axvspan(0, periods.cut, color=TRAINING, zorder=0)
    order = sorted(lines, key=lambda line: -max((value for value in line[1] if value is not None), default=0.0))
    for name, values in order[:MOST_NAMED]:
        shown = np.array([np.nan if value is None else value for value in values])
        axes.plot(np.arange(len(shown)) + 0.5, shown, lw=1.4, marker=".", label=name)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize="small")


def _map(axes: Axes, found: Together) -> None:
    matrix = np.array([[np.nan if value is None else value for value in row] for row in found.matrix])
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axes.set(xticks=range(len(found.names)), yticks=range(len(found.names)), title="normalised mutual information")
    axes.set_xticklabels(found.names, rotation=90, fontsize="small")
    axes.set_yticklabels(found.names, fontsize="small")

"""Does pooling over data sets keep what it says: `python -m perf.pooling` writes results/tables/pooling.md.

Populations of data sets of a known spread are simulated in the sizes met here, and what is predicted of one more data
set is held against it. Then each data set of the published tables is left out in turn and predicted from the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from harness.analysis.inference import LEVEL
from harness.analysis.pooling import FEWEST, pool
from harness.base.places import ROOT
from perf.markdown import change, table

DATA_SETS, SPREADS, ERRORS = (3, 5, 10, 40), (0.0, 0.001, 0.002, 0.005), (0.0005, 0.002)
MEAN, REPETITIONS, SMALL = 0.002, 5, 0.001
"""Of simulated gains; repetitions from which an error is estimated; the gain whose chance is asked for."""
MEASURED = 200
"""Simulations of which the interval's length is worked out, which takes longest."""
HEADER = (
    "data sets", "spread", "error", "held, error known", "held, error estimated", "half its length",
    "chance above .001: said", "came true",
)  # fmt: skip
CLICK = "click"
GENERATED, REAL = ("populations", "populations_fresh", "leaderboard", "pinterest", "draws"), ("real", "real_splits")
PUBLISHED = GENERATED + REAL
KINDS = {"all": PUBLISHED, "generated": GENERATED, "real logs": REAL}


@dataclass(frozen=True)
class Kept:
    """Of simulations of one size. held: share of intervals that hold the new gain. half: median of half their length.
    said, came: chance that a new gain is above `SMALL`, as said on average, and how often it was."""

    held: float
    half: float
    said: float
    came: float


def simulate(data_sets: int, spread: float, error: float, freedom: int, number: int, seed: int) -> Kept:
    """freedom: degrees of freedom that errors are estimated with; 0: they are known."""
    random = np.random.default_rng(seed)
    held, said, came, halves = 0, 0.0, 0, []
    for n in range(number):
        gain_K = MEAN + spread * random.normal(size=data_sets) + error * random.normal(size=data_sets)
        error_K = error * np.sqrt(random.chisquare(freedom, data_sets) / freedom if freedom else np.ones(data_sets))
        new = MEAN + spread * random.normal()
        found = pool(gain_K, error_K)
        assert found is not None
        held += LEVEL / 2 <= found.share_below(new) <= 1 - LEVEL / 2
        said, came = said + found.chance_above(SMALL), came + (new > SMALL)
        if n < MEASURED:
            halves.append((found.predicted[1] - found.predicted[0]) / 2)
    return Kept(held / number, float(np.median(halves)), said / number, came / number)


def simulated(number: int) -> Iterator[tuple[str, ...]]:
    """Lines of `HEADER`."""
    for seed, (k, spread, error) in enumerate((k, t, e) for k in DATA_SETS for t in SPREADS for e in ERRORS):
        known = simulate(k, spread, error, 0, number, seed)
        guessed = simulate(k, spread, error, REPETITIONS - 1, number, seed)
        shares = f"{known.held:.3f}", f"{guessed.held:.3f}", f"±{known.half:.4f}", f"{known.said:.3f}"
        yield str(k), f"{spread:g}", f"{error:g}", *shares, f"{known.came:.3f}"


@dataclass(frozen=True)
class Gain:
    """Of an arm on a data set of a published table, in AUC of the first task."""

    data_set: str
    mean: float
    error: float


def published(tables: Path, names: Sequence[str] = PUBLISHED) -> dict[str, list[Gain]]:
    """Strategy -> its gains on the data sets of published tables, behind the network `dnn`.

    A data set that several tables have counts once, as in the first.
    """
    found: dict[str, list[Gain]] = {}
    for name in names:
        lines = pl.read_csv(tables / f"{name}.csv", infer_schema_length=None)
        lines = lines.filter(quantity="gain", metric="auc", role="arm", model="dnn")
        for (data_set,), of in lines.group_by("dataset", maintain_order=True):
            task = CLICK if CLICK in of["task"] else of["task"][0]
            for row in of.filter(task=task).iter_rows(named=True):
                known = {gain.data_set for gain in found.get(row["strategy"], ())}
                if data_set not in known and row["n"] > 1 and row["low"] < row["high"]:
                    error = (row["high"] - row["low"]) / 2 / float(stats.t.ppf(1 - LEVEL / 2, row["n"] - 1))
                    found.setdefault(row["strategy"], []).append(Gain(str(data_set), row["mean"], error))
    return found


def left_out(gains: Sequence[Gain]) -> Iterator[tuple[str, float]]:
    """Each data set, and where its measured gain lies in what the others predict of it, as a share."""
    for gain in gains:
        others = [other for other in gains if other is not gain]
        found = pool([other.mean for other in others], [other.error for other in others])
        if found is not None:
            yield gain.data_set, found.share_below(gain.mean, gain.error)


def of_published(tables: Path) -> Iterator[tuple[str, ...]]:
    """A line for every strategy and kind of data sets, where they are enough that one can be left out."""
    pooled = {kind: published(tables, names) for kind, names in KINDS.items()}
    for strategy in sorted(pooled["all"]):
        for kind, of in pooled.items():
            if len(gains := of.get(strategy, [])) > FEWEST:
                yield strategy, kind, str(len(gains)), *_pooled(gains)


def _pooled(gains: Sequence[Gain]) -> Iterator[str]:
    found = pool([gain.mean for gain in gains], [gain.error for gain in gains])
    assert found is not None
    shares = dict(left_out(gains))
    outside = [name for name, share in shares.items() if not LEVEL / 2 <= share <= 1 - LEVEL / 2]
    (begin, end), (low, high) = found.mean_interval, found.predicted
    yield from (change(found.mean, begin, end), f"{found.tau:.4f}", f"{low:+.4f} to {high:+.4f}")
    yield from (f"{found.chance_above(0):.2f}", f"{found.chance_above(SMALL):.2f}")
    yield from (f"{len(shares) - len(outside)} of {len(shares)}", ", ".join(outside) or "none")


def markdown(number: int, tables: Path) -> str:
    """The published page."""
    error = 1.96 * np.sqrt(LEVEL * (1 - LEVEL) / number)
    head = (
        "strategy", "of", "data sets", "mean gain", "spread", "new data set", "above 0", "above .001", "held",
        "outside",
    )  # fmt: skip
    return "\n".join(
        [
            "# Pooling over data sets: what is said and what is measured",
            "",
            f"Written by `python -m perf.pooling`: {number:,} simulated populations a line, "
            f"{100 * (1 - LEVEL):.0f} % intervals for the gain on one more data set; the error of a share near nominal "
            f"is ±{error:.3f}. Mean gain {MEAN:g}, gains normal over data sets. In the second column of shares each "
            f"error is estimated from {REPETITIONS} repetitions and taken as known.",
            "",
            *table(HEADER, list(simulated(number))),
            "",
            "## Published tables, each data set left out",
            "",
            f"Test AUC of {CLICK}, or of the first task, network `dnn`, tables {', '.join(PUBLISHED)}, arms on more "
            f"than {FEWEST} data sets. Their errors are of draws, of time origins (real), or of seeds and test rows "
            "(real_splits), as their intervals have them. The real ones are splits of three logs, and splits of one "
            "log are not independent. Held: how many of the data sets lie in the interval that the others predict for "
            "a measurement there.",
            "",
            *table(head, list(of_published(tables))),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--tables", type=Path, default=ROOT / "results" / "tables")
    arguments = parser.parse_args()
    (arguments.tables / "pooling.md").write_text(markdown(arguments.simulations, arguments.tables))


if __name__ == "__main__":
    main()

"""Are arms dropped falsely, and what does dropping save: `python -m perf.racing` simulates diagnoses.

Gains over one tuned epoch are normal and independent over seeds; half of an arm's variance is the baseline's, which all
arms share. Where the seeds share their test rows, half of what these are wrong by is the baseline's too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.analysis.always_valid import LARGE, always_interval, always_p
from harness.analysis.inference import LEVEL, Floats, holm, t_test
from harness.analysis.racing import ALIKE, statements
from harness.analysis.racing import LEVEL as DROPS
from harness.base.places import ROOT
from perf.markdown import share, table

MOST = 40
NEAR = 0.5
"""A gain that is nothing to speak of, in deviations over seeds."""
HEADER = (
    "true gains, in deviations over seeds", "test rows", "seeds planned", "time for", "any false drop",
    "any false claim", "best arm kept", "arms settled early", "seeds an arm", "seeds of arms left open",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """gains: true, of each arm. shared: standard error from the test rows that seeds share. Both in deviations over
    seeds. planned: seeds. time: for so many of every arm, if none is dropped."""

    name: str
    gains: tuple[float, ...]
    shared: float
    planned: int
    time: int


NO_GAIN = "none of {} arms"
CASES = tuple(
    Case(name, gains, shared, planned, time)
    for shared in (0.0, 1.0)
    for name, gains, planned, time in (
        (NO_GAIN.format(2), (0.0,) * 2, 5, 5),
        (NO_GAIN.format(2), (0.0,) * 2, 5, MOST),
        (NO_GAIN.format(3), (0.0,) * 3, 5, 5),
        (NO_GAIN.format(7), (0.0,) * 7, 9, 9),
        (NO_GAIN.format(7), (0.0,) * 7, 9, MOST),
        ("-8, and none of 3", (-8.0, 0.0, 0.0, 0.0), 6, 6),
        ("-8, 5, 1, 0", (-8.0, 5.0, 1.0, 0.0), 6, 6),
        ("-8, 5, 4, 2, 1, 0, 0", (-8.0, 5.0, 4.0, 2.0, 1.0, 0.0, 0.0), 9, 9),
        ("-8, 5, 4, 2, 1, 0, 0", (-8.0, 5.0, 4.0, 2.0, 1.0, 0.0, 0.0), 9, MOST),
    )
)


@dataclass(frozen=True)
class Raced:
    """Of simulated plans, by plan and arm. below, above, within, behind: what settled it. p: of its gain, always valid
    where it is settled. mean: of its gain. seeds: that it took."""

    below: Floats
    above: Floats
    within: Floats
    behind: Floats
    p: Floats
    mean: Floats
    seeds: Floats

    @property
    def settled(self) -> Floats:
        return self.below + self.above + self.within + self.behind


def simulate(case: Case, plans: int, rng: np.random.Generator) -> Floats:
    """Gains [plans, arms, seeds]."""
    shape = plans, len(case.gains)
    seeds = rng.normal(size=(*shape, MOST)) + rng.normal(size=(plans, 1, MOST))
    rows = case.shared * (rng.normal(size=shape) + rng.normal(size=(plans, 1)))
    return np.asarray(np.array(case.gains)[:, None] + (seeds + rows[..., None]) / np.sqrt(2))


def race(values: Floats, case: Case) -> Raced:
    """What a diagnosis makes of them: dropping from `ALIKE` seeds on, as many as planned for each arm that is not
    settled, and then more of them while time lasts."""
    plans, arms, _ = values.shape
    level, budget, shared = DROPS / statements(arms), case.time * (arms + 1), case.shared
    why = {name: np.zeros((plans, arms)) for name in ("below", "above", "within", "behind")}
    p, mean, seeds = np.ones((plans, arms)), np.zeros((plans, arms)), np.zeros((plans, arms))
    open_, live = np.ones((plans, arms), bool), np.ones(plans, bool)
    for n in range(ALIKE, MOST + 1):
        for name, which in _settled(values[..., :n], level, shared).items():
            new = open_ & live[:, None] & (which > 0)
            why[name][new] = 1
            p[new] = [
                float(always_p(float(v.mean()), float(v.std(ddof=1)), n, shared, LARGE)) for v in values[new][:, :n]
            ]
            mean[new], seeds[new], open_[new] = values[new][:, :n].mean(-1), n, False
        spent = np.where(open_, n, seeds).sum(1) + n
        more = open_.any(1) & (n < MOST) & (np.less(n, case.planned) | np.less_equal(spent + open_.sum(1) + 1, budget))
        over = (live & ~more)[:, None] & open_
        left = values[over][:, :n]
        mean[over], seeds[over] = left.mean(-1), n
        p[over] = t_test(left, shared)
        live &= more
    return Raced(**why, p=p, mean=mean, seeds=seeds)


def _settled(values: Floats, level: float, shared: float) -> dict[str, Floats]:
    """As `harness.analysis.racing` says of records."""
    n = values.shape[-1]
    low, high = always_interval(values.mean(-1), values.std(-1, ddof=1), n, level, shared, LARGE)
    beyond = values[:, :, None] - values[:, None]
    apart = beyond.std(-1, ddof=1) + np.where(np.eye(values.shape[1]) > 0, np.inf, 0)
    _, over_other = always_interval(beyond.mean(-1), apart, n, level, shared, LARGE)
    return {
        "below": high < 0,
        "within": (low > -NEAR) & (high < NEAR),
        "above": low > 0,
        "behind": (over_other < 0).any(2),
    }


def line(case: Case, plans: int, rng: np.random.Generator) -> tuple[str, ...]:
    """A line of `HEADER`."""
    found, gain = race(simulate(case, plans, rng), case), np.array(case.gains)
    best = gain == gain.max()
    dropped = (found.below * (gain >= 0)) + (found.behind * best) + (found.within * (abs(gain) > NEAR))
    shown = np.array([holm(p) for p in found.p]) <= LEVEL
    claimed = shown * np.sign(found.mean)
    false = (claimed != 0) & (claimed != np.sign(gain))
    kept = 1 - (found.below + found.behind)[:, best].max(1)
    open_ = found.settled == 0
    left = f"{found.seeds[open_].mean():.1f}" if open_.any() else "none"
    shares = ((dropped > 0).any(1).mean(), false.any(1).mean(), kept.mean(), found.settled.mean())
    rows = "not in question" if not case.shared else f"±{case.shared:g}"
    told = str(case.planned), str(case.time), *map(share, shares)
    return case.name, rows, *told, f"{found.seeds.mean():.1f}", left


def lines(plans: int, seed: int) -> Iterator[tuple[str, ...]]:
    rng = np.random.default_rng(seed)
    return (line(case, plans, rng) for case in CASES)


def markdown(plans: int, seed: int) -> str:
    """The published table."""
    error = 1.96 * np.sqrt(LEVEL * (1 - LEVEL) / plans)
    text = [
        "# Races: what is dropped, and what that saves",
        "",
        f"Written by `python -m perf.racing`: {plans:,} simulated races a line of `multiepoch diagnose`, of normal "
        "gains over one tuned epoch; half of an arm's variance is the baseline's. The error of a share near "
        f"{LEVEL:g} is ±{error:.3f}. Arms are looked at after each seed from the fifth on; those left open at the "
        "planned number go on while there is time, which there is for so many seeds of all arms.",
        "",
        "A drop is false if the arm is said to be below one epoch and is not, behind another and is the best, or "
        f"within {NEAR:g} and is not: at most {DROPS:g} by theory. A claim is false if after Holm's correction a gain "
        "or loss is shown that is none or of the other sign, by an always-valid p of arms settled early, and by "
        "Student's t of the others.",
        "",
        *table(HEADER, list(lines(plans, seed)), words=2),
    ]
    return "\n".join(text) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "results/tables/racing.md")
    options = parser.parse_args(arguments)
    text = markdown(options.plans, options.seed)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

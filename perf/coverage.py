"""Do the statistics keep what they say: `python -m perf.coverage` measures coverage, size, power and family-wise error.

Simulated differences with a known mean, drawn in numbers that seeds come in, go through
`harness.analysis.inference`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from harness.analysis.inference import BOOTSTRAP_FROM, LEVEL, POWER
from harness.base.places import ROOT
from perf import another_search, fresh, known_mean, shared_error, stopping
from perf.markdown import share, table


def markdown(simulations: int, seed: int) -> str:
    """The published table."""
    rng = np.random.default_rng(seed)
    rows = [
        (name, str(n), *map(share, known_mean.one_difference(draw, n, simulations, rng)))
        for name, draw in known_mean.SHAPES.items()
        for n in known_mean.SEEDS
    ]
    families = [(str(n), *map(share, known_mean.family(n, simulations, rng))) for n in known_mean.SEEDS]
    error = _error(simulations)
    lines = [
        "# Statistics: what is said and what is measured",
        "",
        f"Written by `python -m perf.coverage`: {simulations:,} simulations a line, differences over seeds whose true "
        f"mean is known. Nominal: coverage {1 - LEVEL:.3f}, size {LEVEL:.3f}, power {POWER:.3f}; the error of a "
        f"measured share near nominal is ±{error:.3f}.",
        "",
        *table(known_mean.HEADER, rows),
        "",
        f"**Which is used.** Student t at every number of seeds. Below {BOOTSTRAP_FROM} seeds the bootstrap covers "
        "less than it in every line; with more it is at best a hundredth or so better (log-normal) and at worst "
        f"clearly below (heavy tails). The CSV has the BCa interval beside it from {BOOTSTRAP_FROM} seeds on. Skewed "
        "differences are covered less often than both say, and no test here corrects for that.",
        "",
        *on_fresh_rows(simulations // 2, seed),
        "",
        *on_another_search(simulations // 2, seed),
        "",
        *on_shared_error(simulations // 2, seed),
        "",
        "## Many arms",
        "",
        f"A plan of {known_mean.ARMS} arms compared with one baseline, none of them with an effect; normal noise, half "
        "of it the baseline's and shared by all.",
        "",
        *table(known_mean.FAMILY_HEADER, families, words=0),
        "",
        *on_stopping(simulations // 2, seed),
        "",
        "## What few seeds can show",
        "",
        "By theory. Detectable: the smallest mean difference, in standard deviations over seeds, that the t test finds "
        f"with power {POWER:.1f}. The last column is the 95 % interval of the true deviation over the one estimated, "
        "for normal differences.",
        "",
        *table(known_mean.FEW_HEADER, [known_mean.few(n) for n in known_mean.SEEDS], words=0),
    ]
    return "\n".join(lines) + "\n"


def _error(simulations: int) -> float:
    """Of a share near nominal, half of its 95 % interval."""
    return float(1.96 * np.sqrt(LEVEL * (1 - LEVEL) / simulations))


def on_fresh_rows(simulations: int, seed: int) -> list[str]:
    """The chapter on intervals that other test rows and other draws are asked of."""
    error = _error(simulations)
    return [
        "## Fresh test rows and fresh draws",
        "",
        f"{simulations:,} simulations a line (error of a share ±{error:.3f}): two models score {fresh.GROUPS} groups "
        f"of {fresh.ROWS} rows, and the share of intervals is counted that hold the gain in AUC expected on other "
        "rows, of other seeds and, on the right, of other draws. What a share leaves to 1 is the size of the test that "
        "there is no gain. Deviations of test set, seed and draw stand to each other as measured: "
        + "; ".join(f"{s.name} {s.test:g}, {s.seed:g}, {s.draw:g}" for s in fresh.MEASURED)
        + ".",
        "",
        *table(fresh.HEADER, list(fresh.table(simulations, np.random.default_rng(seed)))),
        "",
        "Where all repetitions are tested on the same rows, an interval of seeds alone narrows around what these rows "
        "happen to say. `evaluation.test_error = true` adds their error; `repetitions = 'draws'` gives each repetition "
        "rows of its own, and also speaks of other training data.",
    ]


def on_another_search(simulations: int, seed: int) -> list[str]:
    """The chapter on what another search would have brought."""
    error = _error(simulations)
    return [
        "## Another search",
        "",
        f"{simulations:,} simulations a line (error of a share ±{error:.3f}): the share of intervals that hold the "
        "mean gain over all searches and draws. Deviations of what a search adds, what a draw adds and what neither "
        "explains are those of running\\_mean+return\\_to\\_mean on avazu\\_like (searches.md): "
        + "; ".join(f"{s.name} {s.search:g}, {s.draw:g}, {s.left:g}" for s in another_search.MEASURED)
        + ".",
        "",
        *table(another_search.HEADER, list(another_search.table(simulations, np.random.default_rng(seed)))),
        "",
        "An interval over the draws of one search speaks of what that search chose, and the more draws it has, the "
        "narrower it is around that. It falls short for the gain, and far for what further epochs add, which hangs on "
        "the search. Settings that the search could not tell apart, taken in turn (`search.tie`), make up for part of "
        "it; several searches, crossed with draws, for all.",
    ]


def on_shared_error(plans: int, seed: int) -> list[str]:
    """The chapter on seeds that share their test rows."""
    return [
        "## Few seeds on the same test rows",
        "",
        f"{plans:,} plans a line of {shared_error.ARMS} arms without effect, whose seeds share a test error of known "
        "variance V; half of an arm's variance is the baseline's. Interval and p are the wider and the larger of two: "
        "with V and Satterthwaite's degrees of freedom, and of the seeds alone. The former alone made a false claim in "
        f"{share(shared_error.added_alone(plans, np.random.default_rng(seed)))} of the plans of three seeds at "
        "n V / s² = .2: where s is too small by chance, so is the interval, and its degrees of freedom are too many.",
        "",
        *table(shared_error.HEADER, list(shared_error.table(plans, np.random.default_rng(seed))), words=0),
    ]


def on_stopping(simulations: int, seed: int) -> list[str]:
    """The chapter on plans that repeat an arm until it is settled."""
    rng = np.random.default_rng(seed)
    return [
        "## Stopping when settled",
        "",
        f"{simulations:,} plans a line of {stopping.ARMS} arms, `repetitions = {{ most = {stopping.MOST}, settle = "
        f"{stopping.SETTLE:g} }}`; deviation of a gain over draws {stopping.DEVIATION:g}, half of its variance the "
        "baseline's. A claim is false if it has the wrong sign, or says of a gain that it is within what it is beyond.",
        "",
        *table(stopping.HEADER, list(stopping.table(simulations, rng)), words=0),
        "",
        f"Student's t test with Bonferroni's correction, looked at as often, claims a gain where there is none in "
        f"{share(stopping.peeking(simulations, rng))} of plans.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "results/tables/statistics.md")
    options = parser.parse_args()
    text = markdown(options.simulations, options.seed)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

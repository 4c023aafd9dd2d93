"""The functions of `import multiepoch` that read results folders, of calls and of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from harness.analysis.load import plans
from harness.api import UserError
from harness.python import arguments
from harness.python.arguments import in_python
from harness.python.result import Result
from harness.report.compare import compare as pairs_of
from harness.report.write import analyse

PAIRS: dict[str, Any] = {
    **dict.fromkeys(("plan", "group", "strategy", "measured", "verdict", "why"), pl.String),
    **dict.fromkeys(("first", "second", "difference", "low", "high"), pl.Float64),
}


def load(results: str | Path = "results", plan: str | None = None) -> Result:
    """A plan that was run in a results folder, by a call or by a command.

    plan: its name; the one there is, if not given.

    >>> import multiepoch as me
    >>> me.load("results", "benchmark").complete
    True

    Raises:
        UserError: it was never run there, or none is named and there are several.
    """
    with in_python():
        folder = arguments.folder(results)
        if plan is None:
            names = plans(folder)
            if len(names) > 1:
                raise UserError(f"plan: '{folder}' has {len(names)} plans; accepted: {', '.join(names)}")
            (plan,) = names
        if not isinstance(plan, str):
            raise arguments.refused("plan", plan, "the name of a plan")
        return Result(folder, analyse(folder, plan))


def compare(first: str | Path, second: str | Path) -> pl.DataFrame:
    """Two results folders: a line for each strategy of a plan that both ran.

    verdict says whether their numbers may be compared, why in words. first, second: the metric at the chosen epoch.
    difference: second against first, paired by seed, positive where better, with its interval.

    >>> import multiepoch as me
    >>> me.compare("results", "results")["verdict"].unique().to_list()
    ['the same runs']

    Raises:
        UserError: a folder has no plan, or they share no strategy.
    """
    lines = []
    with in_python():
        pairs = pairs_of(arguments.folder(first, "first"), arguments.folder(second, "second"))
    for pair in pairs:
        line = {name: getattr(pair, name) for name in ("plan", "group", "measured", "verdict", "why")}
        means = {"first": pair.first, "second": pair.second, "difference": pair.difference}
        line |= {name: value.mean for name, value in means.items() if value is not None}
        if pair.difference is not None:
            line |= {"low": pair.difference.low, "high": pair.difference.high}
        lines.append(line | {"strategy": pair.arm})
    return pl.DataFrame(lines, schema=PAIRS)

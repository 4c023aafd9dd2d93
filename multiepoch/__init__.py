"""multiepoch from Python: benchmark strategies on a DataFrame, and read what came of it. docs/index.md shows how.

Beside these functions it has all of `harness.api`, which strategies are written with.
"""

from __future__ import annotations

from harness import __version__ as __version__
from harness.api import *  # noqa: F403
from harness.api import __all__ as _of_strategies
from harness.python.calls import benchmark, run_plan
from harness.python.figure import Figure
from harness.python.folders import compare, load
from harness.python.result import Result

__all__ = ["Figure", "Result", "benchmark", "compare", "load", "run_plan", *_of_strategies]

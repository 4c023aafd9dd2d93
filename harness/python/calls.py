"""The functions of `import multiepoch` that train. What training needs is imported when it runs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.api import Strategy
from harness.base.files import ensure_writable
from harness.base.terminal import print_plain
from harness.base.words import counted
from harness.execution.fork_server import warm_up
from harness.execution.launchers.where import Where
from harness.experiment.instantiate import plugin_specs
from harness.experiment.plan import Plan
from harness.experiment.plan_file import plan_file, plan_of, put, read_plan
from harness.plugins.registry import Registry
from harness.python import arguments
from harness.python.arguments import How, in_python
from harness.python.result import WIDTH, Result
from harness.python.strategies import named
from harness.results.plan_results import INPUTS, PLAIN
from harness.tracking.factory import Kind

FIRST = ("none", "reinit", "running_mean+return_to_mean")
"""Plain training, and the two mitigations that most often help."""
MODEL = "a name, or a table as {'name': 'dnn', 'dim': 8}"


def benchmark(
    data: Any,
    labels: str | Sequence[str] = (),
    strategies: Sequence[str | type[Strategy]] = FIRST,
    *,
    time: str | None = None,
    schema: str | Path | None = None,
    model: str | Mapping[str, Any] = "dnn",
    epochs: int = 3,
    seeds: int | Sequence[int] = 3,
    trials: int = 0,
    overrides: Mapping[str, Any] | None = None,
    name: str = "benchmark",
    results: str | Path = "results",
    workers: int | None = None,
    mlflow: bool = False,
    progress: bool = True,
) -> Result:
    """Train strategies on a table of your own, and compare each with one epoch of plain training.

    Args:
        data: a polars or pandas DataFrame, a path of table files, or a data set as a plan names it, as
            `{"name": "powerlaw", "preset": "tiny"}`.
        labels: columns that are labels, the first of which strategies are ranked by; guessed, if none is named.
        strategies: expressions, as `"hashing(ratio=0.1)+reinit"`, and classes of your own, which expressions may name
            too. `none`, whose first epoch is the baseline, is added where it is left out.
        time: the column of the time.
        schema: a TOML file, or the name of a ready one, instead of guesses.
        model: a name, or a table as `{"name": "dnn", "dim": 8}`.
        seeds: how many, or which.
        trials: of a search of each strategy's knobs; 0: their defaults.
        overrides: other keys of the plan, as `{"train.batch_size": 512}`.
        name: of the plan. A call of the same name takes the place of the one before, whose runs stay.
        results: the folder of all that is written.
        workers: training processes; as many as cores, if not given.
        mlflow: whether to write to MLflow.
        progress: whether to print how far it is.

    What is done is never done again: the same call finds it all in the results folder, also after Ctrl-C.

    >>> import polars as pl, multiepoch as me
    >>> rows = range(600)
    >>> log = pl.DataFrame({"user": [n % 37 for n in rows], "item": [n % 11 for n in rows],
    ...                     "click": [n * n % 7 % 2 for n in rows]})
    >>> found = me.benchmark(log, "click", ["none", "reinit"], epochs=2, seeds=2, progress=False)
    >>> found
    Result(plan 'benchmark' in 'results', 3 arms)
    >>> found.table().select("strategy", "seeds").sort("strategy").rows()
    [('none', 2), ('one epoch', 2), ('reinit', 2)]

    Raises:
        UserError: anything that is given is not accepted; nothing has been trained then.
    """
    warm_up()
    with in_python():
        how, columns = How.of(results, workers, mlflow, progress), arguments.columns(labels, "labels")
        timed = None if time is None else arguments.column(time, "time")
        described = None if schema is None else arguments.file(schema, "schema", "a TOML file, or a ready schema")
        texts, plugins = named(arguments.plain(strategies), how.results / INPUTS)
        texts = texts if PLAIN in texts else (PLAIN, *texts)
        registry = Registry(plugins)
        asked: dict[str, Any] = {"name": name, "strategies": texts, "train": {"epochs": epochs}}
        asked["seeds"] = arguments.seeds(seeds)
        asked["model"] = [arguments.table(model, "model", MODEL) if isinstance(model, Mapping) else {"name": model}]
        asked |= {"evaluation": {"test_error": True}, "search": {"trials": trials}}
        data = arguments.table(data, "data", arguments.DATA) if isinstance(data, Mapping) else data
        draft = asked | {"dataset": [data if isinstance(data, dict) else {"name": "table_file"}]}
        plugin_specs(_plan(draft, overrides), registry)  # refuses what it can before anything is read
        ensure_writable(how.results / INPUTS)

        from harness.diagnose.asked import batch_size
        from harness.python.frames import Given, taken  # with all that builds data

        console = _console(how)
        dataset, known = taken(console, Given(data, columns, timed, described), registry, how.results)
        asked["train"] |= {"batch_size": batch_size(len(known.data.train))}
        asked["search"] |= {"task": known.task}
        return _trained(console, _plan(asked | {"dataset": [dataset]}, overrides), registry, how)


def run_plan(
    plan: str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    plugins: str | Path | None = None,
    results: str | Path = "results",
    workers: int | None = None,
    mlflow: bool = False,
    progress: bool = True,
) -> Result:
    """Run a plan, as `multiepoch benchmark` does.

    plan: a name of one that comes with multiepoch, a TOML file, or the keys of one. overrides: keys to set, as
    `{"train.epochs": 2}`. plugins: a folder of further plug-ins. The rest is as of `benchmark`.

    >>> import multiepoch as me
    >>> small = {"dataset": [{"name": "powerlaw", "preset": "tiny"}], "search.trials": 0, "train.epochs": 1}
    >>> me.run_plan("smoke", overrides=small, progress=False).plot()._repr_svg_()[:4]
    '<svg'

    Raises:
        UserError: anything in the plan or its data is not accepted; nothing has been trained then.
    """
    warm_up()
    with in_python():
        how = How.of(results, workers, mlflow, progress)
        registry = Registry(None if plugins is None else arguments.folder(plugins, "plugins"))
        if isinstance(plan, Mapping):
            checked = _plan(plan, overrides, "plan")
        else:
            path = plan_file(arguments.file(plan, "plan", "the name of one, a TOML file, or the keys of one"))
            checked = _plan(read_plan(path), overrides, f"plan '{path}'")
        return _trained(_console(how), checked, registry, how)


def _plan(values: Mapping[str, Any], overrides: Mapping[str, Any] | None, where: str = "benchmark") -> Plan:
    changed = arguments.table(values, where)
    for key, value in arguments.table({} if overrides is None else overrides, "overrides").items():
        put(changed, key, value, f"overrides['{key}']")
    return plan_of(changed, where)


def _trained(console: Console, plan: Plan, registry: Registry, how: How) -> Result:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm in a notebook, which is not used here
        from harness.commands.benchmark import report_files, trained
    from harness.execution.progress import failures
    from harness.execution.run_plan import pages

    kind: Kind = "mlflow" if how.mlflow else "none"
    results = how.results
    try:
        analysis, display, tracking = trained(console, plan, registry, results, Where(workers=how.workers), kind)
    except KeyboardInterrupt:
        said = f"interrupted: what is done is in '{results}', and the same call goes on with what is missing"
        print_plain(console, said)
        raise
    failures(console, display)
    print_plain(console, f"{counted(display.trained, 'run')} trained, {display.found} found in '{results}'")
    found = Result(results, analysis)
    if how.mlflow:
        found.report()
        tracking.attach(report_files(results, plan.name))
        print_plain(console, "\n".join(pages(results, tracking, plan)))
    return found


def _console(how: How) -> Console:
    """In a notebook plain lines, as its cells move no cursor."""
    if Console().is_jupyter:
        return Console(force_jupyter=False, force_terminal=False, width=WIDTH, quiet=not how.progress)
    return Console(quiet=not how.progress)

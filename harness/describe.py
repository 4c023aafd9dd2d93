"""Tables for the terminal: the plug-ins there are, what a data set looks like, and who conforms."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from harness import corpus
from harness.check import conformance
from harness.corpus import SPLITS, CodedSplit, Corpus
from harness.execute import build_data, data_folder
from harness.metrics import rank_metrics
from harness.plugin import knobs
from harness.registry import Entry, Registry
from harness.spec import load_plan, resolve


def print_plugins(console: Console, plugins: Path | None) -> None:
    """Every plug-in, one line per parameter."""
    registry = Registry(plugins)
    kinds: dict[str, dict[str, Entry[Any]]] = {
        "strategies": registry.strategies,
        "data sets": registry.datasets,
        "models": registry.models,
    }
    for kind, entries in kinds.items():
        table = Table(title=kind, title_justify="left", title_style="bold", box=None, header_style="dim")
        for column in ("name", "parameter", "default", "accepted", "searched"):
            table.add_column(column)
        for name, entry in entries.items():
            fields = dataclasses.fields(entry.cls)
            defaults = {f.name: f.default for f in fields}
            for i, (param, knob) in enumerate(knobs(entry.cls).items() or [("", None)]):
                shown = "" if knob is None else repr(defaults[param])
                accepted = "" if knob is None else knob.describe()
                searched = "yes" if knob is not None and knob.searchable and kind == "strategies" else ""
                table.add_row(name if i == 0 else "", param, shown, accepted, searched)
            if not fields:
                table.add_row(name)
        console.print(table)


def print_data(
    console: Console, plan_path: Path, results: Path, plugins: Path | None, overrides: list[str] | None
) -> None:
    """Build and describe the data sets of a plan."""
    registry = Registry(plugins)
    plan = load_plan(plan_path, overrides)
    datasets, _, _ = resolve(plan, registry)
    for dataset in datasets:
        key = build_data(dataset, plan.data_seed, registry, results)
        built = corpus.load(data_folder(results, key))
        console.print(f"[bold]{dataset.name}[/] {data_folder(results, key)}", highlight=False, soft_wrap=True)
        console.print(_fields(built), _tasks(built))


def _fields(data: Corpus) -> Table:
    table = Table("field", "distinct ids in train", "seen once", "top 1 % of ids hold", "test rows with an unseen id")
    for column in table.columns[1:]:
        column.justify = "right"
    offset = 0
    for f, name in enumerate(data.fields):
        count_U = np.sort(data.count_V[f][data.count_V[f] > 0])[::-1]
        unseen = float((data.count_V[f][data.test.codes_NF[:, f] - offset] == 0).mean())
        top = count_U[: max(1, len(count_U) // 100)].sum() / count_U.sum()
        table.add_row(name, f"{len(count_U):,}", f"{(count_U == 1).mean():.1%}", f"{top:.1%}", f"{unseen:.1%}")
        offset += len(data.count_V[f])
    return table


def _tasks(data: Corpus) -> Table:
    table = Table("task", *(f"{part} positives" for part in SPLITS), "test rate", "best reachable test AUC")
    for column in table.columns[1:]:
        column.justify = "right"
    for t, task in enumerate(data.tasks):
        labels = [_known(data.split(part), t) for part in SPLITS]
        truth = data.test.truth_NT
        oracle = "unknown" if truth is None else f"{rank_metrics(truth[:, t], data.test.labels_NT[:, t])[0]:.4f}"
        table.add_row(task, *(f"{int(label.sum()):,}" for label in labels), f"{labels[-1].mean():.3%}", oracle)
    return table


def _known(split: CodedSplit, task: int) -> npt.NDArray[np.uint8]:
    known = slice(None) if split.observed_NT is None else split.observed_NT[:, task]
    return np.asarray(split.labels_NT[known, task])


def print_conformance(console: Console, names: list[str], plugins: Path | None) -> int:
    """Run the checks; the exit status is 1 if one failed."""
    failed = 0
    for v in conformance(Registry(plugins), names):
        failed += v.outcome == "failed"
        style = {"passed": "green", "failed": "red", "skipped": "yellow"}[v.outcome]
        console.print(
            f"[{style}]{v.outcome:8}[/]{v.kind} {v.plugin}: {v.check}{' - ' + v.reason if v.reason else ''}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"{failed} failed" if failed else "all passed", style="red" if failed else "green")
    return int(failed > 0)

"""A log on its way to a comparison: its schema, and its data, built and checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.base.errors import UserError, one_line, unknown
from harness.base.files import write_text
from harness.base.plugin import params
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.guess.asked import Asked
from harness.data.guess.first_schema import first_schema
from harness.data.guess.guess import Guesses
from harness.data.guess.sample import Sample
from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.checks import findings_of
from harness.data.meter import Say
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry, build
from harness.results.findings import Finding


@dataclass(frozen=True)
class Log:
    """key: of the built data. task: the label that the comparison selects by. seconds: that it took to be there."""

    data: IndexedDataset
    key: str
    task: str
    findings: tuple[Finding, ...]
    seconds: float


def guessed(source: str, asked: Asked, out: Path) -> tuple[Sample, Guesses]:
    """Guess a schema and write it.

    Raises:
        UserError: the files cannot be read, what is asked for is not there, or no label is found.
    """
    rows, guesses, _, text = first_schema(source, asked)
    if not any(each.what == "label" for each in guesses.columns):
        named = one_line(", ".join(guesses.candidates)) or "no column has two values"
        raise UserError(
            f"no label is found in '{source}'; accepted: --labels COLUMN, of two values: {named}; or --schema"
        )
    write_text(out, text)
    return rows, guesses


def built(values: dict[str, Any], labels: Sequence[str], registry: Registry, results: Path, say: Say) -> Log:
    """values: the data set, as a plan names it. labels: that are asked for, the first to select by.

    Raises:
        UserError: the data cannot be built, or have no such label.
    """
    begun = time.monotonic()
    given = {name: value for name, value in values.items() if name not in ("name", "label")}
    plugin = build(registry.datasets, "data set", values["name"], given)
    key = build_data(PluginSpec(name=plugin.name, params=params(plugin)), 0, registry, results, say)
    data = indexed.load(data_folder(results, key))
    for label in labels:
        if label not in data.tasks:
            raise unknown("label", label, data.tasks, "--labels")
    task = labels[0] if labels else data.tasks[0]
    return Log(data, key, task, findings_of(data_folder(results, key)), time.monotonic() - begun)

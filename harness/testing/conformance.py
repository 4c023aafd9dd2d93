"""Conformance: what every plug-in must do, tried on a small data set. `multiepoch check` and the tests run it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.base.errors import unknown
from harness.plugins.registry import Entry, Registry
from harness.testing.another_process import AnotherProcess
from harness.testing.checks import Checks, Failed
from harness.testing.of_datasets import dataset_checks
from harness.testing.of_models import model_checks
from harness.testing.of_strategies import strategy_checks
from harness.testing.small_data import small_model


@dataclass(frozen=True)
class Verdict:
    """One check of one plug-in. outcome: passed, failed or skipped, with its reason."""

    kind: str
    plugin: str
    check: str
    outcome: str
    reason: str = ""


def conformance(registry: Registry, names: Sequence[str] = ()) -> Iterator[Verdict]:
    """Every check of the plug-ins named, or of all.

    Raises:
        UserError: there is no plug-in of that name.
    """
    known = [*registry.datasets, *registry.models, *registry.strategies]
    for name in names:
        if name not in known:
            raise unknown("plug-in", name, known)
    with AnotherProcess(registry.extra) as another:
        for kind, entry, checks in _everything(registry, another):
            if not names or entry.cls.name in names:
                yield from _verdicts(kind, entry, checks)


def _everything(registry: Registry, another: AnotherProcess) -> Iterator[tuple[str, Entry[Any], Checks]]:
    for data in registry.datasets.values():
        yield "data set", data, dataset_checks(data.cls, another)
    for model in registry.models.values():
        yield "model", model, model_checks(model.cls, registry, another)
    dnn = small_model(registry)
    for strategy in registry.strategies.values():
        yield "strategy", strategy, strategy_checks(strategy.cls, dnn, registry, another)


def _verdicts(kind: str, entry: Entry[Any], checks: Checks) -> Iterator[Verdict]:
    checks = {"is documented": lambda: _documented(entry)} | checks
    for check, body in checks.items():
        try:
            skipped = body()
        except Exception as error:
            reason = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            yield Verdict(kind, entry.cls.name, check, "failed", reason)
        else:
            yield Verdict(kind, entry.cls.name, check, "skipped" if skipped else "passed", skipped or "")


def _documented(entry: Entry[Any]) -> None:
    if not (entry.source.lstrip().startswith(('"""', "'''", 'r"""')) or entry.cls.__dict__.get("__doc__")):
        raise Failed(f"{entry.path.name} has no docstring; say what it does and where it comes from")

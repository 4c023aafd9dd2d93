"""The value of an expression: what it reads from the runs of its arms, seed by seed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from scipy.stats import spearmanr

from harness.base.errors import UserError
from harness.facts.expression import RANKS, WHEN, argument, parsed, split_metric
from harness.metrics.selection import Rule, choose
from harness.results.keys import MetricKey, Status
from harness.results.records import Run

NEAR = 0.01
"""Epochs that a reading may be from the position that is asked for."""
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class NamedRuns:
    """The runs that the names of a data set, a model and a strategy stand for."""

    dataset: str
    model: str
    strategy: str
    runs: Mapping[int, Run]

    @property
    def names(self) -> set[str]:
        return {self.dataset, self.model, self.strategy}


class Missing(Exception):
    """A run has no such value."""


@dataclass(frozen=True)
class Readings:
    """What an expression reads from. task: read where none is named."""

    arms: Sequence[NamedRuns]
    task: str

    @cached_property
    def seeds(self) -> list[int]:
        """Those that every arm finished."""
        done = [{s for s, run in arm.runs.items() if run.status == Status.FINISHED} for arm in self.arms]
        return sorted(set.intersection(*done))

    def by_seed(self, expression: str, position: float | None = None) -> dict[int, float]:
        """The expression's value for every seed that has it, as a number. position: where it names none.

        Raises:
            UserError: it fits no arm, or more than one.
        """
        tree, found = parsed(expression), {}
        for seed in self.seeds:
            with suppress(Missing, ZeroDivisionError):
                value = self._value(tree, seed, position)
                if math.isfinite(value):
                    found[seed] = value
        return found

    def positions(self) -> list[float]:
        """Of every evaluation of any run, ascending; of those that a reading takes for one, as runs of other numbers of
        batches have them, the first."""
        found: list[float] = []
        for position in sorted({r.position for arm in self.arms for run in arm.runs.values() for r in run.records}):
            if not found or position - found[-1] >= NEAR:
                found.append(position)
        return found

    def _value(self, node: ast.expr, seed: int, position: float | None) -> float:
        match node:
            case ast.BinOp(left, op, right):
                return OPERATORS[type(op)](self._value(left, seed, position), self._value(right, seed, position))
            case ast.UnaryOp(operand=operand):
                return -self._value(operand, seed, position)
            case ast.Constant(value):
                assert isinstance(value, (int, float))
                return float(value)
            case ast.Call(ast.Name("during"), [ast.Constant(epoch), inner]):
                assert isinstance(epoch, int)
                return self._mean(inner, seed, epoch)
            case ast.Call(ast.Name("window"), [ast.Constant(number), inner]):
                assert isinstance(number, int)
                return self._of_window(number)._value(inner, seed, position)
            case ast.Call(ast.Name(function), arguments):
                values = [argument(a) for a in arguments]
                if function == RANKS:
                    return self._ranks(values, seed)
                return self._reading(function, values, seed, position)
        raise AssertionError(ast.dump(node))

    def _of_window(self, number: int) -> Readings:
        """The same of what one window recorded."""

        def narrowed(run: Run) -> Run:
            return replace(run, records=tuple(r for r in run.windows if r.window == number))

        arms = [replace(arm, runs={seed: narrowed(run) for seed, run in arm.runs.items()}) for arm in self.arms]
        return Readings(arms, self.task)

    def _mean(self, node: ast.expr, seed: int, epoch: int) -> float:
        values = []
        for position in (p for p in self.positions() if epoch - 1 < p <= epoch):
            with suppress(Missing):
                values.append(self._value(node, seed, position))
        if not values:
            raise Missing
        return fmean(values)

    def _reading(self, function: str, values: Sequence[str | float], seed: int, position: float | None) -> float:
        split, metric = split_metric(function)
        names = {v for v in values if isinstance(v, str) and any(v in arm.names for arm in self.arms)}
        fitting = [arm for arm in self.arms if names <= arm.names]
        if len(fitting) != 1:
            which = ", ".join(f"{a.dataset} {a.model} {a.strategy}" for a in fitting or self.arms)
            raise UserError(
                f"{function}({', '.join(map(str, values))}) fits {len(fitting)} arms; accepted: one of {which}"
            )
        rest = [v for v in values if isinstance(v, str) and v not in names and v not in WHEN]
        when = next((v for v in values if v in WHEN or not isinstance(v, str)), position)
        assert when is not None
        key = MetricKey(split, metric, rest[0] if rest else self.task)
        return _read(fitting[0].runs[seed], key, when, self.task)

    def _ranks(self, values: Sequence[str | float], seed: int) -> float:
        left, right, *when = values
        strategies = list(dict.fromkeys(arm.strategy for arm in self.arms))
        columns = [
            [self._reading("auc", [str(d), strategy, *when], seed, None) for strategy in strategies]
            for d in (left, right)
        ]
        if any(len(set(column)) == 1 for column in columns):
            raise Missing
        return float(spearmanr(*columns).statistic)


def _read(run: Run, key: MetricKey, when: str | float, task: str) -> float:
    if not run.records:
        raise Missing
    if when == "last":
        record = run.boundaries[-1]
    elif when == "best":
        record = run.boundaries[choose(Rule.BEST_EPOCH, "auc", task, run.records)[0] - 1]
    else:
        near = [r for r in run.records if abs(r.position - float(when)) < NEAR]
        if not near:
            raise Missing
        record = near[-1]
    if key not in record.metrics:
        raise Missing
    return record.metrics[key]

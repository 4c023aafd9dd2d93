"""Arithmetic over what runs recorded: `(auc(filtered, 2) - auc(filtered, 1)) / (auc(plain, 2) - auc(plain, 1))`.

A reading is `<metric>(...)` of the test split or `<split>_<metric>(...)`, its arguments in any order: names of the data
set, model or strategy that tell which run; a task, or the part of a probe, in quotes if it is no identifier; and when:
a position in epochs (1.25), `best` for the epoch with the best valid AUC, or `last`. `during(2, sample_auc(plain))` is
the mean over the evaluations of epoch 2. Of a continual plan every reading is a mean over its windows;
`window(9, auc(reinit, 2))` is that of one. `rank_correlation(a, b, best)` is Spearman's between the AUC of all
strategies on two data sets.
"""

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

from harness.base.errors import UserError, unknown
from harness.metrics.catalog import SELECTABLE
from harness.metrics.selection import Rule, choose
from harness.results.keys import MetricKey, Status
from harness.results.records import Run

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
SPLITS = ("sample", "valid", "test", "train", "probe")
WHEN = ("best", "last")
RANKS = "rank_correlation"


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
        tree, found = _parsed(expression), {}
        for seed in self.seeds:
            with suppress(Missing, ZeroDivisionError):
                value = self._value(tree, seed, position)
                if math.isfinite(value):
                    found[seed] = value
        return found

    def positions(self) -> list[float]:
        """Of every evaluation of any run, ascending."""
        return sorted({r.position for arm in self.arms for run in arm.runs.values() for r in run.records})

    def _value(self, node: ast.expr, seed: int, position: float | None) -> float:
        match node:
            case ast.BinOp(left, op, right):
                return ARITHMETIC[type(op)](self._value(left, seed, position), self._value(right, seed, position))
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
                values = [_argument(a) for a in arguments]
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
        split, metric = _split_metric(function)
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


def check(expression: str, *, placed: bool) -> None:
    """placed: whether every reading must say when.

    Raises:
        ValueError: it is no arithmetic over readings, or names an unknown metric.
    """
    _check(_parsed(expression), placed)


def is_difference(expression: str) -> bool:
    """Whether its value is one reading less another, and not a ratio, say, of such."""
    match _parsed(expression):
        case ast.BinOp(op=ast.Sub()):
            return True
    return False


def _check(node: ast.AST, placed: bool) -> None:
    match node:
        case ast.Call(ast.Name("during"), [ast.Constant(int()), inner]):
            _check(inner, placed=False)
        case ast.Call(ast.Name("window"), [ast.Constant(int()), inner]):
            _check(inner, placed)
        case ast.Call(ast.Name("during" | "window" as function)):
            what = {"during": "epoch", "window": "number"}[function]
            raise ValueError(f"{ast.unparse(node)} is not accepted; accepted: {function}({what}, readings)")
        case ast.Call(ast.Name(function), arguments):
            values = [_argument(a) for a in arguments]
            if function != RANKS:
                _split_metric(function)
            if placed and not any(v in WHEN or not isinstance(v, str) for v in values):
                when = "a position, as 2 or 1.25, best or last"
                raise ValueError(f"{ast.unparse(node)} does not say when; accepted: {when}")
        case _:
            for part in ast.iter_child_nodes(node):
                _check(part, placed)


def _parsed(expression: str) -> ast.expr:
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"cannot be read: {error.msg}") from error
    for node in ast.walk(tree):
        known = (ast.BinOp, ast.UnaryOp, ast.USub, ast.Constant, ast.Call, ast.Name, ast.Load, *ARITHMETIC)
        if not isinstance(node, known):
            raise ValueError(f"{type(node).__name__} is not accepted; accepted: readings, numbers and + - * /")
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            raise ValueError(f"{ast.unparse(node.func)} is no reading")
    return tree


def _argument(node: ast.expr) -> str | float:
    match node:
        case ast.Name(name):
            return name
        case ast.Constant(str() | int() | float() as value):
            return value
    raise ValueError(f"{ast.unparse(node)} is not accepted as an argument; accepted: names and numbers")


def _split_metric(function: str) -> tuple[str, str]:
    """`sample_logloss` -> sample, logloss; `auc` -> test, auc."""
    split, _, metric = function.partition("_")
    if split not in SPLITS:
        split, metric = "test", function
    if split != "probe" and metric not in SELECTABLE:
        raise ValueError(str(unknown("metric", metric, SELECTABLE)))
    return split, metric


def _read(run: Run, key: MetricKey, when: str | float, task: str) -> float:
    if not run.records:
        raise Missing
    if when == "last":
        record = run.boundaries[-1]
    elif when == "best":
        record = run.boundaries[choose(Rule.BEST_EPOCH, "auc", task, run.records)[0] - 1]
    else:
        near = [r for r in run.records if abs(r.position - float(when)) < 0.01]
        if not near:
            raise Missing
        record = near[-1]
    if key not in record.metrics:
        raise Missing
    return record.metrics[key]

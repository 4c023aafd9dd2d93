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

from harness.base.errors import unknown
from harness.metrics.catalog import SELECTABLE

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
SPLITS = ("sample", "valid", "test", "train", "probe")
WHEN = ("best", "last")
RANKS = "rank_correlation"


def check(expression: str, *, placed: bool) -> None:
    """placed: whether every reading must say when.

    Raises:
        ValueError: it is no arithmetic over readings, or names an unknown metric.
    """
    _check(parsed(expression), placed)


def is_difference(expression: str) -> bool:
    """Whether its value is one reading less another, and not a ratio, say, of such."""
    tree = parsed(expression)
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Sub)


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
            values = [argument(a) for a in arguments]
            if function != RANKS:
                split_metric(function)
            if placed and not any(v in WHEN or not isinstance(v, str) for v in values):
                when = "a position, as 2 or 1.25, best or last"
                raise ValueError(f"{ast.unparse(node)} does not say when; accepted: {when}")
        case _:
            for part in ast.iter_child_nodes(node):
                _check(part, placed)


def parsed(expression: str) -> ast.expr:
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


def argument(node: ast.expr) -> str | float:
    match node:
        case ast.Name(name):
            return name
        case ast.Constant(str() | int() | float() as value):
            return value
    raise ValueError(f"{ast.unparse(node)} is not accepted as an argument; accepted: names and numbers")


def split_metric(function: str) -> tuple[str, str]:
    """`sample_logloss` -> sample, logloss; `auc` -> test, auc."""
    split, _, metric = function.partition("_")
    if split not in SPLITS:
        split, metric = "test", function
    if split != "probe" and metric not in SELECTABLE:
        raise ValueError(str(unknown("metric", metric, SELECTABLE)))
    return split, metric

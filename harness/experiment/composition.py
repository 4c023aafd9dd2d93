"""How a composed strategy is written: `hashing(ratio=0.1)+reinit`."""

from __future__ import annotations

import ast
from typing import Any

from harness.base.errors import UserError

MOST_PARTS, MOST_LETTERS = 20, 5_000


def fixed_params(text: str) -> dict[str, set[str]]:
    """The knobs that a strategy expression fixes, by strategy; the search leaves them alone."""
    return {name: set(values) for name, values in parse(text, "strategy").items()}


def parse(text: str, where: str) -> dict[str, dict[str, Any]]:
    """Strategy name -> the values its expression gives, in declared order."""

    if text.count("+") > MOST_PARTS or len(text) > MOST_LETTERS:
        raise UserError(f"{where}: strategy '{text[:60]}...' is too long; accepted: at most {MOST_PARTS} parts")

    def walk(node: ast.expr) -> list[tuple[str, dict[str, Any]]]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return walk(node.left) + walk(node.right)
        if isinstance(node, ast.Name):
            return [(node.id, {})]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            given = {k.arg: _literal(k.value) for k in node.keywords if k.arg is not None}
            if len(given) == len(node.keywords):
                return [(node.func.id, given)]
        raise ValueError

    try:
        named = walk(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError) as error:
        raise UserError(
            f"{where}: strategy '{text}' cannot be read; accepted: name or name(knob=value, ...), each knob at most "
            "once, joined by +"
        ) from error
    parts = dict(named)
    if len(parts) < len(named):
        raise UserError(f"{where}: strategy '{text}' names one strategy twice; accepted: each at most once")
    return parts


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id == "inf":
        return float("inf")
    return ast.literal_eval(node)

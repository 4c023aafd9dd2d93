"""A Python source with what is known put in: decided tests go, and with them what they decide against.

Its text is changed rather than its tree written anew, so that layout and comments stay as their author left them.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]
"""What is known: an expression as text, as `self.scaling` -> its value."""
Defaults = Mapping[str, Mapping[str | None, Any]]
"""Method -> what its keyword arguments are where they are not given."""
Edit = tuple[int, int, str]
"""From this letter to that one, this instead."""

COMPARISONS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
UNKNOWN = object()


def folded(source: str, known: Values, defaults: Defaults) -> str:
    """The source without tests that `known` decides, and without arguments that equal a default."""
    while (edit := next(_edits(source, known, defaults), None)) is not None:
        first, end, text = edit
        source = source[:first] + text + source[end:]
    return source


def _edits(source: str, known: Values, defaults: Defaults) -> Iterator[Edit]:
    text = _Text(source)
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        values = {**known, **_locals(function, known)}
        for node in ast.walk(function):
            for field in ("body", "orelse"):
                if isinstance(block := getattr(node, field, None), list):
                    yield from _of_block(block, function, values, text)
            yield from _of_expression(node, values, defaults, text)


def _of_block(block: list[ast.stmt], function: ast.FunctionDef, values: Values, text: _Text) -> Iterator[Edit]:
    loaded = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for place, node in enumerate(block):
        if isinstance(node, ast.Return | ast.Raise) and block[place + 1 :]:
            yield text.begin(block[place + 1]), text.end(block[-1]), ""
        if isinstance(node, ast.If) and not text.is_elif(node) and (test := _value(node.test, values)) is not UNKNOWN:
            yield text.begin(node), text.end(node), text.moved(node.body if test else node.orelse, node, block)
        if isinstance(node, ast.For) and _value(node.iter, values) == ():
            yield text.begin(node), text.end(node), text.moved([], node, block)
        if isinstance(node, ast.Assign) and _is_unread(node, loaded):
            yield text.begin(node), text.end(node), text.moved([], node, block)


def _of_expression(node: ast.AST, values: Values, defaults: Defaults, text: _Text) -> Iterator[Edit]:
    if isinstance(node, ast.IfExp) and (test := _value(node.test, values)) is not UNKNOWN:
        yield text.replaced(node, node.body if test else node.orelse)
    if isinstance(node, ast.BoolOp):
        neutral = isinstance(node.op, ast.And)
        rest = [p for p in node.values if (value := _value(p, values)) is UNKNOWN or bool(value) != neutral]
        if len(rest) == 1 and len(node.values) == 2 and _value(node, values) is UNKNOWN:
            yield text.replaced(node, rest[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in defaults:
        default = defaults[node.func.attr]
        for before, given in zip(node.args[-1:] + [k.value for k in node.keywords], node.keywords, strict=False):
            if given.arg not in default or (value := _value(given.value, values)) is UNKNOWN:
                continue
            if value == default[given.arg]:
                yield text.end_of(before), text.end_of(given.value), ""
            elif not isinstance(given.value, ast.Constant):
                yield text.begin_of(given.value), text.end_of(given.value), repr(value)


def _locals(function: ast.FunctionDef, known: Values) -> dict[str, Any]:
    """The local names that are set once, to what is known."""
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    stored += [n.arg for n in ast.walk(function) if isinstance(n, ast.arg)]
    return {
        node.targets[0].id: value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        and stored.count(node.targets[0].id) == 1 and (value := _value(node.value, known)) is not UNKNOWN
    }  # fmt: skip


def _is_unread(node: ast.Assign, loaded: set[str]) -> bool:
    """Whether nobody reads what is set, and setting it does nothing else."""
    calls = any(isinstance(part, ast.Call) for part in ast.walk(node.value))
    return not calls and all(isinstance(t, ast.Name) and t.id not in loaded for t in node.targets)


def _value(node: ast.expr, values: Values) -> Any:
    """What an expression is, if that is known."""
    if isinstance(node, ast.Constant):
        return node.value
    if (value := values.get(ast.unparse(node), UNKNOWN)) is not UNKNOWN:
        return value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        part = _value(node.operand, values)
        return UNKNOWN if part is UNKNOWN else not part
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            if (value := _value(part, values)) is UNKNOWN or bool(value) == isinstance(node.op, ast.Or):
                break
        return value
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        left, right = _value(node.left, values), _value(node.comparators[0], values)
        known = left is not UNKNOWN and right is not UNKNOWN
        return COMPARISONS[type(node.ops[0])](left, right) if known else UNKNOWN
    return UNKNOWN


class _Text:
    """A source, and where in it nodes are."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = source.splitlines(keepends=True)

    def at(self, line: int | None, column: int | None) -> int:
        """The place of a letter; ast counts columns in bytes of UTF-8."""
        assert line is not None
        before = self._lines[line - 1].encode()[:column].decode()
        return sum(map(len, self._lines[: line - 1])) + len(before)

    def begin(self, node: ast.stmt) -> int:
        """Where the lines of a statement begin."""
        return self.at(node.lineno, 0)

    def end(self, node: ast.stmt) -> int:
        return sum(map(len, self._lines[: node.end_lineno]))

    def begin_of(self, node: ast.expr) -> int:
        return self.at(node.lineno, node.col_offset)

    def end_of(self, node: ast.expr) -> int:
        return self.at(node.end_lineno, node.end_col_offset)

    def is_elif(self, node: ast.If) -> bool:
        return self._source.startswith("elif", self.at(node.lineno, node.col_offset))

    def moved(self, chosen: list[ast.stmt], into: ast.stmt, block: list[ast.stmt]) -> str:
        """Statements in the place of one that holds them; `pass` where a block would be empty."""
        if not chosen:
            return "" if len(block) > 1 else " " * into.col_offset + "pass\n"
        if isinstance(chosen[0], ast.If) and self.is_elif(chosen[0]):
            text = self._source[self.begin(chosen[0]) : self.end(chosen[-1])]
            return text.replace("elif", "if", 1)
        inner = chosen[0].col_offset - into.col_offset
        lines = self._lines[chosen[0].lineno - 1 : chosen[-1].end_lineno]
        return "".join(line[inner:] if line.strip() else line for line in lines)

    def replaced(self, node: ast.expr, by: ast.expr) -> Edit:
        """An expression by a part of it, without brackets that it does not need."""
        first, end = self.begin_of(node), self.end_of(node)
        text = self._source[self.begin_of(by) : self.end_of(by)]
        before, after = self._source[first - 2 : first], self._source[end : end + 1]
        bare = isinstance(by, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        if bare and before[-1:] == "(" and after == ")" and not (before[0].isalnum() or before[0] in "_)]"):
            return first - 1, end + 1, text
        return first, end, text

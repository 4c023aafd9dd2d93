"""What a plug-in file says of itself, read from its source without running it.

Importing every plug-in takes seconds, since most import torch. A list of plug-ins, and a registry that is asked for one
of them, need their names alone.
"""

from __future__ import annotations

import ast
import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.base.meaning import REMEMBERED, source_of
from harness.base.plugin import Knob, knob_of, tuned

PLAIN = (
    ast.Constant, ast.Tuple, ast.List, ast.Name, ast.Load, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator, ast.Call,
    ast.keyword, ast.Attribute,
)  # fmt: skip
"""What declared values are made of. Anything else could do anything, and is not evaluated."""


@dataclass(frozen=True)
class Declaration:
    """A plug-in as its file declares it."""

    name: str
    summary: str
    """The first sentence of the file, or of the class."""
    source: str
    """The paragraph on where it comes from, without the word `Source:`; empty where there is none."""
    knobs: dict[str, tuple[Any, Knob]]
    """Name -> default and knob, in order of declaration."""
    replaces: tuple[str, ...] = ()
    """Of a strategy: the training knobs that it replaces."""


def declared(path: Path, base: str) -> Declaration | None:
    """The one class of a file that derives from `base`; None where the source alone does not tell."""
    try:
        return _declared(source_of(path), base)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


@lru_cache(REMEMBERED)
def _declared(source: str, base: str) -> Declaration | None:
    try:
        tree = ast.parse(source)
        (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and _derives(node, base))
        names = _constants(tree)
        fields = [node for node in found.body if isinstance(node, ast.AnnAssign) and not _is_class_variable(node)]
        knobs = {str(ast.unparse(node.target)): _knob(node.value, names) for node in fields}
        name = next(_values(found, "name", names))
        replaces = tuple(next(_values(found, "replaces", names), ()))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, StopIteration, _Untold):
        return None
    text = ast.get_docstring(tree) or ast.get_docstring(found) or ""
    return Declaration(str(name), *summary_and_source(text), knobs, replaces) if isinstance(name, str) else None


class _Untold(Exception):
    """The source alone does not tell a value."""


def _derives(node: ast.ClassDef, base: str) -> bool:
    return any(isinstance(b, ast.Name) and b.id == base for b in node.bases)


def _values(found: ast.ClassDef, name: str, names: dict[str, Any]) -> Iterator[Any]:
    """What a class assigns to this name."""
    for node in found.body:
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_class_variable(node):
                targets = [target]
            case _:
                continue
        if any(isinstance(each, ast.Name) and each.id == name for each in targets):
            yield _value(value, names)


def _is_class_variable(node: ast.AnnAssign) -> bool:
    return "ClassVar" in ast.unparse(node.annotation)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The names of a module whose values its source tells, and those that declarations are made of.

    A name that is given more than one value has the one that running the file would leave, which is not told here.
    """
    names: dict[str, Any] = {"tuned": tuned, "math": math, "float": float}
    stored = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(to := node.targets[0], ast.Name) and stored[to.id] == 1:
            try:
                names[to.id] = _value(node.value, names)
            except _Untold:
                continue
    return names


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    for part in ast.walk(node):
        if not isinstance(part, PLAIN) or (isinstance(part, ast.Attribute) and ast.unparse(part.value) != "math"):
            raise _Untold
    code = compile(ast.Expression(node), "<declaration>", "eval")
    try:
        return eval(code, {"__builtins__": {}, **names})
    except Exception as error:
        raise _Untold from error


def _knob(node: ast.expr | None, names: dict[str, Any]) -> tuple[Any, Knob]:
    if node is None:
        raise _Untold
    value = _value(node, names)
    if isinstance(value, dataclasses.Field):
        return value.default, knob_of(value)
    return value, Knob(search=False)


def summary_and_source(docstring: str) -> tuple[str, str]:
    """Its first paragraph, and the one that begins with `Source:`."""
    paragraphs = [" ".join(each.split()) for each in docstring.split("\n\n")]
    return paragraphs[0], next((p.removeprefix("Source:").strip() for p in paragraphs if p.startswith("Source:")), "")

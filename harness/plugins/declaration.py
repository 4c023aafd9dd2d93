"""What a plug-in file says of itself, read from its source without running it.

Importing every plug-in takes seconds, since most import torch. A list of plug-ins, and a registry that is asked for one
of them, need their names alone.
"""

from __future__ import annotations

import ast
import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.base.plugin import Knob, knob_of, tuned


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


def declared(path: Path, base: str) -> Declaration | None:
    """The one class of a file that derives from `base`; None where the source alone does not tell."""
    try:
        tree = ast.parse(path.read_text())
        (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and _derives(node, base))
        names = _constants(tree)
        fields = [node for node in found.body if isinstance(node, ast.AnnAssign) and not _is_class_variable(node)]
        knobs = {str(ast.unparse(node.target)): _knob(node.value, names) for node in fields}
        name = next(_value(n.value, names) for n in found.body if isinstance(n, ast.Assign) and _assigns(n, "name"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, StopIteration, _Untold):
        return None
    text = ast.get_docstring(tree) or ast.get_docstring(found) or ""
    return Declaration(str(name), *summary_and_source(text), knobs) if isinstance(name, str) else None


class _Untold(Exception):
    """The source alone does not tell a value."""


def _derives(node: ast.ClassDef, base: str) -> bool:
    return any(isinstance(b, ast.Name) and b.id == base for b in node.bases)


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _is_class_variable(node: ast.AnnAssign) -> bool:
    return "ClassVar" in ast.unparse(node.annotation)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The names of a module whose values its source tells, and those that declarations are made of."""
    names: dict[str, Any] = {"tuned": tuned, "math": math, "float": float}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                names[node.targets[0].id] = _value(node.value, names)
            except _Untold:
                continue
    return names


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
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

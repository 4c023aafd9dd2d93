"""What a Python source means, apart from how it is written."""

from __future__ import annotations

import ast


def meaning(source: str) -> str:
    """The syntax tree of a source without its docstrings, as text: comments and layout leave it as it is.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a string alone: a docstring, or what is written under an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

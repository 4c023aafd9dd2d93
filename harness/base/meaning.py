"""What a Python source means, apart from how it is written."""

from __future__ import annotations

import ast
from functools import lru_cache
from importlib.util import decode_source
from pathlib import Path

REMEMBERED = 256
"""Sources of which is kept what was read from them: a process asks for the same plug-ins many times."""


def source_of(path: Path) -> str:
    """The text of a Python file as Python reads it: in the encoding that it names, without a byte order mark.

    Raises:
        OSError, SyntaxError, UnicodeDecodeError: it cannot be read.
    """
    return decode_source(path.read_bytes())


def first_line(node: ast.stmt) -> int:
    """Where a statement begins, with the decorators of a definition."""
    decorators = node.decorator_list if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else []
    return min([node.lineno, *(each.lineno for each in decorators)])


@lru_cache(REMEMBERED)
def meaning(source: str) -> str:
    """A source written anew from its syntax tree, without docstrings: comments and layout leave it as it is.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a string alone: a docstring, or what is written under an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

"""The files that a plug-in file imports of its own: helpers beside it, and modules of the package that it lies in.

Statements are read, not run; they count wherever they stand, in a function too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

OURS = ("harness", "multiepoch")
"""Packages that `ENGINE` stands for in a key."""


def packages_of(file: Path) -> list[Path]:
    """The packages that a file lies in, the innermost first: folders around it, as long as they have `__init__.py`."""
    return list(takewhile(lambda folder: (folder / "__init__.py").is_file(), file.parents))


def imported(file: Path, source: str, packages: Sequence[Path]) -> Iterator[Path]:
    """The files that a source imports of its own, `__init__.py` on the way to them among them; some more than once.

    packages: those of the plug-in. An import is of the one of its name in which most of it is found, of the first if
    there are several: a repository may be called like the package in it.

    What is imported from a file's own folder, where that has no `__init__.py`, can be a file alone: it is given even if
    there is none.
    """
    for level, name in _imports(source):
        first = name.partition(".")[0]
        if level == 0 and first not in OURS:
            yield from max((list(_along(p.parent, name)) for p in packages if p.name == first), key=len, default=[])
        for folder in file.parents[level - 1 : level] if level else ():
            found = list(_along(folder, name))
            there = found or level > 1 or (folder / "__init__.py").exists()
            yield from found if there else [folder / f"{first}.py"]


def _imports(source: str) -> Iterator[tuple[int, str]]:
    """How many dots each import begins with, and the name after them, that of what is taken from a module included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            begin = f"{node.module}." if node.module else ""
            yield from ((node.level, f"{begin}{alias.name}") for alias in node.names)


def _along(folder: Path, name: str) -> Iterator[Path]:
    """The file of every module along a dotted name; its last parts may be what a module defines."""
    for part in name.split("."):
        folder = folder / part
        yield from [file for file in (folder / "__init__.py", folder.with_name(f"{part}.py")) if file.is_file()][:1]

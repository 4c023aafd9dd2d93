"""The files that a plug-in file imports of its own: helpers beside it, modules of the package that it lies in, and
modules that it says are its own.

Statements are read, not run; they count wherever they stand, in a function too.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from harness.base.meaning import REMEMBERED, source_of

OURS = ("harness", "multiepoch")
"""Packages that `ENGINE` stands for in a key."""
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of packages that are installed."""

MODULES = "MODULES"
"""The constant of a plug-in file that names modules and packages, without dots, wherever Python finds them: what the
file imports of them is its own."""


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


def said(source: str) -> dict[str, Path]:
    """The modules and packages that a plug-in file says are its own, each as a folder, as `imported` takes them.

    Raises:
        ValueError: it names none so, or one that Python does not find or that is no Python file.
    """
    names: Any = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == MODULES for to in node.targets):
            names = ast.literal_eval(node.value)
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise ValueError(f"{MODULES} = {names!r}; accepted: a list of names of modules and packages, without dots")
    found = dict[str, Path]()
    for name in names:
        if (folder := _found(name)) is None:
            raise ValueError(f"{MODULES}: Python finds no file of a module '{name}'")
        found[name] = folder
    return found


def own(source: str) -> list[str]:
    """The modules and packages that a source imports, directly or not, as `MODULES` names them: those that are neither
    installed, nor of Python, nor of this project, nor without a file.

    Raises:
        OSError, SyntaxError: a file cannot be read.
    """
    found, seen, todo = dict[str, Path](), set[Path](), [(Path("/"), source)]
    while todo:
        file, text = todo.pop()
        for level, name in _imports(text):
            first = name.partition(".")[0]
            mine = level == 0 and first not in OURS and first not in sys.stdlib_module_names
            if mine and (folder := _found(first)) and not INSTALLED & set(folder.parts):
                found[first] = folder
        new = set(imported(file, text, list(found.values()))) - seen
        todo += [(each, source_of(each)) for each in sorted(new)]
        seen |= new
    return sorted(found)


def _found(name: str) -> Path | None:
    """A module or package that is a Python file, as a folder: of a module that which it would be as a package."""
    spec = importlib.util.find_spec(name)
    origin = Path(spec.origin).resolve() if spec is not None and spec.origin else Path()
    if origin.suffix != ".py":
        return None
    return origin.parent if origin.name == "__init__.py" else origin.with_suffix("")


@lru_cache(REMEMBERED)
def _imports(source: str) -> tuple[tuple[int, str], ...]:
    """How many dots each import begins with, and the name after them, that of what is taken from a module included."""
    found = list[tuple[int, str]]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            begin = f"{node.module}." if node.module else ""
            found += ((node.level, f"{begin}{alias.name}") for alias in node.names)
    return tuple(found)


def _along(folder: Path, name: str) -> Iterator[Path]:
    """The file of every module along a dotted name; its last parts may be what a module defines."""
    for part in name.split("."):
        folder = folder / part
        yield from [file for file in (folder / "__init__.py", folder.with_name(f"{part}.py")) if file.is_file()][:1]

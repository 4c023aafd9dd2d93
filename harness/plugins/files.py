"""Plug-in files as modules: loaded by path under private names, with the helper files beside them.

No top-level module called `datasets` or `strategies` ever exists. A file `_name.py` beside plug-ins is a helper:
plug-ins import it as `from ._name import ...`, and its meaning is part of theirs.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from harness.base.errors import UserError
from harness.base.meaning import meaning

PRIVATE = "harness_plugins"
"""Begins the names of their modules."""


@cache
def load(path: Path) -> ModuleType:
    """The module of a plug-in file, run once.

    Raises:
        UserError: it cannot be run.
    """
    name = f"{_package(path.parent)}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError(f"plug-in {path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def meaning_of(path: Path) -> str:
    """The meaning of a plug-in file with every helper that it imports.

    Raises:
        UserError: as of `meanings`.
    """
    found = meanings(path)
    parts = [found.pop(path), *(f"{file.name}:{text}" for file, text in sorted(found.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def meanings(path: Path) -> dict[Path, str]:
    """The meaning of a plug-in file and of every helper that it imports, directly or not, each by its path.

    Raises:
        UserError: a helper does not exist, or a file cannot be read as Python.
    """
    found, todo = dict[Path, str](), [path]
    while todo:
        file = todo.pop()
        try:
            source = file.read_text()
            found[file] = meaning(source)
            helpers = _helpers(file, source)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UserError(f"plug-in {path} cannot be read: {type(error).__name__}: {error}") from error
        todo += [helper for helper in helpers if helper not in found]
    return found


def _package(folder: Path) -> str:
    """The private package whose modules are the files of a folder, so that relative imports find helpers."""
    name = f"{PRIVATE}.{folder.name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    for package, places in ((PRIVATE, []), (name, [str(folder)])):
        if package not in sys.modules:
            module = ModuleType(package)
            module.__path__ = places
            sys.modules[package] = module
    return name


def _helpers(file: Path, source: str) -> list[Path]:
    """The files that relative imports of a source name."""
    named: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            named += [node.module] if node.module else [alias.name for alias in node.names]
    return [file.with_name(f"{name.split('.')[0]}.py") for name in named]

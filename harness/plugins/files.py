"""Plug-in files as modules: loaded by path under private names, with the helper files beside them.

No top-level module called `datasets` or `strategies` ever exists. A file `_name.py` beside plug-ins is a helper:
plug-ins import it as `from ._name import ...`. What a plug-in imports of its own is part of its meaning.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from os.path import relpath
from pathlib import Path, PurePath
from types import ModuleType

from harness.base.errors import UserError
from harness.base.meaning import meaning
from harness.plugins.imported import imported, packages_of, said

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


def meaning_of(path: Path, package: Path | None = None) -> str:
    """The meaning of a plug-in file with everything of its own that it imports. package: as of `meanings`.

    Raises:
        UserError: as of `meanings`.
    """
    (own, text), *rest = meanings(path, package).items()
    named = said(own.read_text()).values()
    others = sorted((_place(file, own, named), other) for file, other in rest)
    return hashlib.sha256("\n".join([text, *(f"{name}:{other}" for name, other in others)]).encode()).hexdigest()


def _place(file: Path, own: Path, named: Iterable[Path]) -> str:
    """Where a file lies: from the plug-in, or, in a module that it says is its own, from there."""
    around = next((folder.parent for folder in named if folder in (*file.parents, file.with_suffix(""))), own.parent)
    return PurePath(relpath(file, around)).as_posix()


def meanings(path: Path, package: Path | None = None) -> dict[Path, str]:
    """The meaning of a plug-in file, which comes first, and of what it imports, directly or not: helpers, modules of
    its own package, and modules that it says are its own. Each by its path.

    package: the outermost that it lies in, where that is known; None: those that `packages_of` finds.

    Raises:
        UserError: a helper does not exist, or a file cannot be read as Python.
    """
    found, todo = dict[Path, str](), [path.resolve()]
    packages = packages_of(todo[0]) if package is None else [package.resolve()]
    while todo:
        if (file := todo.pop()) in found:
            continue
        try:
            source = file.read_text()
            found[file] = meaning(source)
            packages += said(source).values() if len(found) == 1 else ()
            todo += imported(file, source, packages)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UserError(f"plug-in {path} cannot be read: {type(error).__name__}: {error}") from error
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

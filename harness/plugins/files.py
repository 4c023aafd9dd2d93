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
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from os.path import relpath
from pathlib import Path, PurePath
from types import CodeType, ModuleType

from harness.base.digests import digest_of, digest_of_value
from harness.base.errors import UserError
from harness.base.meaning import meaning, source_of
from harness.plugins.imported import imported, packages_of, said

PRIVATE = "harness_plugins"
"""Begins the names of their modules."""
_LOADED: dict[str, str] = {}
"""Package of a folder -> what its files were when modules of it were last run."""


class _FromSource(SourceFileLoader):
    """Runs what the file says now: bytecode beside it may be of another one of the same size and date."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def load(path: Path) -> ModuleType:
    """The module of a plug-in file, run once, and again when it or a file beside it was edited.

    Raises:
        UserError: it cannot be run.
    """
    try:
        return _load(path, _written(path.parent))
    except OSError as error:
        raise UserError(f"plug-in {path} cannot be read: {error.strerror}") from error


def _written(folder: Path) -> str:
    """The digest of all files of a folder that a plug-in in it may be or import."""
    return digest_of_value([(file.name, digest_of(file)) for file in sorted(folder.glob("*.py"))])


@cache
def _load(path: Path, written: str) -> ModuleType:
    package = _package(path.parent)
    if _LOADED.setdefault(package, written) != written:
        _LOADED[package] = written
        for beside in [name for name in sys.modules if name.startswith(f"{package}.")]:
            del sys.modules[beside]
    name = f"{package}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_FromSource(name, str(path)))
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
    named = said(source_of(own)).values()
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
            source = source_of(file)
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
    if str(folder) not in sys.path:
        loaders = (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromSource, SOURCE_SUFFIXES)
        sys.path_importer_cache[str(folder)] = FileFinder(str(folder), *loaders)
    return name

"""From files to plug-ins: every `*.py` in `strategies/`, `datasets/` and `harness/models/` holds one.

Files are loaded by path under a private module name, so that no top-level module called `datasets` exists.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from harness.api import Dataset, Model, Strategy
from harness.base.errors import UserError, unknown
from harness.base.places import DATASETS, MODELS, STRATEGIES
from harness.base.plugin import Plugin, create

P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True)
class Entry(Generic[P]):
    """A plug-in class, where it was found, and its source, which is part of the key of every run that uses it."""

    cls: type[P]
    path: Path
    source: str


class Registry:
    """The plug-ins of the repository and of one more folder, if given.

    The extra folder holds `strategies/`, `datasets/` and `models/`, any of them, or strategies alone.
    """

    def __init__(self, extra: Path | None = None) -> None:
        if extra is not None and not extra.is_dir():
            raise UserError(f"--plugins '{extra}' is not a folder")
        self.extra = extra
        self.strategies = self._scan(Strategy, "strategies", STRATEGIES, flat=True)
        self.datasets = self._scan(Dataset, "datasets", DATASETS)
        self.models = self._scan(Model, "models", MODELS)

    def _scan(self, base: type[P], kind: str, home: Path, *, flat: bool = False) -> dict[str, Entry[P]]:
        folders = [home]
        if self.extra is not None:
            folders.append(self.extra / kind if (self.extra / kind).is_dir() or not flat else self.extra)
        found: dict[str, Entry[P]] = {}
        for path in (p for folder in folders if folder.is_dir() for p in sorted(folder.glob("*.py"))):
            if path.name.startswith("_"):
                continue
            entry = _load(base, kind, path)
            if entry.cls.name in found:
                raise UserError(f"'{entry.cls.name}' is defined twice: {found[entry.cls.name].path} and {path}")
            found[entry.cls.name] = entry
        return found


def entry_of(entries: dict[str, Entry[P]], what: str, name: str, where: str = "") -> Entry[P]:
    """The plug-in of that name, or an error with the nearest one."""
    if name not in entries:
        raise unknown(what, name, entries, where)
    return entries[name]


def build(entries: dict[str, Entry[P]], what: str, name: str, params: dict[str, Any], where: str = "") -> P:
    """An instance of the plug-in of that name."""
    return create(entry_of(entries, what, name, where).cls, params, where)


@cache
def _module(kind: str, path: Path) -> ModuleType:
    name = f"harness_plugins.{kind}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"plug-in {path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def _load(base: type[P], kind: str, path: Path) -> Entry[P]:
    """The one plug-in class that a file defines.

    Raises:
        UserError: none or several, no name, or a public method that is no hook.
    """
    module = _module(kind, path.resolve())
    classes = [c for c in vars(module).values() if _is_plugin(c, base, module)]
    if len(classes) != 1:
        raise UserError(f"plug-in {path} defines {len(classes)} {base.__name__} classes; accepted: exactly one")
    (cls,) = classes
    if not isinstance(getattr(cls, "name", None), str):
        raise UserError(f'plug-in {path}: class {cls.__name__} has no name; write: name = "{path.stem}"')
    hooks = {n for n, v in vars(base).items() if not n.startswith("_") and callable(v)}
    for method, value in vars(cls).items():
        if not method.startswith("_") and inspect.isfunction(value) and method not in hooks:
            raise unknown(f"hook of class {cls.__name__}", method, hooks, str(path))
    return Entry(cls, path, path.read_text())


def _is_plugin(value: Any, base: type[Plugin], module: ModuleType) -> bool:
    return inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__

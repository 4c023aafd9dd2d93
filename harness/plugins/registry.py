"""The plug-ins there are: by name, from the files that come with the harness, from a folder of the user's, and from
installed packages."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.base.errors import UserError, unknown
from harness.base.files import odd_kind
from harness.base.meaning import source_of
from harness.base.names import BASELINE
from harness.base.places import DATASETS, MODELS, STRATEGIES
from harness.base.plugin import Plugin, create, described
from harness.plugins.declaration import Declaration, declared, summary_and_source
from harness.plugins.files import load, meaning_of

if TYPE_CHECKING:
    from harness.api import Dataset, Model, Strategy

P = TypeVar("P", bound=Plugin)
GROUP = "multiepoch"
"""Begins the names of entry point groups: `multiepoch.strategies`, `multiepoch.datasets`, `multiepoch.models`."""


class Entry(Generic[P]):
    """One plug-in: where it was found, what its file declares, and its class, which is loaded when first asked for."""

    def __init__(self, base: str, path: Path, package: Path | None = None) -> None:
        """base: the class of `harness.api` that it derives from. package: as of `meanings`."""
        self.base, self.path, self.package = base, path, package
        self._declaration = declared(path, base)

    @cached_property
    def cls(self) -> type[P]:
        """The class.

        Raises:
            UserError: the file defines none or several, without a name, or with a public method that is no hook.
        """
        return _the_class(load(self.path.resolve()), self.base, self.path)

    @property
    def name(self) -> str:
        return self._declaration.name if self._declaration else self.cls.name

    @cached_property
    def declaration(self) -> Declaration:
        """Its name, summary, source, knobs, and what it replaces."""
        if self._declaration is not None:
            return self._declaration
        words, replaces = summary_and_source(inspect.getdoc(self.cls) or ""), getattr(self.cls, "replaces", ())
        return Declaration(self.cls.name, *words, described(self.cls), replaces)

    @property
    def source(self) -> str:
        return source_of(self.path)

    @cached_property
    def meaning(self) -> str:
        """What enters the key of every run that uses it: no comment, docstring or layout."""
        return meaning_of(self.path, self.package)


class Registry:
    """The plug-ins of the harness, of installed packages, and of one more folder, if given.

    The extra folder holds `strategies/`, `datasets/` and `models/`, any of them, or strategies alone.
    """

    def __init__(self, extra: Path | None = None) -> None:
        """Raises:
        UserError: `extra` is no folder, a file is no plug-in, or two plug-ins have one name.
        """
        if extra is not None and not extra.is_dir():
            raise UserError(f"--plugins '{extra}' is not a folder")
        self.extra = extra
        self._points = entry_points()
        self.strategies: dict[str, Entry[Strategy]] = self._scan("Strategy", "strategies", STRATEGIES)
        self.datasets: dict[str, Entry[Dataset]] = self._scan("Dataset", "datasets", DATASETS)
        self.models: dict[str, Entry[Model]] = self._scan("Model", "models", MODELS)

    def _scan(self, base: str, kind: str, home: Path) -> dict[str, Entry[Any]]:
        found: dict[str, Entry[Any]] = {}
        for path, package in self._files(kind, home):
            if not path.is_file():
                raise UserError(f"plug-in {path} is {odd_kind(path)}; accepted: a Python file")
            entry: Entry[Any] = Entry(base, path, package)
            if entry.name in found:
                raise UserError(f"'{entry.name}' is defined twice: {found[entry.name].path} and {path}")
            if path.parent != home:
                _ = entry.cls, entry.meaning  # somebody may be writing it: refused at once, and keyed as it is now
            found[entry.name] = entry
        return found

    def _files(self, kind: str, home: Path) -> Iterator[tuple[Path, Path | None]]:
        """Each with the outermost package that it lies in, where an entry point tells."""
        folders = [home]
        if self.extra is not None:
            flat = kind == "strategies" and not (self.extra / kind).is_dir()
            folders.append(self.extra if flat else self.extra / kind)
        for folder in folders:
            yield from ((p, None) for p in sorted(folder.glob("*.py")) if not p.name.startswith("_"))
        for point in self._points.select(group=f"{GROUP}.{kind}"):
            spec = importlib.util.find_spec(point.module)
            if spec is None or spec.origin is None:
                raise UserError(f"entry point '{point.name}' of {GROUP}.{kind}: there is no module '{point.module}'")
            path, around = Path(spec.origin), spec.name.count(".") + (spec.submodule_search_locations is not None)
            yield path, path.parents[around - 1] if around else None


def entry_of(entries: dict[str, Entry[P]], what: str, name: str, where: str = "") -> Entry[P]:
    """The plug-in of that name, or an error with the nearest one."""
    if name not in entries:
        raise unknown(what, name, entries, where)
    return entries[name]


def build(entries: dict[str, Entry[P]], what: str, name: str, params: dict[str, Any], where: str = "") -> P:
    """An instance of the plug-in of that name."""
    return create(entry_of(entries, what, name, where).cls, params, where)


def _the_class(module: ModuleType, base_name: str, path: Path) -> type[Any]:
    """The one plug-in class that a module defines."""
    from harness import api  # here, as a list of plug-ins does without it

    base: type[Plugin] = getattr(api, base_name)
    classes = [c for c in vars(module).values() if _is_plugin(c, base, module)]
    if len(classes) != 1:
        raise UserError(f"plug-in {path} defines {len(classes)} {base.__name__} classes; accepted: exactly one")
    (cls,) = classes
    assert isinstance(cls, type)
    ensure_plugin(cls, base, f"plug-in {path}", path.stem)
    return cls


def ensure_plugin(cls: type[Any], base: type[Plugin], where: str, proposed: str) -> None:
    """Refuse a class without a name, or with a public method that is no hook. proposed: a name, where it has none."""
    if not isinstance(name := getattr(cls, "name", None), str):
        raise UserError(f'{where}: class {cls.__name__} has no name; write: name = "{proposed}"')
    if not name.isidentifier():
        raise UserError(f"{where}: name = {name!r} is not accepted; accepted: letters, digits and _")
    if base.__name__ == "Strategy":
        _ensure_strategy(cls, where)
    hooks = {n for n, v in vars(base).items() if not n.startswith("_") and callable(v)}
    own = [each for each in cls.__mro__ if issubclass(each, base) and each is not base]
    for method, value in (named for each in own for named in vars(each).items()):
        if not method.startswith("_") and inspect.isfunction(value) and method not in hooks:
            raise unknown(f"hook of class {cls.__name__}", method, hooks, where)


def _ensure_strategy(cls: type[Any], where: str) -> None:
    """Refuse the name of the baseline, and knobs that no search can look for."""
    if cls.name == BASELINE:
        raise UserError(f"{where}: name = '{BASELINE}' is what the baseline is called; accepted: another name")
    for name, (default, knob) in described(cls).items():
        if why := knob.unsearchable(default):
            raise UserError(f"{where}: {name} is searched, and {why}; or search=False in tuned()")


def _is_plugin(value: Any, base: type[Plugin], module: ModuleType) -> bool:
    return inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__

"""The source of a class from a notebook, a script or a module, with all that it uses there, as a file of its own.

It says which modules of the user's it imports, so that what they mean is part of what it means.
"""

from __future__ import annotations

import ast
import linecache
import symtable
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from harness.api import Strategy, UserError
from harness.base.meaning import first_line
from harness.plugins.imported import MODULES, own

Definition = type[Any] | FunctionType
OURS, API = "multiepoch", "harness.api"
"""What a notebook imports, and what a strategy needs of it, which training processes import faster."""
LATER = "from __future__ import annotations"
ACCEPTED = "modules, functions and classes with a source, numbers, texts, and lists and dictionaries of them"


def source_of(cls: type[Strategy], where: str) -> str:
    """A plug-in file: the imports, constants, functions and classes that a strategy uses, then the strategy.

    where: begins a message.

    Raises:
        UserError: the source cannot be had, or it uses what has no source.
    """
    for base in cls.__mro__[1:]:
        if issubclass(base, Strategy) and base.__module__ == cls.__module__:
            raise UserError(
                f"{where}: class {cls.__name__} derives from {base.__name__}, a strategy beside it; accepted: one that "
                "derives from Strategy"
            )
    file = _File(cls, where)
    file.define(cls.__name__, cls)
    text = "\n\n\n".join(file.definitions.values())
    try:
        modules = own("\n".join([*file.imports, text]))  # it may import in a hook
    except (OSError, SyntaxError, ValueError, ImportError) as error:
        raise UserError(f"{where}: class {cls.__name__} imports what cannot be read: {error}") from error
    said = [f"{MODULES} = {modules!r}"] if modules else []
    head = "\n".join([LATER, "", *sorted(file.imports), *said, *file.constants.values()])
    return f"{head}\n\n\n{text}\n"


@dataclass
class _File:
    """What a class needs, by name, in the order in which it is defined."""

    cls: type[Strategy]
    where: str
    imports: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    def define(self, name: str, value: Definition) -> None:
        """Add a class or function after all that it uses."""
        self._begun.add(name)
        text = self._text(value)
        space = vars(sys.modules[value.__module__])
        run, written = (_globals(symtable.symtable(head + text, name, "exec")) for head in (f"{LATER}\n", ""))
        for used in sorted(written):  # in annotations too, which may be of ClassVar
            if used in space and used not in self._begun:
                self._add(used, space[used], must=used in run)
        self.definitions[name] = text

    def _add(self, name: str, value: Any, *, must: bool) -> None:
        """Add what a name stands for. must: whether nothing runs without it."""
        if isinstance(value, ModuleType):
            self.imports.add(f"import {_as(API if value.__name__ == OURS else value.__name__, name)}")
        elif isinstance(value, type | FunctionType) and value.__module__ == self.cls.__module__:
            if value.__name__ != name:
                raise UserError(
                    f"{self.where}: class {self.cls.__name__} uses '{name}', which is '{value.__name__}' where it is "
                    "defined; accepted: that name"
                )
            self.define(name, value)
        elif (home := _home(value)) is not None:
            self.imports.add(f"from {home} import {_as(value.__qualname__, name)}")
        elif _is_plain(value):
            self.constants[name] = f"{name} = {_literal(value)}"
        elif must:
            raise UserError(
                f"{self.where}: class {self.cls.__name__} uses '{name}', of type {type(value).__name__}; it cannot be "
                f"written to a file; accepted: {ACCEPTED}"
            )

    def _text(self, value: Definition) -> str:
        """The lines of a class or function, its decorators among them."""
        if "<locals>" not in value.__qualname__:
            for code in _codes(value):
                linecache.checkcache(code.co_filename)  # of a module that was edited and loaded anew
                lines = linecache.getlines(code.co_filename)
                for node in _statements(lines):
                    first = first_line(node)
                    last = node.end_lineno or first
                    if node.name == value.__name__ and first <= code.co_firstlineno <= last:
                        return textwrap.dedent("".join(lines[first - 1 : last])).rstrip()
        raise UserError(
            f"{self.where}: the source of {value.__qualname__} cannot be had; accepted: a class with a method, or a "
            "function, at the top of a notebook's cell, of a script or of a module"
        )


def _codes(value: Definition) -> Iterator[CodeType]:
    """That of a function, or of the functions that a class itself defines."""
    for each in [value] if isinstance(value, FunctionType) else vars(value).values():
        inner = getattr(each, "__func__", None) or getattr(each, "fget", None) or each
        if isinstance(inner, FunctionType) and inner.__module__ == value.__module__:
            yield inner.__code__


def _statements(lines: list[str]) -> Iterable[ast.ClassDef | ast.FunctionDef]:
    """The classes and functions of a source."""
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def _globals(table: symtable.SymbolTable) -> set[str]:
    """The names that a source takes from around it."""
    top = table.get_type() == "module"
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if (symbol.is_referenced() and not symbol.is_assigned() if top else symbol.is_global())
    }
    return found.union(*map(_globals, table.get_children()))


def _as(what: str, name: str) -> str:
    return what if what == name else f"{what} as {name}"


def _home(value: Any) -> str | None:
    """The module that a value can be imported from."""
    if (name := getattr(value, "__qualname__", None)) is None:
        return None
    for home in (API, str(getattr(value, "__module__", None))):
        if home != "__main__" and getattr(sys.modules.get(home), name, None) is value:
            return home
    return None


def _literal(value: Any) -> str:
    """As a source has it, the same in every session: a set in order."""
    if isinstance(value, set) and value:
        return "{" + ", ".join(sorted(map(repr, value))) + "}"
    return repr(value)


def _is_plain(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError):
        return False

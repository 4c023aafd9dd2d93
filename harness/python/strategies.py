"""Strategies as a call names them: texts as in a plan, and classes, which training processes read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.api import Strategy, UserError
from harness.base.digests import digest_of_value
from harness.base.errors import one_line
from harness.base.files import ensure_writable, whole
from harness.plugins.files import load
from harness.plugins.registry import Registry, ensure_plugin
from harness.python.arguments import refused
from harness.python.source import source_of

HOW = "a text as 'reinit', or a class that derives from multiepoch.Strategy"


def named(strategies: Sequence[str | type[Strategy]], inputs: Path) -> tuple[tuple[str, ...], Path | None]:
    """The strategies as a plan names them, and the folder of plug-ins that their classes were written to, if any.

    A folder is named by what is in it, so that an edited class has another one, and its runs other keys.

    Raises:
        UserError: one is neither text nor a strategy, has no name of its own, or its source cannot be had.
    """
    if isinstance(strategies, str) or not isinstance(strategies, Sequence):
        raise refused("strategies", strategies, f"a list; of each, {HOW}")
    taken = {name: f"the strategy in {entry.path.name}" for name, entry in Registry().strategies.items()}
    names, sources = [], dict[str, str]()
    for place, each in enumerate(strategies):
        if isinstance(each, str):
            names.append(each)
            continue
        where = f"strategies[{place}]"
        cls = _checked(each, where)
        if cls.name in taken:
            raise UserError(f"{where}: name = '{cls.name}' is that of {taken[cls.name]}; accepted: another one")
        taken[cls.name] = f"class {cls.__name__}"
        sources[cls.name] = source_of(cls, where)
        names.append(cls.name)
    return tuple(names), _written(sources, inputs) if sources else None


def _checked(given: object, where: str) -> type[Strategy]:
    if isinstance(given, Strategy):
        raise UserError(
            f"{where}: an instance of class {type(given).__name__} is not accepted; accepted: the class; knobs are "
            f"fixed in a text beside it, as '{given.name}(knob=value)'"
        )
    if not (isinstance(given, type) and issubclass(given, Strategy)):
        raise refused(where, given, HOW)
    ensure_plugin(given, Strategy, where, given.__name__.lower())
    return given


def _written(sources: dict[str, str], inputs: Path) -> Path:
    """A folder of plug-ins that can be loaded; nothing of it stays where one cannot."""
    digest = digest_of_value(sorted(sources.items()))
    folder = inputs / f"strategies-{digest}"
    if not folder.exists():
        ensure_writable(inputs)
        with whole(folder) as partial:
            for name, source in sources.items():
                file = partial / f"{name}.py"
                file.write_text(source)
                try:
                    load(file.resolve())
                except UserError as error:
                    why = one_line(repr(error.__cause__))
                    raise UserError(f"strategy '{name}' cannot be run from a file of its own: {why}") from error
    return folder

"""Arguments as they are meant: numbers of numpy are numbers, and whatever names a column in pandas is its text."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.api import UserError
from harness.base.errors import one_line, unknown

SHOWN = 80
"""Letters of a value that are quoted."""
TEXT = (str, bytes)
DATA = "a polars or pandas DataFrame, a path of table files, or a data set as a plan names it"


@contextmanager
def in_python() -> Iterator[None]:
    """What is refused is said in one line, in which options of the command line are arguments."""
    try:
        yield
    except UserError as error:
        error.args = (one_line(re.sub(r"(?<![\w/.-])--(\w)", r"\1", str(error))),)
        raise


def refused(argument: str, value: object, accepted: str) -> UserError:
    """The error of a value that is not accepted."""
    return UserError(f"{argument} = {one_line(repr(value))[:SHOWN]} is not accepted; accepted: {accepted}")


def plain(value: Any) -> Any:
    """The same in Python's own types; lists and tables are copies."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


def table(value: Any, argument: str, accepted: str = "keys of a plan, as {'train.epochs': 2}") -> dict[str, Any]:
    """A table of a plan, or several keys of it."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refused(argument, value, accepted)
    found: dict[str, Any] = plain(value)
    return found


def column(value: Any, argument: str) -> str:
    """The name of a column, as a frame of polars has it."""
    single = isinstance(value, Hashable) and not isinstance(value, Iterable)
    if value is None or not (single or isinstance(value, TEXT)):
        raise refused(argument, value, "the name of a column")
    return str(value)


def columns(value: Any, argument: str) -> tuple[str, ...]:
    """The names of columns, of one or of several."""
    value = plain(value)
    if isinstance(value, Set):
        raise refused(argument, value, "a list of names, as a set has no first one")
    if isinstance(value, Iterable) and not isinstance(value, Mapping | str | bytes):
        return tuple(column(each, f"{argument}[{at}]") for at, each in enumerate(value))
    if value is None:
        raise refused(argument, value, "the name of a column, or a list of names; () has them guessed")
    return (column(value, argument),)


def whole(value: Any, argument: str, accepted: str) -> int:
    """A whole number; True and False are none."""
    try:
        if not isinstance(value, bool | np.bool_):
            return operator.index(value)
    except TypeError:
        pass
    raise refused(argument, value, accepted)


def seeds(value: Any) -> tuple[int, ...]:
    """How many, which then count from 1, or which."""
    value, accepted = plain(value), "how many, as 3, or which, as [1, 2]"
    if isinstance(value, Iterable) and not isinstance(value, Mapping | str | bytes):
        return tuple(whole(each, f"seeds[{at}]", "a whole number") for at, each in enumerate(value))
    return tuple(range(1, whole(value, "seeds", accepted) + 1))


@dataclass(frozen=True)
class How:
    """How a call trains, and what it says meanwhile."""

    results: Path
    workers: int | None
    mlflow: bool
    progress: bool

    @staticmethod
    def of(results: Any, workers: Any, mlflow: Any, progress: Any) -> How:
        """As it is asked for."""
        many = None if workers is None else whole(workers, "workers", accepted := "1 or more")
        if many is not None and many < 1:
            raise refused("workers", many, accepted)
        return How(folder(results), many, switch(mlflow, "mlflow"), switch(progress, "progress"))


def file(value: Any, argument: str, accepted: str) -> Path:
    """A path."""
    if isinstance(value, str | os.PathLike) and "\0" not in os.fspath(value):
        return Path(value)
    raise refused(argument, value, accepted)


def folder(value: Any, argument: str = "results") -> Path:
    return file(value, argument, "a folder")


def choice(value: Any, argument: str, accepted: Collection[str], where: str = "") -> None:
    """Refuse what is none of these, nor None. where: begins the message."""
    if value is None:
        return
    if not isinstance(value, str):
        raise refused(argument, value, ", ".join(accepted))
    if value not in accepted:
        raise unknown(argument, one_line(value), accepted, where)


def switch(value: Any, argument: str) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise refused(argument, value, "True or False")

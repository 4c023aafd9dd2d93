"""Which field of JSON lines has values of several kinds, as 1 in one line and true in another, that no column holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.data.tabular.files import Source
from harness.data.tabular.json_lines import lines_of, value_of

KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object", str: "text"}
TEXT = KINDS[str]
"""Beside which all others are text."""
SHOWN = 40
"""Letters of a value that are quoted."""


def mixed(files: Sequence[Source]) -> str:
    """The first such field, in words; empty: there is none.

    Raises:
        UnicodeDecodeError: a line is not UTF-8.
    """
    for file in files:
        seen = dict[str, dict[str, str]]()
        for number, line in enumerate(lines_of(file), start=1):
            for name, value in _values("", value_of(line, [])[0]):
                kinds = seen.setdefault(name, {})
                if (kind := KINDS[type(value)]) not in kinds:
                    kinds[kind] = f"{kind} in line {number}, {_shown(value)}"
        for name, kinds in seen.items():
            if len(kinds) > 1 and TEXT not in kinds:
                several = ", and ".join(kinds.values())
                return f"file '{file}': '{name}' is {several}; accepted: values of one kind in all lines, or null"
    return ""


def _values(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value and all within it, with the names of their fields; null aside."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(f"{name}[]", inner)
    if name and value is not None:
        yield name, value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

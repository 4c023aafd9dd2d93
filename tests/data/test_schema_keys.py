"""The table of all keys of a schema, in docs/reference.md, is that of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from harness.base.config import Config
from harness.base.places import ROOT
from harness.data.tabular.schema import Schema

SECTION = (ROOT / "docs" / "reference.md").read_text().split("## All keys of a schema")[1]
CELLS = [re.split(r"\s*(?<!\\)\|\s*", line) for line in SECTION.splitlines() if line.startswith("| `")]
LINES = [(cells[1].strip("`"), cells[3]) for cells in CELLS]
"""Key and default."""
TABLES = ("labels", "observed", "kept")
"""Of which the user gives the keys."""


def keys(model: type[Config], begin: str = "") -> Iterator[tuple[str, Any]]:
    """Every key, and its default: None for what is needed or has none that could be written."""
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        if name == "fields":
            yield from (("fields", None), ("fields.NAME", None))
            yield from keys(inner[0], "fields.NAME.")
        elif inner:
            yield from keys(inner[0], f"{begin}{name}.")
        else:
            told = f"{begin}{name}.NAME" if name in TABLES else f"{begin}{name}"
            yield told, None if field.is_required() or field.default in (None, "", [], {}) else field.default


def _inner(annotation: Any) -> list[type[Config]]:
    return [part for part in (annotation, *get_args(annotation)) if isinstance(part, type) and issubclass(part, Config)]


def test_the_table_has_every_key_and_its_default() -> None:
    wanted, told = dict(keys(Schema)), dict(LINES)
    assert sorted(told) == sorted(wanted)
    for key, default in wanted.items():
        if default is not None:
            written = str(default).lower() if isinstance(default, bool) else str(default)
            assert told[key].replace("\\|", "|") == f"`{written}`", key


def test_what_is_needed_is_called_so() -> None:
    needed = {key for key, told in LINES if told == "needed"}
    assert needed == {"fields", "fields.NAME.history.of", "fields.NAME.history.by", "labels.NAME", "split.by"}

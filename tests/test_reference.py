"""The tables of all keys of a plan and of a schema, in docs/reference.md, are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from harness.base.config import Config
from harness.base.places import ROOT
from harness.data.tabular.schema import Schema
from harness.experiment.plan import Plan

REFERENCE = (ROOT / "docs" / "reference.md").read_text()
GIVEN = ("labels", "observed", "kept")
"""Tables of which the user gives the keys."""
WORKED_OUT = "train.start.digest"
NEEDED = {
    Plan: {
        "dataset", "model", "strategies", "repetitions.most", "repetitions.settle", "repetitions.least",
        "train.start.source", "seeds",
    },
    Schema: {
        "fields", "fields.NAME.history.of", "fields.NAME.history.by", "labels.NAME", "sample.keep", "split.by",
    },
}  # fmt: skip


def lines(section: str) -> dict[str, str]:
    """Key -> its default, as they are written under a heading."""
    text = REFERENCE.split(f"## All keys of a {section}")[1].split("\n## ")[0]
    cells = [re.split(r"\s*(?<!\\)\|\s*", line) for line in text.splitlines() if line.startswith("| `")]
    return {line[1].strip("`"): line[3].replace("\\|", "|") for line in cells}


def keys(model: type[Config], begin: str = "") -> Iterator[tuple[str, Any]]:
    """Every key, and its default: None for what is needed or has none that could be written."""
    for attribute, field in model.model_fields.items():
        name, inner = field.alias or attribute, _inner(field.annotation)
        if name == "fields":
            yield from (("fields", None), ("fields.NAME", None))
            yield from keys(inner[0], "fields.NAME.")
        elif inner:
            yield from ((name, field.default),) if isinstance(field.default, str) else ()
            yield from keys(inner[0], f"{begin}{name}.")
        else:
            told = f"{begin}{name}.NAME" if name in GIVEN else f"{begin}{name}"
            yield told, None if field.is_required() or field.default in (None, "", [], {}, ()) else field.default


def _inner(annotation: Any) -> list[type[Config]]:
    return [part for part in (annotation, *get_args(annotation)) if isinstance(part, type) and issubclass(part, Config)]


def written(default: Any) -> str:
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    return str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize(("section", "model"), [("plan", Plan), ("schema", Schema)])
def test_the_table_has_every_key_and_its_default(section: str, model: type[Config]) -> None:
    wanted, told = dict(keys(model)), lines(section)
    wanted.pop(WORKED_OUT, None)
    assert sorted(told) == sorted(wanted)
    for key, default in wanted.items():
        if default is not None:
            assert told[key] == f"`{written(default)}`", key


@pytest.mark.parametrize(("section", "model"), [("plan", Plan), ("schema", Schema)])
def test_what_is_needed_is_called_so(section: str, model: type[Config]) -> None:
    assert {key for key, told in lines(section).items() if told.startswith("needed")} == NEEDED[model]

"""Every recipe of docs/your-data.md does what it says, on the log that stands there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tomli_w

from harness.api import Data
from harness.base import seeds
from harness.base.places import ROOT
from harness.data.validation import SPLITS
from harness.plugins.registry import Registry, build

PAGE = (ROOT / "docs" / "your-data.md").read_text()
(SECTION,) = re.findall(r"^## Recipes\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
RECIPES = {
    title: text for title, text in re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", SECTION, re.DOTALL | re.MULTILINE)
}
(LOG,) = re.findall(r"```csv\n(.*?)```", SECTION, re.DOTALL)
BASE: dict[str, Any] = {
    "fields": {"user": "user", "item": "item", "row": "CAST(REPLACE(SPLIT_PART(at, ' ', 2), ':', '') AS BIGINT)"},
    "labels": {"liked": "stars > 3"},
    "split": {
        "by": "column",
        "column": "CASE part WHEN 'training' THEN 'train' WHEN 'val' THEN 'valid' ELSE 'test' END",
    },
}


def cook(folder: Path, title: str) -> Data:
    (folder / "log.csv").write_text(LOG)
    words = {"training": "train", "val": "valid", "testing": "test"}
    for (part,), rows in pl.read_csv(folder / "log.csv").group_by("part", maintain_order=True):
        path = folder / "logs" / f"part={words[str(part)]}"
        path.mkdir(parents=True)
        rows.drop("part").write_csv(path / "rows.csv")
    (lines,) = re.findall(r"```toml\n(.*?)```", RECIPES[title], re.DOTALL)
    schema = {"path": "log.csv"} | BASE | tomllib.loads(lines)
    schema["fields"] = BASE["fields"] | schema["fields"]
    schema["path"] = str(folder / schema["path"])
    (folder / "schema.toml").write_text(tomli_w.dumps(schema))
    params = {"schema": str(folder / "schema.toml")}
    return build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))


def sizes(data: Data) -> list[int]:
    return [len(getattr(data, part).ids_NF) for part in SPLITS]


def ids(data: Data, field: str) -> list[list[int]]:
    return [getattr(data, part).ids_NF[:, data.fields.index(field)].tolist() for part in SPLITS]


def dates(data: Data) -> None:
    times = [getattr(data, part).time_N for part in SPLITS]
    assert sizes(data) == [6, 2, 2]
    assert times[2].tolist() == [1_714_635_000, 1_714_635_900]


def given(data: Data) -> None:
    assert sizes(data) == [6, 2, 2]


def buckets(data: Data) -> None:
    assert [len(set(part)) for part in ids(data, "level")] == [3, 1, 2]
    (field,) = data.kinds.numbers
    assert (field.name, field.buckets) == ("price", 3)
    assert data.train.numbers_NP is not None
    assert data.train.numbers_NP[:, 0].tolist() == pytest.approx([4.5, 7.9, 24.0, 3.2, 4.5, 7.9])


def history(data: Data) -> None:
    """Of the test rows, bob's has liked tea twice before, ann's tea and a pot."""
    assert dict(data.kinds.shares) == {"liked_before": "item"}
    (tea, _, pot, *_), _, _ = ids(data, "item")
    (lists,) = data.test.lists
    held = [lists.values_M[b : b + n].tolist() for b, n in zip(lists.begins(), lists.length_N, strict=True)]
    assert held == [[tea], [tea, pot]]


def sessions(data: Data) -> None:
    """ann's at 8:00 and 8:20 are twenty minutes apart, eve's at 20:55 and 21:00 five; others stand alone."""
    part_of = {row: part for part, rows in enumerate(ids(data, "row")) for row in rows}
    assert len(part_of) == 10
    assert part_of[800] == part_of[820]
    assert part_of[2055] == part_of[2100]
    assert min(sizes(data)) > 0


def reserved(data: Data) -> None:
    assert data.train.group_N is not None
    assert [len(set(part)) for part in ids(data, "again")] == [2, 1, 1]


def labels(data: Data) -> None:
    assert data.train.observed_NT is not None
    assert data.train.observed_NT.tolist() == [[True, known] for known in (True, True, True, False, True, True)]
    assert data.train.labels_NT[:, 0].tolist() == [1, 0, 1, 0, 1, 0]


def once(data: Data) -> None:
    observed = np.concatenate([getattr(data, part).observed_NT[:, 0] for part in SPLITS])
    assert observed.sum() == 8, "of eight orders, two have two rows"


CHECKS: dict[str, Callable[[Data], None]] = {
    "Dates as text": dates,
    "A split that is given": given,
    "Numbers as buckets": buckets,
    "What a user did before": history,
    "Sessions from pauses": sessions,
    "Words that SQL reserves": reserved,
    "Labels of other values": labels,
    "A label that many rows repeat": once,
}


def test_every_recipe_is_tried() -> None:
    assert list(CHECKS) == list(RECIPES)


@pytest.mark.parametrize("title", CHECKS)
def test_a_recipe_does_what_it_says(tmp_path: Path, title: str) -> None:
    CHECKS[title](cook(tmp_path, title))

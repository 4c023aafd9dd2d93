"""`multiepoch data init`: right without edits on logs as they are published, plain about what it did not find."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support.command_line import multiepoch
from support.published import PUBLISHED

from harness.api import Data
from harness.base import seeds
from harness.base.places import DATASETS
from harness.data import indexed
from harness.data.guess.schema_text import MADE
from harness.plugins.registry import Registry, build

RIGHT = (
    "criteo_display",
    "criteo_conversion",
    "avazu",
    "kuairand",
    "taobao_behavior",
    "taobao_ad",
    "amazon_reviews",
    "amazon_reviews_2023",
    "movielens",
    "movielens_dat",
    "tmall_repeat",
)
"""Ready schemas that are guessed: the same kinds of the same columns, labels, time and split."""


PARTS = ("style.Format:",)
"""Of nested columns, which are guessed, and of which the ready schemas take none."""


def meaning(values: dict[str, Any]) -> dict[str, Any]:
    """What a schema says of the columns, whatever it calls fields and labels, with those of files without a header by
    their number. Times that are no dates of any notation are read as seconds."""
    numbers = {name: f"column_{k}" for k, name in enumerate(values.get("csv", {}).get("names", []))}

    def plain(sql: Any) -> Any:
        return re.sub(r"\w+", lambda word: numbers.get(word[0], word[0]), sql) if isinstance(sql, str) else sql

    fields = values["fields"]
    named = {name: name for name in fields} if isinstance(fields, list) else fields
    kinds = [("id", value) if isinstance(value, str) else next(iter(value.items())) for value in named.values()]
    return {
        "fields": sorted((kind, plain(sql)) for kind, sql in kinds if sql not in PARTS),
        "labels": sorted(map(plain, values["labels"].values())),
        "observed": sorted(map(plain, values.get("observed", {}).values())),
        "time": [plain(values.get("time")), values.get("time_unit", "s")],
        "split": {key: plain(values["split"].get(key)) for key in ("by", "column")},
    }


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_right_without_edits_on_published_logs(tmp_path: Path, name: str) -> None:
    done = multiepoch("data", "init", str(PUBLISHED[name](tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    guessed = tomllib.loads((tmp_path / "my_schema.toml").read_text())
    ready = tomllib.loads((DATASETS / f"{name}.toml").read_text())
    assert meaning(guessed) == meaning(ready)
    build_schema(tmp_path / "my_schema.toml")
    gaps = [schema["split"].get("gap", "") for schema in (guessed, ready)]
    assert bool(gaps[0]) == bool(gaps[1])


def test_every_guess_is_printed_with_its_reason_and_stands_in_the_file(tmp_path: Path) -> None:
    done = multiepoch("data", "init", str(PUBLISHED["kuairand"](tmp_path)), "--out", "k.toml", cwd=tmp_path)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("play_time_ms"))
    assert re.search(r"left out\s+named as what is measured after the event", line)
    text = (tmp_path / "k.toml").read_text()
    assert '# play_time_ms = "play_time_ms"  # left out: named as what is measured after the event' in text
    keys = [line for line in text.splitlines() if re.match(r"[^#\[]", line)]
    assert [line for line in keys if "  # " not in line] == [keys[0]], "every line but the path has its reason"
    for word in ("is_click", "time_ms, ms", "milliseconds", "named as a user", "separator", "header"):
        assert word in done.stdout


def build_schema(path: Path) -> Data:
    found = build(Registry().datasets, "data set", "table_file", {"schema": str(path)}).build(
        seeds.generator(0, "data")
    )
    indexed.check(found, path.stem)
    return found


@pytest.mark.parametrize(
    ("name", "candidates", "label"),
    [("online_retail", "Country", "again_90d"), ("globo", "", "long_session"), ("globo_hours", "", "long_session")],
)
def test_where_no_label_is_found_it_says_so_and_offers_one_to_be_made(
    tmp_path: Path, name: str, candidates: str, label: str
) -> None:
    done = multiepoch("data", "init", str(PUBLISHED[name](tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("no label found"))
    assert f"candidates, of two values: {candidates}." in line if candidates else "none has two values" in line
    assert "or take '#:' away in my_schema.toml to have one made of the rows: whether " in line
    text = (tmp_path / "my_schema.toml").read_text()
    written = tomllib.loads(text)
    assert (written["labels"], len(written["fields"]) > 3) == ({}, True)
    described = multiepoch("data", "describe", "my_schema.toml", cwd=tmp_path)
    assert "labels = {} is not accepted" in described.stderr
    (tmp_path / "taken.toml").write_text(text.replace(MADE, ""))
    assert build_schema(tmp_path / "taken.toml").tasks == (label,)


def test_of_the_skeleton_of_ali_ccp_click_and_purchase_are_found(tmp_path: Path) -> None:
    done = multiepoch("data", "init", str(PUBLISHED["ali_ccp"](tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    data = build_schema(tmp_path / "my_schema.toml")
    assert data.tasks == ("column_1", "column_2")
    assert data.kinds.list_names == ("column_5",)


def test_a_table_that_says_nothing_of_sessions_or_users_gets_no_offer(tmp_path: Path) -> None:
    pl.DataFrame({"colour": [1, 2, 3] * 20, "ts": range(1_600_000_000, 1_600_000_060)}).write_csv(tmp_path / "log.csv")
    done = multiepoch("data", "init", "log.csv", cwd=tmp_path)
    assert "no label found; none has two values. Write it under [labels].\n" in done.stdout
    assert MADE not in (tmp_path / "my_schema.toml").read_text()


def test_a_file_is_never_written_over_unless_asked_to(tmp_path: Path) -> None:
    pl.DataFrame({"user": [1, 2], "click": [0, 1]}).write_csv(tmp_path / "log.csv")
    (tmp_path / "mine.toml").write_text("# dear to me\n")
    done = multiepoch("data", "init", "log.csv", "--out", "mine.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--out 'mine.toml' exists; accepted: a file that does not, or --force" in done.stderr
    assert (tmp_path / "mine.toml").read_text() == "# dear to me\n"
    assert multiepoch("data", "init", "log.csv", "--out", "mine.toml", "--force", cwd=tmp_path).returncode == 0
    assert tomllib.loads((tmp_path / "mine.toml").read_text())["labels"] == {"click": "click"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.csv"], "the file does not exist"),
        (["log.csv", "--out", "x.txt"], "--out 'x.txt' is not named *.toml"),
        (["log.csv", "--out", "no/x.toml"], "--out 'no/x.toml' cannot be written: No such file or directory"),
        (["empty.csv"], "file 'empty.csv' is empty"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "log.csv").write_text("user,click\n1,0\n")
    (tmp_path / "empty.csv").touch()
    done = multiepoch("data", "init", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert not list(tmp_path.glob("*.toml"))


def test_hostile_names_and_values_stay_text(tmp_path: Path) -> None:
    """Neither the terminal nor the schema takes them for markup, escapes or lines of their own."""
    frame = pl.DataFrame({"[bold]a\n# b = 1": [1, 2, 2], "c\x1b[31m": ["x", "y", "y"], "click": [0, 1, 0]})
    frame.write_parquet(tmp_path / "log.parquet")
    done = multiepoch("data", "init", "log.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert r"[bold]a\n# b = 1" in done.stdout
    assert "\x1b" not in done.stdout
    written = tomllib.loads((tmp_path / "my_schema.toml").read_text())
    assert set(written["fields"].values()) == {"[bold]a\n# b = 1", "c\x1b[31m"}

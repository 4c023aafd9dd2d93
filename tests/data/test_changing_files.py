"""Files that change while a data set is made of them are noticed, whenever it is, and nothing of them is used."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from harness.api import UserError
from harness.data import build, indexed
from harness.data.build import build_data, data_folder
from harness.data.tabular import look, ordered, streaming
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry

SCHEMA = """
path = "{folder}/logs"
time = "ts"
fields = ["user", "item"]
labels = {{ y = "y" }}
split = {{ by = "time" }}
"""
REGISTRY = Registry()


def rows(first: int = 0) -> pl.DataFrame:
    k = range(first, first + 200)
    return pl.DataFrame({"y": [n % 2 for n in k], "user": [n % 7 for n in k], "item": [n % 9 for n in k], "ts": k})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "schema.toml").write_text(SCHEMA.format(folder=tmp_path))
    rows(200).write_csv(tmp_path / "logs" / "b.csv")
    rows().write_csv(tmp_path / "logs" / "a.csv")
    return tmp_path / "logs" / "a.csv"


def grows(log: Path) -> None:
    with log.open("a") as file:
        file.write("1,3,5,400\n")


def is_replaced(log: Path) -> None:
    """By as many bytes, as old, as `cp -p` and `rsync -t` do."""
    before = log.stat()
    log.with_suffix(".new").write_text(log.read_text().replace("\n1,1,1,1\n", "\n1,1,8,1\n"))
    os.utime(log.with_suffix(".new"), ns=(before.st_atime_ns, before.st_mtime_ns))
    log.with_suffix(".new").replace(log)
    assert (log.stat().st_size, log.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def is_written_again(log: Path) -> None:
    """And may have been another for a moment."""
    text, before = log.read_text(), log.stat().st_mtime_ns
    log.write_text("")
    log.write_text(text)
    os.utime(log, ns=(before + 1, before + 1))


def goes(log: Path) -> None:
    log.rename(log.parents[1] / "elsewhere.csv")


def another_comes(log: Path) -> None:
    rows(400).write_csv(log.with_name("c.csv"))


def schema_changes(log: Path) -> None:
    schema = log.parents[1] / "schema.toml"
    schema.write_text(schema.read_text().replace('"user", "item"', '"user"'))


CHANGES = [grows, is_replaced, is_written_again, goes]
"""Of a file that is read."""
OF_THE_KEY = [another_comes, schema_changes]
MOMENTS = [(build, "ensure_free"), (streaming, "open_table"), (streaming, "refuse_copies"), (streaming, "in_order")]
"""After the key is known and before a file is opened, before the first pass, before the second, and before the last."""


def and_then(function: Callable[..., Any], change: Callable[[Path], None], log: Path) -> Callable[..., Any]:
    def changed(*args: Any, **more: Any) -> Any:
        change(log)
        return function(*args, **more)

    return changed


def built(log: Path) -> int:
    """How many rows a data set has that is built now."""
    results = log.parents[1] / "results"
    spec = PluginSpec(name="table_file", params={"schema": str(log.parents[1] / "schema.toml")})
    data = indexed.load(data_folder(results, build_data(spec, 0, REGISTRY, results)))
    return sum(map(len, (data.train, data.valid, data.test)))


def is_refused(log: Path, message: str) -> None:
    with pytest.raises(UserError, match=message):
        built(log)
    assert not list((log.parents[1] / "results" / "data").glob("*/meta.json"))


@pytest.mark.parametrize("change", CHANGES + OF_THE_KEY)
@pytest.mark.parametrize(("module", "name"), MOMENTS)
def test_what_changes_is_refused_and_then_read_anew(
    log: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], module: Any, name: str
) -> None:
    """But for what no row is read of any more: the same bytes before a file is opened; what is not read, afterwards."""
    with monkeypatch.context() as patch:
        patch.setattr(module, name, and_then(getattr(module, name), change, log))
        if (module is build and change is is_written_again) or (name == "in_order" and change in OF_THE_KEY):
            assert built(log) == 400
        else:
            is_refused(log, r"changed while it was|cannot be read any more")
    assert built(log) == sum(len(pl.read_csv(file)) for file in log.parent.glob("*.csv"))


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_as_the_last_rows_are_read_is_refused(
    log: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    def in_order(*args: Any) -> Any:
        yield from ordered.in_order(*args)
        change(log)

    monkeypatch.setattr(streaming, "in_order", in_order)
    is_refused(log, r"a.csv' changed while it was read|a.csv' cannot be read any more: No such file")


def test_an_error_of_a_file_that_changed_is_that_it_changed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(log: Path) -> None:
        log.write_text("y,user,item,ts\n1,1,1,never\n")

    monkeypatch.setattr(streaming, "first_look", and_then(look.first_look, breaks, log))
    is_refused(
        log, r"a.csv' changed while it was read, from 1,905 bytes to 27; nothing of it is used; accepted: a file"
    )

"""A sample of whole values: by the schema, and as a file, which draw the same rows."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command_line import multiepoch

from harness.api import UserError
from harness.data.tabular.expressions import refusing
from harness.data.tabular.files import data_files
from harness.data.tabular.readers import lazy_table
from harness.data.tabular.schema import Schema, read_schema
from harness.data.tabular.thinned import thinned

USERS = 2000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    rows = 20_000
    frame = pl.DataFrame(
        {
            "user": [f"u{n}" for n in random.integers(0, USERS, rows)],
            "zip": [f"{n:05}" for n in random.integers(0, 3000, rows)],
            "item": random.integers(0, 500, rows),
            "click": random.integers(0, 2, rows),
        }
    )
    frame.write_csv(path := tmp_path_factory.mktemp("log") / "log.csv")
    return path


def schema(sample: str = "") -> str:
    return (
        f'fields = ["item"]\ngroup = "user"\ntext = ["zip"]\n{sample}[labels]\nclick = "click"\n[split]\nby = "row"\n'
    )


@given(st.floats(0.02, 0.9), st.floats(0.02, 0.9))
def test_values_are_there_whole_or_not_at_all_and_a_smaller_share_is_part_of_a_larger(one: float, other: float) -> None:
    user_N = np.random.default_rng(1).integers(0, 1000, 5000)
    frame = pl.DataFrame({"user": user_N, "row": np.arange(5000)}).lazy()
    small, large = (thinned(frame, pl.col("user"), keep, "by").collect() for keep in (min(one, other), max(one, other)))
    assert set(small["row"]) <= set(large["row"])
    users = set(large["user"])
    assert len(large) == np.isin(user_N, list(users)).sum()
    assert abs(len(users) / 1000 - max(one, other)) < 0.07, "4 deviations of a share of 1,000"


@given(st.floats(0.02, 0.9), st.floats(0.02, 0.9))
def test_rows_of_nobody_are_drawn_one_by_one(one: float, other: float) -> None:
    """As one value they would all be in the sample or none: half of this log or nothing of it."""
    rows = 4000
    user_N = [None if n % 2 else n // 8 for n in range(rows)]
    frame = pl.DataFrame({"user": user_N, "row": range(rows)}).lazy()
    small, large = (thinned(frame, pl.col("user"), keep, "by").collect() for keep in (min(one, other), max(one, other)))
    assert (set(small["row"]) <= set(large["row"]), large.columns) == (True, ["user", "row"])
    share = large["user"].null_count() / (rows / 2)
    assert abs(share - max(one, other)) < 0.05, "4 deviations of a share of 2,000"
    assert set(large.group_by("user").len().drop_nulls("user")["len"]) <= {4}


def test_rows_of_nobody_are_drawn_by_schema_and_command_alike_and_need_an_order(tmp_path: Path) -> None:
    whole = pl.DataFrame({"user": [None if n % 3 else n // 9 for n in range(3000)], "item": range(3000)})
    whole = whole.with_columns(click=pl.col("item") % 2)
    whole.write_parquet(tmp_path / "log.parquet")
    done = multiepoch("data", "sample", "log.parquet", "--by", "user", "--keep", "0.25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = pl.read_parquet(tmp_path / "sample.parquet")
    said = schema('[sample]\nby = "user"\nkeep = 0.25\n').replace('text = ["zip"]\n', "")
    (tmp_path / "s.toml").write_text(said)
    files = data_files(str(tmp_path / "log.parquet"))
    read = lazy_table(read_schema(str(tmp_path / "s.toml"), ()), files, "here").frame.collect()
    assert read["fields.item" if "fields.item" in read else "columns.item"].to_list() == written["item"].to_list()
    for user, refused in (('"user"', True), ('COALESCE("user", item)', False)):
        query = f"query = 'SELECT {user} AS \"user\", item, click, COUNT(*) OVER (PARTITION BY click) AS n FROM data'\n"
        (tmp_path / "q.toml").write_text(query + said)
        opened = lazy_table(read_schema(str(tmp_path / "q.toml"), ()), files, "here")
        assert not opened.orderly
        one_line = pytest.raises(UserError, match=r"sample\.by is null in some rows.* as COALESCE with .* gives$")
        with one_line if refused else nullcontext(), refusing("here"):
            opened.frame.collect()


def test_a_schema_and_the_command_draw_the_same_rows(log: Path, tmp_path: Path) -> None:
    done = multiepoch("data", "sample", str(log), "--by", "user", "--keep", "0.25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = pl.read_parquet(tmp_path / "sample.parquet")
    whole = pl.read_csv(log, schema_overrides={"zip": pl.String})
    assert set(map(len, written["zip"])) == {5}, "ids with zeros in front stay text"
    assert whole.filter(pl.col("user").is_in(written["user"].unique().to_list())).equals(written)
    assert f"{len(written):,} of 20,000 rows" in done.stdout
    (tmp_path / "schema.toml").write_text(schema('[sample]\nby = "user"\nkeep = 0.25\n'))
    asked = read_schema(str(tmp_path / "schema.toml"), ())
    read = lazy_table(asked, data_files(str(log)), "here").frame
    assert read.collect()["columns.item" if "columns.item" in read.collect_schema() else "fields.item"].to_list() == (
        written["item"].to_list()
    )
    assert "ids: different values of a column; rows per id: their mean" in done.stdout
    again = multiepoch("data", "sample", str(log), "--by", "user", "--keep", "0.25", cwd=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_decimals_are_drawn_as_the_whole_numbers_they_are_and_written_as_they_were(tmp_path: Path) -> None:
    whole = pl.DataFrame({"user": [10**18 + n % 500 for n in range(5000)], "n": range(5000)})
    written = list[pl.DataFrame]()
    for name, dtype in (("whole", pl.Int64()), ("decimal", pl.Decimal(38, 0))):
        whole.with_columns(pl.col("user").cast(dtype)).write_parquet(tmp_path / f"{name}.parquet")
        drawn = ("--by", "user", "--keep", "0.25", "--out", f"{name}_.parquet")
        done = multiepoch("data", "sample", f"{name}.parquet", *drawn, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        written.append(pl.read_parquet(tmp_path / f"{name}_.parquet"))
    assert written[1].schema["user"] == pl.Decimal(38, 0)
    assert written[1].cast({"user": pl.Int64}).equals(written[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "usr", "--keep", "0.1"), "--by: unknown column 'usr'; did you mean 'user'?"),
        (("--by", "user", "--keep", "1"), "--keep 1; accepted: above 0 and below 1"),
        (("--by", "user", "--keep", "1e-9"), "none of 'user' is drawn; accepted: a larger share"),
        (("--by", "user", "--keep", "0.1", "--out", "log.csv"), "accepted: a Parquet file"),
    ],
)
def test_what_cannot_be_drawn_is_refused(log: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = multiepoch("data", "sample", str(log), *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.glob("*"))


def test_a_schema_that_draws_what_is_not_there_or_all_is_refused(log: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(schema('[sample]\nby = "usr"\nkeep = 0.5\n'))
    with pytest.raises(UserError, match=r"sample\.by = 'usr'.*did you mean 'user'"):
        lazy_table(read_schema(str(tmp_path / "s.toml"), ()), data_files(str(log)), "here")
    (tmp_path / "s.toml").write_text(schema('[sample]\nby = "user"\nkeep = 1.5\n'))
    with pytest.raises(UserError, match=r"sample\.keep"):
        read_schema(str(tmp_path / "s.toml"), ())
    assert "sample" not in Schema.model_validate(
        {"fields": ["item"], "labels": {"click": "click"}, "split": {"by": "row"}}
    ).model_dump(exclude_defaults=True), "keys of other schemas stay"


def test_a_column_of_two_types_is_said_to_be_left_out(tmp_path: Path) -> None:
    for number, value in enumerate((1, "x")):
        rows = pl.DataFrame({"user": range(100), "w": [value] * 100})
        rows.write_parquet(tmp_path / f"{number}.parquet")
    done = multiepoch(
        "data", "sample", "*.parquet", "--by", "user", "--keep", "0.5", "--out", "s.parquet", cwd=tmp_path
    )
    assert "column 'w' is left out of the sample: it is Int64 in '0.parquet' and String in '1.parquet'" in done.stdout
    assert pl.read_parquet_schema(tmp_path / "s.parquet").keys() == {"user"}


def test_a_sample_does_not_take_the_place_of_its_log(tmp_path: Path) -> None:
    pl.DataFrame({"user": [1, 2, 3, 4]}).write_parquet(tmp_path / "log.parquet")
    (tmp_path / "link.parquet").symlink_to("log.parquet")
    before = (tmp_path / "log.parquet").read_bytes()
    for out in ("log.parquet", "link.parquet"):
        drawn = ("--by", "user", "--keep", "0.5", "--out", out, "--force")
        done = multiepoch("data", "sample", "log.parquet", *drawn, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (
            2, f"multiepoch: --out '{out}' is of the log itself; accepted: another file\n",
        )  # fmt: skip
    assert (tmp_path / "log.parquet").read_bytes() == before


def test_long_names_are_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    name = "the_identifier_of_the_advertiser_in_the_shop_of_the_partner"
    pl.DataFrame({name: range(400), "user": [i // 2 for i in range(400)]}).write_parquet(tmp_path / "log.parquet")
    done = multiepoch("data", "sample", "log.parquet", "--by", "user", "--keep", "0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\u2026" not in done.stdout
    assert "".join(re.findall(r"^[a-z_]+(?= |$)", done.stdout, re.MULTILINE)).find(name) >= 0

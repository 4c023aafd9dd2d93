"""Files of one table whose columns are not the same: read together where that is safe, refused by name where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_log import ROWS, SCHEMA, WRITERS, content, load, log

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import data_files
from harness.data.tabular.scans import scan

PARTS = 5
KINDS = tuple(WRITERS)
TYPED = ("parquet", "arrow")
"""Formats that say the type of a column."""


def written(folder: Path, kind: str, change: Callable[[int, pl.DataFrame], pl.DataFrame]) -> Path:
    """The log in files, each changed by its number."""
    folder.mkdir(parents=True)
    for number, rows in enumerate(log().iter_slices(ROWS // PARTS)):
        getattr(change(number, rows), WRITERS[kind])(folder / f"{number}.{kind}")
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("later", [pl.lit(7), pl.lit("x"), pl.lit(None, pl.Int8)])
def test_a_column_that_nobody_reads_may_come_and_go(tmp_path: Path, kind: str, later: pl.Expr) -> None:
    wanted = content(load(tmp_path, written(tmp_path / "plain", kind, lambda _, rows: rows)))
    for place, having in enumerate(({1, 3}, {0}, {PARTS - 1})):

        def change(number: int, rows: pl.DataFrame, having: set[int] = having) -> pl.DataFrame:
            return rows.with_columns(w=later) if number in having else rows

        assert content(load(tmp_path, written(tmp_path / f"logs{place}", kind, change))) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_columns_may_stand_in_another_order(tmp_path: Path, kind: str) -> None:
    wanted = content(load(tmp_path, written(tmp_path / "plain", kind, lambda _, rows: rows)))
    turned = written(tmp_path / "turned", kind, lambda n, rows: rows.select(sorted(rows.columns, reverse=n % 2 == 1)))
    assert content(load(tmp_path, turned)) == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", ["item", "y"])
def test_a_column_that_is_read_and_not_in_all_files_is_asked_for(tmp_path: Path, kind: str, column: str) -> None:
    """Null where it is not: as if the files had it, and nothing in it. A line of JSON needs no such word."""
    empty = written(
        tmp_path / "empty", kind, lambda n, rows: rows if n else rows.with_columns(pl.lit(None).alias(column))
    )
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows if n else rows.drop(column))
    asked = f'optional = ["{column}"]\n{SCHEMA}'
    assert content(load(tmp_path, logs, schema=asked)) == content(load(tmp_path, empty))
    if kind == "jsonl":
        assert content(load(tmp_path, logs)) == content(load(tmp_path, empty))
    else:
        said = rf"column '{column}' is in 4 of 5 files, not in '.*0\.{kind}'; accepted: optional = \[\"{column}\"\]"
        with pytest.raises(UserError, match=said):
            load(tmp_path, logs)
    with pytest.raises(UserError, match=rf"optional: unknown column '{column}z'; did you mean '{column}'\?"):
        load(tmp_path, logs, schema=asked.replace(f'"{column}"]\n', f'"{column}z"]\n'))


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("sql", ["user + 0", "CASE WHEN user > 3 THEN 1 ELSE user END", '"user"'])
def test_it_is_seen_within_an_expression_or_query(tmp_path: Path, kind: str, sql: str) -> None:
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows if n else rows.drop("user"))
    fields = SCHEMA.replace('["user", "item"]', f"""{{ u = '{sql}', item = "item" }}""")
    query = f"query = 'SELECT *, {sql} AS u FROM data'\n" + SCHEMA.replace('["user"', '["u"')
    for schema in (fields, query):
        with pytest.raises(UserError, match="column 'user' is in 4 of 5 files"):
            load(tmp_path, logs, schema=schema)


WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt32, pl.UInt64, pl.Int128)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What a log is read as whose files agree."""
    folder = tmp_path_factory.mktemp("plain")
    return content(load(folder, written(folder / "plain", "arrow", lambda _, rows: rows)))


@given(types=st.lists(st.sampled_from(WHOLE), min_size=PARTS, max_size=PARTS))
def test_whole_numbers_are_the_same_ids_in_any_type(
    tmp_path_factory: pytest.TempPathFactory, plain: list[bytes], types: Sequence[type[pl.DataType]]
) -> None:
    folder = tmp_path_factory.mktemp("types")
    logs = written(folder / "logs", "arrow", lambda n, rows: rows.with_columns(pl.col("user").cast(types[n])))
    assert content(load(folder, logs)) == plain


ITEM = pl.col("item")
ALIKE = [
    (ITEM.cast(pl.Categorical), ITEM),
    (ITEM, ITEM.cast(pl.Enum([f"i{n:02x}" for n in range(7)]))),
    (ITEM.cast(pl.Enum([f"i{n:02x}" for n in range(7)])), ITEM.cast(pl.Enum([f"i{6 - n:02x}" for n in range(7)]))),
]


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize(
    ("first", "later"), ALIKE, ids=["categories and text", "text and a list of words", "two lists"]
)
def test_categories_are_text_beside_text(tmp_path: Path, kind: str, first: pl.Expr, later: pl.Expr) -> None:
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows.with_columns(later if n > 2 else first))
    plain = written(tmp_path / "plain", kind, lambda _, rows: rows)
    assert content(load(tmp_path, logs)) == content(load(tmp_path, plain))


MOMENT = pl.from_epoch("ts").cast(pl.Datetime("us")).alias("ts")
ZONED = MOMENT.dt.replace_time_zone("UTC")


@pytest.mark.parametrize("kind", TYPED)
def test_instants_are_the_same_in_any_unit_and_zone(tmp_path: Path, kind: str) -> None:
    """But not beside dates of no zone, which may be of any."""
    plain = content(load(tmp_path, written(tmp_path / "plain", kind, lambda _, rows: rows)))
    units = (MOMENT, MOMENT.cast(pl.Datetime("ns")), MOMENT.cast(pl.Datetime("ms")))
    zones = (ZONED, ZONED.dt.convert_time_zone("Asia/Tokyo"), ZONED.cast(pl.Datetime("ns", "UTC")))
    for place, forms in enumerate((units, zones)):
        logs = written(tmp_path / f"{place}", kind, lambda n, rows, forms=forms: rows.with_columns(forms[n % 3]))  # type: ignore[misc]
        assert content(load(tmp_path, logs)) == plain
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows.with_columns(ZONED if n else MOMENT))
    with pytest.raises(UserError, match="column 'ts' is Datetime"):
        load(tmp_path, logs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "folders", [("0", "day=x"), ("day=x", "zone=y"), ("day=x", "day=x/zone=y"), ("day=x/day=z", "day=x")]
)
def test_files_may_lie_in_other_folders(tmp_path: Path, kind: str, folders: tuple[str, str]) -> None:
    """What the folders of a file do not say is null there, in any format."""
    for folder, rows in zip(folders, log().iter_slices(ROWS // 2), strict=True):
        (tmp_path / "logs" / folder).mkdir(parents=True, exist_ok=True)
        getattr(rows, WRITERS[kind])(tmp_path / "logs" / folder / f"part.{kind}")
    files = data_files(str(tmp_path / "logs"))
    found = scan(files, Csv(), ()).frame.collect()
    for name in ("day", "zone"):
        said = [str(file).partition(f"/{name}=")[2][:1] or None for file in files]
        if any(said):
            assert found[name].to_list() == [each for each in said for _ in range(ROWS // 2)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "later"),
    [(pl.lit(7), pl.lit("x")), (pl.lit(7), pl.lit(date(2024, 5, 1))), (pl.lit(True), pl.lit(7)), ([1, 2], 7)],
)
def test_types_that_have_nothing_in_common(tmp_path: Path, kind: str, first: object, later: object) -> None:
    """Text holds them all where files are text; else they stay unread, and a schema that reads them is refused."""
    if kind == "csv" and isinstance(first, list):
        return
    exprs = [each if isinstance(each, pl.Expr) else pl.lit(pl.Series([each])).first() for each in (first, later)]
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows.with_columns(w=exprs[n == PARTS - 1]))
    plain = written(tmp_path / "plain", kind, lambda _, rows: rows)
    assert content(load(tmp_path, logs)) == content(load(tmp_path, plain))
    reading = SCHEMA.replace('["user"', '["w"')
    if kind in TYPED or isinstance(first, list):
        with pytest.raises(UserError, match=r"column 'w' is .* in '.*0\.\w+' and .* in '.*4\.\w+'; accepted: one type"):
            load(tmp_path, logs, schema=reading)
    else:
        assert scan(data_files(str(logs)), Csv(), ()).frame.collect_schema()["w"] == pl.String
        load(tmp_path, logs, schema=reading)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("parquet", [None, None, 7, 8, "x"], r"is Int\d+ in '.*2\.parquet' and String in '.*4\.parquet'"),
        ("jsonl", [7, "x", 7, 7, [1]], r"is Int64 in '.*0\.jsonl' and List\(Int64\) in '.*4\.jsonl'"),
    ],
)
def test_the_types_that_clash_are_named_not_those_beside_them(
    tmp_path: Path, kind: str, values: list[object], said: str
) -> None:
    """A column without a value goes with all others, and so does a word with a number where both are text."""
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows.with_columns(w=pl.Series([values[n]] * len(rows))))
    with pytest.raises(UserError, match=f"column 'w' {said}"):
        load(tmp_path, logs, schema=SCHEMA.replace('["user"', '["w"'))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_table_is_refused(tmp_path: Path, kind: str) -> None:
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows if n != 3 else rows.select(pl.all().name.suffix("_")))
    with pytest.raises(UserError, match=rf"'.*3\.{kind}' has none of the columns of '.*0\.{kind}', but 'y_', 'user_'"):
        load(tmp_path, logs)


def test_a_part_without_the_header_of_the_first_is_refused(tmp_path: Path) -> None:
    logs = written(tmp_path / "logs", "csv", lambda _, rows: rows)
    part = logs / "3.csv"
    part.write_text(part.read_text().partition("\n")[2])
    with pytest.raises(UserError, match=r"3\.csv' has none of the columns of '.*0\.csv'"):
        load(tmp_path, logs)


def test_a_number_in_one_file_keeps_its_zeros_where_another_has_text(tmp_path: Path) -> None:
    def change(number: int, rows: pl.DataFrame) -> pl.DataFrame:
        written = pl.format("0{}", "user") if number else pl.format("u{}", "user")
        return rows.with_columns(written.alias("user"), *([pl.lit(1).alias("w")] if number == 2 else []))

    files = data_files(str(written(tmp_path / "logs", "csv", change)))
    users = scan(files, Csv(), ()).frame.select("user").collect()["user"]
    assert users.str.contains(r"^(0|u)\d+$").all()


def test_a_column_without_a_value_in_one_file_is_what_it_is_in_others(tmp_path: Path) -> None:
    """Delimited text does not say what nothing is."""
    files = [f"{n}.csv" for n in range(3)]
    for name, values in zip(files, ["5,", "6,", "1.5,x"], strict=True):
        (tmp_path / name).write_text(f"u,v,w,k\n{values},,1\n,,,1\n")
    found = scan(data_files([str(tmp_path / name) for name in files]), Csv(), ()).frame.collect()
    assert found.schema == {"u": pl.Float64, "v": pl.String, "w": pl.String, "k": pl.Int64}
    (tmp_path / files[0]).write_text("u,v,w,k\n,,1,1\n,,2,1\n")
    found = scan(data_files([str(tmp_path / name) for name in files]), Csv(), ()).frame.collect()
    assert found.schema == {"u": pl.Float64, "v": pl.String, "w": pl.Int64, "k": pl.Int64}
    assert found["w"].to_list() == [1, 2, None, None, None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_what_folders_say_is_of_one_type_in_all_files(tmp_path: Path, kind: str) -> None:
    """`01` and `x`, the former in files of other columns."""
    for day, rows in (("01", log().with_columns(w=1)), ("x", log())):
        (tmp_path / "logs" / f"day={day}").mkdir(parents=True)
        getattr(rows, WRITERS[kind])(tmp_path / "logs" / f"day={day}" / f"part.{kind}")
    found = scan(data_files(str(tmp_path / "logs")), Csv(), ()).frame.collect()
    assert found["day"].to_list() == ["01"] * ROWS + ["x"] * ROWS


@pytest.mark.parametrize("kind", KINDS)
def test_a_guessed_schema_says_which_columns_not_all_files_have(tmp_path: Path, kind: str) -> None:
    """And is read as it stands."""
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows if n else rows.drop("item"))
    text = first_schema(str(logs)).text
    assert ("optional = [\"item\"]  # 'item' is in 4 of 5 files" in text) == (kind != "jsonl")
    (tmp_path / "guessed.toml").write_text(text)
    assert "item" in load(tmp_path, logs, schema=text).fields


@pytest.mark.parametrize("kind", TYPED)
def test_a_guessed_schema_says_which_columns_are_of_several_types(tmp_path: Path, kind: str) -> None:
    logs = written(tmp_path / "logs", kind, lambda n, rows: rows if n else rows.with_columns(item=pl.lit(1)))
    text = first_schema(str(logs)).text
    assert '# item = "item"  # left out: it is Int32 in' in text
    load(tmp_path, logs, schema=text)

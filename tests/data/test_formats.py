"""Logs as people have them: any format, compressed or not, in one file or many; all give the same rows."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, SCHEMA, WRITERS, content, load, log

from harness.api import UserError
from harness.data.guess.sample import sample
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import data_files
from harness.data.tabular.scans import scan
from harness.plugins.registry import Registry, build


@pytest.fixture
def wanted(tmp_path: Path) -> list[bytes]:
    log().write_parquet(tmp_path / "wanted.parquet")
    return content(load(tmp_path, tmp_path / "wanted.parquet"))


def delimited(separator: str = ",", header: bool = True) -> bytes:
    return log().write_csv(separator=separator, include_header=header).encode()


def zstd(text: bytes) -> bytes:
    return bytes(pa.compress(text, codec="zstd", asbytes=True))


NAMES = '[csv]\nnames = ["y", "user", "item", "ts"]\n'
FORMS: dict[str, tuple[bytes, str]] = {
    "comma.csv": (delimited(), ""),
    "tab.tsv": (delimited("\t"), ""),
    "bar.txt": (delimited("|"), ""),
    "semicolon": (delimited(";"), ""),
    "odd.csv": (delimited("^"), '[csv]\nseparator = "^"\n'),
    "no_header.txt": (delimited("\t", header=False), NAMES),
    "title.csv": (b'A "title, by hand\n\n' + delimited(), "[csv]\nskip = 2\n"),
    "excel.csv": (b"sep=;\r\n" + delimited(";").replace(b"\n", b"\r\n"), ""),
    "excel_mark.csv": (b'\xef\xbb\xbf"sep=^"\n' + delimited("^"), ""),
    "blanks.csv": (delimited().replace(b",", b" , "), "[csv]\nblanks = true\n"),
    "blanks_quotes.csv": (
        re.sub(rb"(item|i\d\d)", rb'"\1"', delimited().replace(b",", b", ")),
        "[csv]\nblanks = true\n",
    ),
    "comment.csv": (b"# made\n" + delimited(), '[csv]\ncomment = "#"\n'),
    "nulls.csv": (delimited().replace(b",,", b",NA,"), '[csv]\nnulls = ["NA"]\n'),
    "quoted.csv": (re.sub(rb"(i\d\d)", rb'"\1"', delimited()), ""),
    "blank_lines.csv": (b"\n".join([*delimited().split(b"\n", 9), b"", b"\r", b",,,"]), ""),
    "packed.csv.gz": (gzip.compress(delimited(), mtime=0), ""),
    "packed.csv": (gzip.compress(delimited(), mtime=0), ""),
    "packed.zst": (zstd(delimited()), ""),
    "lines.jsonl": (log().write_ndjson().encode(), ""),
    "lines.json.gz": (gzip.compress(log().write_ndjson().encode(), mtime=0), ""),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path: Path, wanted: list[bytes], name: str) -> None:
    written, more = FORMS[name]
    (tmp_path / name).write_bytes(written)
    assert content(load(tmp_path, tmp_path / name, more)) == wanted


@pytest.mark.parametrize("name", [name for name in FORMS if "csv" in name and name not in ("odd.csv", "nulls.csv")])
def test_the_form_that_is_guessed_gives_the_same_columns(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name][0])
    found = sample([tmp_path / name])
    assert found.form is not None
    read = scan([tmp_path / name], found.form.csv, found.zeros).frame.collect()
    (tmp_path / "plain.csv").write_bytes(delimited())
    assert read.equals(scan([tmp_path / "plain.csv"], Csv(), ()).frame.collect())


VALUES = st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(-9, 9) | st.text('a9- ,"', max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=2, max_size=3))
def test_blanks_change_no_type_and_no_value(tmp_path: Path, columns: list[list[object]]) -> None:
    """Text is stripped by hand; quotes behind a blank hold neither separator nor quote, as Polars cuts there."""
    texts = [
        ["" if value is None else str(value).lower().strip(' ",').replace(",", "").replace('"', "") for value in column]
        for column in columns
    ]
    rows = [[f"c{i}" for i in range(len(texts))], *map(list, zip(*texts, strict=True)), ["1"] * len(texts)]
    for name, separator in (("plain.csv", ","), ("blank.csv", " , ")):
        (tmp_path / name).write_text("\n".join(f"x{separator}{separator.join(row)}" for row in rows))
    plain, blank = (
        scan([tmp_path / name], Csv(blanks=name == "blank.csv"), ()).frame.collect()
        for name in ("plain.csv", "blank.csv")
    )
    large = [name for name, dtype in plain.schema.items() if dtype != blank.schema[name]]
    assert blank.drop(large).equals(plain.drop(large))
    assert all(blank.schema[name] == pl.String for name in large), "whole numbers beyond 64 bits keep their digits"


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        (b"A title\n", r"unknown column 'user'.*; the first line, 'A title', is taken for the header: .* skip = 1"),
        (
            b"A, title\n",
            r"line 1, 'A, title', is taken for the header and has 2 cells, and line 2 has 4, .*; .* skip = 1",
        ),
        (b"# A, comment\n", r"line 1, '# A, comment', .* comment = \"#\" under \[csv\]"),
    ],
)
def test_what_stands_above_the_header_is_quoted(tmp_path: Path, begun: bytes, said: str) -> None:
    (tmp_path / "log.csv").write_bytes(begun + delimited())
    with pytest.raises(UserError, match=said):
        load(tmp_path, tmp_path / "log.csv")


def test_a_line_that_nothing_cuts_is_no_header_where_the_schema_says_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(delimited().partition(b"\n")[2])
    with pytest.raises(
        UserError, match=r"unknown column 'user'.*; each line is one cell: under \[csv\] separator"
    ) as refused:
        load(tmp_path, tmp_path / "log.csv", more='[csv]\nseparator = "^"\nheader = false\n')
    assert "taken for the header" not in str(refused.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_row_with_more_cells_is_named(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    lines = delimited().split(b"\n")
    (tmp_path / "log.csv").write_bytes(pack(b"\n".join([*lines[:9], lines[9] + b",more", *lines[10:]])))
    with pytest.raises(UserError, match=r"has 4 cells, and line 10 has 5, '.*,more'"):
        load(tmp_path, tmp_path / "log.csv")


def test_names_with_blanks_are_suspected(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(delimited().replace(b",", b", "))
    with pytest.raises(UserError, match=r"unknown column 'user'.* blanks = true under \[csv\]"):
        load(tmp_path, tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("begun", "message"),
    [
        (log().write_csv().encode("utf-16"), "is UTF-16; accepted: UTF-8, as `iconv"),
        (
            b" [\n {" + log().write_ndjson().encode()[1:],
            "is one list of JSON; accepted: an object on each line, as `jq",
        ),
        (b"\xef\xbb\xbf" + log().write_ndjson().encode(), "begins with a byte order mark"),
        (delimited().replace(b"\n", b"\r"), "ends lines by CR alone; accepted: LF or CR LF, as `tr"),
    ],
)
def test_what_looks_like_a_format_is_refused_with_the_way_to_it(tmp_path: Path, begun: bytes, message: str) -> None:
    (tmp_path / "log").write_bytes(begun)
    for read in (lambda path: load(tmp_path, path), lambda path: sample([path])):
        with pytest.raises(UserError, match=message):
            read(tmp_path / "log")


def test_arrow_is_told_by_its_content(tmp_path: Path, wanted: list[bytes]) -> None:
    log().write_ipc(tmp_path / "rows")
    assert content(load(tmp_path, tmp_path / "rows")) == wanted


def test_columns_without_a_header_are_numbered(tmp_path: Path, wanted: list[bytes]) -> None:
    (tmp_path / "log.txt").write_bytes(delimited("\t", header=False))
    schema = SCHEMA.replace('["user", "item"]', '{ user = "column_1", item = "column_2" }')
    schema = schema.replace('time = "ts"', 'time = "column_3"').replace('y = "y"', 'y = "column_0"')
    assert content(load(tmp_path, tmp_path / "log.txt", "[csv]\nheader = false\n", schema)) == wanted


def test_a_missing_header_is_suspected(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(delimited(header=False))
    with pytest.raises(UserError, match=r"unknown column 'user'.*names = \[\.\.\.\] under \[csv\]"):
        load(tmp_path, tmp_path / "log.csv")


def parts(folder: Path) -> Path:
    """The log in four part files by day, with what other tools leave beside them."""
    for day, rows in enumerate(log().iter_slices(ROWS // 4)):
        (folder / "logs" / f"day={day}").mkdir(parents=True)
        rows.write_parquet(folder / "logs" / f"day={day}" / "part-0.parquet")
    (folder / "logs" / "_SUCCESS").touch()
    (folder / "logs" / ".part.crc").write_bytes(b"x")
    return folder / "logs"


@pytest.mark.parametrize("path", ["", "*/*.parquet", "day=[0-3]/part-0.parquet"])
def test_a_folder_or_pattern_means_all_its_files(tmp_path: Path, wanted: list[bytes], path: str) -> None:
    assert content(load(tmp_path, parts(tmp_path) / path)) == wanted


def test_a_list_of_files_is_read_in_its_order(tmp_path: Path, wanted: list[bytes]) -> None:
    files = sorted(str(file) for file in parts(tmp_path).rglob("*.parquet"))
    schema = SCHEMA.replace('time = "ts"', f'time = "ts"\npath = {files}')
    assert content(load(tmp_path, "", schema=schema)) == wanted
    with pytest.raises(UserError, match=r"names the file '.*day=0/part-0.parquet' twice"):
        load(tmp_path, "", schema=schema.replace("day=1", "day=0"))


@pytest.mark.parametrize("kind", WRITERS)
def test_folders_of_hive_are_columns(tmp_path: Path, kind: str) -> None:
    for file in parts(tmp_path).rglob("*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False)
        file.unlink()
        getattr(rows, WRITERS[kind])(file.with_suffix(f".{kind}"))
    data = load(tmp_path, tmp_path / "logs", schema=SCHEMA.replace('["user", "item"]', '["user", "day"]'))
    assert [len(set(part.ids_NF[:, 1].tolist())) for part in (data.train, data.valid, data.test)] == [4, 1, 1]


def in_folders(folder: Path, kind: str, days: dict[str, pl.Series | None]) -> Path:
    """A file for each folder, with a column of its own that the folder's name tells too, unless it is None."""
    for name, own in days.items():
        rows = log().head(40)
        (folder / "logs" / f"day={name}").mkdir(parents=True)
        file = folder / "logs" / f"day={name}" / f"part.{kind}"
        getattr(rows if own is None else rows.with_columns(day=own), WRITERS[kind])(file)
    return folder / "logs"


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    ("folders", "own", "other"),
    [
        (["1", "2"], [pl.lit(1), pl.lit(2)], "3"),
        (["01", "02"], [pl.lit(1), pl.lit(2)], "21"),
        (["a%2Fb", "c"], [pl.lit("a/b"), pl.lit("c")], "a"),
        (["1.50", "2.50"], [pl.lit(1.5), pl.lit(2.5)], "1.5"),
        (["9007199254740993", "2"], [pl.lit(9007199254740993), pl.lit(2, pl.Int64)], "9007199254740992"),
        (["2024-05-01", "2024-05-02"], [pl.lit(date(2024, 5, 1)), pl.lit(date(2024, 5, 2))], "2024-05-03"),
        (["true", "false"], [pl.lit(True), pl.lit(False)], "1"),
    ],
)
def test_a_file_says_what_its_folder_says(
    tmp_path: Path, kind: str, folders: list[str], own: list[pl.Expr], other: str
) -> None:
    """Data are as if files had no such column; one row of the last file that differs is refused, or is in another."""
    some = pl.select(pl.int_range(40).alias("k")).with_columns([value.alias(f"v{i}") for i, value in enumerate(own)])
    bare = in_folders(tmp_path / "bare", kind, dict.fromkeys(folders))
    full = in_folders(tmp_path / "full", kind, {name: some[f"v{i}"] for i, name in enumerate(folders)})
    read = [scan(data_files(str(path)), Csv(), ()).frame.collect() for path in (bare, full)]
    assert read[1].select(read[0].columns).equals(read[0])
    assert sample(data_files(str(full))).frame["day"].n_unique() == 2
    (full / f"day={folders[1]}").rename(full / f"day={other}")
    for look in (lambda: scan(data_files(str(full)), Csv(), ()), lambda: sample(data_files(str(full)))):
        with pytest.raises(
            UserError, match=rf"day={other}/part.{kind}' has the value '.*' in the column 'day'.* '{other}'"
        ):
            look()


def test_what_a_folder_says_is_read_alike_in_all_formats(tmp_path: Path) -> None:
    """Bytes written as %20 or so, and the name that Hive gives what is missing."""
    folders = ["New%20York", "a%2520b", "100%", "__HIVE_DEFAULT_PARTITION__"]
    read = [
        scan(data_files(str(in_folders(tmp_path / kind, kind, dict.fromkeys(folders)))), Csv(), ()).frame.collect()
        for kind in WRITERS
    ]
    assert {tuple(frame["day"].unique().sort()) for frame in read} == {(None, "100%", "New York", "a%20b")}


@pytest.mark.parametrize(
    ("kind", "folder"),
    [*((kind, "day=__HIVE_DEFAULT_PARTITION__") for kind in WRITERS), ("csv", "."), ("jsonl", "."), ("arrow", ".")],
)
def test_a_value_that_no_folder_says_is_not_lost(tmp_path: Path, kind: str, folder: str) -> None:
    """Polars reads no Parquet file beside folders."""
    logs = in_folders(tmp_path, kind, {"1": pl.Series(["1"] * 40), "2": pl.Series([None] * 39 + ["x"])})
    (logs / folder).mkdir(exist_ok=True)
    (logs / "day=2" / f"part.{kind}").rename(logs / folder / f"part.{kind}")
    with pytest.raises(UserError, match=r"has the value 'x' in the column 'day', and its folder says none; accepted"):
        scan(data_files(str(logs)), Csv(), ())


@pytest.mark.parametrize(("kind", "first"), [("parquet", True), ("parquet", False), ("jsonl", True), ("jsonl", False)])
def test_one_file_among_others_says_what_its_folder_says(tmp_path: Path, kind: str, first: bool) -> None:
    """Formats in which files may have other columns: here one of two, in one row, the others of which say nothing."""
    own = pl.Series([None] * 39 + ["x"], dtype=pl.String)
    logs = in_folders(tmp_path, kind, {"1": own if first else None, "2": None if first else own})
    with pytest.raises(UserError, match=rf"day={2 - first}/.*' has the value 'x' in the column 'day', and its folder"):
        scan(data_files(str(logs)), Csv(), ())


def test_a_column_that_a_folder_tells_may_be_of_another_type_in_each_file(tmp_path: Path) -> None:
    own = {"1": pl.Series([1] * 40, dtype=pl.Int8), "2": pl.Series([2] * 40), "3": pl.Series(["3"] * 40)}
    logs = in_folders(tmp_path, "parquet", dict(own))
    assert scan(data_files(str(logs)), Csv(), ()).frame.collect()["day"].n_unique() == 3
    (logs / "day=3").rename(logs / "day=4")
    with pytest.raises(UserError, match=r"has the value '3' in the column 'day', and its folder says '4'"):
        scan(data_files(str(logs)), Csv(), ())


def test_files_of_different_formats_are_refused(tmp_path: Path) -> None:
    folder = parts(tmp_path)
    (folder / "day=9.csv").write_bytes(delimited())
    with pytest.raises(UserError, match=r"is Parquet and '.*day=9.csv' is CSV|is CSV and '.*' is Parquet"):
        load(tmp_path, folder)


def test_every_part_enters_the_fingerprint(tmp_path: Path) -> None:
    folder = parts(tmp_path)
    (tmp_path / "schema.toml").write_text(SCHEMA)
    params = {"schema": str(tmp_path / "schema.toml"), "path": str(folder)}
    table = build(Registry().datasets, "data set", "table_file", params)
    prints = [table.fingerprint()]
    pl.read_parquet(folder / "day=2" / "part-0.parquet").head(3).write_parquet(folder / "day=2" / "part-0.parquet")
    prints.append(table.fingerprint())
    (folder / "day=3").rename(folder / "day=7")
    prints.append(table.fingerprint())
    assert len({str(print_) for print_ in prints}) == 3


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("pack", [lambda text: gzip.compress(text, mtime=0), zstd])
def test_a_compressed_file_that_is_cut_is_called_so(tmp_path: Path, form: str, pack: Callable[[bytes], bytes]) -> None:
    whole = pack(delimited() if form == "csv" else log().write_ndjson().encode())
    (tmp_path / "log").write_bytes(whole[:-30])
    for read in (lambda: load(tmp_path, tmp_path / "log"), lambda: sample([tmp_path / "log"])):
        with pytest.raises(UserError, match=r"log' cannot be read: .*damaged"):
            read()


@pytest.mark.parametrize("other", ["", "Zürich"])
def test_text_that_ends_within_a_letter_is_cut_and_of_no_other_encoding(tmp_path: Path, other: str) -> None:
    rows = "".join(f"{n % 2},u{n % 7},{other},{n}\n" for n in range(ROWS))
    (tmp_path / "log.csv").write_bytes(f"y,user,item,ts\n{rows}0,é".encode()[:-1])
    for read in (lambda: load(tmp_path, tmp_path / "log.csv"), lambda: sample([tmp_path / "log.csv"])):
        with pytest.raises(UserError, match=rf"line {ROWS + 2}, the last, ends within a letter, .* accepted: a whole"):
            read()

"""Lines of delimited text that are no rows are left out where a schema says so, and refused by line where none does."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, content, load, log

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.no_rows import short_rows, units_in
from harness.data.tabular.scans import scan

LINES = log().write_csv().splitlines(keepends=True)
HEADER, LAST = LINES[0], LINES[-1]
BAD: dict[str, tuple[list[str], str, str]] = {
    "cut": ([*LINES, LAST[:8]], r"1 row has fewer cells .*: line 202, '.*', has 3, the last", 'short = "drop"'),
    "short": (
        [*LINES[:9], "0,5\n", "1\n", *LINES[9:]],
        "2 rows have fewer .*: line 10, '0,5', has 2",
        'short = "drop"',
    ),
    "footer": ([*LINES, "\n", "(200 rows)\n"], r"line 203, '\(200 rows\)', has 1, the last", 'short = "drop"'),
    "total": ([*LINES, "Total,,,7\n"], r"ends in the line 'Total,,,7', a total", "totals = true"),
    "units": (
        [HEADER, "[-],,[id],[s]\n", *LINES[1:]],
        r"below the header, '\[-\],,\[id\],\[s\]', is no row",
        "below = 1",
    ),
}
"""Name -> lines with others among the rows, what is said of them, and the setting that leaves them out."""


@pytest.fixture
def wanted(tmp_path: Path) -> list[bytes]:
    log().write_csv(tmp_path / "wanted.csv")
    return content(load(tmp_path, tmp_path / "wanted.csv"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", BAD)
def test_lines_that_are_no_rows_are_refused_until_a_schema_says_what_of_them(
    tmp_path: Path, wanted: list[bytes], name: str, pack: Callable[[bytes], bytes]
) -> None:
    lines, said, setting = BAD[name]
    (tmp_path / "log.csv").write_bytes(pack("".join(lines).encode()))
    if (pack, name) != (gzip.compress, "total"):  # whose end is far
        with pytest.raises(UserError, match=f"log.csv'.* ?{said}.*accepted:.* {re.escape(setting)}"):
            load(tmp_path, tmp_path / "log.csv")
    assert content(load(tmp_path, tmp_path / "log.csv", f"[csv]\n{setting}\n")) == wanted


@pytest.mark.parametrize("name", BAD)
def test_a_first_schema_leaves_them_out_and_says_so(tmp_path: Path, wanted: list[bytes], name: str) -> None:
    lines, _, setting = BAD[name]
    (tmp_path / "log.csv").write_text("".join(lines))
    text = first_schema(str(tmp_path / "log.csv")).text
    assert f"{setting}  # " in text
    csv = text[text.index("[csv]") : text.index("[fields]")]
    assert content(load(tmp_path, tmp_path / "log.csv", csv)) == wanted


@pytest.mark.parametrize("name", ["cut", "short"])
def test_rows_that_are_cut_short_are_counted(tmp_path: Path, name: str) -> None:
    lines, said, _ = BAD[name]
    (tmp_path / "a.csv").write_text("".join(LINES))
    (tmp_path / "b.csv").write_text("".join(lines))
    found = scan([tmp_path / "a.csv", tmp_path / "b.csv"], Csv(short="drop"), ())
    assert len(found.frame.collect()) == 2 * ROWS
    (note,) = found.notes
    assert re.search(f"b.csv': {said}.*; left out", note)


def test_what_short_rows_lack_is_unknown_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a,b,c\n1,2,3\n4\n5,6\n")
    frame = scan([tmp_path / "log.csv"], Csv(short="null"), ()).frame.collect()
    assert frame.rows() == [(1, 2, 3), (4, None, None), (5, 6, None)]


def test_many_short_rows_are_how_a_file_is_written(tmp_path: Path) -> None:
    """As spreadsheets leave out empty cells at the end of a line."""
    rows = "".join(f"{n % 7},{n % 2},{n}\n" if n % 3 else f"{n % 7},{n % 2}\n" for n in range(300))
    (tmp_path / "log.csv").write_text(f"item,clicked,zip\n{rows}")
    assert 'short = "null"  # 100 rows have fewer cells' in first_schema(str(tmp_path / "log.csv")).text


CELLS = st.sampled_from(["", "1", "a b", '"x,y"', '"two\nlines"', '"say ""hi"", twice"', '"\r\n"'])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12),
    header=st.booleans(),
    end=st.sampled_from("\n "),
)
def test_short_rows_are_those_that_were_written_short(
    tmp_path: Path, rows: list[list[str]], header: bool, end: str
) -> None:
    lines = [",".join(row) for row in rows]
    text = "\n".join([*(["a,b,c,d"] if header else []), *lines]) + end.strip(" ")
    (tmp_path / "log.csv").write_bytes(text.encode())
    short = [n for n, row in enumerate(rows) if len(row) < 4 and row != [""]]
    for source in (tmp_path / "log.csv", text.encode()):
        found = short_rows(source, ",", 0, Csv(header=header), 4) if text else None
        assert (found.numbers if found else []) == short


def test_a_header_without_a_name_at_its_end_has_one_cell_less(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a,b,\n1,2\n3,4\n")
    assert scan([tmp_path / "log.csv"], Csv(), ()).frame.collect().rows() == [(1, 2, None), (3, 4, None)]


@pytest.mark.parametrize("times", [1, 3])
def test_a_header_among_the_rows_is_no_row(tmp_path: Path, wanted: list[bytes], times: int) -> None:
    """As where files were joined. Without it, all columns would be text."""
    at = 2 + ROWS // 2
    (tmp_path / "log.csv").write_text("".join([*LINES[:at], *[HEADER] * times, *LINES[at:]]))
    assert content(load(tmp_path, tmp_path / "log.csv")) == wanted
    found = scan([tmp_path / "log.csv"], Csv(), ())
    assert re.search(r"has its header (once|3 times) more among its rows", "".join(found.notes))
    assert 'y = "y"' in first_schema(str(tmp_path / "log.csv")).text


@pytest.mark.parametrize(
    ("first", "units"),
    [
        (("[s]", "[EUR]"), True),
        (("", "EUR"), True),
        (("---", "---"), True),
        (("u1", "EUR"), False),
        (("bob", "NA"), False),
        (("u", "EUR"), False),
        (("[s]", "7"), False),
    ],
)
def test_units_are_told_from_a_first_row(first: tuple[str, str], units: bool) -> None:
    assert units_in([first, ("u", "1,50"), ("v", "2"), ("w", "")]) is units


def test_a_total_in_the_middle_or_without_a_gap_is_a_row(tmp_path: Path) -> None:
    """Total is a brand, too."""
    for text in ("a,b,c\nTotal,,1\nx,2,2\n", "a,b,c\nx,2,2\nTotal,1,1\n"):
        (tmp_path / "log.csv").write_text(text)
        assert len(scan([tmp_path / "log.csv"], Csv(), ()).frame.collect()) == 2


@pytest.mark.parametrize("form", ['"=""{}"""', '="{}"'])
def test_text_as_a_spreadsheet_keeps_it_is_that_text(tmp_path: Path, form: str) -> None:
    numbers = [f"{n % 40:03}" for n in range(120)]
    for name, write in (("plain", "{}"), ("packed", form)):
        rows = "".join(f"{write.format(zip_)},{n % 2},{n % 7}\n" for n, zip_ in enumerate(numbers))
        (tmp_path / f"{name}.csv").write_text(f"zip,clicked,item\n{rows}")
    plain = scan([tmp_path / "plain.csv"], Csv(), ["zip"]).frame.collect()
    assert scan([tmp_path / "packed.csv"], Csv(formulas=True), ["zip"]).frame.collect().equals(plain)
    text = first_schema(str(tmp_path / "packed.csv")).text
    assert "formulas = true  # " in text
    assert 'text = ["zip"]' in text


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["windows-1252", "shift_jis", "windows-1251"])
def test_other_encodings_are_read_as_a_schema_says(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    letter = {"windows-1252": "é€", "shift_jis": "日本", "windows-1251": "Москва"}[encoding]
    text = "".join(f"u{n % 7}{letter if n > 9 else ''} x,{n % 2}\n" for n in range(99))
    (folder := tmp_path / "day=1").mkdir()
    (folder / "log.csv").write_bytes(pack(f"user,clicked\n{text}".encode(encoding)))
    with pytest.raises(UserError, match=r"log.csv': line 12 is not UTF-8, at the byte 0x.*accepted: encoding = "):
        scan([folder / "log.csv"], Csv(), ())
    frame = scan([folder / "log.csv"], Csv(encoding=encoding), ()).frame.collect()
    assert set(frame["user"].tail(80)) == {f"u{n}{letter} x" for n in range(7)}
    assert frame["day"].n_unique() == 1
    cut = tmp_path / "cut.csv"
    cut.write_bytes(pack(f"user,clicked\n{letter},1\n{letter}\n".encode(encoding)))
    with pytest.raises(UserError, match=f"^file '{re.escape(str(cut))}': 1 row has fewer cells"):
        scan([cut], Csv(encoding=encoding), ())
    if encoding == "windows-1252":
        (tmp_path / "latin.csv").write_bytes("user,clicked\né,1\nb,0\nc,1\n".encode(encoding))
        assert 'encoding = "windows-1252"' in first_schema(str(tmp_path / "latin.csv")).text


def test_a_byte_that_is_none_of_the_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"a,b\n\x81,1\n")
    with pytest.raises(UserError, match=r"log.csv' is not written in encoding = 'windows-1252': .*0x81"):
        scan([tmp_path / "log.csv"], Csv(encoding="windows-1252"), ())
    with pytest.raises(ValueError, match="no encoding is named so"):
        Csv(encoding="latin-one")


def test_a_copy_that_has_no_room_is_refused_before_any_of_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.csv").write_bytes("a,b\né,1\n".encode("latin-1") * 100)
    usage = shutil.disk_usage(tmp_path)._replace(free=300)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"log.csv' cannot be copied into the temporary folder: .* needed.*TMPDIR on a"):
        scan([tmp_path / "log.csv"], Csv(encoding="windows-1252"), ())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=400))
    assert len(scan([tmp_path / "log.csv"], Csv(encoding="windows-1252"), ()).frame.collect()) == 100

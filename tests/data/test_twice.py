"""Files with the rows of others are refused before any row is read, and files that hold nothing are left out."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.small_log import ROWS, WRITERS, content, load, log

from harness.api import UserError
from harness.data.guess.sample import sample
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import data_files
from harness.data.tabular.scans import scan
from harness.data.tabular.twice import refuse_twice

HALVES = log()[: ROWS // 2], log()[ROWS // 2 :]
READERS: list[Callable[[Path], object]] = [
    lambda folder: load(folder.parent, folder),
    lambda folder: sample(data_files(str(folder))),
]


def zstd(text: bytes) -> bytes:
    return bytes(pa.compress(text, codec="zstd", asbytes=True))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def fill(folder: Path, kind: str) -> None:
    for number, rows in enumerate(HALVES, start=1):
        getattr(rows, WRITERS[kind])(folder / f"part-{number}.{kind}")


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("read", READERS)
def test_a_copy_under_another_name_is_refused(logs: Path, kind: str, read: Callable[[Path], object]) -> None:
    fill(logs, kind)
    read(logs)
    (logs / f"part-1 (1).{kind}").write_bytes((logs / f"part-1.{kind}").read_bytes())
    with pytest.raises(UserError, match=rf"part-1\.{kind}' has the same content as '.*part-1 \(1\)\.{kind}'.*accepted"):
        read(logs)


@pytest.mark.parametrize("packs", [{".gz": gzip.compress}, {".zst": zstd}, {".gz": gzip.compress, ".zst": zstd}])
@pytest.mark.parametrize("read", READERS)
def test_a_log_beside_its_packed_self_is_refused(
    logs: Path, packs: dict[str, Callable[[bytes], bytes]], read: Callable[[Path], object]
) -> None:
    fill(logs, "csv")
    plain = logs / "part-2.csv"
    for end, pack in packs.items():
        (logs / f"part-2.csv{end}").write_bytes(pack(plain.read_bytes()))
    if len(packs) > 1:
        plain.unlink()
    with pytest.raises(UserError, match=r"part-2\.csv\.\w+' has the same content as '.*part-2\.csv"):
        read(logs)


@pytest.mark.parametrize("kind", WRITERS)
def test_files_without_rows_may_be_alike(logs: Path, tmp_path: Path, kind: str) -> None:
    fill(logs, kind)
    wanted = content(load(tmp_path, logs))
    for name in ("part-0", "part-1b", "part-3"):
        getattr(log()[:0], WRITERS[kind])(logs / f"{name}.{kind}")
    assert content(load(tmp_path, logs)) == wanted
    assert len(sample(data_files(str(logs))).frame) == ROWS


def test_folders_that_say_something_else_make_other_rows(logs: Path) -> None:
    for day in (1, 2):
        (logs / f"day={day}").mkdir()
        fill(logs / f"day={day}", "csv")
    assert len(scan(data_files(str(logs)), Csv(), ()).frame.collect()) == 2 * ROWS


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.sampled_from(["a\n1\n", "a\n2\n", "a\n12\n", "a\n", "b\n"]), min_size=1, max_size=5))
def test_it_is_the_content_that_counts(tmp_path: Path, contents: list[str]) -> None:
    files = [tmp_path / f"{at}.csv" for at in range(len(contents))]
    for file, text in zip(files, contents, strict=True):
        file.write_text(text)
    with_rows = [text for text in contents if len(text) > 2]
    try:
        refuse_twice(files, "CSV")
    except UserError:
        assert len(set(with_rows)) < len(with_rows)
    else:
        assert len(set(with_rows)) == len(with_rows)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("nothing", [b"", b"\n", b"\xef\xbb\xbf \r\n", gzip.compress(b"", mtime=0)])
@pytest.mark.parametrize("names", [("part-0",), ("part-3",), ("part-0", "part-1b")])
def test_files_that_hold_nothing_are_left_out(
    logs: Path, tmp_path: Path, kind: str, nothing: bytes, names: tuple[str, ...]
) -> None:
    fill(logs, kind)
    wanted = content(load(tmp_path, logs))
    for name in names:
        (logs / f"{name}.{kind}").write_bytes(nothing)
    assert content(load(tmp_path, logs)) == wanted
    assert len(sample(data_files(str(logs))).frame) == ROWS
    (note,) = scan(data_files(str(logs)), Csv(), ()).notes
    assert re.search(rf"{names[0]}.{kind}' (is|and 1 more are) empty, and left out", note)


def test_where_all_are_empty_there_is_nothing_to_read(logs: Path) -> None:
    for name in ("a", "b"):
        (logs / name).write_bytes(b"")
    for read in READERS:
        with pytest.raises(UserError, match="a' is empty; accepted: Parquet"):
            read(logs)


def test_a_first_file_of_a_header_alone_tells_nothing_of_how_rows_are_written(logs: Path) -> None:
    (logs / "part-0.csv").write_text("y,user,item,ts\n")
    rows = "".join(f"{n % 3 // 2}, {n % 17}, i{n % 7}, {1_600_000_000 + n}\n" for n in range(ROWS))
    (logs / "part-1.csv").write_text(f"y,user,item,ts\n{rows}")
    found = sample(data_files(str(logs)))
    assert found.form is not None
    assert found.form.blanks
    assert len(found.frame) == ROWS

"""A sample is read of every format, from more than the beginning where that costs little."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from harness.api import UserError
from harness.data.guess.pieces import HEAD, PLACES
from harness.data.guess.sample import FILES, ROWS, sample
from harness.data.tabular.files import data_files


def log(rows: int) -> pl.DataFrame:
    """Sorted by the label, so that the beginning has one class alone."""
    k = range(rows)
    return pl.DataFrame({"user": [f"u{n % 97}" for n in k], "n": k, "y": [int(2 * n >= rows) for n in k]})


WRITERS = {"a.parquet": "write_parquet", "a.arrow": "write_ipc", "a.csv": "write_csv", "a.jsonl": "write_ndjson"}


@pytest.mark.parametrize("name", WRITERS)
def test_a_small_file_is_read_whole(tmp_path: Path, name: str) -> None:
    getattr(log(300), WRITERS[name])(tmp_path / name)
    found = sample([tmp_path / name])
    assert_frame_equal(found.frame, log(300))
    assert (found.form is not None) == (name == "a.csv")


@pytest.mark.parametrize("name", WRITERS)
def test_a_large_file_is_read_in_several_places(tmp_path: Path, name: str) -> None:
    rows = 100_000 if name.startswith("a.c") else 60_000
    whole = log(rows).with_columns(pl.col("user").str.pad_end(60, "x"))
    getattr(whole, WRITERS[name])(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 2 * HEAD or not name.startswith(("a.c", "a.j"))
    found = sample([tmp_path / name]).frame
    assert len(found) < rows / 2
    assert found["n"].is_sorted(descending=False)
    assert found["n"].n_unique() == len(found)
    assert (found["n"][0], found["n"][-1]) == (0, rows - 1)
    assert_frame_equal(found, whole.filter(pl.col("n").is_in(found["n"].implode())))


def test_the_head_of_a_compressed_file_and_some_files_of_a_folder_do(tmp_path: Path) -> None:
    for day in range(40):
        (tmp_path / f"day={day}").mkdir()
        text = log(40).with_columns(day_n=day).write_csv().encode()
        (tmp_path / f"day={day}" / "part.csv.gz").write_bytes(gzip.compress(text, mtime=0))
    found = sample(data_files(str(tmp_path))).frame
    assert FILES / 2 < found["day"].n_unique() <= FILES
    assert (found["day"].cast(pl.Int64) == found["day_n"]).all()


def test_numbers_with_zeros_in_front_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("zip,n,y\n01234,0,1\n98765,5,0\n")
    found = sample([tmp_path / "a.csv"])
    assert (found.zeros, found.frame["zip"].to_list(), found.frame["n"].to_list()) == (
        ["zip"],
        ["01234", "98765"],
        [0, 5],
    )


@pytest.mark.parametrize("name", ["a.csv", "b.csv"])
def test_a_file_with_a_header_alone_makes_no_text_of_the_others(tmp_path: Path, name: str) -> None:
    log(300).write_csv(tmp_path / ("b.csv" if name == "a.csv" else "a.csv"))
    log(300)[:0].write_csv(tmp_path / name)
    found = sample(data_files(str(tmp_path)))
    assert_frame_equal(found.frame, log(300))
    assert found.zeros == []


def test_values_that_are_numbers_in_one_file_and_words_in_another_are_text(tmp_path: Path) -> None:
    """As they are written, zeros in front included; the same in JSON, where lists beside others are left out."""
    for name, values in (("a", ["01", "2"]), ("b", ["x", "true"])):
        pl.DataFrame({"k": [1, 2], "w": values}).write_csv(tmp_path / f"{name}.csv", quote_style="never")
    assert sample(data_files(str(tmp_path))).frame["w"].to_list() == ["01", "2", "x", "true"]
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "a").write_text('{"v": 1, "w": [1]}\n')
    (tmp_path / "json" / "b").write_text('{"v": "x", "w": 1}\n')
    found = sample(data_files(str(tmp_path / "json")))
    assert found.frame.to_dict(as_series=False) == {"v": ["1", "x"]}
    assert "is List(Int64) in" in found.problems["w"].said


def test_a_file_of_another_format_among_them_is_named(tmp_path: Path) -> None:
    log(30).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "README.md").write_text("# ours\n")
    with pytest.raises(UserError, match=r"a\.parquet' is Parquet and '.*README\.md' is CSV; .* a pattern"):
        sample(data_files(str(tmp_path)))


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join(log(300).write_csv().split("\n", 9)) + "\n\n,,\n")
    assert_frame_equal(sample([tmp_path / "a.csv"]).frame, log(300))


def test_a_piece_that_begins_within_quotes_is_done_without(tmp_path: Path) -> None:
    said = "one, two\n" * 20
    lines = [f'{k},"{said}"' for k in range(3 * HEAD // len(said))]
    (tmp_path / "a.csv").write_text("n,said\n" + "\n".join(lines) + "\n")
    found = sample([tmp_path / "a.csv"]).frame
    assert found["n"].to_list() == list(range(len(found)))
    assert set(found["said"][:-1]) == {said}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv' is empty"),
        (b"a,b\n", "a.csv' has 0 rows"),
        ("a,b\n1,日本\n".encode("shift_jis"), "line 2 is not UTF-8, at the byte 0x93, in an encoding that is not"),
        (b"PAR1 and no more", "a.csv' cannot be read"),
        (gzip.compress(b"user,item\n" * 1000, mtime=0)[:40], "a.csv' cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        sample([tmp_path / "a.csv"])


def test_rows_at_each_place_are_few_enough() -> None:
    assert PLACES * ROWS <= 20_000


def test_what_databases_write_for_no_value_is_none_anywhere(tmp_path: Path) -> None:
    """Beside numbers and beside words, which other signs may be."""
    values = [("NA" if k % 3 else "x", ("\\N", "DE", "FR")[k % 3], ("\\N", str(k))[k % 2]) for k in range(60)]
    rows = "".join("\t".join(row) + "\n" for row in values)
    (tmp_path / "copy.tsv").write_text(f"word\tcountry\tage\n{rows}")
    found = sample([tmp_path / "copy.tsv"])
    assert found.frame.null_count().row(0) == (0, 20, 30)
    assert found.csv.nulls == [r"\N"]

"""Files of formats that are not read say what they are, and what makes one that is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.orc
import pytest

from harness.api import UserError
from harness.data.guess.first_schema import first_schema
from harness.data.tabular.formats import format_of

LOG = pl.DataFrame({"user": [f"u{k % 7}" for k in range(90)], "click": [k % 2 for k in range(90)]})
CSV = LOG.write_csv().encode()


def _tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("log.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV))


def _tar_gz(path: Path) -> None:
    _tar(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def _zip(path: Path, name: str = "log.csv") -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, CSV)


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE clicks (user)")
    connection.commit()
    connection.close()


WRITERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "zip": (_zip, "packed by zip; .* as `unzip "),
    "xlsx": (lambda path: _zip(path, "xl/workbook.xml"), "an Excel workbook; .* as Excel's 'Save As"),
    "bz2": (lambda path: path.write_bytes(bz2.compress(CSV)), "packed by bzip2; .* as `bunzip2 -k "),
    "xz": (lambda path: path.write_bytes(lzma.compress(CSV)), "packed by xz; .* as `unxz -k "),
    "lz4": (
        lambda path: path.write_bytes(pa.Codec("lz4").compress(CSV, asbytes=True)),
        "packed by lz4; .* as `lz4 -d ",
    ),
    "tar": (_tar, "an archive of tar; .* as `tar -xf "),
    "tar.gz": (_tar_gz, "an archive of tar; .* as `tar -xf "),
    "sqlite": (_sqlite, "a database of SQLite; .* as `sqlite3 -header -csv "),
    "arrows": (LOG.write_ipc_stream, r"a stream of Arrow; .* as `polars.read_ipc_stream\("),
    "avro": (LOG.write_avro, r"Avro; .* as `polars.read_avro\("),
    "orc": (lambda path: pa.orc.write_table(LOG.to_arrow(), str(path)), r"ORC; .* as `pandas.read_orc\("),
    "pkl": (
        lambda path: path.write_bytes(pickle.dumps(LOG.to_dicts())),
        r"a pickle of Python; .* as `pandas.read_pickle",
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_another_format_is_named_with_what_makes_one_that_is_read(tmp_path: Path, kind: str) -> None:
    write, said = WRITERS[kind]
    write(path := tmp_path / f"log.{kind}")
    with pytest.raises(UserError, match=rf"log.{kind}' is {said}") as error:
        format_of(path)
    assert str(error.value).count(f"log.{kind}") == (1 if kind == "xlsx" else 2)


@pytest.mark.parametrize("start", ["BZh9", "ORCID,click", "7zip", "PK", "Obj", "FEA1", "SQLite format 3"])
def test_text_that_begins_as_another_format_is_text(tmp_path: Path, start: str) -> None:
    (tmp_path / "log.csv").write_text(f"{start},b\n1,2\n")
    assert format_of(tmp_path / "log.csv") == "CSV"


def test_one_object_that_holds_all_rows_is_refused_by_the_name_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps({"status": "ok", "hits": LOG.to_dicts()}))
    with pytest.raises(
        UserError, match=r"one object, in whose 'hits' is a list of 90; .* as `jq -c '.hits\[\]'` makes"
    ):
        first_schema(str(tmp_path / "log.json"))

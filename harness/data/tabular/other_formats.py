"""Formats that are not read, known by how they begin, and what makes one of them that is."""

from __future__ import annotations

import re

SQLITE = "sqlite3 -header -csv {} 'SELECT * FROM clicks' > log.csv"
PANDAS = "pandas.read_{}('{{}}').to_parquet('log.parquet')"
OTHERS = (
    (rb"PK\x03\x04.*(?:xl/|\[Content_Types\])", "an Excel workbook", "Excel's 'Save As, CSV UTF-8'"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "Excel's 'Save As, CSV UTF-8'"),
    (rb"PK\x03\x04", "packed by zip", "`unzip {}`"),
    (rb"BZh[1-9]1AY&SY", "packed by bzip2", "`bunzip2 -k {}`"),
    (rb"\xfd7zXZ\x00", "packed by xz", "`unxz -k {}`"),
    (rb"\x04\x22\x4d\x18", "packed by lz4", "`lz4 -d {}`"),
    (rb"7z\xbc\xaf\x27\x1c", "packed by 7-Zip", "`7z x {}`"),
    (rb".{257}ustar", "an archive of tar", "`tar -xf {}`"),
    (rb"SQLite format 3\x00", "a database of SQLite", f"`{SQLITE}`"),
    (rb"\xff\xff\xff\xff.{4}", "a stream of Arrow", "`polars.read_ipc_stream('{}').write_parquet('log.parquet')`"),
    (rb"FEA1\x00", "Feather of version 1", f"`{PANDAS.format('feather')}`"),
    (rb"ORC.*\x00", "ORC", f"`{PANDAS.format('orc')}`"),
    (rb"\x89HDF\r\n", "HDF5", f"`{PANDAS.format('hdf')}`"),
    (rb"Obj\x01", "Avro", "`polars.read_avro('{}').write_parquet('log.parquet')`"),
    (rb"\x80[\x02-\x05]", "a pickle of Python", f"`{PANDAS.format('pickle')}`"),
)
"""How a file begins, what it is, and what makes a file that is read; in this order."""


def other_format(start: bytes, name: str) -> tuple[str, str] | None:
    """What a file is that begins so, and what makes another of it; None: text, or nothing that is known."""
    for pattern, what, how in OTHERS:
        if re.match(pattern, start, re.DOTALL):
            return what, how.format(name)
    return None

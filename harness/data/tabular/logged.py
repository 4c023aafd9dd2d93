"""Tables in whose folder lie files that count no more, as only a log beside them says: Delta, Iceberg and Hudi."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import NamedTuple, TypeVar

from harness.base.errors import UserError

Folder = TypeVar("Folder", bound=PurePath)


class Kind(NamedTuple):
    """log: a folder in that of the table; file: what a name in it is like. how: what makes a file of its rows."""

    what: str
    log: str
    file: re.Pattern[str]
    how: str


KINDS = (
    Kind(
        "a Delta table",
        "_delta_log",
        re.compile(r"\d+\..+|_last_checkpoint"),
        "polars.scan_delta('{}').sink_parquet('log.parquet')",
    ),
    Kind(
        "an Iceberg table",
        "metadata",
        re.compile(r"(v\d+|\d+-[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})(\.\w+)?\.metadata\.json(\.\w+)?"),
        "polars.scan_iceberg('{}/metadata/NEWEST.metadata.json').sink_parquet('log.parquet')",
    ),
    Kind(
        "a Hudi table",
        ".hoodie",
        re.compile(r"hoodie\.properties"),
        "spark.read.format('hudi').load('{}').write.parquet('log')",
    ),
)


def refuse_logged(
    holding: Iterable[Folder], names_in: Callable[[Folder], Collection[str]], root: str, place: str
) -> None:
    """Refuse folders that are those of such a table, or below one.

    holding: what holds files. names_in: of the files in a folder; none where there is no such folder. root: stands
    before what is quoted. place: begins the message.

    Raises:
        UserError: there is one.
    """
    for folder in dict.fromkeys(each for inner in holding for each in (inner, *inner.parents)):
        for kind in KINDS:
            if any(map(kind.file.fullmatch, names_in(folder / kind.log))):
                table = f"{root}{folder}"
                raise UserError(
                    f"{place}: '{table}' is {kind.what}: only its log says which of its files still count, and rows of "
                    "the others would come twice or were deleted; accepted: Parquet, Arrow, JSON lines or CSV, as "
                    f"`{kind.how.format(table)}` makes"
                )


def names_here(folder: Path) -> list[str]:
    """The names in a folder of this machine; none where there is no such folder, or it may not be read."""
    with suppress(OSError), os.scandir(folder) as found:
        return [each.name for each in found]
    return []

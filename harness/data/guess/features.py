"""Text as LIBFFM writes it: a label, then features, each with its field before it and its value behind it, as
`1 0:17:1 3:42:0.5`. A query makes columns of the fields. LIBSVM does not say which field a feature is of."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from harness.base.errors import UserError
from harness.data.guess.delimited import Form
from harness.data.tabular.files import Source

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
FFM = re.compile(rf"{NUMBER}(?: +\d+:\d+:{NUMBER})* *")
SVM = re.compile(rf"{NUMBER}(?:\s+qid:\d+)?(?:\s+\d+:{NUMBER})*\s*(?:#.*)?")
CLOCK = re.compile(r"\d+:\d\d(?::\d\d)?(?:\.\d+)?")
"""A time of the day or a duration, which is no feature."""
FEWEST = 2
"""Lines that tell this form."""
LINE = "line"
CELL = "\x01"
"""What separates no cells, as it stands nowhere in such a text."""


@dataclass(frozen=True)
class Features:
    """query: makes columns of whole lines. why: what it makes."""

    query: str
    why: str

    @property
    def form(self) -> Form:
        """That of lines that are one cell each."""
        told = {"separator": "stands in no line, so that each is one cell", "names": "what the query calls it"}
        return Form(CELL, False, "", (), told | {"header": "the first line has features"}, (LINE,))


def features_of(texts: Collection[bytes], file: Source) -> Features | None:
    """Of pieces of files, whole lines; None: they are something else.

    Raises:
        UserError: they are of LIBSVM, or have a field twice in a line.
    """
    if _are(texts, FFM):
        return _ffm(_lines(texts), file)
    if _are(texts, SVM) and all(map(_ascend, _lines(texts))):
        raise UserError(
            f"file '{file}' has features without their fields, as LIBSVM writes them: {next(_lines(texts))[:40]!r}; "
            "accepted: a table with a column for each field, or LIBFFM, where the field stands before each feature"
        )
    return None


def _lines(texts: Iterable[bytes]) -> Iterator[str]:
    """Those that are not blank, read one by one, as the first tells most files to be something else."""
    for text in texts:
        lines = (line.decode(errors="replace").rstrip("\r\n") for line in io.BytesIO(text))
        yield from (line for line in lines if line.strip())


def _are(texts: Collection[bytes], form: re.Pattern[str]) -> bool:
    """Whether all are lines of a form, some of them with two features or more, and these no clocks."""
    cells = list[list[str]]()
    for line in _lines(texts):
        if not form.fullmatch(line):
            return False
        cells.append(_cells(line))
    clocks = all(CLOCK.fullmatch(cell) for each in cells for cell in each)
    return len(cells) >= FEWEST and max(map(len, cells)) > 1 and not clocks


def _cells(line: str) -> list[str]:
    """The features of a line, as they are written."""
    return [cell for cell in line.partition("#")[0].split()[1:] if not cell.startswith("qid:")]


def _ascend(line: str) -> bool:
    """Whether features come in order, as LIBSVM has them."""
    found = [int(cell.partition(":")[0]) for cell in _cells(line)]
    return all(a < b for a, b in pairwise(found))


def _ffm(lines: Iterable[str], file: Source) -> Features:
    told: dict[int, dict[str, set[str]]] = {}
    for number, line in enumerate(lines, start=1):
        cells = [cell.split(":") for cell in _cells(line)]
        (field, times), *_ = Counter(cell[0] for cell in cells).most_common(1) or [("", 0)]
        if times > 1:
            raise UserError(
                f"file '{file}' has field {field} {times} times in a line, as LIBFFM writes lists: line {number}, "
                f"{line[:40]!r}; accepted: one feature of each field, or JSON lines with a list"
            )
        for name, feature, value in cells:
            told.setdefault(int(name), {}).setdefault(feature, set()).add(value)
    told = dict(sorted(told.items()))
    columns = [f"  CAST(SPLIT_PART({LINE}, ' ', 1) AS DOUBLE) AS label", *map(_column, told, told.values())]
    lost = [str(field) for field, found in told.items() if len(found) > 1 and len(set().union(*found.values())) > 1]
    why = f"LIBFFM: a column for each of {len(told)} fields"
    why += f"; the values of features of {', '.join(lost)} are not read" if lost else ""
    return Features("\n".join(["SELECT", ",\n".join(columns), "FROM data"]), why)


def _column(field: int, found: dict[str, set[str]]) -> str:
    """Of the query: the value of a field that has one feature with several, else which feature it is."""
    if len(found) == 1 and len(*found.values()) > 1:
        (feature,) = found
        return f"  CAST(NULLIF({_part(f' {field}:{feature}:', ' ')}, '') AS DOUBLE) AS field_{field}"
    return f"  NULLIF({_part(f' {field}:', ':')}, '') AS field_{field}"


def _part(before: str, behind: str) -> str:
    """What stands between two signs in a line."""
    return f"SPLIT_PART(SPLIT_PART({LINE}, '{before}', 2), '{behind}', 1)"

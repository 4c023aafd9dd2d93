"""Files of JSON lines that are not all objects, as where a copy broke off, or have NaN, which Python writes and JSON
does not know: copies of what is sound are read in their place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from harness.base.errors import UserError
from harness.data.tabular.encodings import CUT, opened
from harness.data.tabular.files import Source
from harness.data.tabular.rewritten import rewritten
from harness.data.tabular.stores import Stored

SHOWN = 60
"""Letters of a line that are quoted."""
DROP = "drop"


class Lines:
    """What is seen of lines while `sound` goes over them: how many are objects, how many of these have NaN or Infinity,
    and how many are no objects; blank ones aside."""

    def __init__(self) -> None:
        self.objects = self.unknown = self.broken = 0
        self._first, self._quoted, self._last = 0, "", 0

    def sound(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines that are objects, with null where they have NaN or Infinity.

        Raises:
            UnicodeDecodeError: one is not UTF-8.
        """
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            words, self._last = list[str](), number
            value, why = value_of(line, words)
            if isinstance(value, dict):
                self.objects, self.unknown = self.objects + 1, self.unknown + bool(words)
                yield json.dumps(value).encode() + b"\n" if words else line
                continue
            self.broken += 1
            if not self._first:
                self._first, self._quoted = number, f"{_shown(line.decode(errors='replace').strip())}{why}"

    def said(self, numbered: int | None = None) -> str:
        """How many are no objects, and which is the first. numbered: lines whose numbers are those of the file; None:
        all."""
        many = "1 line is" if self.broken == 1 else f"{self.broken:,} lines are"
        cut = ", the last, as where a copy broke off" if self.broken == 1 and self._first == self._last else ""
        at = "" if numbered is not None and self._first > numbered else f"line {self._first}, "
        return f"{many} no object of JSON: {at}{self._quoted}{cut}"

    def refused(self, file: Source) -> str:
        """What is said of a file in which some are not."""
        return (
            f"file '{file}': {self.said()}; accepted: an object on each line, as `jq -c .` writes, or under [csv] "
            'short = "drop", which leaves such lines out'
        )


def value_of(line: bytes, words: list[str]) -> tuple[Any, str]:
    """What a line of JSON says, None where it is none; and what is wrong with it, where that is plain.

    words: gets NaN and Infinity, which are null in the value.

    Raises:
        UnicodeDecodeError: it is not UTF-8, and not only cut within its last letter.
    """
    try:
        return json.loads(text := line.decode(), parse_constant=words.append), ""
    except UnicodeDecodeError as error:
        if error.reason != CUT:
            raise
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return None, f", which goes on with {_shown(text[error.pos :].strip())} behind its object"
    except RecursionError:
        pass
    return None, ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


class JsonLines:
    """Files as Polars reads them. short: as under [csv]; what becomes of lines that are no objects.

    notes: what of the files is left out.
    """

    def __init__(self, short: str) -> None:
        self._short, self._copies, self.notes = short, dict[Source, Path](), list[str]()

    def opened(self, file: Source) -> pl.LazyFrame:
        """One file, its columns known from all of its lines.

        Raises:
            UserError: lines of it are no objects, and `short` does not say "drop".
        """
        frame = _scanned(file)
        try:
            frame.collect_schema()
        except pl.exceptions.PolarsError:
            if not self._mend(file):
                raise
        else:  # lines as `null` and `7` have told Polars nothing
            if self._short != DROP or _are_objects(file) or not self._mend(file):
                return frame
        return _scanned(self.read_from(file))

    def read_from(self, file: Source) -> Source:
        """The file itself, or a copy of what is sound in it; known once it was opened."""
        return self._copies.get(file, file)

    def _mend(self, file: Source) -> bool:
        """Whether some lines of it are no objects, or have NaN, so that a copy without these can be read."""
        try:
            lines = _seen(file)
        except UnicodeDecodeError:
            return False
        if lines.broken and (self._short != DROP or not lines.objects):
            raise UserError(lines.refused(file))
        if not lines.broken and not lines.unknown:
            return False
        self.notes += _notes(file, lines)
        self._copies[file] = _copy(file, lines)
        return True


def refused_lines(files: Sequence[Source]) -> str:
    """What is said of the first file with a line that is no object; empty: there is none."""
    return next((seen.refused(file) for file in files if (seen := _seen(file)).broken), "")


def _seen(file: Source) -> Lines:
    lines = Lines()
    for _ in lines.sound(lines_of(file)):
        pass
    return lines


def _are_objects(file: Source) -> bool:
    """Whether every line begins as one."""
    line = pl.col("lines").str.strip_chars_start()
    others = pl.scan_lines(str(file), name="lines", glob=False).select(
        ((line != "") & ~line.str.starts_with("{")).any()
    )
    return not others.collect(engine="streaming").item()


def _notes(file: Source, lines: Lines) -> Iterator[str]:
    if lines.broken:
        yield f"file '{file}': {lines.said()}; left out, as short = \"drop\" says"
    if lines.unknown:
        many = "1 line" if lines.unknown == 1 else f"{lines.unknown:,} lines"
        yield f"file '{file}' has NaN or Infinity in {many}, which are read as null"


def _copy(file: Source, lines: Lines) -> Path:
    if isinstance(file, Stored):
        what = lines.said() if lines.broken else "NaN or Infinity stand in it, which are no JSON"
        raise UserError(f"file '{file}': {what}; accepted in a store: JSON on each line, or a copy of the file here")

    def write(copy: Path) -> None:
        with copy.open("wb") as out:
            out.writelines(Lines().sound(lines_of(file)))

    return rewritten(file, "sound", write)


def lines_of(file: Source) -> Iterator[bytes]:
    """Decompressed; of a store as they are read."""
    if isinstance(file, Stored):
        for batch in pl.scan_lines(str(file), glob=False).collect_batches(engine="streaming"):
            yield from (line.encode() for line in batch.to_series())
        return
    with opened(file) as lines:
        yield from lines


def _scanned(file: Source) -> pl.LazyFrame:
    return pl.scan_ndjson(str(file), infer_schema_length=None)

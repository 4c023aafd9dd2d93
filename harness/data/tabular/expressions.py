"""SQL expressions over the columns of a table: read with exact integers, and checked before any row is read."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import polars as pl
from polars import selectors

from harness.base.addresses import without_secrets
from harness.base.errors import UserError, unknown
from harness.data.tabular.date_formats import plainly, refuse_zone_names
from harness.data.tabular.nested import is_pattern, part_of, refuse_nested, widest
from harness.data.tabular.places import check_type, key_of

TEXT = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
"""A string or a quoted name of SQL."""
READS = re.compile(r"\b((?:read|scan)_\w+)[\"`]?\s*(?:\(|--|/\*)", re.IGNORECASE)
"""A call of a function of Polars that opens a file or an address, its name quoted or followed by a comment or not."""
UNSURE = re.compile(r"--|/\*|[$`\\]|\w'")
"""Where SQL may begin or end a string otherwise than TEXT says."""
DAMAGED = re.compile("Truncated compressed stream|unexpected end of file|end-of-stream marker")
CUT_OFF = "the compressed data is damaged, or cut as where a copy broke off; accepted: a whole copy"
ADDED = "\n\nThis error occurred"
"""Begins what Polars adds to an error of our own that is raised in an expression."""
OWN = "\0own "
"""Begins the names of columns of our own."""
WIDE = selectors.integer().cast(pl.Int128)
COMPARED = "cannot compare string"
CONSTANTS = ("true", "false", "null")
MOST_LETTERS = 2000
"""Of an expression; the parser takes time with the square of it, and more."""


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """Turn an error of Polars into one line that names the place."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        said = CUT_OFF if DAMAGED.search(said) else said
        said = f"there is no part '{said}'" if isinstance(error, pl.exceptions.StructFieldNotFoundError) else said
        raise UserError(f"{place}: {without_secrets(plainly(said))}") from error
    except UserError as error:
        said, added, _ = str(error).partition(ADDED)
        if added:
            raise UserError(said) from error
        raise


def widened(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The same rows with every integer column of 128 bits, so that no sum, difference or product of two wraps.

    Each column also stands there as it is, its name after OWN: a bare column is read without the detour.
    """
    return frame.with_columns(*_wide(frame), pl.all().name.prefix(OWN))


def _wide(frame: pl.LazyFrame) -> list[pl.Expr]:
    """Every integer column with 128 bits, and every nested one with such parts."""
    nested = {name: dtype for name, dtype in frame.collect_schema().items() if isinstance(dtype, pl.Struct)}
    return [WIDE, *(selectors.by_name(name).cast(widest(dtype)) for name, dtype in nested.items())]


def queried(frame: pl.LazyFrame, query: str, where: str) -> pl.LazyFrame:
    """The result of a SELECT over the table `data`, its integers widened.

    Raises:
        UserError: it is not accepted, or reads anything but `data`, which the data's fingerprint would not know of.
    """
    _check_alone(query, f"{where}: query", "the table `data`")
    refuse_zone_names(query, f"{where}: query")
    columns = frame.collect_schema()
    _refuse_patterns(query, columns, f"{where}: query")
    if patterns := list(filter(is_pattern, columns)):  # nor does `*` of SQL read these
        frame = frame.drop(selectors.by_name(*patterns))
    with refusing(f"{where}: query"):
        _refuse_compared(query, pl.LazyFrame(schema=frame.collect_schema()))
        result = _result(query, frame)
        result.collect_schema()
    return result


def _result(query: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    return pl.SQLContext(data=frame.with_columns(_wide(frame))).execute(query)


def _refuse_compared(query: str, none: pl.LazyFrame) -> None:
    """Refuse text that is compared with numbers, which Polars does when it reads rows. none: without any."""
    try:
        _result(query, none).collect()
    except pl.exceptions.PolarsError as error:  # others may be of what there are no rows for
        if COMPARED in str(error):
            raise


def expression(columns: pl.Schema, place: str, sql: str, where: str) -> pl.Expr:
    """A parsed expression, its columns and type checked on a table without rows.

    columns: of the table, not widened; the expression itself is of the widened ones. A bare column keeps its own type,
    and so does a part of a nested one, as `user.geo.city`.

    Raises:
        UserError: it is not accepted.
    """
    at = f"{where}: {key_of(place)} = {sql!r}"
    if len(sql) > MOST_LETTERS:
        raise UserError(f"{at[:100]}... is too long; accepted: {MOST_LETTERS:,} letters")
    if sql in columns:
        found, dtype = pl.col(f"{OWN}{sql}"), columns[sql]
    elif (part := part_of(sql, columns, OWN)) is not None:
        found, dtype = part
    else:
        found = _parsed(sql, columns, at)
        with refusing(f"{at} is not accepted"):
            read = pl.LazyFrame(schema={name: columns[name] for name in found.meta.root_names()})
            dtype = widened(read).select(found).collect().dtypes[0]
    refuse_nested(dtype, sql, at)
    check_type(dtype, place, sql, at)
    return found


def _parsed(sql: str, columns: pl.Schema, at: str) -> pl.Expr:
    """Names that SQL reserves, as `user`, or that hold a dash are read as columns where nothing else makes sense."""
    if sql.isidentifier() and sql not in columns and sql.lower() not in CONSTANTS:
        raise unknown("column", sql, columns, at)
    try:
        return _of_columns(sql, columns, at)
    except UserError as error:
        quoted = _with_quotes(sql, columns)
        if quoted == sql:
            raise
        try:
            return _of_columns(quoted, columns, at)
        except UserError:
            raise error from None


def _check_alone(sql: str, at: str, accepted: str) -> None:
    """Refuse SQL that reads another file, before Polars is given it, as that opens the file to learn its columns."""
    plain = sql if UNSURE.search(sql) else re.sub(TEXT, lambda m: m[0] if m[0].startswith('"') else "''", sql)
    if (found := READS.search(plain)) is not None:
        raise UserError(
            f"{at} reads another file, by {found[1]}; a file whose content is not in the data's fingerprint could "
            f"change unseen; accepted: {accepted} alone"
        )


def _of_columns(sql: str, columns: pl.Schema, at: str) -> pl.Expr:
    _check_alone(sql, at, "the columns of the table")
    refuse_zone_names(sql, at)
    with refusing(f"{at} is not accepted"):
        found = pl.sql_expr(sql)
    for name in found.meta.root_names():
        if name not in columns:
            raise unknown("column", name, columns, at)
    _refuse_patterns(sql, columns, at)
    return found


def _refuse_patterns(sql: str, columns: Iterable[str], at: str) -> None:
    """Refuse SQL that names a column whose name means several: `*` all, and `^a.*$` those that it matches."""
    for name in filter(is_pattern, columns):
        if '"{}"'.format(name.replace('"', '""')) in sql:
            raise UserError(
                f"{at}: the column '{name}' has a name that means several columns in an expression; accepted: the name "
                "alone, without quotes, or another name in the file"
            )


def _with_quotes(sql: str, columns: pl.Schema) -> str:
    """The same with every name of a column quoted, the longest first; text, quoted names and calls stay."""
    names = "|".join(re.escape(name) for name in sorted(columns, key=len, reverse=True))
    pattern = re.compile(rf"{TEXT}|(?<![\w.])({names})(?![\w(]|\s*\()")
    return pattern.sub(lambda found: f'"{found[1]}"' if found[1] else found[0], sql)

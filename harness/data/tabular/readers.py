"""Table files as the columns that a schema asks for: checked, and not read yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import polars as pl
from polars import selectors

from harness.api import Doubt
from harness.base.errors import UserError, unknown
from harness.data.tabular.cells import readable_rows
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.delimited_text import Scan
from harness.data.tabular.expressions import OWN, expression, queried, refusing, widened
from harness.data.tabular.files import Source
from harness.data.tabular.merged import refuse_merged
from harness.data.tabular.odd_values import naming_odd, refuse_odd_numbers
from harness.data.tabular.partitions import folders_of
from harness.data.tabular.scans import scan
from harness.data.tabular.schema import Schema
from harness.data.tabular.shared import check_shared
from harness.data.tabular.thinned import thinned
from harness.data.tabular.undecided import undecided
from harness.data.tabular.unlike import Problem

ORDERLY = re.compile(r"SELECT \[|WITH_COLUMNS:$|\[|FILTER |FROM$|\w+ SCAN \[|PROJECT |ESTIMATED ROWS: ")
"""Begins the lines of Polars' plan of a query that gives rows as they come and in their order."""
WINDOW = ").over("
IDS = ("fields.", "crossed.", "columns.", "history_by.", "split.", "group")
"""Begins the places of ids."""
ZEROS = r"^-?0\d"
FIRST = 1000
"""Rows in which fractions are sought."""


class Opened(NamedTuple):
    """frame: one column per expression of the schema, named by its place; only the columns they need are read.

    schema: the kind of every field told. orderly: whether rows come one after the other in the order of the files; a
    join, say, keeps none. doubts: what may mislead in how the schema makes rows. notes: what of the files is left out.
    delimited: whether the files are of delimited text.
    """

    frame: pl.LazyFrame
    schema: Schema
    orderly: bool
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...]
    delimited: bool


def lazy_table(schema: Schema, files: Sequence[Source], where: str) -> Opened:
    """The columns that a schema asks for. where: begins messages.

    Raises:
        UserError: a file cannot be read, or an expression is not accepted.
    """
    frame, read_again, problems, notes = scan(files, schema.csv, schema.text)
    columns = frame.collect_schema()
    for key in ("text", "optional"):
        for name in (name for name in getattr(schema, key) if name not in columns):
            raise unknown("column", name, columns, f"{where}: {key}")
    _refuse_problems(schema, problems, where)
    if read_again is not None:
        _keep_zeros(schema, columns, read_again, files, where)
    delimited = read_again is not None
    if schema.query is not None:
        with naming_odd(frame, delimited=delimited, sql=schema.query):
            frame = queried(frame, schema.query, where)
    orderly = schema.query is None or _orderly(frame)
    own, rows = frame.collect_schema(), frame
    frame = widened(frame)
    with _said(_odd_header(columns, schema.csv) if delimited else ""), naming_odd(rows, delimited=delimited):
        if schema.where is not None:
            frame = frame.filter(expression(own, "where", schema.where, where))
        if schema.sample is not None:
            by = expression(own, "sample.by", schema.sample.by, where)
            frame = thinned(frame, by, schema.sample.keep, f"{where}: sample.by", orderly=orderly)
        schema = _told_by_type(schema, frame, own, where, delimited=delimited)
        chosen = [expression(own, place, sql, where).alias(place) for place, sql in schema.expressions().items()]
    if read_again is not None and schema.query is None:
        _refuse_doubles(chosen, columns, where)
    found = frame.select(chosen)
    check_shared(schema, found.collect_schema(), where)
    read = {each.meta.output_name(): set(_columns_of(each)) for each in chosen}
    ids = {place: each for each in chosen if (place := each.meta.output_name()).startswith(IDS)}
    with readable_rows(files, schema.csv, f"{where}, "):
        refuse_merged(ids, read, frame, where)
    return Opened(found, schema, orderly, undecided(schema, read), notes, delimited)


def _refuse_problems(schema: Schema, problems: Mapping[str, Problem], where: str) -> None:
    """Refuse a column that the schema reads and some files do not have, or have as another type."""
    by = "" if schema.sample is None else schema.sample.by
    sql = "\n".join([*schema.expressions().values(), schema.where or "", schema.query or "", by])
    for name, problem in problems.items():
        if (problem.lacks and name in schema.optional) or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql):
            continue
        one = "one type in all files, as CAST in what writes them gives"
        lacking = f'optional = ["{name}"] in the schema, which makes it null there, or files that all have it'
        raise UserError(f"{where}: column '{name}' {problem.said}; accepted: {lacking if problem.lacks else one}")


def _told_by_type(schema: Schema, frame: pl.LazyFrame, own: pl.Schema, where: str, *, delimited: bool) -> Schema:
    """The schema with the kind of every field, where the type of its column alone tells it.

    Raises:
        UserError: a column holds whole numbers as fractions, which may be ids or not; delimited text has numbers with a
            fraction and a few values that are none; or a kind does not fit.
    """
    columns = {name: spec.column for name, spec in schema.fields.items() if spec.column is not None}
    chosen = [expression(own, f"columns.{name}", sql, where).alias(name) for name, sql in columns.items()]
    types = frame.select(chosen).collect_schema()
    fractions = [name for name, dtype in types.items() if dtype.is_float() or dtype.is_decimal()]
    with refusing(where):
        first = frame.head(FIRST).select(chosen).select(fractions).collect() if fractions else pl.DataFrame()
    for column in first:
        if (column.is_null() | (column == column.round())).all():
            name, sql = column.name, columns[column.name]
            raise UserError(
                f"{where}: fields.{name} = {sql!r} is of type {column.dtype} and holds whole numbers, as ids may; "
                f'accepted: {name} = {{ number = "{sql}" }}, or {name} = {{ id = "CAST({sql} AS BIGINT)" }}'
            )
    texts = [name for name, dtype in types.items() if delimited and dtype == pl.String]
    for name in (name for name in texts if columns[name] not in schema.text):
        with refusing(where):
            refuse_odd_numbers(frame.select(chosen).select(selectors.by_name(name)), name, columns[name], where)
    told = schema.of_types(types)
    if odd := told.odd_history():
        raise UserError(f"{where}: {odd}")
    told.kinds().check(told.single_ids(), where)
    return told


def _orderly(frame: pl.LazyFrame) -> bool:
    """Whether a plan is of steps alone that read rows one by one, as its lines tell."""
    plan = frame.explain(optimized=False)
    return WINDOW not in plan and all(ORDERLY.match(line.strip()) for line in plan.splitlines())


def _refuse_doubles(chosen: Sequence[pl.Expr], columns: pl.Schema, where: str) -> None:
    """Refuse a column whose name the header holds twice; Polars would take the first."""
    for name in (name for each in chosen for name in _columns_of(each)):
        if f"{name}_duplicated_0" in columns:
            raise UserError(f"{where}: the header holds the column '{name}' twice; accepted: a name for each")


def _columns_of(sql: pl.Expr) -> list[str]:
    """Of the table, that a parsed expression reads."""
    return [name.removeprefix(OWN) for name in sql.meta.root_names()]


def _odd_header(columns: Iterable[str], csv: Csv) -> str:
    """What to do if the names of delimited text are none; empty: they look like names."""
    if any(name.lstrip("-").replace(".", "").isdigit() for name in columns):
        return "; if the file has no header, name its columns: names = [...] under [csv]"
    if any(name != name.strip() for name in columns):
        return "; if blanks are no part of names and values: blanks = true under [csv]"
    if doubled := next((name for name in columns if '""' in name), None):
        return f"; quotes within a name are doubled here as in the file: {doubled}"
    cuts = 'separator = "^" says what cuts rows'
    match list(columns):
        case [_] if csv.names or not csv.header:
            return f"; each line is one cell: under [csv] {cuts}"
        case [name]:
            said = (
                f"; the first line, {name!r}, is taken for the header: under [csv] skip = 1 leaves out one line above"
            )
            return f'{said} it, comment = "#" all that begin so, and {cuts}'
    return ""


@contextmanager
def _said(hint: str) -> Iterator[None]:
    """Add a hint to what is refused."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}{hint}") from error


def _keep_zeros(schema: Schema, columns: pl.Schema, read_again: Scan, files: Sequence[Source], where: str) -> None:
    """Refuse a column of delimited text whose ids differ as text, as `007` and `7`, and not as numbers."""
    sql = {sql for place, sql in schema.expressions().items() if place.startswith(IDS)}
    told = folders_of(files)
    names = [name for name, dtype in columns.items() if dtype.is_integer() and name in sql and name not in told]
    if not names:
        return
    text = read_again(dict.fromkeys(names, pl.String())).select(selectors.by_name(*names))
    with readable_rows(files, schema.csv):
        has = text.select(pl.all().str.contains(ZEROS).any()).collect(engine="streaming").row(0, named=True)
        for name in (name for name in names if has[name]):
            first = pl.all().filter(pl.all().str.contains(ZEROS)).first()
            zeros = text.select(selectors.by_name(name)).select(first).collect(engine="streaming").item()
            own = selectors.by_name(name)
            as_text, as_number = own.n_unique(), own.cast(pl.Int128).n_unique().alias("number")
            if text.select(as_text > as_number).collect(engine="streaming").item():
                raise UserError(
                    f'{where}: column "{name}" has ids with zeros in front, as "{zeros}", that are others as '
                    f'numbers; accepted: text = ["{name}"] in the schema, which keeps them'
                )

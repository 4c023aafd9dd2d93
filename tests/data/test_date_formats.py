"""Formats of STRPTIME in a schema: none that drops a zone, and a text that one does not read is named."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from harness.api import UserError
from harness.base import seeds
from harness.data.tabular.expressions import expression, queried, widened
from harness.plugins.registry import Registry, build

LOG = pl.DataFrame({"at": ["2024-05-01 12:00 CEST", "2024-05-01 12:00 UTC"]})
WHERE = "schema 'x'"


@pytest.mark.parametrize("call", ["STRPTIME(at, '%Y-%m-%d %H:%M %Z')", "timestamp (at, '%Y-%m-%d %%%Z')"])
def test_a_format_that_drops_the_zone_is_refused_and_the_offered_one_reads_offsets(call: str) -> None:
    """In expressions and in a query."""
    with pytest.raises(UserError, match=r"schema 'x': time = .*: %Z in '.*' passes over the name of a zone") as error:
        expression(LOG.schema, "time", call, WHERE)
    with pytest.raises(UserError, match="schema 'x': query: %Z in"):
        queried(LOG.lazy(), f"SELECT {call} AS time FROM data", WHERE)
    if "%%" not in call:
        offered = str(error.value).partition("names, as ")[2]
        made = expression(LOG.schema, "time", offered, WHERE)
        first = widened(LOG.head(1).lazy()).select(made.dt.epoch("s")).collect().item()
        assert first == 1_714_557_600  # 10:00 of UTC


@pytest.mark.parametrize(
    "sql",
    [
        "STRPTIME(at, '%Y-%m-%d %H:%M %z %Z')",
        "STRPTIME(at, '%Y-%m-%d %H:%M %%Z')",
        "STRPTIME(at, '%Y-%m-%d %H:%M CEST')",
        "CASE WHEN at = '%Z' THEN 1 ELSE 2 END",
    ],
)
def test_a_zone_beside_its_offset_or_no_zone_at_all_is_accepted(sql: str) -> None:
    expression(LOG.schema, "time", sql, WHERE)


def test_a_text_that_the_format_does_not_read_is_named(tmp_path: Path) -> None:
    text = "user,click,at\n" + "".join(f"u{k % 5},{k % 2},{1 + k % 28}.5.2024\n" for k in range(90)) + "u1,1,soon\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "s.toml").write_text(
        f'path = "{tmp_path}/a.csv"\ntime = "STRPTIME(at, \'%d.%m.%Y\')"\nfields = ["user"]\n'
        '[labels]\nclick = "click"\n[split]\nby = "time"\n'
    )
    data = build(Registry().datasets, "data set", "table_file", {"schema": str(tmp_path / "s.toml")})
    with pytest.raises(UserError, match="column 'at' has the text \"soon\", which the format of STRPTIME"):
        data.build(seeds.generator(0, "data"))

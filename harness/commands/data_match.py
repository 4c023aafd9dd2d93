"""`multiepoch data match`: a preset of the generator that looks like a user's data."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.terminal import print_plain
from harness.commands import out_file
from harness.data.profile.fidelity import Compared, compared, means
from harness.data.profile.inputs import indexed_datasets
from harness.data.profile.preset_fields import match_fields
from harness.data.profile.preset_fit import matched, to_toml
from harness.data.profile.preset_kinds import match_kinds
from harness.data.profile.preset_labels import match_labels
from harness.data.profile.sessions import sessions
from harness.data.profile.statistics import profile
from harness.data.synthetic.population import Population
from harness.execution.said import Said

LEAST_REPEAT = 0.1
"""Share of rows that another of the same user follows within half an hour, below which rows come in no sessions."""
WORTH_SHOWING = {"pair": 0.05, "label": 0.005}
"""Least dependence of a pair, and least correlation of labels, in file or preset."""


def write_match(
    console: Console, source: str, schema: str | None, out: Path, results: Path, plugins: Path | None, force: bool
) -> None:
    """Fit a population to a data set (of a plan, the first), write it as TOML, and print how near it comes.

    Raises:
        UserError: the source is no data set with labels, or `out` exists or cannot be written.
    """
    out_file.ensure_toml(out)
    out_file.ensure_new(out, force)
    with Said(console, "reading") as say:
        _, data = next(iter(indexed_datasets(source, results, plugins, schema=schema, say=say)))
    wanted = profile(data)
    with console.status("fitting") as status:
        visits = sessions(data)
        visits = visits if visits is not None and visits.repeat >= LEAST_REPEAT else None
        fields = match_fields(data, wanted, visits, status.update)
        population = matched(data, wanted, fields, visits, f"Matched to {Path(source).name}")
        population |= match_kinds(data, fields)
        status.update("fitting labels")
        population = match_labels(data, wanted, population)
    Population.model_validate(population)
    out_file.write(out, to_toml(population))
    (_, made) = next(iter(indexed_datasets(str(out), results, plugins)))
    console.print(_table([*compared(data, made, wanted)]))
    print_plain(console, f'{out}: use it as preset = "{out}"')


def _table(lines: list[Compared]) -> Table:
    table = Table("statistic", "file", "produced", "score", title="file against preset", title_justify="left")
    for line in lines:
        if max(line.log, line.made) >= WORTH_SHOWING.get(line.kind, 0.0):
            score = "" if line.score is None else f"{line.score:.3f}"
            table.add_row(line.statistic, f"{line.log:,.4g}", f"{line.made:,.4g}", score)
    for kind, (count, mean) in means(lines).items():
        table.add_row(f"mean {kind} score of {count}", "", "", f"{mean:.3f}")
    return table

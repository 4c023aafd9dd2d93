"""`multiepoch data match`: a preset of the generator that looks like a user's data."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.terminal import explained, print_plain
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
MEANS = {"shape": "ids", "pair": "two columns"}
"""What scores of a kind are of."""
WORDS = (
    ("file, produced", "a statistic of the rows read, and of rows that the preset makes"),
    (
        "score",
        "how near they are, where 1 is the same: of ids, in how often they occur; of two columns, in how far they "
        "go together",
    ),
    ("N(>=10) / N(>=2)", "ids that occur ten times or more, over those that occur twice or more"),
    ("by", "as in 'click, by user': how the labels of two rows of one id correlate"),
    ("and", "as in 'user and click': mutual information, where 0 is independent and 1 says that one tells the other"),
)
"""Columns, and parts of the names of statistics, with what they tell."""


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
    console.print(_table([*compared(data, made, wanted)]), explained(WORDS))
    print_plain(console, f'{out}: use it as preset = "{out}"')


def _table(lines: list[Compared]) -> Table:
    table = Table("statistic", box=None, header_style="dim", title="file against preset", title_justify="left")
    for name in ("file", "produced", "score"):
        table.add_column(name, justify="right")
    for line in lines:
        if max(line.log, line.made) >= WORTH_SHOWING.get(line.kind, 0.0):
            score = "" if line.score is None else f"{line.score:.3f}"
            table.add_row(line.statistic, f"{line.log:,.4g}", f"{line.made:,.4g}", score)
    for kind, (count, mean) in means(lines).items():
        table.add_row(f"mean of {count} scores of {MEANS[kind]}", "", "", f"{mean:.3f}")
    return table

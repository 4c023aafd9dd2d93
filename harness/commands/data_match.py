"""`multiepoch data match`: a preset of the generator that looks like a user's data."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.base.errors import UserError
from harness.data.profile.inputs import indexed_datasets
from harness.data.profile.preset_fields import match_fields
from harness.data.profile.preset_fit import SHARES, matched, to_toml
from harness.data.profile.sessions import sessions
from harness.data.profile.statistics import Profile, profile
from harness.data.profile.zipf_fit import FEW
from harness.data.synthetic.population import Population
from harness.execution.said import Said

LEAST_REPEAT = 0.1
"""Share of rows that another of the same user follows within half an hour, below which rows come in no sessions."""


def write_match(
    console: Console, source: str, schema: str | None, out: Path, results: Path, plugins: Path | None
) -> None:
    """Fit a population to a data set (of a plan, the first), write it as TOML, and print how near it comes.

    Raises:
        UserError: the source is no data set with labels, or `out` cannot be written.
    """
    if out.suffix != ".toml":
        raise UserError(f"--out '{out}' is not named *.toml; accepted: a new TOML file")
    with Said(console, "reading") as say:
        _, data = next(iter(indexed_datasets(source, results, plugins, schema=schema, say=say)))
    wanted = profile(data)
    with console.status("fitting") as status:
        visits = sessions(data)
        visits = visits if visits is not None and visits.repeat >= LEAST_REPEAT else None
        fields = match_fields(data, wanted, visits, status.update)
    population = matched(data, wanted, fields, visits, f"Matched to {Path(source).name}")
    Population.model_validate(population)
    try:
        out.write_text(to_toml(population))
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror}") from error
    (_, made) = next(iter(indexed_datasets(str(out), results, plugins)))
    console.print(_comparison(wanted, profile(made)))
    console.print(f'{out}: use it as preset = "{out}"', highlight=False, soft_wrap=True)


def _comparison(wanted: Profile, made: Profile) -> Table:
    table = Table("statistic", "file", "produced", title="file against preset", title_justify="left")
    found = {field.name: field for field in made.fields}
    for field in wanted.fields:
        if field.frequencies.ids < FEW or field.name not in found:
            continue
        for share in SHARES:
            pair = (getattr(f.frequencies, share) for f in (field, found[field.name]))
            table.add_row(f"{field.name}, {share}", *(f"{value:.1%}" for value in pair))
        table.add_row(f"{field.name}, ids", *(f"{f.frequencies.ids:,}" for f in (field, found[field.name])))
        table.add_row(f"{field.name}, unseen in test", *(f"{f.unseen:.1%}" for f in (field, found[field.name])))
    rates = {task.name: task.rates["train"] for task in made.tasks}
    for task in wanted.tasks:
        table.add_row(f"{task.name}, rate in training", f"{task.rates['train']:.3%}", f"{rates[task.name]:.3%}")
    return table

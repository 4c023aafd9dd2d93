"""How much of what ids say of a label holds later: `LOGS=folder/of/the/files python -m perf.stale` writes the table."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from harness.base.environment import environment
from harness.base.markdown import literal
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.inputs import indexed_datasets
from harness.data.profile.lasting import GROUPS, by_label
from perf.markdown import table

TABLE = ROOT / "results" / "tables" / "stale.md"
PLANS = ("real", "draws", "pinterest", "changing")
"""Whose first draw, or first time origin, is looked at."""
LEAST = 0.002
"""Fields with less are left out."""
HEAD = """# What ids said goes stale

Written by `LOGS=folder/of/the/files python -m perf.stale`. Machine: {machine}.

The variance between ids of a field that have rows in both halves of training, over that of the label, as two halves
show it at once. At random: the same rows dealt out to halves. By time: the earlier half and the later one. Lasts: the
latter over the former, with a 95 % interval (jackknife over {groups} parts of the ids). Fields with less than {least}
are left out, and those where it is not told from chance. `multiepoch data describe` tells it of any log with times.
"""


def rows_of(name: str, data: IndexedDataset) -> Iterator[tuple[str, ...]]:
    """A line for each field that explains anything, of the first task."""
    found = by_label(data).get(data.tasks[0], {})
    for field in data.tables:
        if field in found and (one := found[field]).told and one.at_random >= LEAST:
            yield literal(name), literal(field), f"{one.at_random:.4f}", f"{one.by_time:.4f}", str(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=TABLE)
    chosen, console = parser.parse_args(), Console(highlight=False, soft_wrap=True, markup=False)
    found: list[tuple[str, ...]] = []
    for plan in PLANS:
        for name, data in indexed_datasets(plan, chosen.results, None):
            found += rows_of(name, data)
            console.print(f"{name}: {len(found)} lines")
    head = HEAD.format(machine=literal(str(environment()["machine"])), groups=GROUPS, least=LEAST)
    lines = table(("data", "field", "at random", "by time", "lasts"), found, words=2)
    chosen.out.write_text("\n".join((head, *lines)) + "\n")
    console.print(chosen.out.read_text())


if __name__ == "__main__":
    main()

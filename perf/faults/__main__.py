"""Try every kind of fault and write what survived: `python -m perf.faults`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.base.environment import environment
from harness.base.places import ROOT
from perf.faults.cases import BAD
from perf.faults.count import Count
from perf.faults.damage import damages
from perf.faults.disk import disks
from perf.faults.hooks import hooks
from perf.faults.inputs import Answer, tried
from perf.faults.kills import kills
from perf.faults.tracking import servers


def inputs(folder: Path, most: int | None = None) -> tuple[Count, list[tuple[str, Answer]]]:
    """Every bad input, or the first ones, and what each got."""
    count = Count(
        "a bad input: [the list](bad_inputs.md)",
        "one line, exit status 2, what is wrong and where, before anything trains",
    )
    found = []
    for number, bad in enumerate(BAD[:most]):
        at = folder / f"input-{number}"
        at.mkdir()
        found.append((bad.what, answer := tried(bad, at)))
        count.add(bad.what, answer.problem)
    return count, found


def counts(folder: Path, quick: bool, seed: int) -> list[Count]:
    """All kinds but the bad inputs. quick: a few of each, and none that takes processes of its own."""

    def within(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    kinds: list[Callable[[], list[Count]]] = [
        lambda: damages(within("damage"), 2 if quick else 67, seed),
        lambda: [disks(within("disk"), 2 if quick else 12, seed)],
        lambda: [hooks(40 if quick else 1000, seed)],
    ]
    if not quick:
        kinds += [lambda: kills(within("kills"), 3, seed), lambda: [servers(within("servers"))]]
    return [count for kind in kinds for count in kind()]


def faults(found: list[Count], seconds: float) -> str:
    """The published table."""
    machine = environment()
    rows = [f"- {count.kind}: {lost}" for count in found for lost in count.lost]
    return "\n".join(
        [
            "# Faults: what was tried and what survived",
            "",
            f"Written by `python -m perf.faults` in {seconds / 60:.0f} minutes ({machine['cores']} cores, "
            f"{machine['machine']}). A tiny plan, seeded random faults; nothing is left out.",
            "",
            "| fault | tried | survived | what survived means |",
            "| :-- | --: | --: | :-- |",
            *(count.row() for count in found),
            "",
            *(["What did not survive:", "", *rows] if rows else ["Everything survived."]),
            "",
        ]
    )


def bad_inputs(found: list[tuple[str, Answer]]) -> str:
    """The published list."""
    rows = [
        f"| {what} | {_cell(answer.problem or answer.line.removeprefix('multiepoch: '))} |" for what, answer in found
    ]
    head = "Written by `python -m perf.faults`: each was given to the command line, and this is the line that it got."
    return "\n".join(["# Bad inputs and what they get", "", head, "", "| input | line |", "| :-- | :-- |", *rows, ""])


def _cell(text: str) -> str:
    """Code in a cell of a table; of a long text its ends."""
    short = text if len(text) <= 300 else f"{text[:200]} ... {text[-90:]}"
    return f"`` {short.replace('|', chr(92) + '|')} ``"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A few of each, in seconds.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "results/tables", help="The folder of both tables.")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answers, listed = inputs(Path(folder), 5 if options.quick else None)
        found = [*counts(Path(folder), options.quick, options.seed), answers]
    text = faults(found, time.monotonic() - begun)
    (options.out / "faults.md").write_text(text, encoding="utf-8")
    (options.out / "bad_inputs.md").write_text(bad_inputs(listed), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""Is a verdict right: `python -m perf.verdicts` has `multiepoch diagnose` judge logs whose answer is known.

Of a generated log the answer is what the verdict's own recipe comes to on fresh draws of the same population: the knobs
that it found, for plain training, its mitigation and the tuned epoch. Of a real log it is what a published plan found,
with twelve trials for each arm. LOGS is the folder of the real ones.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.base.environment import environment
from harness.base.exits import Exit
from harness.base.files import write_json
from harness.base.markdown import literal
from harness.base.places import ROOT
from harness.diagnose.asked import NAME
from harness.report.write import analyse
from harness.results.plan_results import PLAIN
from perf.markdown import table
from perf.verdicts.known import DRAWS, Answer, answer, fresh, published
from perf.verdicts.logs import LOGS, TABLE, Log

OUT = "diagnosis"
PAGE = ROOT / "results/tables/verdicts.md"
HEADER = (
    "log", "compared", "seconds", "verdict", "plain training ends", "known", "strategy", "its gain", "known",
    "says what is known",
)  # fmt: skip


def judged(log: Log, folder: Path, budget: str) -> float:
    """Have a diagnosis made, unless one ended here before. Returns the seconds of the wall that it took."""
    path = folder / "seconds.json"
    if not path.exists():
        source, schema = log.written(folder)
        asked = ["--schema", schema, "--budget", budget, "--out", str(folder / OUT)]
        asked += ["--labels", ",".join(log.labels)] if log.labels else []
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "harness.cli", "diagnose", source, *asked], cwd=ROOT)
        if done.returncode not in (Exit.DONE, Exit.CANNOT_TELL):
            raise RuntimeError(f"{log.name}: multiepoch diagnose failed: exit status {done.returncode}")
        write_json(path, {"seconds": time.monotonic() - begun})
    return float(json.loads(path.read_text())["seconds"])


def line(log: Log, folder: Path, budget: str, workers: int) -> tuple[str, ...]:
    """One of `HEADER`."""
    seconds, out = judged(log, folder, budget), folder / OUT
    said, group = json.loads((out / "verdict.json").read_text()), analyse(out, NAME).groups[0]
    best = next(row.arm.label for row in group.ranked if row.arm.label != PLAIN and not row.arm.is_baseline)
    strategy = said["use"]["strategy"] if said["use"] else best
    here, known = answer(group, strategy), None
    if log.population:
        known = fresh(log, strategy, out, workers)
    elif log.dataset:
        known = published(log, strategy)
    size, falls = said["plan"]["size"], said["collapse"][group.group.task]["falls"]
    compared = f"{size['arms']} of {size['trials']} trials, {said['race']['seeds']} seeds, {size['epochs']} epochs"
    return (
        log.name, compared, f"{seconds:.0f}", said["state"],
        str(here.end), str(known.end) if known else "", strategy, str(here.gain),
        str(known.gain) if known and known.gain else "",
        _right(falls, said["use"] is not None, known) if known else "not known",
    )  # fmt: skip


def _right(falls: bool, gains: bool, known: Answer) -> str:
    """Whether a verdict says what is known; where not, how it errs."""
    pairs = [("fall", falls, known.end.sign < 0)]
    pairs += [("gain", gains, known.gain.sign > 0)] if known.gain else []
    wrong = [f"{what} {'claimed' if said else 'not seen'}" for what, said, so in pairs if said != so]
    right = "yes" if known.gain else "in the fall; its strategy was not compared"
    return "; ".join(wrong) or right


def markdown(rows: Sequence[tuple[str, ...]], budget: str) -> str:
    """The published table."""
    here = environment()
    return "\n".join(
        [
            "# Verdicts: what a diagnosis says, and what is known",
            "",
            f"Written by `python -m perf.verdicts`: `multiepoch diagnose --budget {budget}` of each log, on "
            f"{literal(str(here['machine']))} with {here['cores']} cores. Figures are differences in test AUC from one "
            "tuned epoch: where plain training ends, and what the strategy of the verdict gains, or, where it names "
            f"none, the best one. Known, of a generated log: the same knobs on {DRAWS} fresh draws of its population, "
            "with intervals over draws; those of the verdict are of one draw. Known, of a real log: what "
            f"[{TABLE.stem}]({TABLE.stem}.md) has, with twelve trials for each arm and 48 for one epoch.",
            "",
            *table(HEADER, rows),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", nargs="+", choices=[log.name for log in LOGS], default=[log.name for log in LOGS])
    parser.add_argument("--budget", default="10m")
    parser.add_argument("--workers", type=int, default=2, help="processes that train the fresh draws")
    kept = "what is there is not made again"
    parser.add_argument("--results", type=Path, default=Path("results/verdicts"), help=kept)
    options = parser.parse_args()
    rows = []
    for log in (log for log in LOGS if log.name in options.logs):
        folder = options.results / log.name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        rows.append(line(log, folder, options.budget, options.workers))
        PAGE.write_text(markdown(rows, options.budget), encoding="utf-8")
    print(PAGE.read_text())


if __name__ == "__main__":
    main()

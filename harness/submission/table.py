"""The table of submissions: what each gained, and whether it was verified."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import Estimate
from harness.analysis.load import load
from harness.analysis.pooling import pool
from harness.base.digests import digest_of
from harness.base.markdown import code, literal
from harness.report.format import NOTHING, ends, show
from harness.results.plan_results import PLAIN
from harness.submission.checks import problems
from harness.submission.packed import Submission, unpacked
from harness.submission.protocol import GAIN, TRACKS, groups_of

HEAD = """# Submissions under the protocol

Written by `multiepoch submission table` from results/submissions/; [docs/protocol.md](../../docs/protocol.md) says what
a submission is and how it is judged. Gains are in test truth-AUC over one epoch of `none`, searched alike in the track
that searches, each with its 95 % interval over draws. On another such data set: where the gain would lie there
([docs/verdict.md](../../docs/verdict.md#a-new-data-set)). Verified: by which version, and what came when a run of each
strategy, drawn at random, was trained again: the same bytes, or, on another machine or version, values no further off
than another seed's, which is weaker. Where this version refuses what another verified, it says why.
"""


def verdict_file(submission: Path) -> Path:
    """Where it is kept that a submission was verified."""
    return submission.with_suffix(".verified.json")


def markdown(files: Sequence[Path]) -> str:
    """The table of submissions, track by track.

    Raises:
        UserError: one cannot be read.
    """
    lines: dict[str, list[str]] = {}
    for file in files:
        with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
            submission = unpacked(file, Path(folder))
            analysis = Analysis(load(submission.folder, submission.about["track"]))
            track = lines.setdefault(submission.about["track"], [_head(submission.about["track"])])
            track += _lines(file, submission, analysis)
    sections = [f"\n## {track}\n\n" + "\n".join(lines[track]) + "\n" for track in TRACKS if track in lines]
    return HEAD + "".join(sections)


def _head(track: str) -> str:
    gains = [f"gain on {literal(dataset)}" for dataset, _ in groups_of(track)]
    columns = ["submission", "strategy", *gains, "on another such data set", "by", "made with", "verified"]
    return f"| {' | '.join(columns)} |\n| :-- | :-- |{' --: |' * (len(gains) + 1)} :-- | :-- | :-- |"


def _lines(file: Path, submission: Submission, analysis: Analysis) -> Iterator[str]:
    """A line for every strategy but `none`."""
    about = [literal(submission.about["by"]), _versions(analysis), literal(_verified(file, submission))]
    there = {(found.group.dataset, found.group.model): found for found in analysis.groups}
    groups = [there[group] for group in groups_of(submission.about["track"])]
    for strategy in submission.plan.strategies:
        if strategy != PLAIN:
            rows = [_row(found, strategy) for found in groups]
            cells = [literal(file.stem), code(strategy), *map(_gain, rows), _new([row.value("gain") for row in rows])]
            yield f"| {' | '.join([*cells, *about])} |"


def _row(found: GroupAnalysis, strategy: str) -> ArmComparison:
    return next(row for row in found.compared(found.group.task, GAIN) if row.arm.label == strategy)


def _gain(row: ArmComparison) -> str:
    text = show(row.value("gain"), 4, signed=True)
    return f"**{text}**" if row.shown("gain") else text


def _new(gains: Sequence[Estimate | None]) -> str:
    """The interval of the gain on a data set not yet seen."""
    found = pool([gain.mean for gain in gains if gain], [gain.error or 0.0 for gain in gains if gain])
    return NOTHING if found is None else ends(found.predicted, 4)


def _versions(analysis: Analysis) -> str:
    found = [env for run in analysis.comparison.runs for env in run.environments if env]
    texts = dict.fromkeys(f"multiepoch {env['multiepoch']}, torch {env['torch']}, {env['machine']}" for env in found)
    return literal("; ".join(texts))


def _verified(file: Path, submission: Submission) -> str:
    """What a rerun came to, and whether the checks that need none still pass."""
    path, found = verdict_file(file), problems(submission)
    refused = f"not by this version: {found[0]}" if found else ""
    if not path.exists():
        return refused or "no"
    try:
        about = json.loads(path.read_text())
        digest, version = about["digest"], about["environment"]["multiepoch"]
        by = f"by multiepoch {version}: {about['outcome']} (--choice {about['choice']})"
    except (OSError, ValueError, KeyError, TypeError):
        return f"no: {path.name} is damaged"
    if digest != digest_of(file):
        return "no: another file was"
    return f"{by}; {refused}" if refused else by

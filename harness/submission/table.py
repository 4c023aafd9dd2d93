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
from harness.base.errors import UserError
from harness.base.markdown import code, literal
from harness.report.format import NOTHING, ends, show
from harness.results.keys import ArmId, ArmRole
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
than another seed's, which is weaker. Where this version refuses one it says why, and there are no gains unless another
version verified it.
"""


def verdict_file(submission: Path) -> Path:
    """Where it is kept that a submission was verified."""
    return submission.with_suffix(".verified.json")


def markdown(files: Sequence[Path]) -> str:
    """The table of submissions, track by track; one that cannot be read is named below them, with the reason."""
    lines, unread = dict[str, list[str]](), list[str]()
    for file in files:
        with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
            try:
                submission = unpacked(file, Path(folder))
            except UserError as error:
                unread.append(f"- {literal(str(error).replace(str(file), file.name))}")
                continue
            track = submission.about["track"]
            lines.setdefault(track, [_head(track)]).extend(_lines(file, submission))
    sections = {track: lines[track] for track in TRACKS if track in lines} | ({"Not read": unread} if unread else {})
    return HEAD + "".join(f"\n## {title}\n\n" + "\n".join(each) + "\n" for title, each in sections.items())


def _head(track: str) -> str:
    gains = [f"gain on {literal(dataset)}" for dataset, _ in groups_of(track)]
    columns = ["submission", "strategy", *gains, "on another such data set", "by", "made with", "verified"]
    return f"| {' | '.join(columns)} |\n| :-- | :-- |{' --: |' * (len(gains) + 1)} :-- | :-- | :-- |"


def _lines(file: Path, submission: Submission) -> Iterator[str]:
    """A line for every strategy but `none`; without gains if this version refuses it and none verified it."""
    found, (verified, said) = problems(submission), _mark(file)
    refused = f"not by this version: {found[0]}" if found else ""
    analysis = _analysed(submission) if verified or not found else None
    about = [submission.about["by"], _versions(analysis), "; ".join(filter(None, (said, refused))) or "no"]
    for strategy in _strategies(submission) or [""]:
        name = code(strategy) if strategy else NOTHING
        cells = [literal(file.stem), name, *_gains(submission.about["track"], analysis, strategy), *map(literal, about)]
        yield f"| {' | '.join(cells)} |"


def _strategies(submission: Submission) -> list[str]:
    """Those of its plan but `none`; none where the plan cannot be read."""
    try:
        return [strategy for strategy in submission.plan.strategies if strategy != PLAIN]
    except UserError:
        return []


def _analysed(submission: Submission) -> Analysis | None:
    """What gains are read from; None where it cannot be read, or its arms are not those of the track, each once."""
    track = submission.about["track"]
    try:
        names = (*submission.plan.strategies, ArmRole.ONE_EPOCH)
        asked = [ArmId(*group, name) for group in groups_of(track) for name in names]
        whole = sorted(asked) == sorted(arm.id for arm in submission.result.arms)
        return Analysis(load(submission.folder, track)) if whole else None
    except UserError:
        return None


def _gains(track: str, analysis: Analysis | None, strategy: str) -> list[str]:
    """The cells of a strategy's gains."""
    groups = groups_of(track)
    if analysis is None:
        return [NOTHING] * (len(groups) + 1)
    there = {(found.group.dataset, found.group.model): found for found in analysis.groups}
    rows = [_row(there[group], strategy) for group in groups]
    return [*map(_gain, rows), _new([row.value("gain") for row in rows])]


def _row(found: GroupAnalysis, strategy: str) -> ArmComparison:
    return next(row for row in found.compared(found.group.task, GAIN) if row.arm.label == strategy)


def _gain(row: ArmComparison) -> str:
    text = show(row.value("gain"), 4, signed=True)
    return f"**{text}**" if row.shown("gain") else text


def _new(gains: Sequence[Estimate | None]) -> str:
    """The interval of the gain on a data set not yet seen."""
    found = pool([gain.mean for gain in gains if gain], [gain.error or 0.0 for gain in gains if gain])
    return NOTHING if found is None else ends(found.predicted, 4)


def _versions(analysis: Analysis | None) -> str:
    runs = () if analysis is None else analysis.comparison.runs
    found = [env for run in runs for env in run.environments if env]
    texts = (f"multiepoch {env.get('multiepoch')}, torch {env.get('torch')}, {env.get('machine')}" for env in found)
    return "; ".join(dict.fromkeys(texts)) or NOTHING


def _mark(file: Path) -> tuple[bool, str]:
    """Whether a version verified it, and what that came to, in words; without words where none tried."""
    path = verdict_file(file)
    if not path.exists():
        return False, ""
    try:
        about = json.loads(path.read_text())
        digest, version = about["digest"], about["environment"]["multiepoch"]
        by = f"by multiepoch {version}: {about['outcome']} (--choice {about['choice']})"
    except (OSError, ValueError, KeyError, TypeError):
        return False, f"no: {path.name} is damaged"
    return (True, by) if digest == digest_of(file) else (False, "no: another file was")

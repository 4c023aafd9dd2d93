"""Bring what several results folders hold into one: of other machines, or of other people."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.base.digests import check_seal
from harness.base.errors import UserError
from harness.base.files import whole, whole_file
from harness.base.locks import take, waited
from harness.results import run_reader
from harness.results.keys import Status
from harness.results.plan_results import Arm, PlanResult, read_plan_result, write_plan_result
from harness.results.run_writer import SEALED


@dataclass
class Merged:
    """What a merge did."""

    brought: Counter[str] = field(default_factory=Counter)
    """Kind -> how many the target did not have."""
    there: Counter[str] = field(default_factory=Counter)
    """Kind -> how many it had, the same."""
    left: list[str] = field(default_factory=list)
    """What is damaged, unfinished or in use, a line each; it stays where it is."""
    refused: list[str] = field(default_factory=list)
    """What the target has otherwise under the same name, a line each; the target's stays."""

    def count(self, kind: str, *, brought: bool) -> None:
        (self.brought if brought else self.there)[kind] += 1


def merge(sources: Sequence[Path], target: Path) -> Merged:
    """Copy what a target lacks: runs that came to an end, their states, data sets with their descriptions, and what
    plans came to. Sources stay as they are; a second merge changes nothing.

    Raises:
        UserError: a source is no results folder, or the target; or the target cannot be written.
    """
    for source in sources:
        if not any((source / name).is_dir() for name in ("runs", "plans")):
            raise UserError(f"'{source}' is no results folder; accepted: one that has runs/ or plans/")
        if source.resolve() == target.resolve():
            raise UserError(f"'{source}' cannot be merged into itself; accepted: another folder, with --into")
    merged = Merged()
    for source in sources:
        same = {folder.name for folder in _folders(source / "runs") if _run(folder, target, merged)}
        for folder in _folders(source / "data"):
            _data(folder, target, merged)
        for path in sorted((source / "states").glob("*.pt")):
            _state(path, target, merged, known=path.stem in same)
        for path in sorted((source / "descriptions").glob("*.json")):
            _file(path, target / "descriptions" / path.name, merged)
        for path in sorted((source / "plans").glob("*.json")):
            _plan(source, path.stem, target, merged)
    return merged


def _folders(parent: Path) -> Iterator[Path]:
    """Those of a folder, but for what is half built."""
    if parent.is_dir():
        yield from sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _run(folder: Path, target: Path, merged: Merged) -> bool:
    """Whether the target has it now."""
    try:
        run = run_reader.read(folder.parent, folder.name)
    except UserError as error:
        merged.left.append(str(error))
        return False
    if run.status == Status.INCOMPLETE:
        merged.left.append(f"run '{folder}' is not done{run.reason and f': {run.reason}'}")
        return False
    lock = take(target, "run", run.key)
    if lock is None:
        merged.left.append(f"run '{folder}' is being trained in '{target}'; merge again later")
        return False
    try:
        there = run_reader.done(target / "runs", run.key)
        if there is None:
            _clear(target / "runs" / run.key)
            _copy(folder, target / "runs" / run.key)
        elif _sealed(folder) != _sealed(target / "runs" / run.key):
            merged.refused.append(f"run '{folder}' has other records than '{target / 'runs' / run.key}', which stays")
            return False
        merged.count("runs", brought=there is None)
        return True
    finally:
        lock.release(over=True)


def _clear(folder: Path) -> None:
    """Raises:
    UserError: it cannot be removed.
    """
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise UserError(f"'{folder}', of a run that is not done, cannot be replaced: {error}") from error


def _state(path: Path, target: Path, merged: Merged, *, known: bool) -> None:
    """known: whether the target has the very run that left it."""
    if not known:
        merged.left.append(f"state '{path}' is of a run that '{target}' does not have from there")
    elif not zipfile.is_zipfile(path):
        merged.left.append(f"state '{path}' is damaged")
    else:
        _file(path, target / "states" / path.name, merged)


def _sealed(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in SEALED if (folder / name).exists()]


def _data(folder: Path, target: Path, merged: Merged) -> None:
    there = target / "data" / folder.name
    with waited(target, "data", folder.name):
        if not (known := there.exists()):
            try:
                check_seal(folder, contents=True)
            except ValueError as error:
                merged.left.append(f"data set '{folder}' is damaged: {error}")
                return
            _copy(folder, there)
    merged.count("data sets", brought=not known)


def _copy(folder: Path, to: Path) -> None:
    """With its dates, which trackers show."""
    with whole(to) as partial:
        shutil.copytree(folder, partial, dirs_exist_ok=True)


def _file(path: Path, to: Path, merged: Merged) -> None:
    if not (known := to.exists()):
        to.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(to) as partial:
            shutil.copy2(path, partial)
    merged.count(path.parent.name, brought=not known)


def _plan(source: Path, name: str, target: Path, merged: Merged) -> None:
    """The more complete of two results of one plan; each arm by itself where neither is complete."""
    lock = take(target, "plan", name)
    if lock is None:
        merged.left.append(f"plan '{name}' is being run in '{target}'; merge again later")
        return
    with lock:
        try:
            found = read_plan_result(source, name)
            known = read_plan_result(target, name) if (target / "plans" / f"{name}.json").exists() else None
        except UserError as error:
            merged.left.append(str(error))
            return
        if known is not None and (why := _contradiction(known, found)):
            merged.refused.append(f"plan '{name}' of '{source}' {why} in '{target}', which stays")
            return
        both = found if known is None else _joined(known, found)
        if both != known:
            write_plan_result(target, both)
        merged.count("plans", brought=both != known)


def _contradiction(known: PlanResult, found: PlanResult) -> str:
    """Why two results under one name cannot be joined; empty: they can."""
    if known.plan != found.plan:
        return "is another plan"
    if other := [label for label in known.data.keys() & found.data.keys() if known.data[label] != found.data[label]]:
        return f"has other data under the name '{min(other)}'"
    arms = {arm.id: arm for arm in known.arms}
    both = [(arms[arm.id], arm) for arm in found.arms if arm.id in arms]
    return "" if all(_is_part(*pair) or _is_part(*reversed(pair)) for pair in both) else "came to other arms"


def _joined(known: PlanResult, found: PlanResult) -> PlanResult:
    """What two results of one plan hold together, in the order of the one that holds more."""
    arms = {arm.id: arm for arm in known.arms}
    for arm in found.arms:
        if (there := arms.get(arm.id)) is None or _is_part(there, arm):
            arms[arm.id] = arm
    more, less = sorted((known, found), key=lambda result: (result.complete, len(result.arms)), reverse=True)
    order = dict.fromkeys(arm.id for arm in (*more.arms, *less.arms))
    return replace(
        known,
        arms=tuple(arms[name] for name in order),
        complete=known.complete or found.complete,
        findings=found.findings | known.findings,
        data=found.data | known.data,
        about=found.about | known.about,
    )


def _is_part(less: Arm, more: Arm) -> bool:
    """Whether an arm has only trials and runs that another has too."""
    return less.trials == more.trials[: len(less.trials)] and less.runs.items() <= more.runs.items()

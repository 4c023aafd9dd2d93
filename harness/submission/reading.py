"""The strategies of a submission, known from their source alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copy

from harness.api import Strategy
from harness.base.errors import UserError
from harness.plugins.declaration import declared
from harness.plugins.registry import Entry, Registry
from harness.submission.packed import Submission
from harness.submission.protocol import used


def read_sources(submission: Submission, registry: Registry) -> Iterator[str]:
    """Add a submission's strategies to a registry, without running their files; what is wrong with them, line by line.

    One that comes with multiepoch must be the one that comes with this multiepoch.
    """
    brought = set()
    for path in submission.sources:
        declaration = declared(path, "Strategy")
        if declaration is None:
            yield f"strategies/{path.name} does not tell its name and knobs without being run; accepted: literal values"
            continue
        brought.add(declaration.name)
        known = registry.strategies.get(declaration.name)
        entry: Entry[Strategy] = Entry("Strategy", path)
        try:
            if known is not None and known.meaning != entry.meaning:
                yield f"strategies/{path.name} is not the '{declaration.name}' that comes with this multiepoch"
        except UserError as error:
            yield str(error)
            continue
        if known is None:
            registry.strategies[declaration.name] = entry
    for name in used(submission.plan):
        if name not in brought:
            yield f"strategy '{name}' is used, and its source is not in the submission"


def foreign(submission: Submission) -> list[Path]:
    """The files that a rerun would run and that do not come with multiepoch, helpers included."""
    shipped = Registry().strategies
    named = {path: declared(path, "Strategy") for path in submission.sources}
    own = [path for path, declaration in named.items() if declaration and declaration.name not in shipped]
    return [*own, *(sorted(submission.folder.glob("strategies/_*.py")) if own else ())]


def plugins_folder(files: list[Path], folder: Path) -> Path | None:
    """These files as a folder of plug-ins; None of none."""
    for path in files:
        (folder / "strategies").mkdir(parents=True, exist_ok=True)
        copy(path, folder / "strategies")
    return folder if files else None

"""The file of a submission: a finished plan's records, the strategies they are of, and what was searched, as one zip.

submission.json     who, what its data sets were, where each arm's search looked, and the digest of every other file
plans/<track>.json  the plan as it ran, which runs and trials make up each arm
runs/<key>/         of each run its spec, records, costs, environment (without user and host) and end
strategies/         the file of every strategy used, and the helpers that it imports

Unpacked it is a results folder. Digests tell damage, not forgery: whoever can change records can seal them again.
"""

from __future__ import annotations

import json
import lzma
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.base.digests import digest_of_content
from harness.base.errors import UserError
from harness.base.files import whole_file
from harness.base.owner import PRIVATE
from harness.experiment.plan import Plan
from harness.experiment.plan_file import plan_that_ran
from harness.plugins.files import meanings
from harness.plugins.registry import Registry, entry_of
from harness.results.plan_results import PlanResult, read_plan_result
from harness.results.run_reader import read
from harness.search.space import written
from harness.submission.protocol import arms_of, ensure_track, made_of, used

FORMAT, ABOUT = 2, "submission.json"
ENVIRONMENT = "env.json"
OF_RUNS = ("spec.json", "records.jsonl", "costs.jsonl", ENVIRONMENT, "done")
NAMES = re.compile(
    rf"plans/[\w.-]+\.json|runs/[0-9a-f]{{20}}/({'|'.join(map(re.escape, OF_RUNS))})|strategies/\w+\.py|{ABOUT}"
)
"""All that a submission may hold."""
MOST_BYTES, MOST_FILES = 1 << 28, 50_000
NO_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError)
"""What Python raises where a zip is damaged, encrypted, or made in a way that it does not know."""
SINCE_ZIP = (1980, 1, 1, 0, 0, 0)
"""The date of every file, so that one submission is one sequence of bytes."""


@dataclass(frozen=True)
class Submission:
    """A submission, unpacked."""

    folder: Path
    """Also a results folder."""
    about: dict[str, Any]

    @cached_property
    def result(self) -> PlanResult:
        """Raises:
        UserError: it is damaged, or of another version.
        """
        return read_plan_result(self.folder, self.about["track"])

    @cached_property
    def plan(self) -> Plan:
        """Raises:
        UserError: as of `result`.
        """
        return plan_that_ran(self.about["track"], self.result.plan)

    def said(self, error: UserError) -> str:
        """An error on a file of it, without the folder that it happens to be unpacked in."""
        return str(error).replace(f"{self.folder}/", "").replace(str(self.folder), ".")

    @property
    def sources(self) -> list[Path]:
        """The files of strategies, without their helpers."""
        return [path for path in sorted(self.folder.glob("strategies/*.py")) if not path.name.startswith("_")]


def pack(results: Path, track: str, by: str, registry: Registry, out: Path) -> None:
    """Write a plan that was run in a results folder as a submission.

    Raises:
        UserError: it is of no track, was not run to its end, or a file of it cannot be read.
    """
    ensure_track(track)
    result = read_plan_result(results, track)
    plan = plan_that_ran(track, result.plan)
    try:
        files = {f"plans/{track}.json": (results / "plans" / f"{track}.json").read_bytes()}
        for key in sorted({key for arm in result.arms for key in arm.keys}):
            files |= {f"runs/{key}/{name}": content for name, content in _of_run(results / "runs", key).items()}
        files |= {name: path.read_bytes() for name, path in _sources(plan, registry).items()}
    except OSError as error:
        raise UserError(f"'{error.filename}' cannot be read: {error.strerror}; run the plan to its end") from error
    arms = arms_of(plan, registry).values()
    spaces = {str(arm.id): written(arm.space()) for arm in arms} if plan.search.trials else {}
    digests = {name: digest_of_content(content) for name, content in files.items()}
    about = {"format": FORMAT, "track": track, "by": by, "data": made_of(arms), "spaces": spaces, "files": digests}
    with whole_file(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(ABOUT, SINCE_ZIP), json.dumps(about, indent=1), zipfile.ZIP_DEFLATED)
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, SINCE_ZIP), content, zipfile.ZIP_DEFLATED)


def unpacked(path: Path, into: Path) -> Submission:
    """Unpack a submission into an empty folder.

    Raises:
        UserError: it is none, or too large, or holds what none may hold.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            names = Counter(each.filename for each in members)
            odd = [repr(name) for name in names if not NAMES.fullmatch(name)]
            odd += [f"{name!r} {times} times" for name, times in names.items() if times > 1]
            if odd or len(members) > MOST_FILES or sum(each.file_size for each in members) > MOST_BYTES:
                raise ValueError(f"it holds {odd[0]}" if odd else f"it is larger than {MOST_BYTES >> 20} MiB")
            for each in members:
                target = into / each.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.read(each))
        about = json.loads((into / ABOUT).read_text())
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}; accepted: {FORMAT}")
        ensure_track(str(about["track"]))
        dict[str, str](about["files"]), dict[str, Any](about["spaces"]), str(about["by"])
        for made in dict[str, dict[str, Any]](about["data"]).values():
            int(made["version"]), list[str](made["draws"])
    except (OSError, *NO_ZIP, ValueError, KeyError, TypeError) as error:
        raise UserError(f"'{path}' is no submission: {type(error).__name__}: {error}") from error
    return Submission(into, about)


def _of_run(runs: Path, key: str) -> dict[str, bytes]:
    """The files of a run by name; the environment without the user and the host."""
    files = {name: (runs / key / name).read_bytes() for name in OF_RUNS if name != ENVIRONMENT}
    return files | {ENVIRONMENT: json.dumps(_public(read(runs, key).env), indent=1).encode()}


def _public(value: Any) -> Any:
    """An environment, and those within it, without the user and the host."""
    if isinstance(value, dict):
        return {name: _public(each) for name, each in value.items() if name not in PRIVATE}
    return [_public(each) for each in value] if isinstance(value, list) else value


def _sources(plan: Plan, registry: Registry) -> dict[str, Path]:
    """Name in the submission -> the file of every strategy used, and of its helpers.

    Raises:
        UserError: two have one name, or a strategy imports more than helpers, which cannot be run elsewhere.
    """
    found: dict[str, Path] = {}
    for name in used(plan):
        entry = entry_of(registry.strategies, "strategy", name, f"plan '{plan.name}'")
        own, *others = meanings(entry.path, entry.package)
        for path in others:
            if path.parent != own.parent or not path.name.startswith("_") or path.name == "__init__.py":
                raise UserError(f"strategy '{name}' imports '{path}'; accepted: helpers `_name.py` beside it")
        for path in (own, *others):
            other = found.setdefault(f"strategies/{path.name}", path)
            if other != path:
                raise UserError(f"'{path}' and '{other}' have one name; accepted: files of different names")
    return found

"""Writing the folder of a run; `run_reader` says what is in it and reads it back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from harness.base.digests import digest_of
from harness.base.files import write_json, write_text
from harness.results import run_reader
from harness.results.influences import influences_file
from harness.results.keys import Status
from harness.results.records import Record

SEALED = ("spec.json", "records.jsonl")
"""Files whose digests stand in `done`."""


class RunWriter:
    """Writes one run.

    runs: holds the folders of all runs.
    keep: of what an earlier attempt left, only so many records stay, as `held` counts; 0: nothing does.
    """

    kept: tuple[Record, ...]
    """The records that stayed."""

    def __init__(self, runs: Path, key: str, spec: dict[str, Any], env: Mapping[str, Any], keep: int = 0) -> None:
        self.folder = runs / key
        if keep:
            ends = sum(line["boundary"] for line in self._cut("records.jsonl", keep))
            self._cut("costs.jsonl", ends)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        (self.folder / "crash").unlink(missing_ok=True)
        write_json(self.folder / "spec.json", spec)
        write_json(self.folder / "env.json", dict(env))
        run = run_reader.read(runs, key)
        self.kept = run.windows or run.records

    def append(self, record: Record) -> None:
        line = vars(record).copy()
        cost, influences = line.pop("cost"), line.pop("influences")
        if influences:
            arrays = {str(key): value for key, value in influences.items()}
            np.savez(influences_file(self.folder, record.epoch), allow_pickle=False, **arrays)
        window = line.pop("window")
        where = {"window": window} if window else {}
        line["metrics"] = {str(key): value for key, value in record.metrics.items()}
        if cost:  # first, so that no record that is there lacks it
            self._append("costs.jsonl", {**where, "epoch": record.epoch, **cost})
        self._append("records.jsonl", where | line)

    def finish(self, status: Status, reason: str = "") -> None:
        digests = {name: digest_of(self.folder / name) for name in SEALED if (self.folder / name).exists()}
        write_json(self.folder / "done", {"status": status, "reason": reason, "digests": digests})

    def _append(self, name: str, value: dict[str, Any]) -> None:
        with (self.folder / name).open("a") as file:
            file.write(json.dumps(value) + "\n")

    def _cut(self, name: str, keep: int) -> list[dict[str, Any]]:
        """Keep the first lines of a file, and return them."""
        kept = list(islice(run_reader.lines(self.folder / name), keep))
        write_text(self.folder / name, "".join(json.dumps(line) + "\n" for line in kept))
        return kept


def write_crash(runs: Path, key: str, reason: str) -> None:
    """Note why an attempt at a run ended early; the next launch trains it again."""
    (runs / key).mkdir(parents=True, exist_ok=True)
    write_json(runs / key / "crash", {"reason": reason})

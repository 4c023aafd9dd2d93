"""The MLflow run that holds the report of a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mlflow.entities import Run as MlflowRun

from harness.tracking.mlflow import notes, points
from harness.tracking.mlflow.store import NOTE, Store

ROLE = "report"
DIGEST = "multiepoch.digest"


class ReportRun:
    """The run `report` of a plan, made when there are files to put into it."""

    def __init__(self, store: Store, plan: str) -> None:
        self._store, self._plan = store, plan
        self._run_id, self._digest = "", ""

    def forget(self) -> None:
        self._run_id, self._digest = "", ""

    def found(self, run: MlflowRun) -> None:
        """Learn that it is there."""
        self._run_id, self._digest = run.info.run_id, run.data.tags.get(DIGEST, "")

    def attach(self, files: Sequence[Path]) -> None:
        """Put files into it, in place of older ones, unless they are there."""
        digest = points.digest({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
        if digest == self._digest:
            return
        if not self._run_id:
            self._run_id = self._store.create(ROLE, {"multiepoch.role": ROLE, NOTE: notes.report(self._plan)})
        for file in files:
            self._store.client.log_artifact(self._run_id, str(file))
        self._store.write(self._run_id, tags={DIGEST: digest})
        self._store.end(self._run_id, "FINISHED")
        self._digest = digest

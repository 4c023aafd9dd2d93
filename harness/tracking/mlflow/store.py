"""One experiment of an MLflow: where it is, what it holds, and the few calls that write to it."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.tracking.mlflow.points import Point, accepted, digest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun

from harness.base.addresses import MLFLOW, without_secrets
from harness.base.errors import UserError
from harness.base.locks import waited
from harness.tracking.mlflow.place import has_server, local_uri, reach, unusable, uri_of

logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
Values = Mapping[str, Any]
NOTE = "mlflow.note.content"
CHARTS = "&compareRunsMode=CHART"
MOST = 1000
"""Points in one call."""


class Store:
    """The experiment of a plan, made or restored if need be.

    results: holds mlflow.db and mlartifacts, unless MLFLOW_TRACKING_URI names a server, which keeps files itself, or a
    database; files then go to MLFLOW_DEFAULT_ARTIFACT_ROOT if that is set, which others can reach. note: describes a
    new experiment.

    Raises:
        UserError: the server cannot be reached or its database cannot be used.
    """

    held: list[MlflowRun]
    """The runs of the experiment when it was opened."""
    now: float | None
    """The date of what is written, in seconds since 1970; None: the present."""

    def __init__(self, results: Path, experiment: str, note: str) -> None:
        self.now = None
        self.uri = uri_of(results)
        self.shown = without_secrets(self.uri)
        try:
            reach(self.uri)
            with waited(results, "mlflow"):
                self.client = MlflowClient(tracking_uri=self.uri)
                self.experiment = self._open(results, experiment, note)
            self.held = self.runs()
        except UserError:
            raise
        except Exception as error:
            raise unusable(self.uri, error) from error

    @property
    def is_local(self) -> bool:
        """Whether it is a database, which `multiepoch ui` shows, wherever that is."""
        return not has_server(self.uri)

    @property
    def _base(self) -> str:
        return MLFLOW.url if self.is_local else self.shown.rstrip("/")

    def page(self, run_id: str = "") -> str:
        """The address that shows a run, or else the experiment's charts."""
        run, mode = (f"/{run_id}", "") if run_id else ("", CHARTS)
        return f"{self._base}/#/experiments/{self.experiment}/runs{run}?workflowType=machine_learning{mode}"

    def runs(self) -> list[MlflowRun]:
        """The runs of the experiment now, except deleted ones, the oldest first."""
        found: list[MlflowRun] = []
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment], order_by=["start_time ASC"], page_token=token)
            found.extend(page)
            token = page.token
            if not token:
                return found

    def create(self, name: str, tags: dict[str, str]) -> str:
        return str(self.client.create_run(self.experiment, self._now(), tags, name).info.run_id)

    def write(
        self, run_id: str, points: Iterable[Point] = (), tags: Values | None = None, params: Values | None = None
    ) -> None:
        """Add to a run in one call."""
        metrics = [Metric(name, value, self._now(), step) for name, value, step in points]
        pairs = [Param(accepted(k), str(v)) for k, v in (params or {}).items()]
        labels = [RunTag(k, v) for k, v in (tags or {}).items()]
        self.client.log_batch(run_id, metrics, pairs, labels, synchronous=True)

    def write_dated(self, run_id: str, dated: Iterable[tuple[float, Iterable[Point]]]) -> None:
        """Add points with the dates they are of, in one call for each thousand, which is the most that MLflow takes."""
        metrics = [Metric(name, value, int(1000 * at), step) for at, points in dated for name, value, step in points]
        for first in range(0, len(metrics), MOST):
            self.client.log_batch(run_id, metrics[first : first + MOST], synchronous=True)

    def read(self, run_id: str, spec: Values) -> None:
        """Say which data a run reads: what MLflow's MetaDataset of a CodeDatasetSource would log."""
        name = spec["dataset"]["name"]
        about = {"params": spec["dataset"]["params"], "data_seed": spec["data_seed"]}
        source = json.dumps({"tags": about}, sort_keys=True)
        data = Dataset(name, digest([name, source])[:8], "code", source)
        self.client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])

    def end(self, run_id: str, status: str) -> None:
        """status: MLflow's, FINISHED or FAILED."""
        self.client.set_terminated(run_id, status, self._now())

    def offer(self, view: str, title: str, state: Values) -> None:
        """Keep a state of the experiment's page: by its title in the menu Views, and at the address from `shared`."""
        tag = f"mlflow.sharedViewState.{view}"
        shown = json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})
        if self.client.get_experiment(self.experiment).tags.get(tag) != shown:
            self.client.set_experiment_tag(self.experiment, tag, shown)

    def shared(self, view: str, *, charts: bool) -> str:
        """The address of a view that was offered, as charts or as a table."""
        return shared_page(self._base, self.experiment, view, charts=charts)

    def _open(self, results: Path, name: str, note: str) -> str:
        found = self.client.get_experiment_by_name(name)
        location = self._location(results, name)
        if found is None:
            tags = {NOTE: note, "mlflow.experimentKind": "custom_model_development"}
            return self.client.create_experiment(name, location, tags)
        if self.uri == local_uri(results) and found.artifact_location != location:
            raise UserError(
                f"'{results}/mlflow.db' is from another place, with its files in '{found.artifact_location}'; "
                "delete it and run `multiepoch sync`"
            )
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _location(self, results: Path, name: str) -> str | None:
        """Where the files of a new experiment go; None: its server decides, and serves them."""
        if not self.is_local:
            return None
        shared = "" if self.uri == local_uri(results) else os.environ.get("MLFLOW_DEFAULT_ARTIFACT_ROOT", "")
        return f"{shared.rstrip('/')}/{name}" if shared else (results / "mlartifacts").as_uri()

    def date(self) -> float:
        """Of what is written now."""
        return self.now or time.time()

    def _now(self) -> int:
        return int(1000 * self.date())


def shared_page(base: str, experiment: str, view: str, *, charts: bool) -> str:
    """The address of a view that was offered, behind that of a server."""
    page = f"{base}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    return f"{page}&viewStateShareKey={view}{CHARTS if charts else ''}"

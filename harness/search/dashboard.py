"""Optuna's dashboard of the studies of a results folder, or of all in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from optuna.storages import BaseStorage
from optuna.study import get_all_study_names
from optuna.trial import TrialState

from harness.base.errors import UserError
from harness.search.storage import JOURNAL, open_journal, searched
from harness.search.titles import titles

TELLING = 40
"""Finished trials from which on the importance of knobs is shown: it compares the best tenth of them with the rest."""
_STUDIES = re.compile(r"/api/studies(/(?P<study>\d+)(?P<importance>/param_importances)?)?")


def dashboard(results: Path) -> tuple[WSGIApplication, str]:
    """The dashboard as an application, and a line that says what it shows.

    Raises:
        UserError: nothing was searched there yet, or its journal is damaged.
    """
    if not searched(results):
        raise UserError(f"no '{results / JOURNAL}' yet; `multiepoch benchmark` and `tune` write it")
    journal = open_journal(results)
    from optuna_dashboard import wsgi  # here, as it takes seconds to import what it brings along

    app = _legible(wsgi(journal.storage, artifact_store=journal.artifacts), journal.storage)
    with journal.reached():
        studies = len(get_all_study_names(journal.storage))
        shown = f"{studies} stud{'y' if studies == 1 else 'ies'}"
        where = f" in {journal.address}, {len(journal.names())} of '{results}'" if journal.address else ""
    return app, f"Optuna dashboard of {shown}{where}"


def _legible(app: WSGIApplication, storage: BaseStorage) -> WSGIApplication:
    """The dashboard with a title for each study in place of its name, and importances where there are trials enough."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked = _STUDIES.fullmatch(environ["PATH_INFO"])
        if asked is None or environ["REQUEST_METHOD"] != "GET":
            return app(environ, start)
        if asked["importance"]:
            return _changed(app, environ, start, lambda found: _telling(found, storage, int(asked["study"])))
        return _changed(app, environ, start, lambda found: _entitled(found, storage))

    return answer


def _entitled(found: dict[str, Any], storage: BaseStorage) -> dict[str, Any]:
    """The same with titles: an answer that lists studies, or one about a study."""
    title = titles(get_all_study_names(storage))
    for study in found.get("study_summaries", []):
        study["study_name"] = title.get(study["study_name"], study["study_name"])
    return found | ({"name": title.get(found["name"], found["name"])} if "name" in found else {})


def _telling(found: dict[str, Any], storage: BaseStorage, study: int) -> dict[str, Any]:
    """The same, or a line in place of the importances that an answer has for a study with few trials."""
    few = "param_importances" in found and storage.get_n_trials(study, TrialState.COMPLETE) < TELLING
    line = {"name": f"told from {TELLING} trials on", "importance": 0.0, "distribution": "FloatDistribution"}
    return {"param_importances": [[line]]} if few else found


def _changed(
    app: WSGIApplication,
    environ: WSGIEnvironment,
    start: StartResponse,
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterable[bytes]:
    """An answer of the dashboard in JSON, changed."""
    said: list[Any] = []

    def kept(*status_and_headers: Any) -> Callable[[bytes], object]:
        said[:] = status_and_headers[:2]
        return bytearray().extend

    body = json.dumps(change(json.loads(b"".join(app(environ, kept))))).encode()
    status, headers = said
    start(status, [*((k, v) for k, v in headers if k != "Content-Length"), ("Content-Length", str(len(body)))])
    return [body]

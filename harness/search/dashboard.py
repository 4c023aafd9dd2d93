"""Optuna's dashboard of the studies of a results folder, or of all in a database."""

from __future__ import annotations

from pathlib import Path
from wsgiref.types import WSGIApplication

from optuna.study import get_all_study_names

from harness.base.errors import UserError
from harness.search.storage import JOURNAL, open_journal, searched


def dashboard(results: Path) -> tuple[WSGIApplication, str]:
    """The dashboard as an application, and a line that says what it shows.

    Raises:
        UserError: nothing was searched there yet, or its journal is damaged.
    """
    if not searched(results):
        raise UserError(f"no '{results / JOURNAL}' yet; `multiepoch benchmark` and `tune` write it")
    journal = open_journal(results)
    from optuna_dashboard import wsgi  # here, as it takes seconds to import what it brings along

    app: WSGIApplication = wsgi(journal.storage, artifact_store=journal.artifacts)
    with journal.reached():
        studies = len(get_all_study_names(journal.storage))
        shown = f"{studies} stud{'y' if studies == 1 else 'ies'}"
        where = f" in {journal.address}, {len(journal.names())} of '{results}'" if journal.address else ""
    return app, f"Optuna dashboard of {shown}{where}"

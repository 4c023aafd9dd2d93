"""Optuna's dashboard of the studies in a results folder."""

from __future__ import annotations

from pathlib import Path
from wsgiref.types import WSGIApplication

from optuna.study import get_all_study_names

from harness.base.errors import UserError
from harness.search.study import JOURNAL, open_journal


def dashboard(results: Path) -> tuple[WSGIApplication, int]:
    """The dashboard as an application, and how many studies it shows.

    Raises:
        UserError: nothing was searched there yet, or its journal is damaged.
    """
    if not (results / JOURNAL).is_file():
        raise UserError(f"no '{results / JOURNAL}' yet; `multiepoch benchmark` and `tune` write it")
    journal = open_journal(results)
    from optuna_dashboard import wsgi  # here, as it takes seconds to import what it brings along

    app: WSGIApplication = wsgi(journal.storage, artifact_store=journal.artifacts)
    return app, len(get_all_study_names(journal.storage))

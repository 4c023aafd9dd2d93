"""What a person sees of Optuna's dashboard, in a headless browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import NEEDED, look, words
from support.command_line import PROGRAM
from support.servers import Server
from support.studies import PAGE, arm_of, finish, study_of

from harness.search.dashboard import TELLING
from harness.search.storage import open_journal
from harness.search.study import link

pytestmark = NEEDED


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A study, and the address of a dashboard that shows it."""
    folder = tmp_path_factory.mktemp("dashboard")
    results = folder / "results"
    finish(arm_of(folder, results))
    link(open_journal(results), lambda key: PAGE)
    server = Server(*PROGRAM, "dashboard", "--results", str(results), "--port", "{port}").start()
    yield results, server.url
    server.end()


def test_a_study_shows_its_title_its_value_and_that_few_trials_tell_no_importance(
    dashboard: tuple[Path, str], tmp_path: Path
) -> None:
    results, url = dashboard
    study = study_of(results)
    seen = words(look(f"{url}/dashboard/studies/{study._study_id}", tmp_path))
    assert study.study_name.startswith("tiny: powerlaw/dnn/reinit [")
    assert f" reinit (id={study._study_id}) " in seen
    assert "Trial valid/auc/click at best_epoch" in seen
    importance = re.search(r"Hyperparameter Importance (.*?) Timeline", seen)
    assert importance is not None
    assert f"told from {TELLING} trials on" in importance[1]


def test_a_trial_shows_its_attributes_its_run_and_its_curve(dashboard: tuple[Path, str], tmp_path: Path) -> None:
    results, url = dashboard
    page = look(f"{url}/dashboard/studies/0/trials?numbers=1", tmp_path)
    assert f'href="{PAGE}"' in page
    assert re.search(r'<img [^>]*src="/artifacts/0/1/[0-9a-f-]+"', page)
    seen = words(page)
    for name, value in study_of(results).trials[1].user_attrs.items():
        assert f"{name} {value}" in seen
    assert "curves.svg" in seen


def test_the_note_of_a_study_is_read_as_markdown(dashboard: tuple[Path, str], tmp_path: Path) -> None:
    _, url = dashboard
    page = look(f"{url}/dashboard/studies/0/note", tmp_path)
    assert re.search(r"<h1[^>]*>reinit on powerlaw, dnn</h1>", page)
    assert "7 trials, the same for every strategy of the plan" in words(page)

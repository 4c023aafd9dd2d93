"""What a person sees: MLflow's pages and Optuna's dashboard, in a headless browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import PROGRAM
from support.servers import Server, mlflow_server
from support.studies import PAGE, arm_of, finish, study_of
from support.tracking import tracker_of

from harness.search.dashboard import TELLING
from harness.search.storage import open_journal
from harness.search.study import link
from harness.tracking.mlflow.tracker import MlflowTracker

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium to look at pages with")


def look(address: str, profile: Path, seconds: int = 20) -> str:
    """The page that an address comes to after so many seconds of the page's own time, which takes less than that."""
    assert BROWSER is not None
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    view = [f"--user-data-dir={profile}", "--window-size=1700,2500", f"--virtual-time-budget={1000 * seconds}"]
    done = subprocess.run(
        [BROWSER, *switches, *view, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=120
    )
    return re.sub(r"<(script|style).*?</\1>", "", done.stdout, flags=re.DOTALL)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture(scope="module")
def mlflow(synced: Path) -> Iterator[tuple[MlflowTracker, str]]:
    """A plan in MLflow, and the address of a server that shows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        server = mlflow_server(synced).start()
        yield tracker_of(synced), server.url
        server.end()


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


def served(address: str, url: str) -> str:
    return address.replace("http://127.0.0.1:5000", url)


def test_the_plan_shows_a_chart_per_task_with_a_line_per_arm(mlflow: tuple[MlflowTracker, str], tmp_path: Path) -> None:
    tracker, url = mlflow
    seen = words(look(served(tracker.store.shared("powerlaw-dnn", charts=True), url), tmp_path, seconds=60))
    assert "What helps?" in seen
    assert seen.index("click AUC (3)") < seen.index("test/auc_gain (3)"), "the plan's own charts come first"
    for arm in ("none", "reinit", "one_epoch"):
        assert f"{arm} (valid/auc/click)" in seen, seen[1000:4000]


def test_the_table_ranks_the_arms_by_their_gain(mlflow: tuple[MlflowTracker, str], tmp_path: Path) -> None:
    tracker, url = mlflow
    page = look(served(tracker.store.shared("powerlaw-dnn", charts=False), url), tmp_path)
    heads = re.findall(r'aria-colindex="(\d+)" col-id="metrics\.`([^"`]*)`"', page)
    gain = "test/auc_gain/click"
    columns = [gain, f"{gain} low", f"{gain} high", f"{gain} p", "test/auc_best/click"]
    assert list(dict.fromkeys(name for _, name in sorted(heads)))[:5] == columns
    seen = words(page)
    assert "powerlaw / dnn" in seen, "the view is in the menu of views by this name"
    assert re.search(r"reinit .*none .*one_epoch ", seen)
    cells = re.split(r'(?=<div[^>]*role="gridcell")', page)
    shown = {name: [words(c).split()[0] for c in cells if f"`{name}`" in c[: c.find(">")]] for name in columns}
    assert shown[gain] == ["0.06", "0.025", "0"]
    assert shown["test/auc_best/click"] == ["0.76", "0.735", "0.71"]
    assert "trial 0" not in seen


def test_the_page_of_a_trial_leads_to_its_key_and_its_trial(mlflow: tuple[MlflowTracker, str], tmp_path: Path) -> None:
    tracker, url = mlflow
    page = look(served(tracker.page("trial0") or "", url), tmp_path)
    assert 'href="http://127.0.0.1:8080/dashboard/studies/0/trials?numbers=0"' in page
    seen = words(page)
    for fact in ("trial 0", "runs/trial0", "powerlaw", "valid/auc_peak/click 0.74", "system/train_s 2.5"):
        assert fact in seen


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

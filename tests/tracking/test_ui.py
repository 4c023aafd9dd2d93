"""`multiepoch ui`: MLflow's pages of a results folder as a person sees them, what it says of them, whom it answers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.browser import NEEDED, look, words
from support.command_line import PROGRAM
from support.http import send
from support.servers import free_port, interrupted, serving
from support.tracking import client_of, run_of, tracker_of, write_plan

from harness.base.addresses import MLFLOW, Address
from harness.base.errors import UserError
from harness.tracking.factory import pages

ASKED = "127.0.0.2"
"""A host that is not among the loopback names."""
CREATE = "/ajax-api/2.0/mlflow/experiments/create"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def server(synced: Path) -> Iterator[tuple[Address, subprocess.Popen[str]]]:
    """One on a results folder, at a host that was asked for."""
    address = Address(ASKED, free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        options = ("--results", str(synced), "--host", ASKED, "--port", str(address.port))
        process = serving(address.url, *PROGRAM, "ui", *options)
        yield address, process
        if process.poll() is None:
            interrupted(process)


@pytest.fixture
def address(server: tuple[Address, subprocess.Popen[str]]) -> Address:
    return server[0]


def experiments(results: Path) -> set[str]:
    return {experiment.name for experiment in client_of(results).search_experiments()}


def create(address: Address, name: str, **headers: str) -> int:
    body = json.dumps({"name": name}).encode()
    return send(address, "POST", CREATE, body, **{"Content-Type": "application/json"}, **headers)[0]


def at(address: Address, page: str) -> str:
    """A page where it is served."""
    return page.replace(MLFLOW.url, address.url)


def shared(results: Path, address: Address, charts: bool) -> str:
    return at(address, tracker_of(results).store.shared("powerlaw-dnn", charts=charts))


def test_its_names_are_answered_and_no_other(address: Address) -> None:
    for host in (ASKED, "127.0.0.1", "localhost", "[::1]"):
        assert send(address, "GET", "/", Host=f"{host}:{address.port}")[0] == 200
    for host in ("evil", f"evil:{address.port}", "10.0.0.1", "192.168.1.1", f"127.0.0.3:{address.port}"):
        assert send(address, "GET", "/", Host=host)[0] == 403


def test_its_own_pages_may_write_and_those_of_other_sites_may_not(address: Address, synced: Path) -> None:
    assert create(address, "bad", Origin="http://evil") == 403
    assert create(address, "good", Origin=address.url) == 200
    assert experiments(synced) == {"Default", "plan", "good"}


def test_pictures_of_runs_are_shown(address: Address, synced: Path) -> None:
    run = run_of(synced, "none").info.run_id
    status, body, _ = send(address, "GET", f"/get-artifact?path=curves.svg&run_uuid={run}")
    assert (status, body[:4]) == (200, "<svg")


def test_where_a_server_is_its_address_is_said_without_the_password(
    address: Address, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.url.replace("://", "://user:secret@"))
    lines, serve = pages(synced, MLFLOW)
    assert serve is None
    shown = tracker_of(synced).store.shared("powerlaw-dnn", charts=True)
    assert lines[:3] == [f"MLflow: {address.url}", "plan plan", "  powerlaw / dnn"]
    assert lines[3].split() == ["curves", shown]
    assert shown.startswith(address.url)
    assert "secret" not in "".join(lines)


def test_a_plan_that_mlflow_does_not_have_is_said_so(folder: Callable[[str], Path]) -> None:
    results = folder("untracked")
    write_plan(results)
    lines, serve = pages(results, MLFLOW)
    assert serve is not None
    assert lines[1:] == ["plan plan", "  not in MLflow; `multiepoch sync plan` brings it there"]
    assert experiments(results) == {"Default"}


def test_a_damaged_plan_hides_no_other(folder: Callable[[str], Path]) -> None:
    results = folder("damaged")
    write_plan(results)
    (results / "plans" / "other.json").write_text("{")
    lines, _ = pages(results, MLFLOW)
    assert lines[1] == "plan other"
    assert "is damaged" in lines[2]
    assert lines[3] == "plan plan"


def test_a_folder_that_nothing_was_tracked_in_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mlflow\.db' yet; `multiepoch benchmark` writes it"):
        pages(tmp_path / "results", MLFLOW)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_one_line(synced: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"MLflow at 'http://127\.0\.0\.1:9' cannot be used") as refused:
        pages(synced, MLFLOW)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@NEEDED
def test_the_plan_shows_a_chart_per_task_with_a_line_per_arm(address: Address, synced: Path, tmp_path: Path) -> None:
    seen = words(look(shared(synced, address, charts=True), tmp_path, seconds=60))
    assert "What helps?" in seen
    assert seen.index("click AUC (3)") < seen.index("test/auc_gain (3)"), "the plan's own charts come first"
    for arm in ("none", "reinit", "one_epoch"):
        assert f"{arm} (valid/auc/click)" in seen, seen[1000:4000]


@NEEDED
def test_the_table_ranks_the_arms_by_their_gain(address: Address, synced: Path, tmp_path: Path) -> None:
    page = look(shared(synced, address, charts=False), tmp_path)
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


@NEEDED
def test_the_page_of_a_trial_leads_to_its_key_and_its_trial(address: Address, synced: Path, tmp_path: Path) -> None:
    page = look(at(address, tracker_of(synced).page("trial0") or ""), tmp_path)
    assert 'href="http://127.0.0.1:8080/dashboard/studies/0/trials?numbers=0"' in page
    seen = words(page)
    for fact in ("trial 0", "runs/trial0", "powerlaw", "valid/auc_peak/click 0.74", "system/train_s 2.5"):
        assert fact in seen


def test_it_says_where_every_plan_is_and_ctrl_c_ends_it_in_one_line(
    server: tuple[Address, subprocess.Popen[str]], synced: Path
) -> None:
    """The last test here, as others look at that server."""
    address, process = server
    status, out, errors = interrupted(process)
    assert status == 0, errors
    first, plan, group, curves, table, *_, ended = out.splitlines()
    assert (first, plan, group) == (f"MLflow: {address.url}", "plan plan", "  powerlaw / dnn")
    for line, charts in ((curves, True), (table, False)):
        assert line.split()[1] == shared(synced, address, charts)
    assert ended == "ui ended"
    assert "Traceback" not in out + errors
    address.check_free()

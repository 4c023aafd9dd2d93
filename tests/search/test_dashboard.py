"""Optuna's dashboard as it is served: it shows studies and their pictures, and gives nothing away to other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.http import send, served
from support.studies import arm_of, finish, study_of

from harness.base.addresses import Address
from harness.base.errors import UserError
from harness.search import dashboard as served_dashboard
from harness.search.dashboard import dashboard


@pytest.fixture
def shown(tmp_path: Path, results: Path) -> Iterator[Address]:
    finish(arm_of(tmp_path, results))
    app, said = dashboard(results)
    assert said == "Optuna dashboard of 1 study"
    with served(app) as address:
        yield address


def names(address: Address) -> list[str]:
    status, body, _ = send(address, "GET", "/api/studies")
    assert status == 200
    return [study["study_name"] for study in json.loads(body)["study_summaries"]]


def test_it_shows_the_studies_and_the_pictures_of_trials(shown: Address, results: Path) -> None:
    assert study_of(results).study_name.startswith("tiny: powerlaw/dnn/reinit [")
    assert names(shown) == ["reinit"]
    assert json.loads(send(shown, "GET", "/api/studies/0")[1])["name"] == "reinit"
    trials = json.loads(send(shown, "GET", "/api/studies/0")[1])["trials"]
    picture = trials[0]["artifacts"][0]
    status, body, headers = send(shown, "GET", f"/artifacts/0/0/{picture['artifact_id']}")
    assert (status, headers["Content-Type"], body[:4]) == (200, "image/svg+xml", "<svg")


def test_few_trials_tell_no_importance_of_knobs(shown: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> list[str]:
        status, body, _ = send(shown, "GET", "/api/studies/0/param_importances")
        assert status == 200
        return [knob["name"] for knob in json.loads(body)["param_importances"][0]]

    assert told() == ["told from 40 trials on"]
    monkeypatch.setattr(served_dashboard, "TELLING", 7)
    assert {"dense_lr", "table_lr"} <= set(told())
    assert send(shown, "GET", "/api/studies/9/param_importances")[0] == 404


def test_a_site_that_gave_its_name_to_this_machine_sees_nothing(shown: Address) -> None:
    host = f"evil.example:{shown.port}"
    for method, path in (("GET", "/api/studies"), ("GET", "/dashboard"), ("DELETE", "/api/studies/0")):
        assert send(shown, method, path, Host=host, Origin=f"http://{host}")[0] == 403
    assert len(names(shown)) == 1


def test_a_page_of_another_site_deletes_nothing_and_its_own_page_may(shown: Address) -> None:
    assert send(shown, "DELETE", "/api/studies/0", Origin="http://evil")[0] == 403
    assert len(names(shown)) == 1
    assert send(shown, "DELETE", "/api/studies/0", Origin=shown.url)[0] == 204
    assert names(shown) == []


def test_without_a_search_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"optuna\.journal' yet; `multiepoch benchmark` and `tune` write it"):
        dashboard(tmp_path)
    assert list(tmp_path.iterdir()) == []

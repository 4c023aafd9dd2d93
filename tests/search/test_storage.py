"""Searches in a PostgreSQL that several results folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from support.command_line import multiepoch
from support.plans import PLAN, go, plan_of, record_bytes, studies
from support.postgres import Postgres, postgres
from support.studies import arm_of, finish

from harness.base import heartbeat
from harness.base.errors import UserError
from harness.search.dashboard import dashboard
from harness.search.lease import RUN_BY, Lease
from harness.search.storage import JOURNAL, VARIABLE, open_journal
from harness.search.study import link

SMALL = ("seeds=[1]", 'strategies=["reinit"]')


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture
def database(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database, which OPTUNA_STORAGE names."""
    address = server.new(f"db{abs(hash(tmp_path))}")
    monkeypatch.setenv(VARIABLE, address)
    return address


def folder(of: Path, name: str, data: Path) -> Path:
    (of / name).mkdir()
    (of / name / "data").symlink_to(data)
    return of / name


def test_a_database_gives_the_same_trials_and_records_as_the_journal(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, PLAN, *SMALL)
    result, _ = go(plan, tmp_path / "database")
    found = studies(tmp_path / "database")
    assert not (tmp_path / "database" / JOURNAL).exists()
    again, watcher = go(plan, tmp_path / "database")
    assert (again, watcher.trained) == (result, [])
    monkeypatch.delenv(VARIABLE)
    assert go(plan, tmp_path / "journal")[0] == result
    assert record_bytes(tmp_path / "journal") == record_bytes(tmp_path / "database")
    store = (tmp_path / "database" / "store").read_text().strip()
    assert {f"{name} of {store}": trials for name, trials in studies(tmp_path / "journal").items()} == found
    assert not (tmp_path / "journal" / "store").exists()


def test_two_folders_never_take_each_others_trials(tmp_path: Path, database: str, data: Path) -> None:
    """One is in the middle of a trial of the same search; the other begins its own, and rewinds it."""
    ours, theirs = folder(tmp_path, "ours", data), folder(tmp_path, "theirs", data)
    _, asked = finish(arm_of(tmp_path, theirs), stop_at=3)
    before = studies_of(theirs)
    finish(arm_of(tmp_path, ours), crashing=2)
    (arm,), _ = finish(arm_of(tmp_path, ours))
    assert [trial.number for trial in arm.trials] == list(range(7))
    assert studies_of(theirs) == before
    (went_on,), then = finish(arm_of(tmp_path, theirs))
    assert [job.key for job in asked[:3]] == [job.key for job in then[:3]]
    assert went_on.trials == arm.trials
    assert len(optuna.get_all_study_names(open_journal(ours).storage)) == 2
    assert len(open_journal(ours).names()) == 1
    link(open_journal(ours), lambda key: "http://ours/r")
    notes = [trial.system_attrs for study in studies_of(theirs) for trial in study]
    assert "http://ours/r" not in str(notes)


def studies_of(results: Path) -> list[list[optuna.trial.FrozenTrial]]:
    journal = open_journal(results)
    loaded = [optuna.load_study(study_name=name, storage=journal.storage) for name in journal.names()]
    return [study.get_trials(deepcopy=True) for study in loaded]


@pytest.fixture
def copies(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> list[Lease]:
    """Three claims, as of copies of one folder on three machines, on a study."""
    monkeypatch.setattr(heartbeat, "STALE", 3.0)
    storages = [open_journal(tmp_path / name).storage for name in "abc"]
    optuna.create_study(storage=storages[0], study_name="s")
    return [Lease(storage, "s", f"ann on {name}") for name, storage in zip("abc", storages, strict=True)]


def test_a_study_has_one_owner(copies: list[Lease]) -> None:
    first, second, _ = copies
    with first.held():
        second._sign()
        first._renew()
        first.check()
        second._write(None)
        with heartbeat.beating(first._renew, every=0.2), pytest.raises(UserError, match="is run by ann on a; wait"):
            second.held().__enter__()
        first.check()
    with second.held():
        second.check()


def test_a_claim_that_is_not_renewed_is_taken_over_and_its_owner_is_told(copies: list[Lease]) -> None:
    first, second, third = copies
    with first.held():
        with second.held():
            second.check()
            first._renew()
            with pytest.raises(UserError, match="is run by ann on b now, as this process gave no sign"):
                first.check()
        with third.held():
            third.check()


def test_a_search_that_was_rewound_is_still_its_owners(tmp_path: Path, database: str, data: Path) -> None:
    results = folder(tmp_path, "results", data)
    finish(arm_of(tmp_path, results), crashing=2)
    arm = arm_of(tmp_path, results)
    (came_to,), _ = finish(arm)
    assert len(came_to.trials) == 7
    (name,) = open_journal(results).names()
    claims = optuna.load_study(study_name=name, storage=open_journal(results).storage).user_attrs
    assert [value for key, value in claims.items() if key.startswith(RUN_BY)] == [None], "let go at the end"


def test_two_processes_in_one_folder_do_not_run_one_search(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with journal.owned("s"), pytest.raises(UserError, match="another multiepoch runs the search 's'"):
        open_journal(tmp_path).owned("s").__enter__()
    with open_journal(tmp_path).owned("s"):
        pass


def test_a_database_that_is_not_there_is_one_line_without_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "sqlite:////nowhere/at/all.db")
    with pytest.raises(UserError, match=r"named by --storage or OPTUNA_STORAGE, cannot be used: OperationalError"):
        open_journal(tmp_path)
    for address in ("somewhere", "redis://user:secret@here", "postgresql://user:secret@127.0.0.1:1/x"):
        monkeypatch.setenv(VARIABLE, address)
        with pytest.raises(UserError) as refused:
            open_journal(tmp_path)
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)


def test_the_option_names_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    refused = multiepoch("dashboard", "--storage", "sqlite:////nowhere/at/all.db", cwd=tmp_path)
    assert refused.returncode == 2
    assert "the database 'sqlite:////nowhere/at/all.db', named by --storage" in refused.stderr


def test_a_database_that_dies_is_one_line_and_the_search_goes_on_later(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres() as server:
        monkeypatch.setenv(VARIABLE, server.new("one"))
        results = folder(tmp_path, "results", data)
        (whole,), _ = finish(arm_of(tmp_path, folder(tmp_path, "other", data)))
        arm = arm_of(tmp_path, results)
        server.stop()
        with pytest.raises(UserError, match=r"the searches in 'postgresql://127.* cannot be read or written"):
            finish(arm)
        server.start()
        assert finish(arm_of(tmp_path, results))[0] == [whole]


def test_the_dashboard_shows_a_database(tmp_path: Path, database: str, data: Path) -> None:
    results = folder(tmp_path, "results", data)
    finish(arm_of(tmp_path, results))
    finish(arm_of(tmp_path, folder(tmp_path, "others", data)))
    _, said = dashboard(results)
    assert said.startswith("Optuna dashboard of 2 studies in postgresql://127.0.0.1:")
    assert said.endswith(f", 1 of '{results}'")


def test_an_old_journal_is_read_as_it_is(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    optuna.create_study(storage=journal.storage, study_name=journal.name("p: arm [0a1b2c3d]"))
    assert open_journal(tmp_path).names() == ["p: arm [0a1b2c3d]"]
    assert not (tmp_path / "store").exists()

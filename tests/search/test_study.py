"""Studies: defaults first, the same trials after an interruption, no lost and no repeated trials."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note

from harness.base.plugin import Knob
from harness.figures import run_curves
from harness.results.plan_results import Trial
from harness.search.space import distribution
from harness.search.storage import open_journal
from harness.search.study import Search, link

ROOT = Path(__file__).resolve().parents[2]
SPACE = {
    "lr": (distribution(Knob(1e-4, 1e-1, log=True), 1e-2), 1e-2),
    "count": (distribution(Knob(1, 100, log=True), 2), 2),
    "kind": (distribution(Knob(choices=("a", "b")), "b"), "b"),
}
GIVEN: dict[int, dict[str, Any]] = {
    0: {"lr": 1e-2, "count": 2, "kind": "b"},
    1: {"lr": 5e-2},
    3: {"lr": 2e-3, "count": 50},
}


def search(folder: Path, trials: int = 8, key: str = "key") -> Search:
    return Search(open_journal(folder), "arm", SPACE, GIVEN, key, trials, seed=100, larger=True)


def value_of(trial: Trial) -> float | None:
    """An objective with a failure in it."""
    return None if trial.number == 2 else -abs(trial.params["lr"] - 0.03) - trial.params["count"] / 1000


def spend(study: Search, most: int = 100) -> list[Trial]:
    done: list[Trial] = []
    while len(done) < most and (trial := study.ask()) is not None:
        done.append(replace(trial, key=f"key{trial.number}", value=value_of(trial)))
        study.tell(done[-1], run="r")
    return done


def interrupted(folder: Path) -> tuple[list[Trial], list[Trial], optuna.Study]:
    """All trials of a study in `a`, and the first three of the same in `b`, with what Optuna has of it."""
    for name in ("a", "b"):
        (folder / name).mkdir()
    whole, first = spend(search(folder / "a")), spend(search(folder / "b"), most=3)
    journal = open_journal(folder / "b").storage
    return whole, first, optuna.load_study(study_name=search(folder / "b").name, storage=journal)


def test_trials_have_what_is_given_and_the_budget_is_kept(tmp_path: Path) -> None:
    done = spend(search(tmp_path))
    assert done[0].params == GIVEN[0]
    assert all(done[n].params.items() >= values.items() for n, values in GIVEN.items())
    assert done[1].params["count"] != done[0].params["count"], "what is not given is drawn"
    assert [t.number for t in done] == list(range(8))
    assert [t.seed for t in done] == list(range(100, 108))
    assert search(tmp_path).ask() is None
    assert search(tmp_path).finished() == tuple(done)


def test_an_interrupted_study_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    whole = spend(search(tmp_path / "a"))
    first = spend(search(tmp_path / "b"), most=3)
    left_running = search(tmp_path / "b").ask()
    rest = spend(search(tmp_path / "b"))
    assert left_running == replace(rest[0], key="", value=None)
    assert first + rest == whole


def test_attributes_are_in_the_journal(tmp_path: Path) -> None:
    study = search(tmp_path)
    spend(study)
    stored = optuna.load_study(study_name=study.name, storage=open_journal(tmp_path).storage)
    assert stored.trials[3].user_attrs == {"key": "key3", "seed": 103, "run": "r"}
    assert stored.trials[2].state == optuna.trial.TrialState.FAIL


def test_a_trial_that_was_given_and_not_yet_asked_is_not_given_twice(tmp_path: Path) -> None:
    whole, first, study = interrupted(tmp_path)
    study.enqueue_trial(GIVEN[3])
    assert first + spend(search(tmp_path / "b")) == whole


def test_another_space_is_another_study(tmp_path: Path) -> None:
    wider = SPACE | {"lr": (distribution(Knob(1e-5, 1e-1, log=True), 1e-2), 1e-2)}
    assert (
        search(tmp_path).name
        != Search(open_journal(tmp_path), "arm", wider, GIVEN, "key", 8, seed=100, larger=True).name
    )


def test_other_data_or_another_engine_is_another_study_that_proposes_the_same(tmp_path: Path) -> None:
    before, after = spend(search(tmp_path)), spend(search(tmp_path, key="another"))
    assert search(tmp_path).name != search(tmp_path, key="another").name
    assert before == after


@given(st.integers(1, 50), st.integers(51, 500))
def test_an_integer_default_makes_an_integer_knob(low: int, high: int) -> None:
    found = distribution(Knob(low, high), low)
    assert isinstance(found, optuna.distributions.IntDistribution)
    assert (found.low, found.high) == (low, high)
    assert isinstance(distribution(Knob(low, high), float(low)), optuna.distributions.FloatDistribution)


def test_a_trial_that_was_half_asked_is_asked_again(tmp_path: Path) -> None:
    whole, first, study = interrupted(tmp_path)
    study.ask().suggest_float("lr", 1e-4, 1e-1, log=True)
    assert first + spend(search(tmp_path / "b")) == whole


def test_trials_beyond_the_budget_are_not_looked_at(tmp_path: Path) -> None:
    done = spend(search(tmp_path))
    assert search(tmp_path, trials=3).finished() == tuple(done[:3])
    assert search(tmp_path, trials=3).ask() is None


def test_a_trial_left_running_beyond_the_budget_is_not_asked_again(tmp_path: Path) -> None:
    done = spend(search(tmp_path), most=3)
    left_running = search(tmp_path).ask()
    assert search(tmp_path, trials=2).ask() is None
    assert search(tmp_path, trials=2).finished() == tuple(done[:2])
    assert search(tmp_path).ask() == left_running


def test_the_figure_of_a_trial_is_stored_once(tmp_path: Path) -> None:
    study = search(tmp_path)
    asked = study.ask()
    assert asked is not None
    study.tell(
        replace(asked, key="key0", value=0.5), {1: 0.4, 2: 0.5}, partial(run_curves.write, title="trial 0", runs=[])
    )
    stored = optuna.load_study(study_name=study.name, storage=open_journal(tmp_path).storage).trials[0]
    assert stored.intermediate_values == {1: 0.4, 2: 0.5}
    (file,) = get_all_artifact_meta(stored, storage=open_journal(tmp_path).storage)
    assert (file.filename, file.mimetype) == ("curves.svg", "image/svg+xml")
    assert (tmp_path / "optuna.artifacts" / file.artifact_id).read_text().startswith("<svg")


def test_notes_of_trials_lead_to_where_their_runs_are_now(tmp_path: Path) -> None:
    study = search(tmp_path)
    spend(study, most=2)
    journal = open_journal(tmp_path)
    for address in ("http://old/r", "http://new/r"):
        link(journal, {"key1": address}.get)
    loaded = optuna.load_study(study_name=study.name, storage=journal.storage)
    notes = [get_note(optuna.trial.Trial(loaded, t._trial_id)) for t in loaded.trials]
    assert notes == ["", "[run](http://new/r) of key `key1`"]
    size = (tmp_path / "optuna.journal").stat().st_size
    link(journal, lambda key: "http://new/r" if key == "key1" else None)
    assert (tmp_path / "optuna.journal").stat().st_size == size, "what is there is not written again"


HOLDS = """
import os, signal
from pathlib import Path
from harness.search.storage import open_journal
storage = open_journal(Path("results")).storage
storage._backend._lock.acquire()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_while_it_writes_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the lock that Optuna's own way left."""
    monkeypatch.chdir(tmp_path)
    died = subprocess.run([sys.executable, "-c", HOLDS], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert died.returncode == -signal.SIGKILL
    (tmp_path / "results" / "optuna.journal.lock").symlink_to("results/optuna.journal")
    optuna.create_study(storage=open_journal(Path("results")).storage, study_name="next")

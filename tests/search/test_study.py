"""Studies: defaults first, the same trials after an interruption, no lost and no repeated trials."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import optuna
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note

from harness.base.plugin import Knob
from harness.experiment.plan import STARTUP, SearchSpec
from harness.figures import run_curves
from harness.results.plan_results import Trial
from harness.search.space import distribution
from harness.search.storage import JOURNAL, VARIABLE, open_journal
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


def search(folder: Path, trials: int = 8, key: str = "key", parallel: int = 1) -> Search:
    journal = open_journal(folder)
    return Search(journal, "arm", SPACE, GIVEN, key, SearchSpec(trials=trials, seed=100, parallel=parallel))


def value_of(trial: Trial) -> float | None:
    """An objective with a failure in it."""
    return None if trial.number == 2 else -abs(trial.params["lr"] - 0.03) - trial.params["count"] / 1000


def spend(study: Search, most: int = 100) -> list[Trial]:
    """Tell so many trials, of the last batch perhaps some alone, as a process does that is killed meanwhile."""
    done: list[Trial] = []
    while len(done) < most and (batch := study.batch(len(done))):
        for trial in batch[: most - len(done)]:
            done.append(replace(trial, key=f"key{trial.number}", value=value_of(trial)))
            study.tell(done[-1], run="r")
    return done


def stored(study: Search, folder: Path) -> optuna.Study:
    return optuna.load_study(study_name=study.name, storage=open_journal(folder).storage)


def test_trials_have_what_is_given_and_the_budget_is_kept(tmp_path: Path) -> None:
    done = spend(search(tmp_path))
    assert done[0].params == GIVEN[0]
    assert all(done[n].params.items() >= values.items() for n, values in GIVEN.items())
    assert done[1].params["count"] != done[0].params["count"], "what is not given is drawn"
    assert [t.number for t in done] == list(range(8))
    assert [t.seed for t in done] == list(range(100, 108))
    assert search(tmp_path).batch(8) == ()
    assert search(tmp_path).batch(0) == tuple(done[:STARTUP])


def test_the_startup_is_one_batch_and_the_same_however_many_are_proposed_together(tmp_path: Path) -> None:
    sizes = {}
    for parallel in (1, 2, 4):
        study, sizes[parallel], done = search(tmp_path, 12, parallel=parallel), list[int](), list[Trial]()
        while batch := study.batch(len(done)):
            sizes[parallel].append(len(batch))
            done += [replace(trial, key="k", value=value_of(trial)) for trial in batch]
            for trial in done[-len(batch) :]:
                study.tell(trial)
        assert [t.params for t in done[:STARTUP]] == [t.params for t in spend(search(tmp_path, STARTUP))]
    assert sizes == {1: [5, *[1] * 7], 2: [5, 2, 2, 2, 1], 4: [5, 4, 3]}


def test_trials_that_are_proposed_together_differ(tmp_path: Path) -> None:
    done = spend(search(tmp_path, 5 + 16, parallel=16))
    assert len({t.params["lr"] for t in done}) == len(done)


@given(parallel=st.integers(1, 4), killed=st.lists(st.integers(1, 12), max_size=3), asked=st.integers(0, 3))
@settings(max_examples=12)
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(parallel: int, killed: list[int], asked: int) -> None:
    """Killed among what it tells, and among what it asks for."""
    with TemporaryDirectory() as a, TemporaryDirectory() as b:
        whole = spend(search(Path(a), 12, parallel=parallel))
        for most in killed:
            spend(search(Path(b), 12, parallel=parallel), most)
            study = stored(search(Path(b), 12, parallel=parallel), Path(b))
            for _ in range(asked):
                study.ask().suggest_float("lr", 1e-4, 1e-1, log=True)
        assert spend(search(Path(b), 12, parallel=parallel)) == whole


@given(budgets=st.lists(st.integers(1, 12), min_size=1, max_size=3), parallel=st.integers(1, 4))
@settings(max_examples=12)
def test_a_budget_that_grows_gives_the_same_trials(budgets: list[int], parallel: int) -> None:
    """Also where an earlier one ended in the middle of a batch."""
    with TemporaryDirectory() as a, TemporaryDirectory() as b:
        for budget in budgets:
            spend(search(Path(b), budget, parallel=parallel))
        assert spend(search(Path(b), 12, parallel=parallel)) == spend(search(Path(a), 12, parallel=parallel))


def test_attributes_are_in_the_journal(tmp_path: Path) -> None:
    study = search(tmp_path)
    spend(study)
    trials = stored(study, tmp_path).trials
    assert trials[3].user_attrs == {"key": "key3", "seed": 103, "run": "r"}
    assert trials[2].state == optuna.trial.TrialState.FAIL


def test_a_trial_that_was_given_and_not_yet_asked_is_not_given_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    stored(search(tmp_path / "b"), tmp_path / "b").enqueue_trial(GIVEN[0])
    assert spend(search(tmp_path / "b")) == spend(search(tmp_path / "a"))


@pytest.mark.parametrize("told", [0, 3])
def test_a_study_that_another_metric_began_goes_on_in_the_right_direction(tmp_path: Path, told: int) -> None:
    """As where a launch is interrupted before a trial ends, or they all failed, and the next selects by the loss."""
    spec = SearchSpec(trials=12, seed=100)

    def asked(folder: Path, metric: str) -> Search:
        return Search(open_journal(folder), "arm", SPACE, GIVEN, "key", spec.model_copy(update={"metric": metric}))

    def spent(study: Search) -> list[Trial]:
        done: list[Trial] = []
        while batch := study.batch(len(done)):
            for trial in batch:
                done.append(replace(trial, value=abs(trial.params["lr"] - 0.03)))
                study.tell(done[-1])
        return done

    first = asked(tmp_path / "a", "auc")
    for trial in first.batch(0)[:told]:
        first.tell(replace(trial, value=None))
    assert spent(asked(tmp_path / "a", "logloss")) == spent(asked(tmp_path / "b", "logloss"))
    assert stored(asked(tmp_path / "a", "logloss"), tmp_path / "a").direction.name == "MINIMIZE"


def test_another_space_is_another_study(tmp_path: Path) -> None:
    wider = SPACE | {"lr": (distribution(Knob(1e-5, 1e-1, log=True), 1e-2), 1e-2)}
    assert (
        search(tmp_path).name
        != Search(open_journal(tmp_path), "arm", wider, GIVEN, "key", SearchSpec(trials=8, seed=100)).name
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


def test_trials_beyond_the_budget_are_not_looked_at(tmp_path: Path) -> None:
    done = spend(search(tmp_path))
    assert search(tmp_path, trials=3).batch(0) == tuple(done[:3])
    assert search(tmp_path, trials=3).batch(3) == ()


def test_a_trial_left_running_beyond_the_budget_is_not_asked_again(tmp_path: Path) -> None:
    done = spend(search(tmp_path), most=5)
    left_running = search(tmp_path).batch(5)
    assert search(tmp_path, trials=5).batch(5) == ()
    assert search(tmp_path, trials=5).batch(0) == tuple(done)
    assert search(tmp_path).batch(5) == left_running


def test_the_figure_of_a_trial_is_stored_once(tmp_path: Path) -> None:
    study = search(tmp_path)
    asked = study.batch(0)[0]
    study.tell(
        replace(asked, key="key0", value=0.5), {1: 0.4, 2: 0.5}, partial(run_curves.write, title="trial 0", runs=[])
    )
    first = stored(study, tmp_path).trials[0]
    assert first.intermediate_values == {1: 0.4, 2: 0.5}
    (file,) = get_all_artifact_meta(first, storage=open_journal(tmp_path).storage)
    assert (file.filename, file.mimetype) == ("curves.svg", "image/svg+xml")
    assert (tmp_path / "optuna.artifacts" / file.artifact_id).read_text().startswith("<svg")


def test_notes_of_trials_lead_to_where_their_runs_are_now(tmp_path: Path) -> None:
    study = search(tmp_path)
    spend(study, most=2)
    journal = open_journal(tmp_path)
    for address in ("http://old/r", "http://new/r"):
        link(journal, {"key1": address}.get)
    loaded = optuna.load_study(study_name=study.name, storage=journal.storage)
    notes = [get_note(optuna.trial.Trial(loaded, t._trial_id)) for t in loaded.trials[:2]]
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


def test_a_line_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    optuna.create_study(storage=open_journal(tmp_path).storage, study_name="one")
    journal, names = tmp_path / JOURNAL, list[str]()
    whole = journal.read_bytes()
    reader = Thread(target=lambda: names.extend(optuna.get_all_study_names(open_journal(tmp_path).storage)))
    with FileLock(tmp_path / f".{JOURNAL}.lock"):
        journal.write_bytes(whole[:-9])
        reader.start()
        reader.join(0.3)
        assert reader.is_alive()
        journal.write_bytes(whole)
    reader.join(30)
    assert names == ["one"]


def test_a_folder_whose_name_in_databases_was_lost_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one its searches would be those of every such folder."""
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/searches.db")
    (tmp_path / "store").touch()
    first = open_journal(tmp_path).store
    assert (bool(first), open_journal(tmp_path).store) == (True, first)

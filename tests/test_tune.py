"""Studies: defaults first, the same trials after an interruption, no lost and no repeated trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
from hypothesis import given
from hypothesis import strategies as st

from harness.plugin import Knob
from harness.records import Trial
from harness.tune import Search, distribution, open_journal

SPACE = {
    "lr": (distribution(Knob(1e-4, 1e-1, log=True), 1e-2), 1e-2),
    "count": (distribution(Knob(1, 100, log=True), 2), 2),
    "kind": (distribution(Knob(choices=("a", "b")), "b"), "b"),
}


def search(folder: Path, trials: int = 8, key: str = "key") -> Search:
    return Search(open_journal(folder), "arm", SPACE, key, trials, seed=100, larger=True)


def value_of(trial: Trial) -> float | None:
    """An objective with a failure in it."""
    return None if trial.number == 2 else -abs(trial.params["lr"] - 0.03) - trial.params["count"] / 1000


def spend(study: Search, most: int = 100) -> list[Trial]:
    done = []
    while len(done) < most and (trial := study.ask()) is not None:
        done.append(replace(trial, key=f"key{trial.number}", value=value_of(trial)))
        study.tell(done[-1], run="r")
    return done


def test_the_first_trial_is_the_defaults_and_the_budget_is_kept(tmp_path: Path) -> None:
    done = spend(search(tmp_path))
    assert done[0].params == {"lr": 1e-2, "count": 2, "kind": "b"}
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


def test_another_space_is_another_study(tmp_path: Path) -> None:
    wider = SPACE | {"lr": (distribution(Knob(1e-5, 1e-1, log=True), 1e-2), 1e-2)}
    assert search(tmp_path).name != Search(open_journal(tmp_path), "arm", wider, "key", 8, seed=100, larger=True).name


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

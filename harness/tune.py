"""Hyperparameter search: `tuned()` fields become one Optuna study per arm, in a journal file.

A study asks one trial at a time and its sampler is seeded anew for each from the study's name and the trial's number,
so a study that was interrupted continues exactly as it would have.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from harness import seeds
from harness.plugin import Knob
from harness.records import Trial

optuna.logging.set_verbosity(logging.WARNING)
Journal = BaseStorage
Space = dict[str, tuple[BaseDistribution, Any]]


def distribution(knob: Knob, default: Any) -> BaseDistribution:
    """Where the search looks for a knob; integers where the default is one."""
    if knob.choices is not None:
        return CategoricalDistribution(knob.choices)
    assert knob.low is not None
    assert knob.high is not None
    if isinstance(default, int):
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)


def storage(results: Path) -> Journal:
    """The journal that holds every study of a results folder."""
    return JournalStorage(JournalFileBackend(str(results / "optuna.journal")))


class Search:
    """The study of one arm. space: name -> (distribution, default), the first trial being the defaults.

    key: of the first trial's run. Whatever would change its numbers, the data, the engine, a plug-in, makes it another
    study; the sampler's stream stays the same, as it depends on the arm and its space alone.
    """

    def __init__(
        self, journal: Journal, arm: str, space: Space, key: str, trials: int, seed: int, larger: bool
    ) -> None:
        about = json.dumps({k: [distribution_to_json(d), default] for k, (d, default) in space.items()}, sort_keys=True)
        self.name, self._trials, self._seed = f"{arm} [{_digest(about + key)}]", trials, seed
        self._stream = f"{arm} [{_digest(about)}]"
        self._space = {name: dist for name, (dist, _) in space.items()}
        self._study = optuna.create_study(
            storage=journal,
            study_name=self.name,
            direction="maximize" if larger else "minimize",
            load_if_exists=True,
        )
        if not self._study.get_trials(deepcopy=False):
            self._study.enqueue_trial({name: default for name, (_, default) in space.items()})

    def describe(self, **attributes: Any) -> None:
        """Notes on the study, shown by the dashboard."""
        for name, value in attributes.items():
            self._study.set_user_attr(name, value)

    def ask(self) -> Trial | None:
        """The next trial; the one that a killed process left running comes first. None: the budget is spent."""
        trials = self._study.get_trials(deepcopy=False)
        running = [t for t in trials if t.state == TrialState.RUNNING and set(t.params) == set(self._space)]
        if running:
            return self._trial(running[0])
        if sum(t.state.is_finished() for t in trials) >= self._trials:
            return None
        number = len(trials)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seeds.torch_seed(self._seed, self._stream, number) % 2**32, n_startup_trials=5
        )
        asked = self._study.ask(self._space)
        return Trial(asked.number, "", self._seed + asked.number, dict(asked.params), None)

    def tell(self, trial: Trial, **attributes: Any) -> None:
        """Finish a trial: with its value, or as failed; attributes (key, MLflow run) appear in the dashboard."""
        stored = self._study.get_trials(deepcopy=False)[trial.number]
        handle = optuna.trial.Trial(self._study, stored._trial_id)
        for name, value in {"key": trial.key, "seed": trial.seed, **attributes}.items():
            handle.set_user_attr(name, value)
        if trial.value is None:
            self._study.tell(trial.number, state=TrialState.FAIL)
        else:
            self._study.tell(trial.number, trial.value)

    def finished(self) -> tuple[Trial, ...]:
        """Every finished trial, in order of number."""
        return tuple(self._trial(t) for t in self._study.get_trials(deepcopy=False) if t.state.is_finished())

    def _trial(self, stored: optuna.trial.FrozenTrial) -> Trial:
        return Trial(
            number=stored.number,
            key=stored.user_attrs.get("key", ""),
            seed=self._seed + stored.number,
            params=dict(stored.params),
            value=stored.value if stored.state == TrialState.COMPLETE else None,
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

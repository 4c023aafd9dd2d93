"""Hyperparameter search: `tuned()` fields become one Optuna study per arm.

A study proposes one trial at a time. Its sampler is seeded for each from the study's name and the trial's number, so
an interrupted study goes on exactly as it would have without the interruption.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import get_all_artifact_meta, upload_artifact
from optuna.distributions import distribution_to_json
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from harness.base import seeds
from harness.base.markdown import code
from harness.figures.run_curves import FILE
from harness.results.plan_results import Trial
from harness.search.space import STARTUP, Space
from harness.search.storage import Journal


class Search:
    """The study of one arm.

    space: name -> (distribution, default).
    given: trial -> values of knobs that are not left to the sampler; in trial 0 the defaults.
    key: of the first trial's run. Other data, another engine or a changed plug-in changes it, and makes this another
        study. The sampler's random stream stays the same, as it depends only on the arm and its space.
    trials: how many belong to it. If an earlier budget was larger, the others are ignored.
    larger: whether a larger value is better.
    value: what a trial's value is called in the dashboard.
    note: describes the study, in Markdown.
    """

    def __init__(
        self, journal: Journal, arm: str, space: Space, given: Mapping[int, dict[str, Any]], key: str, trials: int,
        seed: int, larger: bool, value: str = "value", note: str = "",
    ) -> None:  # fmt: skip
        about = json.dumps({k: [distribution_to_json(d), default] for k, (d, default) in space.items()}, sort_keys=True)
        self.name, self._trials, self._seed = journal.name(f"{arm} [{_digest(about + key)}]"), trials, seed
        self._stream = f"{arm} [{_digest(about)}]"
        self._journal, self._space, self._given = journal, space, given
        self._larger, self._value, self._note = larger, value, note
        self._open([])

    def ask(self) -> Trial | None:
        """The next trial; first the one that a killed process left running. None: the budget is spent."""
        self._journal.check(self.name)
        trials = self._study.get_trials(deepcopy=False)
        left = next((t for t in trials[: self._trials] if t.state == TrialState.RUNNING), None)
        if left is not None:
            if set(left.params) == set(self._space):
                return self._trial(left)
            self.rewind(left.number)
            trials = self._study.get_trials(deepcopy=False)
        if (number := sum(t.state.is_finished() for t in trials)) >= self._trials:
            return None
        if number in self._given and number == len(trials):
            self._study.enqueue_trial(self._given[number])
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seeds.torch_seed(self._seed, self._stream, number) % 2**32, n_startup_trials=STARTUP
        )
        asked = self._study.ask({name: dist for name, (dist, _) in self._space.items()})
        return self._trial(self._study.get_trials(deepcopy=False)[asked.number])

    def tell(
        self,
        trial: Trial,
        curve: Mapping[int, float] | None = None,
        draw: Callable[[Path], None] | None = None,
        **attributes: Any,
    ) -> None:
        """Finish a trial: with its value, or as failed if it has none.

        curve: epoch -> value.
        draw: writes the image of the run's curves to a path.
        attributes: name -> value.
        The dashboard shows all three.
        """
        self._journal.check(self.name)
        stored = self._study.get_trials(deepcopy=False)[trial.number]
        handle = optuna.trial.Trial(self._study, stored._trial_id)
        for name, value in {"key": trial.key, "seed": trial.seed, **attributes}.items():
            handle.set_user_attr(name, value)
        for epoch, value in (curve or {}).items():
            if epoch not in stored.intermediate_values:
                handle.report(value, epoch)
        if draw is not None and not get_all_artifact_meta(stored, storage=self._journal.storage):
            with tempfile.TemporaryDirectory() as folder:
                draw(path := Path(folder) / FILE)
                upload_artifact(artifact_store=self._journal.artifacts, file_path=str(path), study_or_trial=handle)
        if trial.value is None:
            self._study.tell(trial.number, state=TrialState.FAIL)
        else:
            self._study.tell(trial.number, trial.value)

    def rewind(self, number: int) -> None:
        """Forget this trial and all that were proposed later."""
        kept = self._study.get_trials()[:number]
        self._journal.check(self.name)
        with self._journal.moved(self.name):
            optuna.delete_study(study_name=self.name, storage=self._journal.storage)
            self._open(kept)

    def finished(self) -> tuple[Trial, ...]:
        """The finished trials, in order of number."""
        trials = self._study.get_trials(deepcopy=False)[: self._trials]
        return tuple(self._trial(t) for t in trials if t.state.is_finished())

    def _open(self, trials: list[FrozenTrial]) -> None:
        """Load the study or make it, with these trials."""
        self._study = optuna.create_study(
            storage=self._journal.storage,
            study_name=self.name,
            direction="maximize" if self._larger else "minimize",
            load_if_exists=True,
        )
        self._study.add_trials(trials)
        if self._study.metric_names != [self._value]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                self._study.set_metric_names([self._value])
        for name, shown in {"value": self._value, "trials": self._trials}.items():
            if self._study.user_attrs.get(name) != shown:
                self._study.set_user_attr(name, shown)
        _save_note(self._study, self._note)

    def _trial(self, stored: FrozenTrial) -> Trial:
        return Trial(
            number=stored.number,
            key=stored.user_attrs.get("key", ""),
            seed=self._seed + stored.number,
            params=dict(stored.params),
            value=stored.value if stored.state == TrialState.COMPLETE else None,
            page=f"dashboard/studies/{self._study._study_id}/trials?numbers={stored.number}",
        )


def link(journal: Journal, page: Callable[[str], str | None]) -> None:
    """Let the note of every finished trial lead to where its run is shown. page: key -> an address, if there is one."""
    with journal.reached():
        for name in journal.names():
            study = optuna.load_study(study_name=name, storage=journal.storage, sampler=optuna.samplers.RandomSampler())
            for trial in study.get_trials(deepcopy=False):
                key = trial.user_attrs.get("key", "")
                if trial.state.is_finished() and (address := page(key)) is not None:
                    _save_note(optuna.trial.Trial(study, trial._trial_id), f"[run]({address}) of key {code(key)}")


def _save_note(about: optuna.Study | optuna.trial.Trial, text: str) -> None:
    """Save a note unless it is there already."""
    from optuna_dashboard import get_note, save_note  # here, as it takes seconds to import what it brings along

    if get_note(about) != text:
        save_note(about, text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

"""Hyperparameter search: `tuned()` fields become one Optuna study per arm.

A study proposes batches of trials. Its sampler is seeded for each trial from the study's name and the trial's number,
and sees the results of earlier batches alone. So neither an interruption nor the order in which runs end changes what
is proposed.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import get_all_artifact_meta, upload_artifact
from optuna.distributions import distribution_to_json
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from harness.base import seeds
from harness.base.markdown import code
from harness.experiment.plan import STARTUP, SearchSpec
from harness.figures.run_curves import FILE
from harness.metrics.catalog import sign_of
from harness.results.plan_results import Trial
from harness.search.space import Space
from harness.search.storage import Journal


class Search:
    """The study of one arm.

    space: name -> (distribution, default).
    given: trial -> values of knobs that are not left to the sampler; in trial 0 the defaults.
    key: of the first trial's run. Other data, another engine or a changed plug-in changes it, and makes this another
        study. The sampler's random stream stays the same, as it depends only on the arm and its space.
    plan: trials beyond its budget, of an earlier one that was larger, are ignored. More than one proposed together make
        this another study.
    value: what a trial's value is called in the dashboard.
    note: describes the study, in Markdown.
    """

    def __init__(
        self, journal: Journal, arm: str, space: Space, given: Mapping[int, dict[str, Any]], key: str, plan: SearchSpec,
        value: str = "value", note: str = "",
    ) -> None:  # fmt: skip
        about = json.dumps({k: [distribution_to_json(d), default] for k, (d, default) in space.items()}, sort_keys=True)
        together = f", {plan.parallel} at a time" if plan.parallel > 1 else ""
        self.name = journal.name(f"{arm} [{_digest(about + key)}]{together}")
        self._stream = f"{arm} [{_digest(about)}]"
        self._journal, self._space, self._given, self._plan = journal, space, given, plan
        self._value, self._note = value, note
        self._open([])
        if self._study.direction != self._direction:  # begun by another metric, before any of its trials was told
            self.rewind(0)

    @property
    def _direction(self) -> StudyDirection:
        return StudyDirection.MAXIMIZE if sign_of(self._plan.metric) > 0 else StudyDirection.MINIMIZE

    def batch(self, start: int) -> tuple[Trial, ...]:
        """The trials from number `start` on that are proposed without each other's results: those of the start-up, then
        `parallel` at a time. Empty: the budget is spent.

        An earlier process may have asked for them, and told some. If it did not ask for all, or had a smaller budget,
        the whole batch is asked for again, as if none was told.
        """
        self._journal.check(self.name)
        end = min(start + self._plan.parallel if start >= STARTUP else STARTUP, self._plan.trials)
        there = self._study.get_trials(deepcopy=False)[start:end]
        if sum(set(trial.params) == set(self._space) for trial in there) < end - start:
            if there:
                self.rewind(start)
            for number in range(start, end):
                self._ask(number)
            there = self._study.get_trials(deepcopy=False)[start:end]
        return tuple(self._trial(trial) for trial in there)

    def _ask(self, number: int) -> None:
        """Have the sampler propose the next trial; it takes those that still run for bad ones (a constant liar)."""
        if number in self._given:
            self._study.enqueue_trial(self._given[number])
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seeds.torch_seed(self._plan.seed, self._stream, number) % 2**32,
            n_startup_trials=STARTUP,
            constant_liar=True,
        )
        self._study.ask({name: dist for name, (dist, _) in self._space.items()})

    def tell(
        self,
        trial: Trial,
        curve: Mapping[int, float] | None = None,
        draw: Callable[[Path], None] | None = None,
        **attributes: Any,
    ) -> None:
        """Finish a trial, unless it is: with its value, or as failed if it has none.

        curve: epoch -> value.
        draw: writes the image of the run's curves to a path.
        attributes: name -> value.
        The dashboard shows all three.
        """
        self._journal.check(self.name)
        stored = self._study.get_trials(deepcopy=False)[trial.number]
        if stored.state.is_finished():
            return
        _save_note(self._study, self._note)
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

    def agrees(self, trials: Iterable[Trial]) -> bool:
        """Whether those of them that were told before have the same values now."""
        stored = self._study.get_trials(deepcopy=False)
        told = [(stored[t.number], t) for t in trials if stored[t.number].state.is_finished()]
        return all(self._trial(before).value == trial.value for before, trial in told)

    def _open(self, trials: list[FrozenTrial]) -> None:
        """Load the study or make it, with these trials."""
        self._study = optuna.create_study(
            storage=self._journal.storage,
            study_name=self.name,
            direction=self._direction,
            load_if_exists=True,
        )
        self._study.add_trials(trials)
        if self._study.metric_names != [self._value]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                self._study.set_metric_names([self._value])
        for name, shown in {"value": self._value, "trials": self._plan.trials}.items():
            if self._study.user_attrs.get(name) != shown:
                self._study.set_user_attr(name, shown)

    def _trial(self, stored: FrozenTrial) -> Trial:
        return Trial(
            number=stored.number,
            key=stored.user_attrs.get("key", ""),
            seed=self._plan.seed + stored.number,
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

"""What a synthetic data set is made of: fields, tasks and time, as a TOML preset describes them."""

from __future__ import annotations

import math
from collections import Counter
from importlib.metadata import version
from itertools import pairwise
from operator import not_
from typing import Annotated, Any

from pydantic import Field, model_validator

from harness.api import Kinds
from harness.base.config import Config
from harness.base.errors import UserError, unknown
from harness.data.synthetic.fields import FieldSpec, check_field
from harness.data.synthetic.kinds import ListSpec, NumberSpec, SequenceSpec, check_kinds, kinds

LATENT = 6
"""Dimensions of a match, unless a population says otherwise."""
MOST_REPEAT = 0.98
"""Sessions of fifty rows: a row walks back to the first of its own."""
GENERATOR = "f3ee7adf89d52a126f79b7bc5446b869323a9653c7a20511c57f85b449af48c7"
"""What names the rows that a population gives, in the keys of its data: changed where they change, and only there."""
TABLES = ("fields", "numbers", "lists", "sequences", "tasks")
"""Keys of a population that hold a table for each name."""
MOST_OF_EXAMINED = 0.9
"""Of the rows that are looked at, as many may have a label: a rate near all of them needs logits without bound."""
FEWEST = 10
"""Positives, and negatives, that every split must be expected to hold."""


class TaskSpec(Config):
    """One binary task. rate: of all rows; under: the task, declared before, that must have happened.

    id_bias, interaction, context, drift, number_bias, list_bias, history_match, noise: standard deviations of the parts
    of the logit. weights: of fields in id_bias and context of this task, in place of their own. correlation: share of
    id_bias, context, interaction and list_bias that is common to all tasks. delay: [hours, share] pairs, the share of
    conversions that come within so many hours of the row; window: days after which none counts. kept: share of the rows
    without this label that stay in the log, drawn at random; of one task at most.
    """

    rate: float = Field(gt=0, lt=1)
    under: str | None = None
    id_bias: float | None = Field(None, ge=0, le=10)
    interaction: float | None = Field(None, ge=0, le=10)
    context: float | None = Field(None, ge=0, le=10)
    drift: float | None = Field(None, ge=0, le=10)
    number_bias: float | None = Field(None, ge=0, le=10)
    list_bias: float | None = Field(None, ge=0, le=10)
    history_match: float | None = Field(None, ge=0, le=10)
    noise: float | None = Field(None, ge=0, le=10)
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field({}, exclude_if=not_)
    correlation: float | None = Field(None, ge=0, le=1)
    delay: list[tuple[float, float]] | None = None
    window: float = Field(30.0, gt=0, le=3650)
    kept: float = Field(1.0, ge=1e-9, le=1)

    @model_validator(mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("delay"), list):
            return value | {"delay": [tuple(pair) if isinstance(pair, list) else pair for pair in value["delay"]]}
        return value

    @model_validator(mode="after")
    def _quantiles(self) -> TaskSpec:
        knots = [(0.0, 0.0), *(self.delay or []), (24 * self.window, 1.0)]
        if any(a >= c or b >= d for (a, b), (c, d) in pairwise(knots)):
            raise ValueError(
                f"delay = {self.delay} does not ascend below [{24 * self.window:g}, 1], the end of the window; "
                "accepted: [hours, share] pairs that do, as [[1, 0.35], [24, 0.5]]"
            )
        return self


class Population(Config):
    """A whole synthetic data set; standard deviations and correlation hold for tasks that give none of their own.

    rows: N of all splits, in order of time, before a task's `kept` drops any. valid, test: shares of the last rows.
    daily, weekly: relative amplitude of the cycles of traffic. repeat: share of the rows that another of the same
    session follows, `gap` seconds later on average. latent: K dimensions, more than tasks whose taste is in part their
    own; with one alone, tasks share it. match: fields whose latent vectors are summed
    on either side of the interaction. drift_days: days in which fashion turns by a right angle. target: statistics that
    a preset must meet.
    """

    description: str = ""
    rows: int = Field(ge=10, le=10**12)
    days: int = Field(10, ge=1, le=3650)
    valid: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.1, gt=0, lt=1)
    daily: float = Field(0.5, ge=0, lt=1)
    weekly: float = Field(0.15, ge=0, lt=1)
    repeat: float = Field(0.0, ge=0, le=MOST_REPEAT)
    gap: float = Field(60.0, ge=0, le=10**6)
    latent: int = Field(LATENT, ge=1, le=256)
    match: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    drift_days: float = Field(10.0, gt=0)
    group: str | None = None
    id_bias: float = Field(0.9, ge=0, le=10)
    interaction: float = Field(0.7, ge=0, le=10)
    context: float = Field(0.3, ge=0, le=10)
    drift: float = Field(0.2, ge=0, le=10)
    number_bias: float = Field(0.3, ge=0, le=10)
    list_bias: float = Field(0.5, ge=0, le=10)
    history_match: float = Field(0.5, ge=0, le=10)
    noise: float = Field(0.0, ge=0, le=10)
    correlation: float = Field(0.5, ge=0, le=1)
    fields: dict[str, FieldSpec] = Field(min_length=1)
    numbers: dict[str, NumberSpec] = {}
    lists: dict[str, ListSpec] = {}
    sequences: dict[str, SequenceSpec] = {}
    tasks: dict[str, TaskSpec] = Field(min_length=1)
    target: dict[str, dict[str, float]] = {}

    @model_validator(mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("match"), list):
            return value | {"match": tuple(tuple(s) if isinstance(s, list) else s for s in value["match"])}
        return value

    @model_validator(mode="after")
    def _possible(self) -> Population:
        for name, field in self.fields.items():
            check_field(name, field, self.fields)
        check_kinds(self.numbers, self.lists, self.sequences, self.fields)
        for name, task in self.tasks.items():
            self._check_task(name, task)
        if len(thinned := [name for name, task in self.tasks.items() if task.kept < 1]) > 1:
            raise UserError(f"tasks {', '.join(thinned)} have kept below 1; accepted: one task that has")
        columns = Counter([*self.fields, *self.numbers, *self.lists, *self.sequences, *self.tasks, "time"])
        if clash := [name for name, times in columns.items() if times > 1]:
            raise UserError(f"'{clash[0]}' names a field and a column of another kind; accepted: distinct names")
        shown = [name for name, field in self.fields.items() if not field.hidden]
        if not shown:
            raise UserError(f"fields {', '.join(self.fields)} are hidden; accepted: at least one that is not")
        for name in (*self.match[0], *self.match[1]):
            if name not in self.fields:
                raise unknown("field", name, self.fields, "match")
        self._check_tastes()
        if self.group is not None and self.group not in shown:
            raise unknown("field", self.group, shown, "group")
        if self.valid + self.test >= 1:
            raise UserError(f"valid + test = {self.valid + self.test:g} leaves no rows to train on; accepted: below 1")
        return self

    def _check_tastes(self) -> None:
        """What tasks do not share of a match has a direction of each, at right angles to the others."""
        met = [task for task in self.tasks.values() if all(self.match) and self.strength(task, "interaction")]
        own = sum(self.strength(task, "correlation") < 1 for task in met)
        if own > self.latent - 1 > 0:
            raise UserError(
                f"latent = {self.latent} beside {own} tasks whose match is in part their own: there are not {own + 1} "
                f"directions at right angles; accepted: latent = {own + 1} or more, or correlation = 1"
            )

    def _check_task(self, name: str, task: TaskSpec) -> None:
        for field in task.weights:
            if field not in self.fields:
                raise unknown("field", field, self.fields, f"tasks.{name}.weights")
        if task.under is not None:
            before = list(self.tasks)[: list(self.tasks).index(name)]
            if task.under not in before:
                raise unknown("task", task.under, before, f"tasks.{name}.under, which names a task declared before")
            above = self.tasks[task.under].rate
            if task.rate >= above:
                raise UserError(
                    f"{name} = {task.rate:g} is not below {task.under} = {above:g}; accepted: rates that nest"
                )
        most = MOST_OF_EXAMINED * math.prod(field.looked_at for field in self.fields.values())
        if task.rate > most and task.under is None and most < MOST_OF_EXAMINED:
            raise UserError(
                f"{name} = {task.rate:g} beside a position at which {most / MOST_OF_EXAMINED:.3g} of the rows are "
                f"looked at; accepted: at most {most:.3g}"
            )
        share = min(self.valid, self.test, 1 - self.valid - self.test)
        negatives = (1 - task.rate) * task.kept
        rarer = min(task.rate, negatives)
        if self.rows * share * rarer < FEWEST:
            kind = "positives" if task.rate <= negatives else "negatives"
            raise UserError(
                f"rows = {self.rows:,} at {name} = {task.rate:g} give about {self.rows * share * rarer:.1f} {kind} in "
                f"the smallest split; accepted: {FEWEST} or more, as with rows = {round(FEWEST / share / rarer):,}"
            )

    @property
    def thinned(self) -> str | None:
        """The task of whose negatives a share alone is kept."""
        return next((name for name, task in self.tasks.items() if task.kept < 1), None)

    def complete(self) -> Population:
        """The same with every row kept."""
        return self.model_copy(update={"tasks": {n: t.model_copy(update={"kept": 1.0}) for n, t in self.tasks.items()}})

    @property
    def kinds(self) -> Kinds:
        """Of the fields that are no single ids, as models read them."""
        return kinds(self.numbers, self.lists, self.sequences)

    def edges(self) -> tuple[int, int, int]:
        """The rows at which train, valid and test end."""
        train = round(self.rows * (1 - self.valid - self.test))
        return train, round(self.rows * (1 - self.test)), self.rows

    def strength(self, task: TaskSpec, part: str) -> float:
        """A task's own standard deviation or correlation, or that of all tasks."""
        own = getattr(task, part)
        return float(getattr(self, part) if own is None else own)


def source() -> dict[str, str]:
    """What turns a population into rows, and the compiler of its loops; part of the data's key."""
    return {"source": GENERATOR, "numba": version("numba")}

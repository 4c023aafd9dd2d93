"""What to run: a plan as a frozen, typed spec. Importing this loads neither torch nor numba."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.base.config import Config, explain
from harness.base.errors import unknown
from harness.base.names import FILE_NAME
from harness.experiment.specs import EvalSpec, Optimizer, TrainSpec
from harness.metrics.catalog import SELECTABLE
from harness.metrics.selection import Rule

STARTUP = 5
"""Trials of a search before it learns from earlier results."""
MOST = 1000
"""Repetitions of an arm."""
FIRST_LOOK = 6
"""Repetitions before an arm is first asked for: with fewer, an always-valid interval is mostly unbounded."""


class SearchSpec(Config):
    """How hyperparameters are chosen. trials: per strategy, the first being the defaults; 0: no search. The one-epoch
    baseline has as many epochs in trials of one.

    once: trials that the baseline has at least, where a few trials of each strategy would leave it untuned.

    select: best_epoch, final_epoch or one_epoch of valid/<metric>/<task>. Seeds of trials count from `seed`.
    batch_size, table_optimizer: searched by every arm and by the baseline, beside both rates, if a range or choices are
    given. plain: whether an arm that contains `none` may choose what won the search of `none`, its own knobs neutral.
    tie: trials that come within so much of the best win too, and reporting seeds take turns among them, so that which
    of two near-ties is ahead decides no table.
    parallel: how many trials of a search are proposed together after the start-up, which always is; more keep more
    workers busy, and learn from less.
    """

    trials: int = Field(0, ge=0, le=100_000)
    once: int = Field(0, ge=0, le=100_000, exclude_if=lambda once: once == 0)
    metric: str = "auc"
    task: str | None = None
    select: Rule = Rule.BEST_EPOCH
    seed: int = Field(1_000_000, ge=0)
    dense_lr: tuple[float, float] = (3e-4, 3e-3)
    table_lr: tuple[float, float] = (3e-4, 0.3)
    batch_size: tuple[int, int] | None = None
    table_optimizer: tuple[Optimizer, ...] | None = Field(None, min_length=1)
    plain: bool = False
    tie: float = Field(0.0, ge=0, exclude_if=lambda tie: tie == 0)
    parallel: int = Field(1, ge=1, le=1024, exclude_if=lambda together: together == 1)

    def of_baseline(self, epochs: int) -> int:
        """Trials of the one-epoch baseline, where a strategy trains so many epochs in each of its own."""
        return max(self.trials * epochs, self.once) if self.trials else 0

    @field_validator("dense_lr", "table_lr", "batch_size")
    @classmethod
    def _range(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 < value[0] <= value[1]:
            raise ValueError("low and high must be positive and ascend, as [3e-4, 3e-3]")
        return value

    @field_validator("select", mode="before")
    @classmethod
    def _rule(cls, value: Any) -> Rule:
        if value not in tuple(Rule):
            raise ValueError(str(unknown("rule", str(value), Rule)))
        return Rule(value)

    @field_validator("metric")
    @classmethod
    def _metric(cls, value: str) -> str:
        if value not in SELECTABLE:
            raise ValueError(str(unknown("metric", value, SELECTABLE)))
        return value


class Settling(Config):
    """As many draws for each arm as settle its gain: until it is surely above or below zero, or within `settle` of it.

    most: after which an arm is left open.
    """

    most: int = Field(ge=2, le=MOST)
    settle: float = Field(gt=0)

    def looks(self) -> list[int]:
        """Numbers of repetitions at which it is asked which arms need more; the last is `most`."""
        return looks(self.most)


class Race(Settling):
    """Seeds on the same data instead of draws, for each arm until it is settled, asked after `least` and each one more.

    A settled arm has always-valid intervals, as what it showed ended its repetitions. An open one was ended by `most`
    or by a clock, so that Student's interval holds for it.
    """

    least: int = Field(ge=2, le=MOST)

    def looks(self) -> list[int]:
        return list(range(min(self.least, self.most), self.most + 1))


def looks(most: int) -> list[int]:
    """Numbers of repetitions at which it is asked whether an arm is settled; the last is `most`."""
    found = [min(most, FIRST_LOOK)]
    while found[-1] < most:
        found.append(min(most, found[-1] + max(1, found[-1] // 5)))
    return found


class Plan(Config):
    """A comparison: data sets x models x strategies x seeds, at one search budget.

    table: what the files of its tables begin with; its name, if not given.
    """

    name: str = Field(pattern=FILE_NAME)
    table: str | None = Field(None, pattern=FILE_NAME)
    description: str = ""
    datasets: tuple[dict[str, Any], ...] = Field(alias="dataset", min_length=1)
    models: tuple[dict[str, Any], ...] = Field(alias="model", min_length=1)
    strategies: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[int, ...]
    """Of the reporting runs; empty for a search alone, which only `tune` makes."""
    data_seed: int = Field(0, ge=0)
    repetitions: Literal["seeds", "draws"] | Race | Settling = "seeds"
    """What differs between reporting runs of an arm: the seed alone, or also the draw of generated data, as where the
    number of runs is left to what they show, unless it is a race."""
    train: TrainSpec = TrainSpec()
    evaluation: EvalSpec = EvalSpec()
    search: SearchSpec = SearchSpec()

    @property
    def settling(self) -> Settling | None:
        """What ends the repetitions of an arm, where what they show does."""
        return self.repetitions if isinstance(self.repetitions, Settling) else None

    @property
    def draws(self) -> bool:
        """Whether each repetition has a draw of the data of its own."""
        return self.repetitions != "seeds" and not isinstance(self.repetitions, Race)

    @property
    def keeps_influences(self) -> bool:
        """Whether reporting runs keep what tells the error of their test set. None does without test, and none of a
        continual plan, where each window has a test set of its own."""
        return self.evaluation.test_error and self.evaluation.test and self.train.continual is None

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, values: Any) -> Any:
        """Seeds from 1 on, where their number is left to what they show."""
        given = values.get("repetitions") if isinstance(values, dict) else None
        most = given.get("most") if isinstance(given, dict) else None
        return {"seeds": tuple(range(1, min(most, MOST) + 1)), **values} if isinstance(most, int) else values

    @field_validator("repetitions", mode="before")
    @classmethod
    def _repeated(cls, value: Any) -> Any:
        """One error, that of what is meant, where pydantic has one for each of all that is accepted."""
        if isinstance(value, dict):
            kind = Race if "least" in value else Settling
            try:
                return kind.model_validate(value)
            except ValidationError as error:
                raise ValueError(explain(error, kind)) from error
        if value not in ("seeds", "draws") and not isinstance(value, Settling):
            raise ValueError("accepted: 'seeds', 'draws', or a table as { most = 30, settle = 0.001 }")
        return value

    @field_validator("datasets", "models")
    @classmethod
    def _labelled(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        for label in (t["label"] for t in value if "label" in t):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]*", str(label)):
                raise ValueError(f"label {label!r} may hold letters, digits, space, _ . and - alone")
        for table in value:
            if sum(_same(table, other) for other in value) > 1:
                raise ValueError(f"{table} is listed twice")
        names = labels(value) if all("name" in table for table in value) else []
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"label '{name}' would stand for two of them; give each a label of its own")
        return value

    @model_validator(mode="after")
    def _distinct(self) -> Plan:
        for what, values in (("seed", self.seeds), ("strategy", self.strategies)):
            for value in values:
                if list(values).count(value) > 1:
                    raise ValueError(f"{what} {value!r} is listed twice")
        if (settling := self.settling) is not None and self.seeds:
            if len(self.seeds) != settling.most:
                counts = f"seeds are {len(self.seeds)} and repetitions.most {settling.most}"
                raise ValueError(f"{counts}; leave out seeds")
            if "none" not in self.strategies:
                raise ValueError("repetitions.settle needs strategy 'none', over one epoch of which gains are settled")
        trials = self.search.of_baseline(self.train.epochs)  # it has the most
        tuning = range(self.search.seed, self.search.seed + trials)
        for seed in self.seeds:
            if not 0 <= seed < 2**63:
                raise ValueError(f"seed {seed} is not accepted; accepted: 0 to {2**63 - 1}")
            if seed in tuning:
                raise ValueError(f"seed {seed} is among the tuning seeds {tuning.start} to {tuning[-1]}")
        return self


def labels(tables: tuple[dict[str, Any], ...]) -> list[str]:
    """A distinct label for each data set or model of a plan: its own `label`, or its name, numbered if not distinct."""
    names = [str(t.get("label", t["name"])) for t in tables]
    return [n if names.count(n) == 1 else f"{n}-{names[: i + 1].count(n)}" for i, n in enumerate(names)]


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two tables of a plan say the same, apart from what they are called."""
    return {k: v for k, v in a.items() if k != "label"} == {k: v for k, v in b.items() if k != "label"}

"""What the facts are: `plans/facts.toml` -> facts, and the plan of each."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from harness.analysis.load import OF_FACTS
from harness.base.config import Config, explain, read_toml
from harness.base.errors import UserError, unknown
from harness.experiment.plan import Plan
from harness.facts.expression import check

OPERATORS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}


class Claim(Config):
    """What a fact says, measured: an expression over runs, taken seed by seed, and where its mean must lie.

    holds: `< 0.5` or `> 0`. added: it asks more than the literature says, and the fact's verdict does not hang on it.
    """

    says: str
    measure: str
    holds: str
    added: bool = False

    @field_validator("measure")
    @classmethod
    def _readable(cls, value: str) -> str:
        check(value, placed=True)
        return value

    @field_validator("holds")
    @classmethod
    def _criterion(cls, value: str) -> str:
        if not re.fullmatch(r"[<>] -?\d*\.?\d+", value):
            raise ValueError("accepted: < or >, a space and a number")
        return value

    @property
    def border(self) -> float:
        """Where the criterion ends."""
        return float(self.holds.split()[1])

    def within(self, value: float) -> bool:
        return OPERATORS[self.holds[0]](value, self.border)


class Figure(Config):
    """lines: label -> an expression without position, drawn at every evaluation that has it."""

    y: str
    lines: dict[str, str] = Field(min_length=1)

    @field_validator("lines")
    @classmethod
    def _readable(cls, value: dict[str, str]) -> dict[str, str]:
        for line in value.values():
            check(line, placed=False)
        return value


class Fact(Config):
    """literature: the published size; evidence: P primary, S second-hand, A abstract, D derived, I inferred.

    datasets and models: names from the sheet. strategies: a name for use in claims -> strategy. seeds: instead of the
    sheet's. The rest is a plan's.
    """

    name: str = Field(pattern=r"^F[0-9]+$")
    says: str
    literature: str
    evidence: str
    datasets: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = Field(("dnn",), min_length=1)
    strategies: dict[str, str] = Field(min_length=1)
    task: str = "click"
    seeds: tuple[int, ...] | None = Field(None, min_length=5)
    train: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    claims: tuple[Claim, ...] = Field(alias="claim", min_length=1)
    figure: Figure

    @field_validator("claims")
    @classmethod
    def _own(cls, value: tuple[Claim, ...]) -> tuple[Claim, ...]:
        if all(claim.added for claim in value):
            raise ValueError("every claim is added; at least one must be the fact's own")
        return value


class Sheet(Config):
    """All facts. datasets, models: what facts name, as in a plan. seeds, train, evaluation: of every fact that does not
    say otherwise. repetitions: whether a seed has the data of all or a draw of its own, as in a plan. name: sets its
    page apart from those of other sheets: `facts-<name>.md`. title, says: the page's head."""

    name: str = Field("", pattern="^[a-z0-9_]*$")
    title: str = "The facts"
    says: str = ""
    datasets: dict[str, dict[str, Any]]
    models: dict[str, dict[str, Any]]
    seeds: tuple[int, ...] = Field(min_length=5)
    repetitions: Literal["seeds", "draws"] = "seeds"
    train: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    facts: tuple[Fact, ...] = Field(alias="fact", min_length=1)

    @property
    def stem(self) -> str:
        """Its page is `<stem>.md`; of a fact, the figure is `<stem>-<fact>.svg` and the plan `<stem>-<fact>`."""
        return OF_FACTS + self.name if self.name else OF_FACTS.removesuffix("-")

    def select(self, names: list[str]) -> tuple[Fact, ...]:
        """The facts named, or all.

        Raises:
            UserError: there is no such fact.
        """
        known = [fact.name for fact in self.facts]
        for name in names:
            if name not in known:
                raise unknown("fact", name, known)
        return tuple(fact for fact in self.facts if not names or fact.name in names)

    def plan(self, fact: Fact) -> Plan:
        """The plan that a fact's claims read.

        Raises:
            UserError: a data set or model is not in the sheet, or the plan is not accepted.
        """
        values = {
            "name": f"{self.stem}-{fact.name}",
            "description": fact.says,
            "dataset": list(_named(fact, "data set", fact.datasets, self.datasets)),
            "model": list(_named(fact, "model", fact.models, self.models)),
            "strategies": list(fact.strategies.values()),
            "seeds": list(fact.seeds or self.seeds),
            "repetitions": self.repetitions,
            "train": self.train | fact.train,
            "evaluation": self.evaluation | fact.evaluation,
            "search": {"task": fact.task},
        }
        try:
            return Plan.model_validate(values)
        except ValidationError as error:
            raise UserError(f"fact '{fact.name}': {explain(error, Plan)}") from error


def load_sheet(path: Path) -> Sheet:
    """Raises:
    UserError: the file is missing or not TOML, or a key, value or expression is not accepted.
    """
    values = read_toml(path, f"facts '{path}' cannot be read")
    try:
        return Sheet.model_validate(values)
    except ValidationError as error:
        raise UserError(f"facts '{path}': {explain(error, Sheet)}") from error


def _named(
    fact: Fact, what: str, names: tuple[str, ...], tables: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for name in names:
        if name not in tables:
            raise unknown(what, name, tables, f"fact '{fact.name}'")
        yield {"label": name} | tables[name]

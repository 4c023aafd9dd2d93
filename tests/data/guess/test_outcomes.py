"""What was not known when a row was made is no field: in the logs of our own generator, and in those of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness.data.guess.asked import Asked
from harness.data.guess.first_schema import FirstSchema, first_schema
from harness.data.guess.guess import Guesses, guess
from harness.data.guess.words import BEFORE, OUTCOMES
from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.presets import load_population

POPULATION = load_population("tiny", {"rows": 40_000})
INPUTS = {*POPULATION.fields, "time"}
N = 4000
RNG = np.random.default_rng(0)
CLICK = (RNG.random(N) < 0.2).astype(int)
USER = RNG.integers(0, 300, N)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("log") / "tiny"
    write_parquet(Console(quiet=True), "tiny", folder, 40_000, None, 0)
    return str(folder)


def fields(found: FirstSchema) -> set[str]:
    return {each.column for each in found.guesses.columns if each.what in ("id", "number", "list", "sequence")}


@pytest.mark.parametrize("labels", [(), *((task,) for task in POPULATION.tasks), tuple(POPULATION.tasks)])
def test_whatever_is_asked_of_a_generated_log_its_outcomes_are_no_fields(written: str, labels: tuple[str, ...]) -> None:
    """Its files follow each other by name, and not in order of time, by which its rows are split all the same."""
    found = first_schema(written, Asked(labels))
    assert fields(found) <= INPUTS
    said = {each.column for each in found.guesses.columns if each.what == "label"}
    assert said == set(labels or POPULATION.tasks)
    outcomes = {name for name in pl.read_parquet_schema(Path(written) / "test.parquet") if name not in INPUTS}
    assert {each.column for each in found.guesses.columns if each.what == "left out"} >= outcomes - said
    assert found.guesses.whole[-1].entries == {"by": "time"}


def guessed(labels: Sequence[str] = (), **columns: Any) -> Guesses:
    return guess(pl.DataFrame({"user": USER, **columns}), True, Asked(tuple(labels)))


def reason(found: Guesses, name: str) -> tuple[str, str]:
    (each,) = (each for each in found.columns if each.column == name)
    return each.what, each.why


BOUGHT = CLICK * (RNG.random(N) < 0.1)
FOLLOWING: dict[str, Any] = {
    "0 and 1": BOUGHT,
    "true and false": BOUGHT == 1,
    "an amount": BOUGHT * RNG.integers(1, 90, N) / 4,
    "an id or nothing": [f"o{k}" if bought else None for k, bought in enumerate(BOUGHT)],
    "an id or a sign": [f"o{k % 7}" if bought else "-" for k, bought in enumerate(BOUGHT)],
    "few mistakes": np.where(np.arange(N) == np.flatnonzero(1 - CLICK)[0], 1, BOUGHT),
}


@pytest.mark.parametrize("case", FOLLOWING)
def test_what_is_there_only_where_the_label_is_1_is_left_out(case: str) -> None:
    """Far too rare for its AUC to tell."""
    what, why = reason(guessed(click=CLICK, xyz=FOLLOWING[case]), "xyz")
    assert (what, why.partition(" only ")[2]) == ("left out", "where the label click is 1, as what follows it")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 0.9), st.sampled_from([0.001, 0.01, 0.3]), st.floats(0, 0.9))
def test_what_tells_less_of_the_label_stays(seed: int, rate: float, rare: float, tells: float) -> None:
    """A rare value raises the rate of the label by up to nine tenths of what is missing."""
    rng = np.random.default_rng(seed)
    there = rng.random(N) < rare
    label = (rng.random(N) < np.where(there, rate + tells * (1 - rate), rate)).astype(int)
    if label[there].mean() < 0.98:
        assert reason(guessed(click=label, xyz=there), "xyz")[0] == "id"


def test_names_beside_an_outcome_say_that_they_come_after_it() -> None:
    columns = {"renewal": BOUGHT, "renewal_delay": RNG.integers(0, 99, N), "renewal_seen": BOUGHT * CLICK}
    found = guessed(["click"], click=CLICK, trial=USER, trial_seen=USER % 3, **columns)
    assert reason(found, "renewal_delay") == ("left out", "how long it took to know the outcome renewal")
    assert reason(found, "renewal_seen") == ("left out", "what was known early of the outcome renewal")
    assert reason(found, "trial_seen")[0] == "id"


@given(st.sampled_from(sorted(OUTCOMES)), st.none() | st.sampled_from(sorted(BEFORE)))
def test_a_name_with_the_word_of_an_outcome_is_to_be_looked_at_unless_it_says_before(
    word: str, before: str | None
) -> None:
    name = f"verified_{word}" if before is None else f"{before}_{word}"
    honest = RNG.integers(0, 2, N)
    what, why = reason(guessed(["label"], label=CLICK, **{name: honest}), name)
    assert (what, f"look: '{word}' may be an outcome" in why) == ("id", before is None)


COUNTED: dict[str, Any] = {
    "order": RNG.integers(0, 10, N),
    "likes": RNG.poisson(3, 300)[USER],
    "comments": RNG.poisson(2.0, N).astype(float),
    "y": RNG.integers(0, 40, N),
}
"""Named as outcomes, but a place, an item's counters, and a coordinate."""
SURER: dict[str, tuple[Any, set[str]]] = {
    "click": (CLICK, {"click"}),
    "is_click": (CLICK == 1, {"is_click"}),
    "label": (np.where(CLICK, 1, -1), {"label"}),
    "event_type": (np.where(CLICK, "click", "view"), {"click"}),
    "rating": (RNG.integers(1, 6, N), {"liked"}),
}
"""Columns that say more surely what happened -> their labels."""


@pytest.mark.parametrize("last", [True, False], ids=["behind it", "before it"])
@pytest.mark.parametrize("name", SURER)
def test_counts_named_as_outcomes_are_no_labels_beside_what_surely_is_one(name: str, last: bool) -> None:
    values, labels = SURER[name]
    columns = {**COUNTED, name: values} if last else {name: values, **COUNTED}
    found = guessed(**columns)
    assert {key for each in found.columns if each.what == "label" for key in each.entries} == labels
    for count in COUNTED:
        what, why = reason(found, count)
        assert what in ("id", "number")
        assert f"look: '{count}' may be an outcome; leave it out unless it is known before the label" in why


def test_counts_of_none_in_most_rows_are_left_out_beside_what_surely_is_a_label() -> None:
    found = guessed(click=CLICK, orders=RNG.poisson(0.3, N))
    assert reason(found, "orders") == ("left out", "a count that is named as an outcome, of none in most rows")
    asked = guessed(["click"], click=CLICK, orders=RNG.poisson(0.3, N))
    assert reason(asked, "orders")[0] == "left out"


def test_counts_are_labels_where_nothing_else_says_what_happened() -> None:
    found = guessed(
        orders_30d=RNG.poisson(0.3, N), likes=COUNTED["likes"], mobile=CLICK, ts=1_600_000_000 + np.arange(N)
    )
    labels = [each.entries for each in found.columns if each.what == "label"]
    assert labels == [{"orders_30d": "orders_30d > 0"}, {"likes": "likes > 0"}]
    assert found.whole[-1].entries == {"by": "time", "gap": "30d"}
    assert {each.what for each in guessed(["order"], **COUNTED, click=CLICK).columns if each.column == "order"} == {
        "label"
    }

"""A log of which a share of the negatives was kept: the rows that are left, and a truth that is theirs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from support.synthetic import SIGMAS, drawn_by_the_truth

from harness.api import Kept
from harness.base.errors import UserError
from harness.base.seeds import generator
from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Rows, Sampler
from harness.data.synthetic.thinned import kept_truth
from harness.plugins.registry import Registry, build

ROWS, SHARE = 60_000, 0.2
FULL = Sampler(load_population("tiny", {"rows": ROWS}), 7)


@pytest.fixture(scope="module")
def full() -> Rows:
    return FULL.rows(0, ROWS)


def thinned(task: str, share: float = SHARE) -> Sampler:
    return Sampler(load_population("tiny", {"rows": ROWS, "tasks": {task: {"kept": share}}}), 7)


THINNED = thinned("click")


@pytest.mark.parametrize("task", ["click", "checkout"])
def test_every_positive_and_a_share_of_the_negatives_of_the_full_log_stay(full: Rows, task: str) -> None:
    kept, label_N = thinned(task).rows(0, ROWS), full.labels_NT[:, FULL.tasks.index(task)]
    assert np.isin(_records(kept), _records(full)).all()
    assert np.isin(_records(full)[label_N == 1], _records(kept)).all()
    negatives = int((label_N == 0).sum())
    assert abs(len(kept.time_N) - label_N.sum() - SHARE * negatives) < SIGMAS * np.sqrt(SHARE * 0.8 * negatives)


def _records(rows: Rows) -> Any:
    """The ids of each row as one value."""
    return np.ascontiguousarray(rows.ids_NF).view([("", np.int64)] * rows.ids_NF.shape[1]).ravel()


@given(st.integers(0, ROWS - 1), st.integers(1, 5_000))
def test_what_is_kept_of_a_slice_does_not_hang_on_the_slice(first: int, size: int) -> None:
    last = min(first + size, ROWS)
    alone, ahead = THINNED.rows(first, last), THINNED.rows(0, last)
    for field in dataclasses.fields(Rows):
        value = getattr(ahead, field.name)
        assert np.array_equal(getattr(alone, field.name), value[len(value) - len(alone.time_N) :]), field.name


@pytest.mark.parametrize("task", ["click", "add_to_cart", "checkout", "sign_up", "engage"])
def test_labels_of_every_task_are_drawn_by_the_truth_of_the_rows_that_are_kept(task: str) -> None:
    kept = thinned(task).rows(0, ROWS)
    assert len(kept.time_N) < 0.6 * ROWS
    drawn_by_the_truth(kept)


FUNNELS = ([None], [None, 0, 1], [None, 0, 0, 1, None], [None, None, 1, 2, 1, 3])
"""The task that each is under."""


@given(st.sampled_from(FUNNELS), st.data())
def test_the_truth_is_that_of_all_outcomes_counted_one_by_one(under: list[int | None], data: st.DataObject) -> None:
    """Every set of labels of a row with its probability, those without the label times the share, and Bayes."""
    inner = st.floats(0.05, 0.95)
    given_above = [data.draw(inner) for _ in under]
    s, share = data.draw(st.integers(0, len(under) - 1)), data.draw(st.floats(0.01, 0.99))
    alone, after_N, total = np.empty(len(under)), np.zeros(len(under)), 0.0
    for t, above in enumerate(under):
        alone[t] = given_above[t] * (1.0 if above is None else alone[above])
    for labels in itertools.product((0, 1), repeat=len(under)):
        mass = _mass(labels, under, given_above) * (1.0 if labels[s] else share)
        total += mass
        after_N += mass * np.array(labels)
    population = _population(under, s, share)
    found = kept_truth(population, alone[None].astype(np.float32))[0]
    assert found == pytest.approx(after_N / total, rel=1e-5)


def _mass(labels: Sequence[int], under: Sequence[int | None], given_above: Sequence[float]) -> float:
    mass = 1.0
    for label, above, p in zip(labels, under, given_above, strict=True):
        p_here = p if above is None or labels[above] else 0.0
        mass *= p_here if label else 1 - p_here
    return mass


def _population(under: Sequence[int | None], s: int, share: float) -> Population:
    tasks = {
        f"t{t}": {"rate": 0.5 / (t + 1), "kept": share if t == s else 1.0}
        | ({} if above is None else {"under": f"t{above}"})
        for t, above in enumerate(under)
    }
    return Population.model_validate({"rows": 10**6, "fields": {"x": {"ids": 5}}, "tasks": tasks})


def test_built_data_say_what_was_kept(tmp_path: Path) -> None:
    values = {"preset": "tiny", "tasks": {"click": {"kept": SHARE}}}
    made = build(Registry().datasets, "data set", "powerlaw", values).build(generator(0, "data", "powerlaw"))
    assert made.kept == {"click": Kept(SHARE)}
    rows = [len(split.labels_NT) for split in (made.train, made.valid, made.test)]
    assert sum(rows) < 0.5 * 12_000


def test_kept_rows_are_written_and_counted(tmp_path: Path) -> None:
    preset = tmp_path / "thin.toml"
    text = (Path(__file__).parents[3] / "datasets/presets/tiny.toml").read_text()
    preset.write_text(text.replace("click = { rate = 0.3 }", f"click = {{ rate = 0.3, kept = {SHARE} }}"))
    console = Console(record=True, width=200)
    write_parquet(console, str(preset), tmp_path / "out", None, None, 0)
    rows = Sampler.drawn(load_population(str(preset)), 0).rows(0, 12_000)
    frame = pl.concat(pl.read_parquet(tmp_path / "out" / f"{part}.parquet") for part in ("train", "valid", "test"))
    assert np.array_equal(frame["click_truth"].to_numpy(), rows.truth_NT[:, rows_of("click")])
    assert f"{len(frame):,} rows" in console.export_text()


def rows_of(task: str) -> int:
    return FULL.tasks.index(task)


def test_two_thinned_tasks_and_too_few_negatives_are_refused() -> None:
    with pytest.raises(UserError, match="tasks engage, click have kept below 1; accepted: one task that has"):
        load_population("tiny", {"tasks": {"engage": {"kept": 0.5}, "click": {"kept": 0.5}}})
    with pytest.raises(UserError, match=r"give about 0.8 negatives in the smallest split; accepted: 10 or more"):
        load_population("tiny", {"tasks": {"click": {"kept": 0.001}}})

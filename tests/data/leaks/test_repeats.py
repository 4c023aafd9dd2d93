"""Training rows that training has once more, against the same ones found row by row."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine import store

from harness.api import Data, Kinds, ListField, Lists, NumberField, Split
from harness.data.leaks import repeats as module
from harness.data.leaks.repeats import MANY, repeats
from harness.data.leaks.twins import LEAST

KINDS = Kinds((NumberField("n", "none"),), (ListField("l"),))


def split(rng: np.random.Generator, rows: int, *, placed: bool) -> Split:
    """Of so few values that rows come again. placed: with times and groups."""
    length_N = rng.integers(0, 3, rows)
    return Split(
        ids_NF=rng.integers(0, 6, (rows, 2)),
        labels_NT=np.arange(rows)[:, None].astype(np.uint8) % 2,
        observed_NT=(rng.random((rows, 1)) < 0.8) | (np.arange(rows)[:, None] < 2),
        time_N=rng.integers(0, 4, rows) if placed else None,
        group_N=rng.integers(0, 3, rows) if placed else None,
        numbers_NP=rng.choice([np.nan, -0.0, 0.0], (rows, 1)).astype(np.float32),
        lists=(Lists(rng.integers(0, 2, length_N.sum()), length_N),),
    )


def expected(train: Split) -> tuple[float, float]:
    """share and alike."""
    ends = np.cumsum(train.lists[0].length_N)[:-1]
    assert train.numbers_NP is not None
    assert train.observed_NT is not None
    columns = [*train.ids_NF.T, np.isnan(train.numbers_NP[:, 0])]
    columns += [] if train.time_N is None or train.group_N is None else [train.time_N, train.group_N]
    at = defaultdict(list)
    for n, ids in enumerate(np.split(train.lists[0].values_M, ends)):
        at[(*(int(column[n]) for column in columns), tuple(ids.tolist()))].append(n)
    own, others = [], []
    for rows in (rows for rows in at.values() if 1 < len(rows) <= 1 + MANY):
        for n in rows:
            known = [int(train.labels_NT[k, 0]) for k in rows if train.observed_NT[k, 0] and k != n]
            if known and train.observed_NT[n, 0]:
                own.append(int(train.labels_NT[n, 0]))
                others.append(np.mean(known))
    base = (np.mean(own) + np.mean(others)) / 2
    product = ((np.array(own) - base) * (np.array(others) - base)).sum()
    extra = sum(len(rows) - 1 for rows in at.values() if len(rows) <= 1 + MANY)
    return extra / len(train.ids_NF), float(product / (len(own) * base * (1 - base)))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), placed=st.booleans())
def test_repeats_are_rows_that_come_again_at_one_time_and_in_one_group(seed: int, placed: bool) -> None:
    rng = np.random.default_rng(seed)
    train, valid, test = (split(rng, rows, placed=placed) for rows in (3000, 50, 50))
    with tempfile.TemporaryDirectory() as folder:
        found = repeats(store(Data(("a", "b"), ("x",), train, valid, test, kinds=KINDS), Path(folder) / "data"), 0.0)
    share, alike = expected(train)
    assert found is not None
    assert found.share == pytest.approx(share)
    assert found.alike.value == pytest.approx(alike)
    assert found.copies.value < 5 * found.copies.error, "labels are random"


def data(times: int, rows: int = 2000) -> Data:
    """So many copies of each row, the copies of one with its label."""
    rng = np.random.default_rng(0)
    at = np.repeat(np.arange(rows), times)
    label_NT = (rng.random((rows, 1)) < 0.3).astype(np.uint8)
    train = Split(ids_NF=rng.integers(0, 50, (rows, 2))[at], labels_NT=label_NT[at], time_N=at)
    held = replace(train, ids_NF=train.ids_NF[:100], labels_NT=train.labels_NT[:100], time_N=at[:100] + rows)
    return Data(("a", "b"), ("x",), train, held, held)


@pytest.mark.parametrize(("times", "told"), [(1, False), (2, True), (MANY + 1, True), (MANY + 2, False)])
def test_copies_are_known_up_to_so_many(tmp_path: Path, times: int, told: bool) -> None:
    found = repeats(store(data(times), tmp_path / "data"), 0.01)
    assert (found is not None) == told
    if found is not None:
        assert found.share == pytest.approx(1 - 1 / times)
        assert found.copies.value == pytest.approx(1)


def test_few_rows_tell_nothing(tmp_path: Path) -> None:
    assert repeats(store(data(2, LEAST // 2 - 1), tmp_path / "few"), 0.01) is None
    assert repeats(store(data(2, LEAST // 2), tmp_path / "more"), 0.01) is not None


def test_of_many_rows_evenly_spaced_ones_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = store(data(2), tmp_path / "data")
    every = repeats(stored, 0.01)
    monkeypatch.setattr(module, "ROWS", 500)
    some = repeats(stored, 0.01)
    assert every is not None
    assert some is not None
    assert some.share == every.share == pytest.approx(0.5)
    assert some.alike.error > 2 * every.alike.error

"""Rows that training has as well, against the same ones found row by row."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine import store

from harness.api import Data, Kinds, ListField, Lists, NumberField, Split
from harness.data.estimate import Estimate
from harness.data.leaks import twins as module
from harness.data.leaks.twins import FEW, Twins, twins

KINDS = Kinds((NumberField("n", "none"),), (ListField("l"),))
Row = tuple[object, ...]


def split(seed: int, rows: int, values: int) -> Split:
    """Ids, numbers that may be missing, -0 or 0, and lists that may be empty, of so few values that rows come again."""
    rng = np.random.default_rng(seed)
    length_N = rng.integers(0, 3, rows)
    labels_NT = (rng.random((rows, 2)) < 0.4).astype(np.uint8)
    labels_NT[:2] = [[0, 0], [1, 1]]
    observed_NT = rng.random((rows, 2)) < 0.8
    observed_NT[:2] = True
    return Split(
        ids_NF=rng.integers(0, values, (rows, 2)),
        labels_NT=labels_NT,
        observed_NT=observed_NT,
        time_N=np.arange(rows),
        numbers_NP=rng.choice([np.nan, -0.0, 0.0, 1.5], (rows, 1)).astype(np.float32),
        lists=(Lists(rng.integers(0, 2, length_N.sum()), length_N),),
    )


def rows_of(part: Split) -> list[Row]:
    lists = part.lists[0]
    values = np.split(lists.values_M, np.cumsum(lists.length_N)[:-1])
    assert part.numbers_NP is not None
    number = [None if np.isnan(n) else float(n) + 0.0 for n in part.numbers_NP[:, 0]]
    ids = [*part.ids_NF.T.tolist(), number, [tuple(each.tolist()) for each in values]]
    return list(zip(*ids, strict=True))


def expected(train: Split, held: list[Split]) -> tuple[float, float]:
    """share and alike."""
    at = defaultdict(list)
    for n, row in enumerate(rows_of(train)):
        at[row].append(n)
    pairs = [(part, n, at[row]) for part in held for n, row in enumerate(rows_of(part))]
    seen = [(part, n, same) for part, n, same in pairs if 1 <= len(same) <= FEW]
    product = scale = 0.0
    for t in range(2):
        own, others = [], []
        for part, n, same in seen:
            assert train.observed_NT is not None
            assert part.observed_NT is not None
            known = [int(train.labels_NT[k, t]) for k in same if train.observed_NT[k, t]]
            if known and part.observed_NT[n, t]:
                own.append(int(part.labels_NT[n, t]))
                others.append(np.mean(known))
        base = (np.mean(own) + np.mean(others)) / 2
        product += float(((np.array(own) - base) * (np.array(others) - base)).sum())
        scale += float(len(own) * base * (1 - base))
    return len(seen) / len(pairs), product / scale


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([8, 15]))
def test_twins_are_the_rows_with_the_same_fields_whatever_their_time(seed: int, values: int) -> None:
    train, valid, test = split(seed, 2000, values), split(seed + 1, 900, values), split(seed + 2, 700, values)
    with tempfile.TemporaryDirectory() as folder:
        found = twins(store(Data(("a", "b"), ("x", "y"), train, valid, test, kinds=KINDS), Path(folder) / "data"), 0.0)
    share, alike = expected(train, [valid, test])
    assert found is not None
    assert found.share == pytest.approx(share)
    assert found.alike.value == pytest.approx(alike)
    assert abs(found.copies.value) < 5 * found.copies.error, "labels are random"


def test_what_rows_have_in_common_but_for_one_field_is_what_copies_are_held_against(tmp_path: Path) -> None:
    """The label is that of an id, whatever the other fields are: rows with the same fields agree, and so do others."""
    parts = []
    for rows in (4000, 1000, 1000):
        rng = np.random.default_rng(rows)
        ids_NF = np.column_stack([rng.integers(0, 300, rows), rng.integers(0, 12, rows), rng.integers(0, 3, rows)])
        parts.append(Split(ids_NF=ids_NF, labels_NT=(ids_NF[:, :1] % 3 == 0).astype(np.uint8)))
    found = twins(store(Data(("a", "b", "c"), ("x",), *parts), tmp_path / "data"), 0.0)
    assert found is not None
    assert found.share > 0.2
    assert found.alike.value == pytest.approx(1)
    assert found.apart == pytest.approx(1)
    assert abs(found.copies.value) < found.copies.error


def test_the_share_of_copies_is_how_far_agreement_is_on_the_way_to_one() -> None:
    found = Twins(0.3, Estimate(0.55, 0.02), 0.5).copies
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(0.04)
    none = Twins(0.3, Estimate(1.0, 0.02), 1.0).copies
    assert (none.value, none.error > 1) == (0.0, True)


def test_of_many_held_out_rows_evenly_spaced_ones_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = store(Data(("a", "b"), ("x", "y"), *(split(s, 3000, 15) for s in range(3)), kinds=KINDS), tmp_path / "data")
    every = twins(data, 0.0)
    monkeypatch.setattr(module, "HELD_ROWS", 1500)
    some = twins(data, 0.0)
    assert every is not None
    assert some is not None
    assert some != every
    assert some.share == pytest.approx(every.share, abs=4 * np.sqrt(0.25 / 1500))

"""The numbers that the checks read, against the same ones counted row by row."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from support.engine import store

from harness.api import Data, Split
from harness.data.leaks import tallies as module
from harness.data.leaks.evidence import SMOOTHING, auc_of_ids, evidence, likeness, smoothed_means
from harness.data.leaks.tallies import Tally, What, tallies
from harness.data.profile.statistics import delong
from harness.data.validation import SPLITS

LABELS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=4, max_size=60)


def counted(rows: list[tuple[int, int]]) -> np.ndarray:
    labels_V2 = np.zeros((6, 2), np.int64)
    for identity, label in rows:
        labels_V2[identity, label] += 1
    return labels_V2


def split(rng: np.random.Generator, rows: int, **more: object) -> Split:
    labels_NT = (rng.random((rows, 2)) < 0.5).astype(np.uint8)
    labels_NT[0], labels_NT[1] = 0, 1
    observed_NT = rng.random((rows, 2)) < 0.7
    observed_NT[:2] = True
    ids_NF = np.column_stack([rng.integers(-3, 9, rows), rng.integers(0, 2**40, rows)])
    return Split(ids_NF=ids_NF, labels_NT=labels_NT, observed_NT=observed_NT, **more)  # type: ignore[arg-type]


def columns_of(part: Split) -> dict[str, np.ndarray]:
    groups = {} if part.group_N is None else {"group": part.group_N}
    return {"a": part.ids_NF[:, 0], "b": part.ids_NF[:, 1]} | groups


def counted_by_hand(ids_N: np.ndarray, label_N: np.ndarray) -> list[tuple[int, int]]:
    """How many labels of each id are 0 and 1, in ascending order."""
    return sorted((int((label_N[ids_N == i] == 0).sum()), int(label_N[ids_N == i].sum())) for i in set(ids_N.tolist()))


@given(LABELS, st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75]), min_size=6, max_size=6))
def test_the_auc_of_ids_is_that_of_their_rows(rows: list[tuple[int, int]], score: list[float]) -> None:
    ids, labels = np.array(rows).T
    if len(set(labels)) < 2:
        return
    found, score_V = auc_of_ids(np.array(score), counted(rows)), np.array(score)
    assert found.value == pytest.approx(roc_auc_score(labels, score_V[ids]))
    enough = labels.sum(), (1 - labels).sum()
    expected = delong(score_V[ids], labels).error
    if min(enough) > 1:
        assert found.error <= expected + 1e-12 <= found.error * np.sqrt(min(enough) / (min(enough) - 1)) + 2e-12


@given(LABELS)
def test_likeness_is_the_mean_product_of_pairs_of_one_id(rows: list[tuple[int, int]]) -> None:
    labels_V2 = counted(rows)
    several = labels_V2[labels_V2.sum(axis=1) > 1]
    base = several[:, 1].sum() / max(several.sum(), 1)
    if not 0 < base < 1:
        assert likeness(several).value == 0
        return
    total = 0.0
    for zeros, ones in several.tolist():
        z = [0 - base] * zeros + [1 - base] * ones
        total += len(z) * np.mean([a * b for a, b in combinations(z, 2)])
    assert likeness(several).value == pytest.approx(total / several.sum() / (base * (1 - base)))


def test_copies_are_alike_and_one_of_two_excludes_the_other() -> None:
    assert likeness(np.array([[2, 0], [0, 2], [0, 2], [2, 0]])).value == pytest.approx(1)
    assert likeness(np.array([[1, 1]] * 9)).value == pytest.approx(-1)


def test_the_mean_label_of_an_id_is_drawn_to_the_base_rate() -> None:
    found = smoothed_means(np.array([[0, 0], [1, 1], [8, 0]]))
    assert found.tolist() == pytest.approx(
        [0.1, (1 + SMOOTHING * 0.1) / (2 + SMOOTHING), SMOOTHING * 0.1 / (8 + SMOOTHING)]
    )


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.booleans(), st.booleans(), st.booleans())
def test_tallies_count_every_known_label_once(seed: int, timed: bool, grouped: bool, anew: bool) -> None:
    """Whether ids are counted by their codes or coded anew."""
    rng = np.random.default_rng(seed)
    times = np.split(np.sort(rng.integers(0, 1000, 100)), [60, 80])
    parts = [
        split(
            rng,
            len(time_N),
            time_N=time_N if timed else None,
            group_N=rng.integers(0, 7, len(time_N)) if grouped else None,
        )
        for time_N in times
    ]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_IDS", 5 if anew else 1 << 24)
        found = list(tallies(store(Data(("a", "b"), ("x", "y"), *parts), Path(folder) / "data")))
    assert [(t.column, t.task, t.what) for t in found] == [
        (column, task, What.GROUPS if column == "group" else What.IDS)
        for column in ("a", "b", *(["group"] if grouped else []))
        for task in ("x", "y")
    ]
    for tally in found:
        t = ("x", "y").index(tally.task)
        known = [p.observed_NT[:, t] for p in parts if p.observed_NT is not None]
        labels = [p.labels_NT[k, t] for p, k in zip(parts, known, strict=True)]
        ids = [columns_of(p)[tally.column][k] for p, k in zip(parts, known, strict=True)]
        for name, label_N in zip(SPLITS, labels, strict=True):
            assert tally.labels_V2[name].sum(axis=0).tolist() == [(label_N == 0).sum(), (label_N == 1).sum()]
        everywhere = np.sum([tally.labels_V2[name] for name in SPLITS], axis=0)
        by_id = sorted(map(tuple, everywhere[everywhere.any(axis=1)].tolist()))
        assert by_id == counted_by_hand(np.concatenate(ids), np.concatenate(labels))
        assert ("before" in tally.labels_V2) is (timed and bool(times[0].max() <= times[1].min()))


def test_groups_that_are_a_field_under_other_names_are_counted_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = [split(rng, 50) for _ in range(3)]
    same = [Split(ids_NF=p.ids_NF, labels_NT=p.labels_NT, group_N=100 - 7 * p.ids_NF[:, 0]) for p in parts]
    found = tallies(store(Data(("a", "b"), ("x", "y"), *same), tmp_path / "data"))
    assert {tally.column for tally in found} == {"a", "b"}


def test_rows_beside_the_cut_tell_whether_labels_look_past_it() -> None:
    """Ids 0 and 1 come again after the cut; before it their labels are 1, earlier they were not."""
    nothing = np.zeros((4, 2), np.int64)
    before = np.array([[0, 3], [0, 2], [4, 1], [0, 0]])
    after = np.array([[1, 0], [0, 1], [0, 0], [2, 2]])
    train = before + np.array([[6, 4], [0, 0], [6, 4], [0, 0]])
    parts = {"train": train, "valid": after, "test": nothing, "before": before, "after": after}
    found = evidence(Tally("user", What.IDS, "x", parts)).returning
    assert found is not None
    assert (found.again, found.others, found.rows) == (1.0, 0.2, 5)
    assert found.difference.value == pytest.approx(0.8)
    assert found.earlier == pytest.approx(0)

"""Fields by period, against sets of ids counted in Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.engine import make_split, store

from harness.api import Data, Kinds, ListField, Lists, NumberField, Split
from harness.data.profile import lookups, periods
from harness.data.profile.timeline import timeline

DAY, DAYS = 86_400, 10


def split(rng: np.random.Generator, first: int, days: int, rows: int) -> Split:
    """New users come every day, and a number that climbs."""
    day_N = np.sort(rng.integers(first, first + days, rows))
    ids_NF = np.stack([rng.integers(0, 30 * (day_N + 1)), rng.integers(0, 5, rows)], axis=1)
    length_N = rng.integers(0, 4, rows)
    lists = (Lists(rng.integers(0, 400, length_N.sum()), length_N),)
    numbers_NP = (day_N[:, None] + rng.normal(0, 0.5, (rows, 1))).astype(np.float32)
    return make_split(rng, ids_NF, time_N=day_N * DAY, lists=lists, numbers_NP=numbers_NP)


@pytest.fixture(scope="module")
def data() -> Data:
    rng = np.random.default_rng(5)
    parts = split(rng, 0, 7, 900), split(rng, 7, 1, 100), split(rng, 8, 2, 200)
    kinds = Kinds((NumberField("price"),), (ListField("history"),), {"history": "user"})
    return Data(("user", "hour"), ("click", "buy"), *parts, kinds=kinds)


def ids_of(part: Split, name: str) -> list[tuple[int, int]]:
    """Day and id of every lookup."""
    assert part.time_N is not None
    day_N = (part.time_N // DAY).tolist()
    if name == "history":
        (found,) = part.lists
        days = np.repeat(day_N, found.length_N).tolist()
        return list(zip(days, found.values_M.tolist(), strict=True))
    return list(zip(day_N, part.ids_NF[:, 0 if name == "user" else 1].tolist(), strict=True))


@pytest.mark.parametrize("size", [1 << 19, 70])
def test_shares_are_those_of_sets(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Whole splits at once, and in blocks."""
    monkeypatch.setattr(lookups, "BLOCK", size)
    monkeypatch.setattr(lookups, "LIST_BLOCK", size)
    stored = store(data, tmp_path / "data")
    found = {field.name: field for field in timeline(stored, periods.cut(stored))}
    tables = {"user": ("user", "history"), "history": ("user", "history"), "hour": ("hour",)}
    for name, fields in tables.items():
        trained = [pair for field in fields for pair in ids_of(data.train, field)]
        ever, seen = {i for _, i in trained}, set[int]()
        for day in range(DAYS):
            today = [i for d, i in ids_of(data.train, name) if d == day]
            held = [i for part in (data.valid, data.test) for d, i in ids_of(part, name) if d == day]
            fresh = np.mean([i not in seen for i in today]) if today else None
            unseen = np.mean([i not in ever for i in held]) if held else None
            assert found[name].fresh[day] == (fresh if fresh is None else pytest.approx(fresh, abs=1e-5))
            assert found[name].unseen[day] == (unseen if unseen is None else pytest.approx(unseen, abs=1e-5))
            seen |= {i for d, i in trained if d == day}
            grown = pytest.approx(len(seen) / len(ever), abs=1e-5) if day < 7 else None
            assert found[name].grown[day] == grown
        assert found[name].never_seen == (None, *found[name].fresh[1:7], *found[name].unseen[7:])
        assert found[name].ids == len(ever)


def test_what_moves_drifts_and_what_does_not_stays(data: Data, tmp_path: Path) -> None:
    stored = store(data, tmp_path / "data")
    last = {field.name: field.drift[-1] or 0.0 for field in timeline(stored, periods.cut(stored))}
    assert last["price"] > 0.9
    assert last["user"] > 0.2
    assert last["hour"] < 0.03
    assert last["history"] < 0.05


def test_a_missing_number_has_a_bin_of_its_own(data: Data, tmp_path: Path) -> None:
    numbers = [(data.train, 1), (data.valid, 1), (data.test, np.nan)]
    train, valid, test = (
        dataclasses.replace(each, numbers_NP=np.full((len(each.ids_NF), 1), number, np.float32))
        for each, number in numbers
    )
    stored = store(dataclasses.replace(data, train=train, valid=valid, test=test), tmp_path / "data")
    price = next(field for field in timeline(stored, periods.cut(stored)) if field.name == "price")
    assert price.drift[-3] == 0
    assert price.drift[-1] == pytest.approx(1, abs=0.02)

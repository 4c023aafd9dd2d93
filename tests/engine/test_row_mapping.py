"""From coded ids to rows: vocabularies, hashing, filters, and what a later stage learns of an earlier one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from support.engine import id_counts, make_data, store, strategy_of

from harness.api import Encoder, FieldStats, Generator, Ints, Strategy, UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.row_mapping import RowMapping, map_rows
from harness.plugins.registry import Registry

COMPOSITIONS: list[list[tuple[str, dict[str, object]]]] = [
    [("none", {})],
    [("hashing", {"ratio": 0.05})],
    [("hashing", {"ratio": 0.05, "hashes": 2})],
    [("hashing", {"ratio": 0.05, "hashes": 2, "second": "quotient"})],
    [("low_frequency_filter", {"min_count": 3})],
    [("low_frequency_filter", {"min_count": 2}), ("hashing", {"ratio": 0.2})],
    [("hashing", {"ratio": 0.5, "hashes": 2}), ("low_frequency_filter", {"min_count": 5})],
    [("hashing", {"ratio": 0.5, "hashes": 2}), ("hashing", {"ratio": 0.5, "hashes": 2, "min_ids": 5})],
]


class Spy(Strategy):
    """Keeps the statistics it is shown, and changes nothing."""

    name = "spy"

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        SEEN[stats.name] = stats
        return None


SEEN: dict[str, FieldStats] = {}


@pytest.fixture(scope="module")
def skewed(tmp_path_factory: pytest.TempPathFactory) -> IndexedDataset:
    """Two fields of 400 and 40 ids with a long tail, the same raw ids in both; validation holds unseen ones."""
    rng = np.random.default_rng(0)
    train = np.stack([np.minimum(rng.geometric(p, 3000), top) for p, top in ((0.01, 400), (0.1, 40))], axis=1)
    valid = rng.integers(0, 600, (500, 2))
    return store(make_data(train * 7919 - 1000, valid * 7919 - 1000), tmp_path_factory.mktemp("skewed") / "data")


def strategies(registry: Registry, parts: list[tuple[str, dict[str, object]]]) -> list[Strategy]:
    return [strategy_of(registry, name, **params) for name, params in parts]


def rows_of_field(dataset: IndexedDataset, mapping: RowMapping, f: int) -> dict[int, tuple[int, ...]]:
    """Raw id -> its rows within the field's table, by way of the lookup that training uses."""
    start = sum(len(ids) for ids in dataset.ids_V[:f])
    codes_BF = torch.zeros((len(dataset.ids_V[f]), len(dataset.fields)), dtype=torch.int32)
    codes_BF[:, f] = torch.arange(start, start + len(codes_BF), dtype=torch.int32)
    rows = mapping.ids_BC(codes_BF)[:, mapping.columns.slot_C == f] - mapping.fields[f].offset
    return {int(i): tuple(r) for i, r in zip(dataset.ids_V[f], rows.tolist(), strict=True)}


def raw_counts(dataset: IndexedDataset, f: int) -> dict[int, int]:
    return id_counts(np.concatenate(dataset.ids_V)[dataset.train.codes_NF[:, f]])


def test_none_gives_each_training_id_its_own_row_and_the_rest_row_0(skewed: IndexedDataset, registry: Registry) -> None:
    mapping = map_rows(skewed, strategies(registry, [("none", {})]), seed=0)
    for f, table in enumerate(mapping.fields):
        counts, rows = raw_counts(skewed, f), rows_of_field(skewed, mapping, f)
        assert table.num_rows == len(counts) + 1
        assert table.train_ids == len(counts)
        assert sorted(rows[i][0] for i in counts) == list(range(1, len(counts) + 1))
        unseen = rows.keys() - counts.keys()
        assert unseen
        assert {rows[i] for i in unseen} == {(0,)}
        count_R = mapping.train_count_R[table.offset : table.offset + table.num_rows].tolist()
        assert count_R[0] == 0
        assert {i: count_R[rows[i][0]] for i in counts} == counts


@pytest.mark.parametrize("parts", COMPOSITIONS, ids=lambda parts: "+".join(name for name, _ in parts))
def test_rows_stay_in_their_field_and_train_counts_are_those_of_one_pass(
    parts: list[tuple[str, dict[str, object]]], skewed: IndexedDataset, registry: Registry
) -> None:
    mapping = map_rows(skewed, strategies(registry, parts), seed=0)
    ends = np.cumsum([t.num_rows for t in mapping.fields])
    assert [t.offset for t in mapping.fields] == [0, *ends[:-1]]
    assert mapping.num_rows == ends[-1]
    rows_NC = mapping.ids_BC(torch.from_numpy(np.array(skewed.train.codes_NF)))
    assert rows_NC.dtype == torch.int32
    for c, f in enumerate(mapping.columns.slot_C.tolist()):
        table = mapping.fields[f]
        assert rows_NC[:, c].min() >= table.offset
        assert rows_NC[:, c].max() < table.offset + table.num_rows
    counted = torch.bincount(rows_NC.reshape(-1).long(), minlength=mapping.num_rows)
    assert torch.equal(counted, mapping.train_count_R.long())
    assert mapping.train_count_R.dtype == torch.int32


def test_hashing_makes_ratio_times_the_training_ids_and_spreads_them_evenly(registry: Registry, tmp_path: Path) -> None:
    ids = np.arange(4000)[:, None] * np.array([[1, 1]])  # consecutive, and the same in both fields
    dataset = store(make_data(ids, ids + 2000), tmp_path / "data")
    mapping = map_rows(dataset, strategies(registry, [("hashing", {"ratio": 0.05})]), seed=0)
    maps = [rows_of_field(dataset, mapping, f) for f in (0, 1)]
    assert [t.num_rows for t in mapping.fields] == [200, 200]
    for rows in maps:
        for part in (range(4000), range(4000, 6000)):  # seen in training, and not
            load = np.bincount([rows[i][0] for i in part], minlength=200)
            chi2 = ((load - load.mean()) ** 2 / load.mean()).sum()
            assert abs(chi2 - 199) < 5 * np.sqrt(2 * 199)  # five standard deviations of chi-square with 199 degrees
    # salted per field: two independent maps agree on 1 id in 200; five standard deviations of that binomial
    agree = sum(maps[0][i] == maps[1][i] for i in range(4000))
    assert abs(agree - 20) < 5 * np.sqrt(20)


def test_hashing_leaves_small_fields_alone(skewed: IndexedDataset, registry: Registry) -> None:
    plain = map_rows(skewed, strategies(registry, [("none", {})]), seed=0)
    mapping = map_rows(skewed, strategies(registry, [("hashing", {"ratio": 0.1, "min_ids": 100})]), seed=0)
    assert mapping.fields[0].num_rows == -(-len(raw_counts(skewed, 0)) // 10)
    assert mapping.fields[1].num_rows == plain.fields[1].num_rows
    assert rows_of_field(skewed, mapping, 1) == rows_of_field(skewed, plain, 1)


def test_two_hashes_keep_ids_apart_that_one_merges(skewed: IndexedDataset, registry: Registry) -> None:
    one = map_rows(skewed, strategies(registry, [("hashing", {"ratio": 0.2})]), seed=0)
    two = map_rows(skewed, strategies(registry, [("hashing", {"ratio": 0.2, "hashes": 2})]), seed=0)
    assert two.columns.pick_C.tolist() == [0, 1, 2]  # the small field has one row per id; its second place is padding
    assert two.columns.slot_C.tolist() == [0, 0, 1]
    ids = raw_counts(skewed, 0)
    distinct = [len({tuple(sorted(rows_of_field(skewed, e, 0)[i])) for i in ids}) for e in (one, two)]
    assert distinct[0] <= one.fields[0].num_rows
    # of U ids on B (B + 1) / 2 unordered pairs, about U^2 / B^2 collide
    assert distinct[1] > len(ids) - 5 * len(ids) ** 2 / one.fields[0].num_rows ** 2


def test_quotient_and_remainder_give_every_training_id_a_pair_of_its_own(
    skewed: IndexedDataset, registry: Registry
) -> None:
    params: dict[str, object] = {"ratio": 0.1, "hashes": 2, "second": "quotient"}
    mapping = map_rows(skewed, strategies(registry, [("hashing", params)]), seed=0)
    ids = raw_counts(skewed, 0)
    buckets = -(-len(ids) // 10)
    quotients = -(-len(ids) // buckets)
    assert mapping.fields[0].num_rows == buckets + quotients
    pairs = list(rows_of_field(skewed, mapping, 0).values())
    assert all(0 <= r < buckets <= q < buckets + quotients for r, q in pairs)
    known = rows_of_field(skewed, mapping, 0)
    assert len({known[i] for i in ids}) == len(ids)


@pytest.mark.parametrize("min_count", [2, 5, 10**2])
def test_filter_sends_rare_ids_to_row_0_and_keeps_the_rest_apart(
    min_count: int, skewed: IndexedDataset, registry: Registry
) -> None:
    mapping = map_rows(skewed, strategies(registry, [("low_frequency_filter", {"min_count": min_count})]), seed=0)
    for f, table in enumerate(mapping.fields):
        counts, rows = raw_counts(skewed, f), rows_of_field(skewed, mapping, f)
        kept = {i for i, n in counts.items() if n >= min_count}
        assert table.num_rows == len(kept) + 1
        assert sorted(rows[i][0] for i in kept) == list(range(1, len(kept) + 1))
        assert {rows[i] for i in rows.keys() - kept} == {(0,)}
        dropped = sum(n for n in counts.values() if n < min_count)
        assert mapping.train_count_R[table.offset] == dropped


def test_filter_keeps_the_most_frequent_share(skewed: IndexedDataset, registry: Registry) -> None:
    keep = {"min_count": 1, "keep": 0.25, "min_ids": 1}
    mapping = map_rows(skewed, strategies(registry, [("low_frequency_filter", dict(keep))]), seed=0)
    for f, table in enumerate(mapping.fields):
        counts, rows = raw_counts(skewed, f), rows_of_field(skewed, mapping, f)
        kept = [n for i, n in counts.items() if rows[i] != (0,)]
        assert len(kept) == round(0.25 * len(counts)) == table.num_rows - 1
        assert sorted(kept) == sorted(counts.values())[-len(kept) :]


def test_a_share_of_the_most_frequent_leaves_small_fields_whole(skewed: IndexedDataset, registry: Registry) -> None:
    share = map_rows(skewed, strategies(registry, [("low_frequency_filter", {"min_count": 1, "keep": 0.25})]), seed=0)
    sizes = [len(raw_counts(skewed, f)) for f in range(len(share.fields))]
    assert min(sizes) < 100 <= max(sizes)
    assert [t.num_rows - 1 for t in share.fields] == [n if n < 100 else round(0.25 * n) for n in sizes]


@pytest.mark.parametrize("parts", COMPOSITIONS, ids=lambda parts: "+".join(name for name, _ in parts))
def test_the_shared_rows_are_those_of_ids_that_training_lacks(
    skewed: IndexedDataset, registry: Registry, parts: list[tuple[str, dict[str, object]]]
) -> None:
    """After a hash alone there are none; a filter after it has one for its rare rows."""
    mapping = map_rows(skewed, strategies(registry, parts), seed=4)
    names, field, shared_rows = [name for name, _ in parts], mapping.fields[0], mapping.shared[0]
    if names[-1] in ("none", "low_frequency_filter"):
        assert shared_rows.tolist() == [field.offset]
    assert len(shared_rows) == (0 if set(names) == {"hashing"} else 1)
    if "hashing" not in names or names[0] == "low_frequency_filter":
        rows = rows_of_field(skewed, mapping, 0)
        unseen = skewed.ids_V[0][skewed.count_V[0] == 0]
        assert {row + field.offset for identity in unseen for row in rows[identity]} == set(shared_rows.tolist())


def test_neutral_filter_is_the_plain_vocabulary(skewed: IndexedDataset, registry: Registry) -> None:
    plain = map_rows(skewed, strategies(registry, [("none", {})]), seed=0)
    neutral = map_rows(skewed, strategies(registry, [("low_frequency_filter", {"min_count": 1})]), seed=0)
    assert torch.equal(plain.remap_VH, neutral.remap_VH)
    assert torch.equal(plain.train_count_R, neutral.train_count_R)
    assert plain.fields == neutral.fields


@pytest.mark.parametrize("parts", COMPOSITIONS, ids=lambda parts: "+".join(name for name, _ in parts))
def test_the_next_stage_sees_counts_recounted_on_the_rows_before_it(
    parts: list[tuple[str, dict[str, object]]], skewed: IndexedDataset, registry: Registry
) -> None:
    SEEN.clear()
    stages = strategies(registry, parts)
    mapping = map_rows(skewed, [*stages, Spy()], seed=0)
    for f, name in enumerate(skewed.fields):
        counts, rows = raw_counts(skewed, f), rows_of_field(skewed, mapping, f)
        plain = FieldStats(name, np.array(sorted(counts)), np.array([counts[i] for i in sorted(counts)]))
        encoded = any(s.encoder(plain, np.random.default_rng(0)) is not None for s in stages)
        expected: dict[int, int] = {}
        for raw, n in counts.items():
            for row in rows[raw] if encoded else (raw,):
                expected[row] = expected.get(row, 0) + n
        assert SEEN[name].ids_U.tolist() == sorted(expected)
        assert SEEN[name].count_U.tolist() == [expected[i] for i in sorted(expected)]


def test_statistics_do_not_depend_on_validation_or_test_data(registry: Registry, tmp_path: Path) -> None:
    train = np.random.default_rng(0).integers(0, 30, (200, 2))
    seen = []
    for part, valid in enumerate((train[:20], train[:20] + 15, train[:20] * 0 - 1)):
        SEEN.clear()
        map_rows(store(make_data(train, valid), tmp_path / str(part)), [Spy()], seed=0)
        seen.append({name: (s.ids_U.tolist(), s.count_U.tolist()) for name, s in SEEN.items()})
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["field1"][0] == np.unique(train[:, 1]).tolist()


def test_a_hash_depends_on_the_seed_and_on_nothing_else(skewed: IndexedDataset, registry: Registry) -> None:
    hashed = strategies(registry, [("hashing", {"ratio": 0.5})])
    first, again, other = (map_rows(skewed, hashed, seed).remap_VH for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rows_outside_the_table_are_refused(skewed: IndexedDataset) -> None:
    class Overflow(Strategy):
        name = "overflow"

        def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
            def rows_of(ids: Ints) -> Ints:
                return np.full(len(ids), 3)

            return Encoder(3, rows_of)

    class Beyond(Strategy):
        name = "beyond"

        def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
            return Encoder(3, np.zeros_like, shared_row=3)

    class Odd(Strategy):
        name = "odd"
        rows: ClassVar[Callable[[Ints], Any]]

        def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
            return Encoder(3, type(self).rows)

    odd: list[Callable[[Ints], Any]] = [
        lambda ids: np.zeros((2, len(ids)), np.int64), lambda ids: np.zeros(2 * len(ids), np.int64),
        lambda ids: np.zeros((len(ids), 1, 1), np.int64), lambda ids: np.zeros(len(ids)), lambda ids: 0,
    ]  # fmt: skip
    for Odd.rows in odd:
        with pytest.raises(
            UserError, match=r"'odd': encoder of field 'field0' gives rows of shape .*; accepted: integ"
        ):
            map_rows(skewed, [Odd()], seed=0)
    with pytest.raises(UserError, match="'overflow': encoder of field 'field0' gives rows 3 to 3; accepted: 0 to 2"):
        map_rows(skewed, [Overflow()], seed=0)
    with pytest.raises(UserError, match="'beyond': encoder of field 'field0' gives rows 3 to 3; accepted: 0 to 2"):
        map_rows(skewed, [Beyond()], seed=0)

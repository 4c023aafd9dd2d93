"""Numbers, lists and sequences in the tables: parity with plain torch, and touches counted one by one."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import store, strategy_of, train_records
from torch import Tensor

from harness.api import (
    Data,
    Encoder,
    FieldStats,
    Generator,
    Kinds,
    ListField,
    Lists,
    NumberField,
    Split,
    Strategy,
    TableSpec,
    UserError,
)  # fmt: skip
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batches import Batches, DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.row_mapping import map_rows
from harness.plugins.registry import Registry

ROWS, LONGEST = 40, 4
KINDS = Kinds(
    numbers=(NumberField("price", scale="none"),),
    lists=(
        ListField("tags", longest=LONGEST),
        ListField("words", longest=LONGEST, pool="sum"),
        ListField("seen", longest=LONGEST, ordered=True),
    ),
    shares={"seen": "item"},
)
CPU = torch.device("cpu")
Attention: Any = vars(sys.modules[Registry().models["din"].cls.__module__])["Attention"]


def random_lists(rng: Generator, rows: int, ids: int, *, weighted: bool = False, overlap: bool = False) -> Lists:
    """Lists of 0 to 6 ids, of which some are longer than what counts."""
    length_N = rng.integers(0, 7, rows)
    values = int(length_N.sum()) + 6
    begin_N = rng.integers(0, values - length_N + 1) if overlap else None
    weight_M = rng.random(values).astype(np.float32) if weighted else None
    return Lists(rng.integers(0, ids, values), length_N, begin_N, weight_M)


def make_split(rng: Generator, rows: int = ROWS) -> Split:
    number_NP = rng.standard_normal((rows, 1)).astype(np.float32)
    number_NP[rng.random((rows, 1)) < 0.3] = np.nan
    return Split(
        ids_NF=rng.integers(0, 9, (rows, 2)),
        labels_NT=(np.arange(rows) % 2).astype(np.uint8)[:, None],
        numbers_NP=number_NP,
        lists=(
            random_lists(rng, rows, 12, weighted=True),
            random_lists(rng, rows, 5),
            random_lists(rng, rows, 9, overlap=True),
        ),
    )


def make_data(seed: int, kinds: Kinds = KINDS) -> Data:
    rng = np.random.default_rng(seed)
    return Data(("user", "item"), ("click",), *(make_split(rng) for _ in range(3)), kinds=kinds)


def counted(field: ListField, lists: Lists, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The ids of an example that count, and their weights, by slicing alone."""
    begin, length = int(lists.begins()[n]), int(lists.length_N[n])
    at = np.arange(begin, begin + length)
    at = at[-field.longest :] if field.ordered and length > field.longest else at[: field.longest]
    return lists.values_M[at], np.ones(len(at), np.float32) if lists.weight_M is None else lists.weight_M[at]


class Pairs(Strategy):
    """Two rows per id, as a hashing strategy may give."""

    name = "pairs"

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        return Encoder(11, lambda ids_M: np.stack([ids_M % 5, 5 + ids_M % 6], axis=1))


def reference(
    dataset: IndexedDataset, split: Split, weight_RD: Tensor, tables: EmbeddingTables, *, hashed: bool
) -> Tensor:
    """What the net reads of every example, field by field and id by id, sequences averaged."""
    offset = {field.name: field.offset for field in tables.fields}

    def of_id(table: str, raw: int) -> Tensor:
        if hashed:
            return weight_RD[offset[table] + raw % 5] + weight_RD[offset[table] + 5 + raw % 6]
        t = dataset.tables.index(table)
        known = dataset.ids_V[t][dataset.count_V[t] > 0]
        found = np.flatnonzero(known == raw)
        return weight_RD[offset[table] + (1 + int(found[0]) if len(found) else 0)]

    out = []
    for n in range(len(split.ids_NF)):
        vectors = [of_id(name, int(split.ids_NF[n, f])) for f, name in enumerate(dataset.fields)]
        for field, lists in zip(KINDS.lists, split.lists, strict=True):
            ids, weights = counted(field, lists, n)
            table = KINDS.table_of(field.name)
            total = sum((w * of_id(table, int(i)) for i, w in zip(ids, weights, strict=True)), torch.zeros(3))
            vectors.append(total / float(weights.sum()) if field.pool == "mean" and weights.sum() > 0 else total)
        assert split.numbers_NP is not None
        number, numbers_at = float(split.numbers_NP[n, 0]), len(weight_RD) - 2
        vectors.append(weight_RD[numbers_at] if np.isnan(number) else number * weight_RD[numbers_at + 1])
        out.append(torch.stack(vectors))
    return torch.stack(out)


@pytest.mark.parametrize("hashed", [False, True], ids=["one row", "two rows"])
@pytest.mark.parametrize("compiled", [False, True], ids=["torch", "compiled"])
def test_lookup_and_gradient_are_those_of_plain_torch(hashed: bool, compiled: bool, tmp_path: Path) -> None:
    data = make_data(1)
    dataset = store(data, tmp_path / "data")
    strategies = [Pairs()] if hashed else []
    mapping = map_rows(dataset, strategies, 0)
    spec = TableSpec(lr=0.5, optimizer="sgd", init_std=1.0)
    tables = EmbeddingTables(mapping, spec, 3, strategies, 0, compiled=compiled)
    for part in ("train", "test"):
        rows = mapping.rows_of(dataset.split(part))
        split: Split = getattr(data, part)
        before = tables.weight_RD.clone().requires_grad_()
        expected = reference(dataset, split, before, tables, hashed=hashed)
        assert torch.allclose(tables.read(rows.rows_BC, rows.scale_BC), expected, atol=1e-6)
        lookup = tables.lookup(DistinctFinder(mapping.num_rows)(rows.rows_BC, rows.scale_BC))
        assert torch.allclose(lookup.embedded_BFD, expected, atol=1e-6)
        grad = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
        tables.update(lookup, grad)
        torch.autograd.backward(expected, grad)
        assert before.grad is not None
        assert torch.allclose(tables.weight_RD, before.detach() - 0.5 * before.grad, atol=1e-5)


def test_a_sequence_read_id_by_id_has_a_vector_for_each_place(tmp_path: Path) -> None:
    data = make_data(2)
    dataset = store(data, tmp_path / "data")
    mapping = map_rows(dataset, [], 0, alone=True)
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, init_std=1.0), 3, [], 0)
    (places,) = mapping.columns.positions
    assert (places.name, places.longest, places.target) == ("seen", LONGEST, 1)
    assert mapping.columns.names == ("user", "item", "tags", "words", "price")
    rows = mapping.rows_of(dataset.train)
    embedded, item = tables.read(rows.rows_BC, rows.scale_BC), dataset.tables.index("item")
    assert rows.length_BQ is not None
    known = dataset.ids_V[item][dataset.count_V[item] > 0]
    for n in range(ROWS):
        ids, _ = counted(KINDS.lists[2], data.train.lists[2], n)
        assert rows.length_BQ[n, 0] == len(ids)
        offset = mapping.fields[item].offset
        for place in range(LONGEST):
            vector = embedded[n, places.first + place]
            row = offset + 1 + int(np.searchsorted(known, ids[place])) if place < len(ids) else None
            assert torch.equal(vector, torch.zeros(3) if row is None else tables.weight_RD[row])


@given(st.integers(0, 2**32), st.integers(1, 15))
def test_touches_are_counted_one_by_one_whatever_the_pieces(tmp_path_factory: Any, seed: int, piece: int) -> None:
    data = make_data(seed)
    dataset = store(data, tmp_path_factory.mktemp("whole") / "data")
    expected: dict[str, dict[int, int]] = {name: {} for name in dataset.tables}
    for n in range(ROWS):
        touched = [(name, int(data.train.ids_NF[n, f])) for f, name in enumerate(data.fields)]
        for field, lists in zip(KINDS.lists, data.train.lists, strict=True):
            touched += [(KINDS.table_of(field.name), int(i)) for i in counted(field, lists, n)[0]]
        for table, raw in touched:
            expected[table][raw] = expected[table].get(raw, 0) + 1
    for t, name in enumerate(dataset.tables):
        pairs = zip(dataset.ids_V[t].tolist(), dataset.count_V[t].tolist(), strict=True)
        assert {raw: count for raw, count in pairs if count} == expected[name]
    pieces = [(part, cut) for part in ("train", "valid", "test") for cut in in_pieces(getattr(data, part), piece)]
    again = store(dataclasses.replace(data.stream(), pieces=pieces).gather(), tmp_path_factory.mktemp("cut") / "data")
    mapping, other = map_rows(dataset, [], 0), map_rows(again, [], 0)
    assert torch.equal(mapping.train_count_R, other.train_count_R)
    one, two = mapping.rows_of(dataset.test), other.rows_of(again.test)
    assert torch.equal(one.rows_BC, two.rows_BC)
    assert one.scale_BC is not None
    assert two.scale_BC is not None
    assert torch.equal(one.scale_BC, two.scale_BC)


def in_pieces(split: Split, rows: int) -> list[Split]:
    assert split.numbers_NP is not None
    cuts = [slice(at, at + rows) for at in range(0, len(split.ids_NF), rows)]
    return [
        Split(
            ids_NF=split.ids_NF[cut],
            labels_NT=split.labels_NT[cut],
            numbers_NP=split.numbers_NP[cut],
            lists=tuple(dataclasses.replace(s, begin_N=s.begins()[cut], length_N=s.length_N[cut]) for s in split.lists),
        )
        for cut in cuts
    ]


def test_hooks_are_shown_every_touch_and_no_empty_place(tmp_path: Path) -> None:
    dataset = store(make_data(3), tmp_path / "data")
    shown: list[tuple[Tensor, Any]] = []

    class Looks(Strategy):
        name = "looks"

        def on_lookup(self, rows_BC: Tensor, columns_C: Any) -> Tensor:
            shown.append((rows_BC, columns_C))
            return rows_BC

    mapping = map_rows(dataset, [Looks()], 0)
    (batch,) = Batches(dataset.train, mapping, ROWS, ROWS, 0, CPU, [Looks()]).epoch(1)
    rows_BC, columns_C = shown[0]
    assert rows_BC.shape[1] == len(columns_C) == 2 + 3 * LONGEST
    assert len({column.place for column in columns_C}) == len(columns_C)
    touches = int((rows_BC >= 0).sum()) + ROWS  # a number is one more
    assert int(batch.rows.count_K.sum()) == touches == int(mapping.train_count_R.sum())


@pytest.mark.parametrize("wrong", [-1, 0], ids=["drops an id", "fills an empty place"])
def test_a_hook_leaves_empty_places_empty(wrong: int, tmp_path: Path) -> None:
    class Odd(Strategy):
        name = "odd"

        def on_lookup(self, rows_BC: Tensor, columns_C: Any) -> Tensor:
            return torch.full_like(rows_BC, wrong)

    dataset = store(make_data(3), tmp_path / "data")
    batches = Batches(dataset.train, map_rows(dataset, [Odd()], 0), ROWS, ROWS, 0, CPU, [Odd()])
    with pytest.raises(UserError, match="on_lookup of odd gives -1 for an id"):
        next(batches.epoch(1))


@pytest.mark.parametrize("edit", [lambda rows_BC: rows_BC.fill_(-1), lambda rows_BC: rows_BC.clamp_(min=0)])
def test_a_hook_that_edits_in_place_leaves_empty_places_empty(edit: Callable[[Tensor], Tensor], tmp_path: Path) -> None:
    class Odd(Strategy):
        name = "odd"

        def on_lookup(self, rows_BC: Tensor, columns_C: Any) -> Tensor:
            return edit(rows_BC)

    dataset = store(make_data(3), tmp_path / "data")
    batches = Batches(dataset.train, map_rows(dataset, [Odd()], 0), ROWS, ROWS, 0, CPU, [Odd()])
    with pytest.raises(UserError, match="on_lookup of odd gives -1 for an id"):
        next(batches.epoch(1))


def test_id_dropout_replaces_ids_of_a_list_one_by_one(tmp_path: Path) -> None:
    dataset = store(make_data(4), tmp_path / "data")
    strategy = strategy_of(Registry(), "id_dropout", p=0.5)
    mapping = map_rows(dataset, [strategy], 0)
    rows_BC = mapping.rows_of(dataset.train).rows_BC[:, : 2 + 3 * LONGEST]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        got = strategy.on_lookup(rows_BC, mapping.columns.of_ids)
    assert torch.equal(got < 0, rows_BC < 0)
    tags = slice(2, 2 + LONGEST)
    full = (rows_BC[:, tags] >= 0).all(dim=1)
    kinds = {tuple(row) for row in (got[:, tags] == rows_BC[:, tags])[full].tolist()}
    assert len(kinds) > 2


@pytest.mark.parametrize("model", ["dnn", "fm", "deepfm", "dcnv2", "esmm", "mmoe", "logistic", "din"])
def test_a_label_that_only_a_number_a_list_or_a_sequence_tells_is_learnt(model: str, tmp_path: Path) -> None:
    """Each of the three alone, by each model: AUC of valid well above chance."""
    rng = np.random.default_rng(5)
    for told in ("number", "list", "sequence"):
        parts = [informative(rng, told) for _ in range(3)]
        kinds = Kinds(
            numbers=(NumberField("price"),),
            lists=(ListField("tags", longest=3), ListField("seen", longest=3, ordered=True)),
            shares={"seen": "item"},
        )
        dataset = store(Data(("item",), ("click",), *parts, kinds=kinds), tmp_path / told)
        plugin = Registry().models[model].cls()
        records = train_records(dataset, plugin, [], epochs=4, table_lr=0.1, dense_lr=0.01)
        (auc,) = [v for k, v in records[-1].metrics.items() if (k.split, k.metric, k.bucket) == ("valid", "auc", "")]
        assert auc > 0.75, (told, auc)


def informative(rng: Generator, told: str, rows: int = 1500) -> Split:
    label_N = rng.integers(0, 2, rows)
    price_N, tag_N3, seen_N3 = rng.standard_normal(rows), rng.integers(0, 20, (rows, 3)), rng.integers(0, 6, (rows, 3))
    if told == "number":
        price_N = price_N + 3 * label_N
    if told == "list":
        tag_N3[:, 1] = 20 + label_N
    if told == "sequence":
        seen_N3[:, 2] = 6 + label_N
    three_N = np.full(rows, 3)
    return Split(
        ids_NF=rng.integers(0, 8, (rows, 1)),
        labels_NT=label_N.astype(np.uint8)[:, None],
        numbers_NP=price_N.astype(np.float32)[:, None],
        lists=(Lists(tag_N3.reshape(-1), three_N), Lists(seen_N3.reshape(-1), three_N)),
    )


@pytest.mark.parametrize("normalise", [False, True])
def test_the_attention_of_din_is_that_of_plain_torch(normalise: bool) -> None:
    """Zhou et al. 2018, figure 2, element by element; how many empty places follow makes no difference."""
    torch.manual_seed(0)
    attention = Attention(5, (7, 3), normalise)
    sequence_NLD, target_ND, length_N = torch.randn(6, 4, 5), torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 4])
    layers = [layer for layer in attention.modules() if isinstance(layer, torch.nn.Linear)]
    for n in range(6):
        scores = []
        for element in sequence_NLD[n, : length_N[n]]:
            target = target_ND[n]
            told = torch.cat([target, element, target - element, target * element])
            scores.append(layers[2](layers[1](layers[0](told).relu()).relu()))
        weights = torch.cat(scores).softmax(0) if normalise and scores else scores
        expected = sum((w * e for w, e in zip(weights, sequence_NLD[n], strict=False)), torch.zeros(5))
        for empty in (0, 3):
            padded = torch.cat([sequence_NLD[n], torch.randn(empty, 5)])[None]
            got = attention(padded, length_N[n : n + 1], target_ND[n : n + 1])
            assert torch.allclose(got[0], expected, atol=1e-5)


def test_din_has_no_gradient_that_is_not_a_number_where_a_sequence_is_empty() -> None:
    attention = Attention(5, (7,), True)
    sequence_NLD = torch.zeros(2, 4, 5, requires_grad=True)
    attention(sequence_NLD, torch.tensor([0, 2]), torch.randn(2, 5)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in attention.parameters())


def test_din_needs_a_sequence_with_a_target(tmp_path: Path) -> None:
    din = Registry().models["din"].cls()
    with pytest.raises(UserError, match="the data has none"):
        din.network(2, 1)
    with pytest.raises(UserError, match="sequence 'seen' shares no table"):
        train_records(store(make_data(1, dataclasses.replace(KINDS, shares={})), tmp_path / "data"), din, [])


def test_counts_of_one_pass_beyond_int32_are_refused(tmp_path: Path) -> None:
    dataset = store(make_data(1), tmp_path / "data")
    most = max(int(count_V.max()) for count_V in dataset.count_V)
    many = tuple(count_V * (2**30 // most) for count_V in dataset.count_V)
    map_rows(dataclasses.replace(dataset, count_V=many), [], 0)
    with pytest.raises(UserError, match=r"a row occurs .* times in training; accepted: at most 2,147,483,647 times"):
        map_rows(dataclasses.replace(dataset, count_V=tuple(3 * count_V for count_V in many)), [], 0)

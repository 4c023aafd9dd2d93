"""The probes: what they say where it is known, and that looking changes nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from support.engine import EVALUATION, make_mapping, strategy_of, train_records
from torch import Tensor

from harness.api import Model, RowStep, Strategy, TableSpec
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine.batch import Batch
from harness.engine.batches import BLOCK, Batches, DistinctFinder
from harness.engine.columns import Rows
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.probes import FUNCTIONS, Probes
from harness.engine.row_mapping import RowMapping, map_rows
from harness.experiment.specs import EvalSpec
from harness.metrics.catalog import PROBES
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey
from harness.results.records import Record

EVERY = EVALUATION.model_copy(update={"probes": tuple(PROBES)})


def test_every_probe_of_the_catalogue_has_a_function() -> None:
    assert FUNCTIONS.keys() == PROBES.keys()


@pytest.fixture(scope="module")
def probed(dataset: IndexedDataset, model: Model, registry: Registry) -> list[Record]:
    return train_records(dataset, model, [strategy_of(registry, "none")], evaluation=EVERY)


def test_probing_changes_no_other_number(
    probed: list[Record], dataset: IndexedDataset, model: Model, registry: Registry
) -> None:
    plain = train_records(dataset, model, [strategy_of(registry, "none")])
    assert [{k: v for k, v in r.metrics.items() if k.split != "probe"} for r in probed] == [r.metrics for r in plain]


def test_every_evaluation_has_every_probe(probed: list[Record], dataset: IndexedDataset) -> None:
    for record in probed:
        names = {key.metric for key in record.metrics if key.split == "probe"}
        assert names == {*PROBES, "a_distance_held_out"}
        assert {MetricKey("probe", "a_distance", field) for field in dataset.fields} <= record.metrics.keys()


def test_a_row_seen_once_is_moved_by_its_own_example_alone(probed: list[Record]) -> None:
    end = next(r for r in probed if r.boundary)
    assert end.metrics[MetricKey.parse("probe/self_influence/1")] == pytest.approx(1, abs=1e-5)
    assert end.metrics[MetricKey.parse("probe/self_influence/100-up")] < 0.5


@pytest.mark.parametrize(("tells", "low", "high"), [(True, 1.999, 2.001), (False, 0.0, 0.4)])
def test_a_distance_is_two_where_rows_tell_the_label_and_near_nought_where_not(
    tells: bool, low: float, high: float, dataset: IndexedDataset
) -> None:
    mapping, tables, probes = by_hand(dataset, "a_distance")
    label_B = torch.arange(400) % 2
    told_B = label_B if tells else torch.randint(2, (400,), generator=torch.Generator().manual_seed(0))
    rows_BC = 3 * torch.arange(len(dataset.fields)) + told_B[:, None]
    batch = Batch(DistinctFinder(mapping.num_rows)(rows_BC.int()), label_B[:, None].float(), None)
    told = probes(batch, tables.lookup(batch.rows))
    for field in mapping.fields:
        assert low <= told[MetricKey.parse(f"probe/a_distance/{field.name}")] <= high


@pytest.mark.parametrize(
    ("holds", "noise", "truth"), [("nothing", 0.0, 0.0), ("the label", 0.91, 0.41), ("the truth", 0.0, 1.0)]
)
def test_rows_tell_noise_only_if_they_hold_the_label_and_truth_as_far_as_they_hold_it(
    holds: str, noise: float, truth: float, dataset: IndexedDataset
) -> None:
    """A row per example, with logits z of deviation 1 and labels y drawn from p = sigmoid(z). Expected: the correlation
    of y with (y - p) / sqrt(p (1 - p)), E sqrt(p (1 - p)) / .5, and with z, E[p (1 - p)] / .5; within four standard
    errors, .09."""
    size, fields = 2000, len(dataset.fields)
    random = np.random.default_rng(0)
    logit_N = torch.from_numpy(random.standard_normal(size))
    truth_NT = torch.sigmoid(logit_N).float()[:, None].expand(-1, len(dataset.tasks))
    label_NT = (torch.from_numpy(random.random((size, 1))) < truth_NT).float()
    mapping = make_mapping([size] * fields)
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    probes = Probes(
        ["label_noise_correlation", "true_logit_correlation"], dataset, all_to_one(mapping, dataset), tables
    )
    row_NC = (torch.arange(size)[:, None] + size * torch.arange(fields)).int()
    probes.held_out, probes.truth_N = Rows(row_NC), truth_NT[:, 0].double().numpy()
    held_N = {"nothing": torch.zeros(size), "the label": label_NT[:, 0], "the truth": logit_N}[holds]
    for field in mapping.fields:
        tables.store[field.offset : field.offset + size, 0] += held_N
    batch = Batch(DistinctFinder(mapping.num_rows)(row_NC), label_NT, None, truth_NT)
    told = probes(batch, tables.lookup(batch.rows))
    for field in mapping.fields:
        assert told[MetricKey.parse(f"probe/label_noise_correlation/{field.name}")] == pytest.approx(noise, abs=0.09)
        assert told[MetricKey.parse(f"probe/true_logit_correlation/{field.name}")] == pytest.approx(truth, abs=0.09)


def test_probes_look_at_the_task_they_are_told_to_where_its_labels_are_known(dataset: IndexedDataset) -> None:
    """Rows that hold the label of the second task, of every other example; the rest of them hold the contrary."""
    size, fields, tasks = 400, len(dataset.fields), len(dataset.tasks)
    random = torch.Generator().manual_seed(0)
    label_NT = torch.randint(2, (size, tasks), generator=random).float()
    known_NT = torch.ones(size, tasks)
    known_NT[::2, 1] = 0
    mapping = make_mapping([size] * fields)
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    probes = Probes(["a_distance", "label_noise_correlation"], dataset, all_to_one(mapping, dataset), tables, task=1)
    held_N = torch.where(known_NT[:, 1] > 0, label_NT[:, 1], 1 - label_NT[:, 1])
    for field in mapping.fields:
        tables.store[field.offset : field.offset + size, 0] = 10 * held_N
    row_NC = (torch.arange(size)[:, None] + size * torch.arange(fields)).int()
    batch = Batch(DistinctFinder(mapping.num_rows)(row_NC), label_NT, known_NT, torch.full((size, tasks), 0.5))
    told = probes(batch, tables.lookup(batch.rows))
    for field in mapping.fields:
        assert told[MetricKey.parse(f"probe/a_distance/{field.name}")] == 2
        assert told[MetricKey.parse(f"probe/label_noise_correlation/{field.name}")] > 0.99


def test_a_batch_of_few_examples_ends_no_run(dataset: IndexedDataset, model: Model, registry: Registry) -> None:
    """The last of an epoch has three, which no five folds can be made of."""
    rows = len(dataset.train)
    size = next(size for size in range(500, rows) if rows % size == 3)
    none = [strategy_of(registry, "none")]
    end = train_records(dataset, model, none, evaluation=EVERY, batch_size=size, epochs=1)[-1]
    held = {key.metric for key in end.metrics if key.split == "probe"}
    assert held == {*PROBES, "a_distance_held_out"} - {"label_noise_correlation", "a_distance"}


@pytest.mark.parametrize("positives", [0, 4, 5, 396])
def test_where_a_class_has_fewer_examples_than_folds_no_distance_is_told(
    positives: int, dataset: IndexedDataset
) -> None:
    """It was 0, as of rows that hold nothing of the label, and they hold all of it."""
    mapping, tables, probes = by_hand(dataset, "a_distance")
    label_B = (torch.arange(400) < positives).long()
    rows_BC = 3 * torch.arange(len(dataset.fields)) + label_B[:, None]
    batch = Batch(DistinctFinder(mapping.num_rows)(rows_BC.int()), label_B[:, None].float(), None)
    told = probes(batch, tables.lookup(batch.rows))
    found = {told.get(MetricKey.parse(f"probe/a_distance/{field.name}")) for field in mapping.fields}
    assert found == ({2.0} if positives == 5 else {None})


def test_labels_that_are_all_alike_correlate_with_nothing(dataset: IndexedDataset) -> None:
    """And give no number that would end a run as diverged."""
    size, fields = 20, len(dataset.fields)
    mapping = make_mapping([size] * fields)
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    probes = Probes(["label_noise_correlation"], dataset, all_to_one(mapping, dataset), tables)
    rows_BC = (torch.arange(size)[:, None] + size * torch.arange(fields)).int()
    labels_BT = torch.zeros(size, len(dataset.tasks))
    batch = Batch(DistinctFinder(mapping.num_rows)(rows_BC), labels_BT, None, torch.full_like(labels_BT, 0.5))
    assert set(probes(batch, tables.lookup(batch.rows)).values()) == {0.0}


class Vanishing(Strategy):
    """Takes the gradient where rows that were absent for ten steps are zero."""

    name = "vanishing"

    def perturb(self, step: RowStep) -> Tensor:
        return -step.weight_KD * (step.step - step.last_step_K > 10)[:, None]


def test_what_a_strategy_displaces_is_probed_where_the_net_learnt(dataset: IndexedDataset) -> None:
    """Rows that a strategy decays to zero before the lookup carry no signal, though the table still holds them."""
    fields = len(dataset.fields)
    mapping = make_mapping([3] * fields)
    decay = Vanishing()
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, optimizer="sgd"), 4, [decay], seed=0)
    rows = [DistinctFinder(mapping.num_rows)((3 * torch.arange(fields) + r).int()[None]) for r in (1, *[2] * 11, 1)]
    for looked_up in rows:
        read = tables.lookup(looked_up)
        learnt = tables.displaced(read, torch.ones_like(read.embedded_BFD)) or read
        tables.update(learnt, torch.ones_like(read.embedded_BFD))
    assert read.embedded_BFD.abs().min() > 0
    assert torch.equal(learnt.embedded_BFD, torch.zeros_like(read.embedded_BFD))


def test_training_batches_carry_the_truth_of_their_own_examples(dataset: IndexedDataset) -> None:
    """Also where the split is read in windows."""
    for window in (1 << 22, BLOCK):
        split = stretched(dataset.train, 3 * BLOCK + 5)
        truth_NT = np.arange(split.labels_NT.size, dtype=np.float32).reshape(split.labels_NT.shape)
        marked = dataclasses.replace(split, truth_NT=truth_NT, labels_NT=(truth_NT % 2).astype(np.uint8))
        mapping = map_rows(dataset, [], 0)
        batches = Batches(marked, mapping, 1000, window, 0, torch.device("cpu"), truth=True)
        found = list(batches.epoch(1))
        assert all(torch.equal(b.labels_BT, b.truth_BT % 2) for b in found if b.truth_BT is not None)
        seen_NT = torch.cat([b.truth_BT for b in found if b.truth_BT is not None])
        assert torch.equal(seen_NT[:, 0].sort().values, torch.from_numpy(truth_NT[:, 0]))


def stretched(split: IndexedSplit, size: int) -> IndexedSplit:
    """The first examples again and again."""
    return split.take(np.arange(size) % len(split))


def all_to_one(mapping: RowMapping, dataset: IndexedDataset) -> RowMapping:
    """The same rows, every id of the dataset at the first."""
    return dataclasses.replace(mapping, remap_VH=torch.zeros(sum(map(len, dataset.ids_V)), 1, dtype=torch.int32))


def by_hand(dataset: IndexedDataset, *names: str) -> tuple[RowMapping, EmbeddingTables, Probes]:
    """Tables of three rows a field, which train once, twice and three times an epoch."""
    mapping = make_mapping([3] * len(dataset.fields))
    tables = EmbeddingTables(mapping, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    return mapping, tables, Probes(names, dataset, all_to_one(mapping, dataset), tables)


def test_displacement_and_own_part_by_hand(dataset: IndexedDataset) -> None:
    """Two steps of gradient 1 at rate .1: row 0 in both, row 1, which trains twice an epoch, in the last."""
    mapping, tables, probes = by_hand(dataset, "row_norm", "self_influence")
    distinct = DistinctFinder(mapping.num_rows)
    columns = 3 * torch.arange(len(dataset.fields), dtype=torch.int32)
    for rows in ([0, 2], [0, 1]):
        batch = Batch(distinct(columns + torch.tensor(rows, dtype=torch.int32)[:, None]), torch.zeros(2, 1), None)
        lookup = tables.lookup(batch.rows)
        tables.update(lookup, torch.ones(2, len(dataset.fields), 4))
    got, length = probes(batch, lookup), 0.1 * np.sqrt(4)
    assert got[MetricKey.parse("probe/row_norm/1")] == pytest.approx(2 * length, rel=1e-4)
    assert got[MetricKey.parse("probe/row_norm/2-4")] == pytest.approx(length, rel=1e-4)
    assert got[MetricKey.parse("probe/self_influence/1")] == pytest.approx(0.5, rel=1e-4)
    assert got[MetricKey.parse("probe/self_influence/2-4")] == pytest.approx(1, rel=1e-4)


def test_an_unknown_probe_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match=r"probe 'row_nrm'.*row_norm"):
        EvalSpec(probes=("row_nrm",))

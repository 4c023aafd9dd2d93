"""The probes: what they say where it is known, and that looking changes nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import EVALUATION, make_encoding, strategy_of, train_records
from pydantic import ValidationError

from harness.api import Model, TableSpec
from harness.data.indexed import CodedSplit, Corpus
from harness.engine.batches import BLOCK, Batch, Batches, Distinct
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.probes import Probes
from harness.engine.row_mapping import Encoding, encode
from harness.experiment.plan import EvalSpec
from harness.metrics.catalog import PROBES
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey
from harness.results.records import Record

EVERY = EVALUATION.model_copy(update={"probes": tuple(PROBES)})


@pytest.fixture(scope="module")
def probed(corpus: Corpus, model: Model, registry: Registry) -> list[Record]:
    return train_records(corpus, model, [strategy_of(registry, "none")], evaluation=EVERY)


def test_probing_changes_no_other_number(
    probed: list[Record], corpus: Corpus, model: Model, registry: Registry
) -> None:
    plain = train_records(corpus, model, [strategy_of(registry, "none")])
    assert [{k: v for k, v in r.metrics.items() if k.split != "probe"} for r in probed] == [r.metrics for r in plain]


def test_every_evaluation_has_every_probe(probed: list[Record], corpus: Corpus) -> None:
    for record in probed:
        names = {key.metric for key in record.metrics if key.split == "probe"}
        assert names == {*PROBES, "a_distance_held_out"}
        assert {MetricKey("probe", "a_distance", field) for field in corpus.fields} <= record.metrics.keys()


def test_a_row_seen_once_is_moved_by_its_own_example_alone(probed: list[Record]) -> None:
    end = next(r for r in probed if r.boundary)
    assert end.metrics[MetricKey.parse("probe/self_influence/1")] == pytest.approx(1, abs=1e-5)
    assert end.metrics[MetricKey.parse("probe/self_influence/100-up")] < 0.5


@pytest.mark.parametrize(("tells", "low", "high"), [(True, 1.999, 2.001), (False, 0.0, 0.4)])
def test_a_distance_is_two_where_rows_tell_the_label_and_near_nought_where_not(
    tells: bool, low: float, high: float, corpus: Corpus
) -> None:
    encoding, tables, probes = by_hand(corpus, "a_distance")
    label_B = torch.arange(400) % 2
    told_B = label_B if tells else torch.randint(2, (400,), generator=torch.Generator().manual_seed(0))
    rows_BC = 3 * torch.arange(len(corpus.fields)) + told_B[:, None]
    batch = Batch(Distinct(encoding.num_rows)(rows_BC.int()), label_B[:, None].float(), None)
    tables.lookup(batch.rows)
    for field in encoding.fields:
        assert low <= probes(batch)[f"probe/a_distance/{field.name}"] <= high


@pytest.mark.parametrize(
    ("holds", "noise", "truth"), [("nothing", 0.0, 0.0), ("the label", 0.91, 0.41), ("the truth", 0.0, 1.0)]
)
def test_rows_tell_noise_only_if_they_hold_the_label_and_truth_as_far_as_they_hold_it(
    holds: str, noise: float, truth: float, corpus: Corpus
) -> None:
    """A row per example, with logits z of deviation 1 and labels y drawn from p = sigmoid(z). Expected: the correlation
    of y with (y - p) / sqrt(p (1 - p)), E sqrt(p (1 - p)) / .5, and with z, E[p (1 - p)] / .5; within four standard
    errors, .09."""
    size, fields = 2000, len(corpus.fields)
    random = np.random.default_rng(0)
    logit_N = torch.from_numpy(random.standard_normal(size))
    truth_NT = torch.sigmoid(logit_N).float()[:, None].expand(-1, len(corpus.tasks))
    label_NT = (torch.from_numpy(random.random((size, 1))) < truth_NT).float()
    encoding = make_encoding([size] * fields)
    tables = EmbeddingTables(encoding, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    probes = Probes(["label_noise_correlation", "true_logit_correlation"], corpus, all_to_one(encoding, corpus), tables)
    row_NC = (torch.arange(size)[:, None] + size * torch.arange(fields)).int()
    probes.held_out_NC, probes.truth_N = row_NC, truth_NT[:, 0].double().numpy()
    held_N = {"nothing": torch.zeros(size), "the label": label_NT[:, 0], "the truth": logit_N}[holds]
    for field in encoding.fields:
        tables.store[field.offset : field.offset + size, 0] += held_N
    batch = Batch(Distinct(encoding.num_rows)(row_NC), label_NT, None, truth_NT)
    tables.lookup(batch.rows)
    told = probes(batch)
    for field in encoding.fields:
        assert told[f"probe/label_noise_correlation/{field.name}"] == pytest.approx(noise, abs=0.09)
        assert told[f"probe/true_logit_correlation/{field.name}"] == pytest.approx(truth, abs=0.09)


def test_probes_look_at_the_task_they_are_told_to_where_its_labels_are_known(corpus: Corpus) -> None:
    """Rows that hold the label of the second task, of every other example; the rest of them hold the contrary."""
    size, fields, tasks = 400, len(corpus.fields), len(corpus.tasks)
    random = torch.Generator().manual_seed(0)
    label_NT = torch.randint(2, (size, tasks), generator=random).float()
    known_NT = torch.ones(size, tasks)
    known_NT[::2, 1] = 0
    encoding = make_encoding([size] * fields)
    tables = EmbeddingTables(encoding, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    probes = Probes(["a_distance", "label_noise_correlation"], corpus, all_to_one(encoding, corpus), tables, task=1)
    held_N = torch.where(known_NT[:, 1] > 0, label_NT[:, 1], 1 - label_NT[:, 1])
    for field in encoding.fields:
        tables.store[field.offset : field.offset + size, 0] = 10 * held_N
    row_NC = (torch.arange(size)[:, None] + size * torch.arange(fields)).int()
    batch = Batch(Distinct(encoding.num_rows)(row_NC), label_NT, known_NT, torch.full((size, tasks), 0.5))
    tables.lookup(batch.rows)
    told = probes(batch)
    for field in encoding.fields:
        assert told[f"probe/a_distance/{field.name}"] == 2
        assert told[f"probe/label_noise_correlation/{field.name}"] > 0.99


def test_what_a_strategy_displaces_is_probed_where_the_net_learnt(corpus: Corpus, registry: Registry) -> None:
    """Rows that decay to nought before they are read tell nothing, though the table holds them until the step."""
    fields = len(corpus.fields)
    encoding = make_encoding([3] * fields)
    decay = strategy_of(registry, "decay_before_read", alpha=0.1)
    tables = EmbeddingTables(encoding, TableSpec(lr=0.1, optimizer="sgd"), 4, [decay], seed=0)
    rows = [Distinct(encoding.num_rows)((3 * torch.arange(fields) + r).int()[None]) for r in (1, *[2] * 11, 1)]
    for looked_up in rows:
        read_BFD = tables.lookup(looked_up)
        tables.displaced(torch.ones_like(read_BFD))
        learnt_BFD = tables.stepped_BFD
        tables.update(torch.ones_like(read_BFD))
    assert read_BFD.abs().min() > 0
    assert torch.equal(learnt_BFD, torch.zeros_like(read_BFD))


def test_training_batches_carry_the_truth_of_their_own_examples(corpus: Corpus) -> None:
    """Also where the split is read in windows."""
    for window in (1 << 22, BLOCK):
        split = stretched(corpus.train, 3 * BLOCK + 5)
        truth_NT = np.arange(split.labels_NT.size, dtype=np.float32).reshape(split.labels_NT.shape)
        marked = dataclasses.replace(split, truth_NT=truth_NT, labels_NT=(truth_NT % 2).astype(np.uint8))
        encoding = encode(corpus, [], 0)
        batches = Batches(marked, encoding, 1000, window, 0, torch.device("cpu"), truth=True)
        found = list(batches.epoch(1))
        assert all(torch.equal(b.labels_BT, b.truth_BT % 2) for b in found if b.truth_BT is not None)
        seen_NT = torch.cat([b.truth_BT for b in found if b.truth_BT is not None])
        assert torch.equal(seen_NT[:, 0].sort().values, torch.from_numpy(truth_NT[:, 0]))


def stretched(split: CodedSplit, size: int) -> CodedSplit:
    """The first examples again and again."""
    return split.take(np.arange(size) % len(split))


def all_to_one(encoding: Encoding, corpus: Corpus) -> Encoding:
    """The same rows, every id of the corpus at the first."""
    return dataclasses.replace(encoding, remap_VH=torch.zeros(sum(map(len, corpus.ids_V)), 1, dtype=torch.int32))


def by_hand(corpus: Corpus, *names: str) -> tuple[Encoding, EmbeddingTables, Probes]:
    """Tables of three rows a field, which train once, twice and three times an epoch."""
    encoding = make_encoding([3] * len(corpus.fields))
    tables = EmbeddingTables(encoding, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    return encoding, tables, Probes(names, corpus, all_to_one(encoding, corpus), tables)


def test_displacement_and_own_part_by_hand(corpus: Corpus) -> None:
    """Two steps of gradient 1 at rate .1: row 0 in both, row 1, which trains twice an epoch, in the last."""
    encoding, tables, probes = by_hand(corpus, "row_norm", "self_influence")
    distinct = Distinct(encoding.num_rows)
    columns = 3 * torch.arange(len(corpus.fields), dtype=torch.int32)
    for rows in ([0, 2], [0, 1]):
        batch = Batch(distinct(columns + torch.tensor(rows, dtype=torch.int32)[:, None]), torch.zeros(2, 1), None)
        tables.lookup(batch.rows)
        tables.update(torch.ones(2, len(corpus.fields), 4))
    got, length = probes(batch), 0.1 * np.sqrt(4)
    assert got["probe/row_norm/1"] == pytest.approx(2 * length, rel=1e-4)
    assert got["probe/row_norm/2-4"] == pytest.approx(length, rel=1e-4)
    assert got["probe/self_influence/1"] == pytest.approx(0.5, rel=1e-4)
    assert got["probe/self_influence/2-4"] == pytest.approx(1, rel=1e-4)


def test_an_unknown_probe_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValidationError, match=r"probe 'row_nrm'.*row_norm"):
        EvalSpec(probes=("row_nrm",))

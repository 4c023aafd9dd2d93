"""The probes: what they say where it is known, and that looking changes nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import EVALUATION, make_encoding, strategy_of, train_records
from pydantic import ValidationError

from harness.api import Model, TableSpec
from harness.batches import Batch, Distinct
from harness.corpus import Corpus
from harness.encode import Encoding
from harness.probes import PROBES, Probes
from harness.records import Record
from harness.registry import Registry
from harness.spec import EvalSpec
from harness.tables import EmbeddingTables

EVERY = EVALUATION.model_copy(update={"probes": tuple(PROBES)})


@pytest.fixture(scope="module")
def probed(corpus: Corpus, model: Model, registry: Registry) -> list[Record]:
    return train_records(corpus, model, [strategy_of(registry, "none")], evaluation=EVERY)


def test_probing_changes_no_other_number(
    probed: list[Record], corpus: Corpus, model: Model, registry: Registry
) -> None:
    plain = train_records(corpus, model, [strategy_of(registry, "none")])
    assert [{k: v for k, v in r.metrics.items() if not k.startswith("probe/")} for r in probed] == [
        r.metrics for r in plain
    ]


def test_every_evaluation_has_every_probe(probed: list[Record], corpus: Corpus) -> None:
    for record in probed:
        names = {key.split("/")[1] for key in record.metrics if key.startswith("probe/")}
        assert names == {*PROBES, "a_distance_held_out"}
        assert {f"probe/a_distance/{field}" for field in corpus.fields} <= record.metrics.keys()


def test_a_row_seen_once_is_moved_by_its_own_example_alone(probed: list[Record]) -> None:
    end = next(r for r in probed if r.boundary)
    assert end.metrics["probe/self_influence/1"] == pytest.approx(1, abs=1e-5)
    assert end.metrics["probe/self_influence/100-up"] < 0.5


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


def by_hand(corpus: Corpus, *names: str) -> tuple[Encoding, EmbeddingTables, Probes]:
    """Tables of three rows a field, which train once, twice and three times an epoch."""
    encoding = make_encoding([3] * len(corpus.fields))
    coded = dataclasses.replace(encoding, remap_VH=torch.zeros(sum(map(len, corpus.ids_V)), 1, dtype=torch.int32))
    tables = EmbeddingTables(encoding, TableSpec(lr=0.1, optimizer="sgd"), 4, [], seed=0)
    return encoding, tables, Probes(names, corpus, coded, tables)


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

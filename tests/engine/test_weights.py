"""Weights of rows and down-sampled logs, from built data to records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import entr, expit
from scipy.special import logit as log_odds
from sklearn.metrics import log_loss, roc_auc_score
from support.engine import TRAIN, store, strategy_of, train_records
from torch.nn import functional

from harness.api import Data, Kept, Model, Split, Strategy
from harness.data.indexed_dataset import IndexedDataset
from harness.data.validation import SPLITS
from harness.engine.evaluator import Evaluator
from harness.engine.ranking_loss import in_batch_softmax
from harness.engine.trainer import Trainer, loss_and_gradient
from harness.plugins.registry import Registry
from harness.results.keys import MetricKey
from harness.results.records import Record


def weighed(data: Data, weigh: Callable[[int], npt.NDArray[np.float32]]) -> Data:
    """weigh: from a number of rows to their weights."""
    splits = {part: getattr(data, part) for part in SPLITS}
    splits = {part: dataclasses.replace(s, weight_N=weigh(len(s.ids_NF))) for part, s in splits.items()}
    return dataclasses.replace(data, **splits)


def partly_known(data: Data) -> Data:
    """Every third label of the second task, and every fifth of the others, is unknown."""
    splits = {part: getattr(data, part) for part in SPLITS}
    for part, split in splits.items():
        at = np.arange(len(split.ids_NF))
        observed_NT = np.stack([at % (3 if t == 1 else 5) > 0 for t in range(split.labels_NT.shape[1])], axis=1)
        splits[part] = dataclasses.replace(split, observed_NT=observed_NT)
    return dataclasses.replace(data, **splits)


def metrics(records: list[Record]) -> list[dict[MetricKey, float]]:
    return [record.metrics for record in records]


@pytest.mark.parametrize("known", [False, True])
def test_equal_weights_are_no_weights_to_the_bit(
    data: Data, model: Model, registry: Registry, tmp_path: Path, *, known: bool
) -> None:
    data, plain = partly_known(data) if known else data, [strategy_of(registry, "none")]
    without = store(data, tmp_path / "without")
    wanted = metrics(train_records(without, model, plain))
    equal = store(weighed(data, lambda n: np.full(n, 0.3, np.float32)), tmp_path / "equal")
    assert metrics(train_records(equal, model, plain)) == wanted
    varied = store(weighed(data, lambda n: np.resize(np.array([1, 2], np.float32), n)), tmp_path / "varied")
    assert metrics(train_records(varied, model, plain)) != wanted


def test_twice_the_weights_change_nothing(data: Data, model: Model, registry: Registry, tmp_path: Path) -> None:
    random = np.random.default_rng(0).random(len(data.train.ids_NF), np.float32)
    found = []
    for scale in np.array([1, 2, 2**-100], np.float32):
        scaled = random * scale
        dataset = store(weighed(data, lambda n, w=scaled: np.resize(w, n)), tmp_path / str(scale))  # type: ignore[misc]
        found.append(metrics(train_records(dataset, model, [strategy_of(registry, "none")], epochs=1)))
    assert found[0] == found[1]
    for one, other in zip(found[0], found[2], strict=True):
        assert one == pytest.approx(other, rel=1e-9)


@given(st.integers(0, 2**32), st.booleans())
def test_the_loss_is_the_weighted_mean_over_known_labels(seed: int, masked: bool) -> None:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.standard_normal((12, 3), np.float32))
    labels = torch.from_numpy(random.integers(0, 2, (12, 3))).float()
    known = torch.from_numpy(random.random((12, 3)) < 0.5).float() if masked else None
    weight = torch.from_numpy((random.random(12) * random.integers(0, 2, 12)).astype(np.float32))
    leaf, expected = logits.clone().requires_grad_(), torch.zeros(())
    for t in range(3):
        counts = weight if known is None else weight * known[:, t]
        if counts.sum() > 0:
            loss = functional.binary_cross_entropy_with_logits(leaf[:, t], labels[:, t], counts, reduction="sum")
            expected = expected + loss / counts.sum()
    found, gradient = loss_and_gradient(logits, labels, known, weight)
    assert found.sum().item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-7)
    if expected.requires_grad:
        expected.backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(gradient, torch.zeros(12, 3) if leaf.grad is None else leaf.grad, rtol=1e-5, atol=1e-7)


@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([None, [1, 2, 0]]), st.sampled_from([1.0, 40.0]))
def test_in_batch_softmax_is_a_cross_entropy_among_each_positive_and_all_negatives(
    seed: int, masked: bool, counts: list[int] | None, scale: float
) -> None:
    """Against torch's, positive by positive, in float64; a weight is so many copies of an example."""
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(scale * random.standard_normal((9, 3), np.float32))
    labels = torch.from_numpy(random.integers(0, 2, (9, 3))).float()
    known = torch.from_numpy(random.random((9, 3)) < 0.6).float() if masked else None
    weight = None if counts is None else torch.from_numpy(random.choice(counts, 9).astype(np.float32))
    leaf, expected = logits.double().requires_grad_(), torch.zeros((), dtype=torch.float64)
    for t in range(3):
        copies = torch.ones(9) if weight is None else weight
        kept = torch.arange(9).repeat_interleave((copies if known is None else copies * known[:, t]).long())
        positive, negative = leaf[kept[labels[kept, t] == 1], t], leaf[kept[labels[kept, t] == 0], t]
        if len(positive) and len(negative):
            rivals = torch.cat([positive[:, None], negative.expand(len(positive), -1)], dim=1)
            expected = expected + functional.cross_entropy(rivals, torch.zeros(len(positive), dtype=torch.int64))
    found, gradient = in_batch_softmax(logits, labels, known, weight)
    assert found.sum().item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)
    if expected.requires_grad:
        expected.backward()  # type: ignore[no-untyped-call]
    expected_grad = torch.zeros(9, 3) if leaf.grad is None else leaf.grad.float()
    assert torch.allclose(gradient, expected_grad, rtol=1e-4, atol=1e-6)


def test_batches_hold_the_weight_of_each_row_and_rows_of_weight_0_touch_their_tables(
    data: Data, model: Model, registry: Registry, tmp_path: Path
) -> None:
    by_user = {user: at % 3 for at, user in enumerate(np.unique(data.train.ids_NF[:, 0]).tolist())}
    train = dataclasses.replace(
        data.train, weight_N=np.array([by_user[user] for user in data.train.ids_NF[:, 0].tolist()], np.float32)
    )
    dataset = store(dataclasses.replace(data, train=train), tmp_path / "data")
    trainer = Trainer(dataset, model, [Counting()], TRAIN, seed=0)
    trainer.start_epoch(1)
    weight_of_row: dict[int, float] = {}
    for batch in trainer.batches.epoch(1):
        trainer.step(batch)
        assert batch.weight_B is not None
        for row, weight in zip(batch.rows.rows_BC[:, 0].tolist(), batch.weight_B.tolist(), strict=True):
            assert weight_of_row.setdefault(row, weight) == weight
    assert sorted(weight_of_row.values()) == sorted(by_user.values())
    assert torch.equal(trainer.tables.history.seen_R, trainer.mapping.train_count_R)


class Counting(Strategy):
    name = "counting"

    def on_rows(self, step: Any) -> Any:
        return step


def test_evaluation_is_of_weights_and_of_the_full_log_by_task(
    data: Data, model: Model, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    kept = {data.tasks[0]: Kept(0.1), data.tasks[1]: Kept(0.25, 1)}
    weights = weighed(data, lambda n: random.integers(0, 3, n).astype(np.float32))
    dataset = store(dataclasses.replace(partly_known(weights), kept=kept), tmp_path / "data")
    logits = {part: random.normal(size=dataset.split(part).labels_NT.shape).astype(np.float32) for part in SPLITS}
    logits |= {part: logits["valid"][:300] for part in ("sample", "train")}
    monkeypatch.setattr(Evaluator, "logits", lambda self, net, tables, name: logits[name])
    found = train_records(dataset, model, [strategy_of(registry, "none")], epochs=1)[-1].metrics
    for part in ("valid", "test"):
        split = dataset.split(part)
        assert split.observed_NT is not None
        assert split.weight_N is not None
        for t, task in enumerate(dataset.tasks):
            at = split.observed_NT[:, t] & (split.weight_N > 0)
            label, weight = split.labels_NT[at, t], split.weight_N[at].astype(np.float64)
            assert split.truth_NT is not None
            truth, moved = split.truth_NT[at, t].astype(np.float64), 0.0
            if task == data.tasks[0]:
                weight, moved = np.where(label == 0, 10, 1) * weight, np.log(0.1)
            if task == data.tasks[1]:
                weight, moved = np.where(label == 1, 4, 1) * weight, -np.log(0.25)
            probability, truth = (expit(x + moved) for x in (logits[part][at, t].astype(np.float64), log_odds(truth)))
            missed = truth * np.log(truth / probability) + (1 - truth) * np.log((1 - truth) / (1 - probability))
            wanted = {
                "auc": roc_auc_score(label, probability, sample_weight=weight),
                "logloss": log_loss(label, probability, sample_weight=weight),
                "calibration": np.sum(weight * probability) / np.sum(weight * label),
                "regret": np.average(missed, weights=weight),
            }
            assert {name: found[MetricKey(part, name, task)] for name in wanted} == pytest.approx(wanted, rel=1e-6)


SLOW: dict[str, Any] = {"epochs": 2, "batch_size": 512, "dense_lr": 1e-3, "table_lr": 5e-3}
"""Rates at which the last steps no longer matter."""


def thinned(share: float, label: int, kept: dict[str, Kept]) -> tuple[Data, float]:
    """A log with one id a row that tells its probability, of which a share of one class was kept; and its entropy."""
    random = np.random.default_rng(3)
    probability = np.linspace(0.02, 0.3, 8)

    def split(rows: int) -> Split:
        ids = random.integers(0, 8, rows)
        labels = (random.random(rows) < probability[ids]).astype(np.uint8)
        stays = (labels != label) | (random.random(rows) < share)
        return Split(ids_NF=ids[stays, None], labels_NT=labels[stays, None])

    entropy = float(np.mean(entr(probability) + entr(1 - probability)))
    return Data(("id",), ("click",), split(200_000), split(60_000), split(5_000), kept=kept), entropy


@pytest.mark.parametrize(("share", "label"), [(0.1, 0), (0.3, 1)])
def test_a_model_of_a_thinned_log_is_judged_as_one_of_the_full_log(
    share: float, label: int, model: Model, registry: Registry, tmp_path: Path
) -> None:
    values = {}
    for name, kept in {"said": {"click": Kept(share, label)}, "unsaid": {}}.items():
        data, entropy = thinned(share, label, kept)
        dataset: IndexedDataset = store(data, tmp_path / name)
        last = train_records(dataset, model, [strategy_of(registry, "none")], **SLOW)[-1].metrics
        values[name] = {m: last[MetricKey("valid", m, "click")] for m in ("logloss", "calibration", "auc")}
    assert values["said"]["auc"] == pytest.approx(values["unsaid"]["auc"], abs=1e-12), "training is the same"
    assert values["said"]["calibration"] == pytest.approx(1, abs=0.1)
    assert values["said"]["logloss"] == pytest.approx(entropy, abs=0.01)
    assert abs(values["unsaid"]["logloss"] - entropy) > 0.05

"""A run that ends between any two steps goes on to the very numbers of one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.engine import EVALUATION, TRAIN, strategy_of

from harness.data.indexed_dataset import IndexedDataset
from harness.engine import batches, warm_start
from harness.engine.checkpoint import Checkpoints, Interrupted
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.specs import ContinualSpec, StartSpec
from harness.plugins.registry import Registry, build
from harness.results.records import Record
from harness.testing.resumed import resumed

PROBED = EVALUATION.model_copy(update={"probes": ("row_norm", "self_influence")})
WARM = {"continual": ContinualSpec(windows=3)}
CASES: dict[str, dict[str, Any]] = {
    **{name: {"table_optimizer": name} for name in ("adam", "adam_dense", "adagrad", "rowwise_adagrad", "sgd")},
    "bfloat16": {"precision": "bf16"},
    "two threads": {"threads": 2, "epochs": 1},
    "softmax over the batch": {"loss": "in_batch_softmax"},
    "windows of a large data set": {"shuffle_window": 1500},
    "continual, warm": WARM | {"table_optimizer": "adam_dense", "epochs": 2},
    "continual, fresh": {"continual": ContinualSpec(windows=3, start="fresh"), "epochs": 2},
}


class Runs:
    """Of a data set by a net with dropout. spec: what differs from `TRAIN`."""

    def __init__(self, dataset: IndexedDataset, registry: Registry, strategies: tuple[str, ...], **spec: Any) -> None:
        self.train = TRAIN.model_copy(update=spec)
        self._dataset, self._registry, self._strategies = dataset, registry, strategies

    def __call__(self, checkpoints: Checkpoints | None = None, keep: Any = None) -> Iterator[Record]:
        registry = self._registry
        model = build(registry.models, "model", "dnn", {"dim": 4, "hidden": (16, 8)})
        strategies = [strategy_of(registry, name) for name in self._strategies]
        return run(self._dataset, model, strategies, self.train, PROBED, 1, checkpoints, keep or (lambda state: None))


@pytest.mark.parametrize("case", CASES)
def test_a_run_goes_on_from_any_step(
    case: str, dataset: IndexedDataset, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BLOCK", 500)
    runs = Runs(dataset, registry, ("embedding_dropout", "frequency_adaptive_lr"), **CASES[case])
    assert resumed(runs, [1, 2, 7, 30, 5, 11, 26, 3]) == list(runs())


def test_the_first_batches_of_an_epoch_are_left_out_in_any_window(
    dataset: IndexedDataset, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BLOCK", 500)
    model = build(registry.models, "model", "dnn", {"dim": 4, "hidden": (16, 8)})
    trainer = Trainer(dataset, model, [], TRAIN.model_copy(update={"shuffle_window": 1500}), seed=1)
    whole = [batch.rows.rows_BC for batch in trainer.batches.epoch(2)]
    assert len(whole) == len(trainer.batches)
    for done in (0, 1, 11, 12, 13, len(whole) - 1, len(whole)):
        rest = [batch.rows.rows_BC for batch in trainer.batches.epoch(2, done)]
        assert len(rest) == len(whole) - done
        assert all(map(torch.equal, rest, whole[done:]))


def test_a_run_that_began_with_a_state_needs_it_no_more(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "state.pt"
    list(Runs(dataset, registry, (), keep=True, epochs=1)(keep=lambda state: warm_start.save(state, path)))
    runs = Runs(dataset, registry, ("reinit",), start=StartSpec(source=str(path)))
    assert resumed(runs, [9, 20]) == list(runs())


def test_what_is_told_to_end_has_saved_all_of_its_steps(
    dataset: IndexedDataset, registry: Registry, tmp_path: Path
) -> None:
    told = [False]
    attempt = Runs(dataset, registry, ())(Checkpoints(tmp_path, lambda: told[0]))
    first = next(attempt)
    told[0] = True
    with pytest.raises(Interrupted):
        next(attempt)
    saved = Checkpoints(tmp_path)
    assert saved.records == 1
    assert saved.take()["trainer"]["tables"]["numbers"]["step"] == first.step + 1

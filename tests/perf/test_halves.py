"""Cross-fitted rows: no example meets a row that holds its label, and each gradient is the one it is said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from harness.data.indexed_dataset import IndexedDataset
from harness.engine.batch import Batch
from harness.engine.trainer import Trainer
from harness.plugins.registry import Registry
from perf.bound.arms import Arm, drawn, trainer_of
from perf.bound.halves import Gradient, Halves

RATES: dict[str, Any] = {"table_lr": 0.05, "batch_size": 512, "table_optimizer": "rowwise_adagrad"}


@pytest.fixture(scope="module")
def data() -> Iterator[IndexedDataset]:
    with drawn("avazu_like", 1, Registry(), rows=4000) as its:
        yield its.data


def halves_of(data: IndexedDataset, gradient: Gradient, strategy: str = "none") -> tuple[Halves, Trainer]:
    trainer = trainer_of(data, Arm(strategy, RATES, {2: ""}), Registry())
    trainer.start_epoch(1)
    return Halves(trainer, gradient, 1), trainer


def flipped(batch: Batch) -> Batch:
    return Batch(batch.rows, 1 - batch.labels_BT, None)


def test_no_label_of_a_half_is_in_the_rows_that_its_examples_read(data: IndexedDataset) -> None:
    """With those of half 0 flipped, the net reads the same on it in both epochs, and something else on half 1."""

    def read(change: Callable[[Batch], Batch]) -> tuple[list[Tensor], ...]:
        halves, trainer = halves_of(data, "own")
        trainer.optimizer.lr = 0.0  # labels may come through the net
        inputs: list[Tensor] = []
        found: tuple[list[Tensor], ...] = ([], [])
        trainer.net.register_forward_pre_hook(lambda _, read: inputs.append(read[0].detach().clone()))
        for epoch in (1, 2):
            for half, batches in enumerate(halves.batches):
                for batch in batches.epoch(epoch):
                    halves.step(half, batch if half else change(batch))
                    found[half].append(inputs[-2])  # the last is of the second pass
        return found

    as_they_are, with_flipped = read(lambda batch: batch), read(flipped)
    assert all(map(torch.equal, as_they_are[0], with_flipped[0]))
    assert not any(map(torch.equal, as_they_are[1], with_flipped[1]))


def test_each_half_trains_its_rows_on_every_example_once(data: IndexedDataset) -> None:
    halves, trainer = halves_of(data, "other", "running_mean")
    halves.epoch(1)
    one_R, other_R = (tables.history.seen_R for tables in halves.tables)
    assert torch.equal(one_R + other_R, trainer.mapping.train_count_R)


@pytest.mark.parametrize("linear", [True, False])
def test_a_tangent_is_the_second_pass_where_the_net_is_a_line(data: IndexedDataset, linear: bool) -> None:
    """And is not elsewhere."""

    def trained(gradient: Gradient) -> Tensor:
        halves, trainer = halves_of(data, gradient)
        for module in trainer.net.modules() if linear else ():
            if isinstance(module, nn.ReLU):
                module.forward = lambda input: input  # type: ignore[method-assign]
        for epoch in (1, 2):
            halves.epoch(epoch)
        return halves.tables[0].weight_RD

    assert torch.allclose(trained("own"), trained("tangent"), atol=1e-4) == linear


def test_rows_that_are_alike_in_both_halves_are_stepped_as_by_the_engine(data: IndexedDataset) -> None:
    """Before any step the halves' rows are the same: all gradients are then those of plain training."""
    plain = trainer_of(data, Arm("none", RATES, {2: ""}), Registry())
    plain.start_epoch(1)
    found = []
    for gradient in get_args(Gradient):
        halves, trainer = halves_of(data, gradient)
        batch = next(halves.batches[0].epoch(1))
        halves.step(0, batch)
        found.append(trainer)
    plain.step(batch)
    theirs = plain.net.state_dict()
    for trainer in found:
        torch.testing.assert_close(trainer.tables.weight_RD, plain.tables.weight_RD, rtol=1e-4, atol=1e-6)
        assert all(torch.equal(ours, theirs[name]) for name, ours in trainer.net.state_dict().items())


def test_mean_sum_and_evidence(data: IndexedDataset) -> None:
    """By their definitions, on the ids of a field; rows that no example trains stay."""
    halves, trainer = halves_of(data, "own", "running_mean(prior_count=20.0)")
    first_RD = trainer.tables.weight_RD.clone()
    halves.epoch(1)
    field = trainer.mapping.fields[0]
    part, untrained = slice(field.offset + 1, field.offset + field.num_rows), field.offset
    w = [tables.weight_RD[part] for tables in halves.tables]
    n = [tables.history.seen_R[part, None] for tables in halves.tables]
    away = [weight_RD - weight_RD.mean(0) for weight_RD in w]
    middle = (w[0].mean(0) + w[1].mean(0)) / 2
    expected = {
        "mean": (w[0] + w[1]) / 2,
        "sum": middle + away[0] + away[1],
        "evidence": middle + (away[0] * (n[0] + 20) + away[1] * (n[1] + 20)) / (n[0] + n[1] + 20),
    }
    for how, rows_RD in expected.items():
        read_RD = halves.read(how).weight_RD  # type: ignore[arg-type]
        torch.testing.assert_close(read_RD[part], rows_RD, rtol=1e-4, atol=1e-6)
        assert torch.equal(read_RD[untrained], first_RD[untrained])


def test_what_cannot_be_done_is_refused(data: IndexedDataset) -> None:
    halves, trainer = halves_of(data, "own")
    with pytest.raises(ValueError, match="the evidence of none; accepted: running_mean"):
        halves.read("evidence")
    trainer.dataset = type("Two", (), {"tasks": ("click", "sign_up")})()
    with pytest.raises(ValueError, match="a tangent with the tasks click, sign_up; accepted: one task"):
        Halves(trainer, "tangent", 1)

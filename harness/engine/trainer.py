"""The state of a run between batches, and one training step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.api import DenseSpec, Model, Strategy, TableSpec, defining
from harness.base import products, seeds
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import memory
from harness.engine.batch import Batch, DistinctRows
from harness.engine.batches import Batches
from harness.engine.dense_adam import DenseAdam
from harness.engine.device import device_of
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.hook_answers import instance, scalar, tensor_like
from harness.engine.lookup import Lookup
from harness.engine.network import network_of, reads_alone
from harness.engine.random_streams import RandomStreams
from harness.engine.ranking_loss import in_batch_softmax
from harness.engine.replay import Backward, Replay, replayable
from harness.engine.row_labels import RowLabels
from harness.engine.row_mapping import map_rows
from harness.engine.table_memory import ensure_room
from harness.experiment.specs import TrainSpec


class Tables(Protocol):
    """What a step looks up and updates."""

    epoch: int

    @property
    def perturbed(self) -> bool: ...

    def lookup(self, rows: DistinctRows) -> Lookup: ...

    def displaced(self, lookup: Lookup, grad_BFD: Tensor) -> Lookup | None: ...

    def update(self, lookup: Lookup, grad_BFD: Tensor) -> None: ...


class Steps(ABC):
    """One training step: of one run, or of several at once."""

    train: TrainSpec
    strategies: Sequence[Strategy]
    tables: Tables
    net: nn.Module
    optimizer: DenseAdam
    randomness: RandomStreams
    last_lookup: Lookup
    """That of the last step, where the net took the gradient it learnt from; not set before the first step."""
    _learn: Backward
    """`_backward`, or a replay of it."""
    _embedded: Sequence[Strategy]
    _penalties: Sequence[Strategy]
    _trainable: Sequence[nn.Parameter]

    @property
    @abstractmethod
    def runs(self) -> tuple[Trainer, ...]:
        """S trainers, one for each run."""

    def continue_epoch(self, epoch: int) -> None:
        """Go on in the middle of an epoch: all of `start_epoch` that no state holds."""
        self.tables.epoch = epoch
        dense = DenseSpec(self.train.dense_lr)
        for strategy in self.strategies:
            dense = instance(strategy.dense(dense, epoch), DenseSpec, strategy, "dense")
        self.optimizer.lr = dense.lr
        for parameter in self._trainable:
            parameter.requires_grad_(not dense.frozen)
        self.net.train()

    def step(self, batch: Batch) -> Tensor:
        """Train on one batch: lookup, forward, backward, update. Returns the loss of each run, [S], on the device."""
        lookup = self.tables.lookup(batch.rows)
        drawn_from = self.randomness.now() if self.tables.perturbed else None
        loss_T, grad_BFD = self._learn(lookup.embedded_BFD, batch)
        if drawn_from is not None and (moved := self.tables.displaced(lookup, grad_BFD)) is not None:
            self.randomness.rewind(drawn_from)  # what is dropped or mixed is the same in both passes
            lookup = moved
            _, grad_BFD = self._learn(lookup.embedded_BFD, batch)
        self.tables.update(lookup, grad_BFD)
        self.optimizer.step()
        self.last_lookup = lookup
        return loss_T.view(len(self.runs), -1).sum(dim=1)

    def _backward(self, embedded_BFD: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses [T] and the gradient of their sum at the embeddings [B, F, D]; that of the net is left in it."""
        logits_BT = self._forward(embedded_BFD, batch)
        compute = in_batch_softmax if self.train.loss == "in_batch_softmax" else loss_and_gradient
        loss_T, grad_BT = compute(logits_BT.detach(), batch.labels_BT, batch.known_BT, batch.weight_B)
        asked = [(s, s.penalty(embedded_BFD)) for s in self._penalties]
        penalties = [scalar(penalty, s, "penalty") for s, penalty in asked if penalty is not None]
        self.optimizer.zero_grad()
        torch.autograd.backward([logits_BT, *penalties], [grad_BT, *map(torch.ones_like, penalties)])
        assert embedded_BFD.grad is not None
        return loss_T, embedded_BFD.grad

    def _forward(self, embedded_BFD: Tensor, batch: Batch) -> Tensor:
        """Logits [B, T] of a training batch, as strategies change it before the net reads it."""
        if self._embedded:
            labels_BT = batch.shown_labels_BT
            for strategy in self._embedded:
                answer = strategy.on_embedded(embedded_BFD, labels_BT)
                embedded_BFD = tensor_like(answer, embedded_BFD, strategy, "on_embedded", "the embedding")
        with torch.autocast(embedded_BFD.device.type, torch.bfloat16, enabled=self.train.precision == "bf16"):
            logits_BT: Tensor = self.net(embedded_BFD, *(() if batch.length_BQ is None else (batch.length_BQ,)))
        return logits_BT.float()


class Trainer(Steps):
    """Everything that one run trains, and how it does a step. truth: whether batches hold the truth, for probes."""

    tables: EmbeddingTables

    def __init__(
        self, dataset: IndexedDataset, model: Model, strategies: Sequence[Strategy], train: TrainSpec, seed: int, *,
        truth: bool = False,
    ) -> None:  # fmt: skip
        torch.set_num_threads(train.threads)
        memory.keep_freed()
        products.use_onednn()
        self.dataset, self.train, self.strategies = dataset, train, strategies
        device = device_of(train.device)
        self.mapping = map_rows(dataset, strategies, seed, alone=reads_alone(model, dataset))
        spec = table_spec(train, strategies)
        columns, tasks = self.mapping.columns, len(dataset.tasks)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeds.torch_seed(seed, "dense"))
            net, width = network_of(model, columns, tasks, strategies)
        self.net = net.to(device)
        ensure_room(self.mapping.num_rows, width, spec.optimizer, device)
        labels = RowLabels(dataset.train, self.mapping)
        self.tables = EmbeddingTables(self.mapping, spec, width, strategies, seed, device, labels=labels)
        self.batches = Batches(
            dataset.train, self.mapping, train.batch_size, train.shuffle_window, seed, device, strategies, truth=truth
        )
        self._trainable = [p for p in self.net.parameters() if p.requires_grad]
        self.randomness = RandomStreams(seed, device)
        self.optimizer = DenseAdam(self.net, train.dense_lr)
        self._embedded, self._penalties = defining("on_embedded", strategies), defining("penalty", strategies)
        self.replayed = replayable(model, strategies, train.precision, device)
        self._learn = Replay(self._backward, self.net) if self.replayed else self._backward

    @property
    def runs(self) -> tuple[Trainer, ...]:
        return (self,)

    def start_epoch(self, epoch: int) -> None:
        self.continue_epoch(epoch)
        with self.randomness():
            for strategy in self.tables.hooks.of(self.strategies):
                strategy.on_epoch_start(epoch, self.tables)

    def end_epoch(self, epoch: int) -> None:
        with self.randomness():
            for strategy in self.tables.hooks.of(self.strategies):
                strategy.on_epoch_end(epoch, self.tables)

    def state(self) -> dict[str, Any]:
        """All that training changes; to be asked for between two steps, outside of `randomness`."""
        return {
            "tables": self.tables.state(),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state(),
            "random": self.randomness.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.tables.restore(state["tables"])
        self.net.load_state_dict(state["net"])
        self.optimizer.restore(state["optimizer"])
        self.randomness.restore(state["random"])


def table_spec(train: TrainSpec, strategies: Sequence[Strategy]) -> TableSpec:
    """How a run's table is initialised and stepped, after all its strategies."""
    spec = TableSpec(lr=train.table_lr, optimizer=train.table_optimizer, init_std=train.init_std)
    for strategy in strategies:
        spec = instance(strategy.table(spec, DenseSpec(lr=train.dense_lr)), TableSpec, strategy, "table")
    return spec


def loss_and_gradient(
    logits_BT: Tensor, labels_BT: Tensor, known_BT: Tensor | None, weight_B: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy [T] of known labels, in nats, and the gradient [B, T] of its sum over tasks at the logits.

    The mean is that of the batch by weights; a task of which nothing in the batch counts has the loss 0.
    """
    loss_BT = functional.softplus(logits_BT) - labels_BT * logits_BT
    grad_BT = torch.sigmoid(logits_BT).sub_(labels_BT)
    if weight_B is not None:
        weight_BT = weight_B[:, None].double() * (1 if known_BT is None else known_BT)
        total_T = weight_BT.sum(dim=0)
        share_BT = (weight_BT / total_T.where(total_T > 0, 1)).float()
    elif known_BT is not None:
        share_BT = known_BT / known_BT.sum(dim=0).clamp(min=1)
    else:
        return loss_BT.sum(dim=0) / len(logits_BT), grad_BT.div_(len(logits_BT))
    return (loss_BT * share_BT).sum(dim=0), grad_BT.mul_(share_BT)

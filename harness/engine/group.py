"""Several runs of an arm that differ in their seed alone, stepped as one: for a GPU hardly more launches than one run.

A step of one run starts so many small kernels that a GPU waits for the host. Every run here keeps a trainer of its own,
with its rows, net, order of examples, random numbers and hooks between epochs; what a step does to all of them is done
in one call. Numbers are those of separate runs within rounding, as products of matrices are summed in another order.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from harness.api import Model, Strategy, defining
from harness.base.errors import UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.columns import Columns
from harness.engine.dense_adam import DenseAdam
from harness.engine.group_batches import GroupBatches
from harness.engine.group_tables import GroupTables
from harness.engine.network import network_of, plain_columns
from harness.engine.random_streams import RandomStreams
from harness.engine.replay import Replay
from harness.engine.trainer import Steps, Trainer
from harness.experiment.specs import EvalSpec, TrainSpec

WHOLE = ("on_lookup", "on_embedded", "penalty")
"""Hooks that see a batch whole, or draw random numbers for it."""


class Group(Steps):
    """The runs of these trainers, before their first step; theirs from then on are the steps of the group."""

    tables: GroupTables

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        first, self._runs = trainers[0], tuple(trainers)
        self.train, self.strategies, device = first.train, first.strategies, first.tables.device
        _ensure_alike(trainers)
        self.net = GroupNet([trainer.net for trainer in trainers])
        self.tables = GroupTables([trainer.tables for trainer in trainers])
        self.batches = GroupBatches([trainer.batches for trainer in trainers], self.tables.first_S, device)
        self.optimizer = DenseAdam(self.net, self.train.dense_lr)
        self.randomness = Undrawn(0, device)
        self._embedded, self._penalties = (), ()
        self._trainable = [p for p in self.net.parameters() if p.requires_grad]
        self._learn = Replay(self._backward, self.net) if first.replayed else self._backward

    @property
    def runs(self) -> tuple[Trainer, ...]:
        return self._runs

    def start_epoch(self, epoch: int) -> None:
        for trainer in self.runs:
            trainer.start_epoch(epoch)
        self.continue_epoch(epoch)

    def continue_epoch(self, epoch: int) -> None:
        for trainer in self.runs:
            trainer.continue_epoch(epoch)
        super().continue_epoch(epoch)

    def end_epoch(self, epoch: int) -> None:
        for trainer in self.runs:
            trainer.end_epoch(epoch)

    def state(self) -> dict[str, Any]:
        """All that training changes, as that of `Trainer`."""
        return {
            "tables": [trainer.tables.state() for trainer in self.runs],
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state(),
            "random": [trainer.randomness.state() for trainer in self.runs],
        }

    def restore(self, state: dict[str, Any]) -> None:
        for trainer, tables, random in zip(self.runs, state["tables"], state["random"], strict=True):
            trainer.tables.restore(tables)
            trainer.randomness.restore(random)
        self.net.load_state_dict(state["net"])
        self.optimizer.restore(state["optimizer"])


class GroupNet(nn.Module):
    """S nets alike, side by side: from [S * B, F, D] to [B, S * T]. The parameters of the given ones become parts of
    those of this one."""

    def __init__(self, nets: Sequence[nn.Module]) -> None:
        super().__init__()
        self._nets = (tuple(nets),)  # in a tuple: their parameters are none of this module
        each = [dict(net.named_parameters()) for net in nets]
        self._names = list(each[0])
        together = [_stacked([parameters[name] for parameters in each]) for name in self._names]
        self.parameters_P = nn.ParameterList(together)

    def forward(self, embedded_MFD: Tensor) -> Tensor:
        (nets,) = self._nets

        def one(parameters: dict[str, Tensor], embedded_BFD: Tensor) -> Any:
            return functional_call(nets[0], parameters, (embedded_BFD,))

        parameters = dict(zip(self._names, self.parameters_P, strict=True))
        embedded_SBFD = embedded_MFD.view(len(nets), -1, *embedded_MFD.shape[1:])
        logits_BST: Tensor = vmap(one, out_dims=1)(parameters, embedded_SBFD)
        return logits_BST.flatten(1)

    def train(self, mode: bool = True) -> GroupNet:
        (nets,) = self._nets
        for net in nets:
            net.train(mode)
        return super().train(mode)


def _stacked(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    whole = nn.Parameter(torch.stack([p.detach() for p in parameters]), requires_grad=parameters[0].requires_grad)
    for parameter, part in zip(parameters, whole.detach(), strict=True):
        parameter.data = part
    return whole


class Undrawn(RandomStreams):
    """In place of the random numbers of a run, in steps that draw none, as each seed has its own."""

    @contextmanager
    def __call__(self) -> Iterator[None]:
        before = self.state()
        with super().__call__():
            yield
        if any(not torch.equal(before[name], at) for name, at in self.state().items()):
            raise UserError("a strategy or a net draws random numbers in a step; accepted: train.seeds_at_once = 1")


def apart(
    model: Model, strategies: Sequence[Strategy], datasets: Sequence[IndexedDataset], train: TrainSpec,
    evaluation: EvalSpec,
) -> str:  # fmt: skip
    """Why runs of an arm on these data sets cannot be stepped as one; empty: they can."""
    for hook in WHOLE:
        if found := defining(hook, strategies):
            return f"strategy '{found[0].name}' has the hook {hook}"
    for name, asked in {
        "start": train.start is not None,
        "continual": train.continual is not None,
        "keep": train.keep,
        "precision": train.precision != "fp32",
    }.items():
        if asked:
            return f"train.{name} is asked for"
    if evaluation.probes:
        return "evaluation.probes are asked for"
    if len({len(dataset.train) for dataset in datasets}) > 1:
        return "the training splits of its seeds are not equally long"
    if any(dataset.train.labelled().weight_N is not None for dataset in datasets):
        return "examples have weights"
    columns = plain_columns(model, datasets[0])
    if columns.positions:
        return f"model '{model.name}' reads sequences id by id"
    return _refusal(model, columns, len(datasets[0].tasks), strategies)


def _refusal(model: Model, columns: Columns, tasks: int, strategies: Sequence[Strategy]) -> str:
    """Why nets of the model cannot stand side by side; tried on two, drawn for it."""
    with torch.random.fork_rng(devices=[]):
        net, width = network_of(model, columns, tasks, strategies)
        if list(net.buffers()):
            return f"the net of model '{model.name}' has buffers"
        try:
            GroupNet([net, copy.deepcopy(net)])(torch.zeros(4, columns.vectors, width))
        except RuntimeError as error:
            return f"torch.vmap refuses the net of model '{model.name}': {str(error).partition('. ')[0]}"
    return ""


def _ensure_alike(trainers: Sequence[Trainer]) -> None:
    """Raises: UserError: the runs do not look up the same columns, or have not as many batches."""
    columns = {tuple(trainer.mapping.columns.slot_C.tolist()) for trainer in trainers}
    if len(columns) > 1 or len({len(trainer.batches) for trainer in trainers}) > 1:
        raise UserError("the seeds of an arm differ in batches or looked-up rows; accepted: train.seeds_at_once = 1")

"""What a net makes of a batch, recorded once and from then on started on a GPU as one operation: a CUDA graph.

A step of a small net is so many small operations that telling them takes longer than the GPU takes for them. What is
recorded are the same operations on the same numbers, so nothing changes but the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from harness.api import Model, Strategy, defining
from harness.engine.batch import Batch

STEADY = {"dcnv2", "deepfm", "dnn", "esmm", "fm", "logistic", "mmoe"}
"""Models that come with the package and are `steady`: a line in their files would give all runs other keys."""

Backward = Callable[[Tensor, Batch], tuple[Tensor, Tensor]]
"""From the embeddings of a batch to its losses and the gradient at them; leaves the gradients of the net in the net."""


def replayable(model: Model, strategies: Sequence[Strategy], precision: str, device: torch.device) -> bool:
    """Whether a GPU is to record what the net does: if the model says that it may, and no strategy takes part in it."""
    takes_part = any(defining(hook, strategies) for hook in ("network", "on_embedded", "penalty"))
    return (model.steady or model.name in STEADY) and not takes_part and precision == "fp32" and device.type == "cuda"


class Replay:
    """As `backward`. The first batch of a shape goes through it as it comes, the second is recorded."""

    def __init__(self, backward: Backward, net: nn.Module) -> None:
        self._backward, self._parameters = backward, list(net.parameters())
        self._recorded: dict[object, Recorded | None] = {}

    def __call__(self, embedded_BFD: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        trained = tuple(parameter.requires_grad for parameter in self._parameters)
        shape = (embedded_BFD.shape, batch.known_BT is None, batch.weight_B is None, trained)
        if shape not in self._recorded:
            self._recorded[shape] = None
            return self._backward(embedded_BFD, batch)
        recorded = self._recorded[shape]
        if recorded is None:
            recorded = self._recorded[shape] = Recorded(self._backward, embedded_BFD, batch, self._parameters)
        return recorded(embedded_BFD, batch)


class Recorded:
    """`backward` of batches of one shape, reading from and writing to memory of its own."""

    def __init__(
        self, backward: Backward, embedded_BFD: Tensor, batch: Batch, parameters: Sequence[nn.Parameter]
    ) -> None:
        self._embedded_BFD = embedded_BFD.detach().clone().requires_grad_()
        self._batch = replace(batch, **{name: getattr(batch, name).clone() for name in _read(batch)})
        training, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(training)
        with torch.cuda.stream(aside):  # libraries make their workspaces in a first call, which cannot be recorded
            backward(self._embedded_BFD, self._batch)
        training.wait_stream(aside)
        self._embedded_BFD.grad, self._graph = None, torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):  # a thread makes batches meanwhile
            self._loss_T, self._grad_BFD = backward(self._embedded_BFD, self._batch)
        self._grads = [(parameter, parameter.grad) for parameter in parameters]

    def __call__(self, embedded_BFD: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        self._embedded_BFD.detach().copy_(embedded_BFD.detach())
        for name in _read(batch):
            getattr(self._batch, name).copy_(getattr(batch, name))
        self._graph.replay()
        for parameter, grad in self._grads:
            parameter.grad = grad
        embedded_BFD.grad = self._grad_BFD
        return self._loss_T, self._grad_BFD


def _read(batch: Batch) -> list[str]:
    """The tensors of a batch that `backward` reads."""
    return [name for name in ("labels_BT", "known_BT", "weight_B") if getattr(batch, name) is not None]

"""A whole training step of a peer as one CUDA graph, as our engine replays a part of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARM = 3
"""Calls before the one that is recorded, as torch's documentation asks for."""


def captured(train: Callable[..., object], *first: Tensor) -> Callable[..., object]:
    """The same as `train`, which takes tensors on a GPU of these shapes."""
    inputs = [tensor.clone() for tensor in first]
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM):
            train(*inputs)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        train(*inputs)

    def replayed(*tensors: Tensor) -> None:
        for kept, tensor in zip(inputs, tensors, strict=True):
            kept.copy_(tensor)
        graph.replay()

    return replayed

"""The device that a run trains on."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from harness.base.ahead import ahead
from harness.base.errors import UserError
from harness.engine.batch import Batch


def device_of(name: str) -> torch.device:
    """The torch device of this name.

    Raises:
        UserError: it is a GPU, and this machine or this build of torch has none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("train.device = 'cuda': torch finds no GPU here; accepted: cpu")
    return torch.device(name)


def settle(device: torch.device) -> None:
    """Wait until a GPU has done all it was told, so that a clock shows what that took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def made_aside(batches: Iterator[Batch], device: torch.device, depth: int) -> Iterator[Batch]:
    """Batches that a thread makes on a GPU, `depth` of them ahead, on a stream beside that of training."""
    training, aside = torch.cuda.current_stream(device), torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    aside.wait_stream(training)
    for batch, made in ahead(_on_stream(batches, aside), depth):
        training.wait_event(made)
        for tensor in batch.tensors:
            tensor.record_stream(training)  # else its memory would be given to the next batch too early
        yield batch


def _on_stream(batches: Iterator[Batch], stream: torch.cuda.Stream) -> Iterator[tuple[Batch, torch.cuda.Event]]:
    """Each with the event of its last operation."""
    while True:
        with torch.cuda.stream(stream):
            if (batch := next(batches, None)) is None:
                return
            made = stream.record_event()
        yield batch, made

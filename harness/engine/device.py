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


def made_aside(batches: Iterator[list[Batch]], device: torch.device) -> Iterator[Batch]:
    """Batches that a thread makes on a GPU, a list ahead, on a stream beside that of training.

    Those of a list lie in the same memory.
    """
    training, aside = torch.cuda.current_stream(device), torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    aside.wait_stream(training)
    for several, made in ahead(_on_stream(batches, aside)):
        training.wait_event(made)
        for tensor in several[0].tensors:
            tensor.record_stream(training)  # else its memory would be given to the next ones too early
        yield from several


def _on_stream(
    batches: Iterator[list[Batch]], stream: torch.cuda.Stream
) -> Iterator[tuple[list[Batch], torch.cuda.Event]]:
    """Each with the event of its last operation."""
    while True:
        with torch.cuda.stream(stream):
            if (several := next(batches, None)) is None:
                return
            made = stream.record_event()
        yield several, made

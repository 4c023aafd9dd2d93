"""The device that a run trains on."""

from __future__ import annotations

import torch

from harness.base.errors import UserError


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

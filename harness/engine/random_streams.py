"""The random numbers that hooks and dropout draw in training, in the place of torch's global ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from harness.base import seeds

Positions = dict[str, Tensor]
"""How far each device's stream is, by the device's type."""


class RandomStreams:
    """Those of a run: one of the CPU, where most is drawn, and one of its device if that is another."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._devices = [device] if device.type != "cpu" else []
        self._at = {
            each.type: torch.Generator(each).manual_seed(seeds.torch_seed(seed, "train")).get_state()
            for each in (torch.device("cpu"), *self._devices)
        }

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Inside, torch draws from the streams of this run."""
        with torch.random.fork_rng(devices=self._devices):
            self.rewind(self._at)
            yield
            self._at = self.now()

    def now(self) -> Positions:
        """To be asked for inside, for `rewind`."""
        return {"cpu": torch.get_rng_state()} | {d.type: torch.cuda.get_rng_state(d) for d in self._devices}

    def rewind(self, positions: Positions) -> None:
        """Draw again, inside, what followed these positions."""
        torch.set_rng_state(positions["cpu"])
        for device in self._devices:
            torch.cuda.set_rng_state(positions[device.type], device)

    def state(self) -> Positions:
        return self._at

    def restore(self, positions: Positions) -> None:
        """Go on from there; a device whose position is not among them begins anew."""
        self._at = self._at | {name: at for name, at in positions.items() if name in self._at}

"""Buffers of one number per row that strategies ask for by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.base.errors import UserError


class RowBuffers:
    """Made when first asked for, and then of the strategy that asked."""

    asks = ""
    """The strategy whose hook is called; empty: none, and whoever asks is given what there is."""

    def __init__(self, num_rows: int, device: torch.device) -> None:
        self._num_rows, self._device = num_rows, device
        self._buffers: dict[str, Tensor] = {}
        self._owners: dict[str, str] = {}

    def __call__(self, name: str) -> Tensor:
        """The buffer of this name: float32 [R], zero at first.

        Raises:
            UserError: it is another strategy's.
        """
        if self.asks and (owner := self._owners.setdefault(name, self.asks)) != self.asks:
            raise UserError(
                f"strategies '{owner}' and '{self.asks}' both keep a buffer '{name}', and would change each other's; "
                "accepted: names of their own, as the strategy's before them"
            )
        if name not in self._buffers:
            self._buffers[name] = torch.zeros(self._num_rows, device=self._device)
        return self._buffers[name]

    def reset(self, which: Tensor | slice) -> None:
        """Back to zero for these rows, in every buffer."""
        for buffer in self._buffers.values():
            buffer[which] = 0

    def adopt(self, state: dict[str, Any], into_M: Tensor, from_M: Tensor, share_M: Tensor) -> None:
        """Take the numbers of rows of other tables, or such a share of them."""
        for name, buffer in state.items():
            self(name)[into_M] = buffer[from_M].to(self._device) * share_M.float()

    def state(self) -> dict[str, Any]:
        return dict(self._buffers)

    def restore(self, state: dict[str, Any]) -> None:
        self._buffers = {name: buffer.to(self._device) for name, buffer in state.items()}

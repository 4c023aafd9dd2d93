"""Adam on the parameters of the net, which are all stepped in one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

BETAS, EPS = (0.9, 0.999), 1e-8
"""Of torch.optim.Adam."""


class DenseAdam:
    """What `torch.optim.Adam(fused=True)` does, to the same bits.

    A class of its own, as torch's spends more time on bookkeeping than on the arithmetic of a small net, and imports
    torch's compiler, which takes seconds. A parameter without a gradient stays as it is, and so do its moments.
    """

    lr: float
    """Of the next step."""

    def __init__(self, net: nn.Module, lr: float) -> None:
        self.lr = lr
        self._kept = [
            (p, torch.zeros_like(p), torch.zeros_like(p), torch.zeros((), device=p.device)) for p in net.parameters()
        ]

    def zero_grad(self) -> None:
        for parameter, *_ in self._kept:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        if stepped := [each for each in self._kept if each[0].grad is not None]:
            parameters, means, squares, steps = map(list, zip(*stepped, strict=True))
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                parameters, [p.grad for p in parameters], means, squares, [], steps, lr=self.lr, beta1=BETAS[0],
                beta2=BETAS[1], weight_decay=0.0, eps=EPS, amsgrad=False, maximize=False,
            )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """All but the parameters."""
        return {"kept": [tuple(tensors) for _, *tensors in self._kept]}

    def restore(self, state: dict[str, Any]) -> None:
        for (_, *tensors), saved in zip(self._kept, state["kept"], strict=True):
            for tensor, value in zip(tensors, saved, strict=True):
                tensor.copy_(value)

"""Train each field's table as the product of a wider one and a matrix; the product is the embedding.

Source: MLET, arXiv 2309.15881 (abstract): E = W1 W2, W1 [n, k], W2 [k, d], k > d, collapsed after training. Read as a
product it is the same embedding, so nothing is collapsed here. In a sequence every place has a matrix of its own.
"""

import torch
from torch import Tensor, nn

from harness.api import Strategy, tuned


class Projected(nn.Module):
    """The net, behind one matrix [k, d] per field."""

    def __init__(self, net: nn.Module, fields: int, inner: int, width: int) -> None:
        super().__init__()
        self.net = net
        self.matrix_FKD = nn.Parameter(torch.randn(fields, inner, width) / inner**0.5)

    def forward(self, embedded_NFK: Tensor, *more: Tensor) -> Tensor:
        logits_NT: Tensor = self.net(torch.einsum("nfk,fkd->nfd", embedded_NFK, self.matrix_FKD), *more)
        return logits_NT


class MLET(Strategy):
    name = "mlet"
    ratio: int = tuned(4, 2, 16, log=True)
    """Width of the inner table over that of the embedding, k / d."""

    def network(self, net: nn.Module, fields: int, width: int) -> tuple[nn.Module, int]:
        return Projected(net, fields, self.ratio * width, width), self.ratio * width

"""Mix each example's embeddings with those of another example that has the same labels.

Source: the idea of Phantom Embeddings, arXiv 2304.07262, an image-classification loss (abstract): embeddings of one
class are drawn towards each other. Only this form of it, a mix-up within a class, carries over to tables of ids.
"""

import torch
from torch import Tensor

from harness.api import Strategy, tuned


class LatentMixup(Strategy):
    name = "latent_mixup"
    strength: float = tuned(0.2, 0.01, 0.5, neutral=0.0)
    """The largest share of the other example; each example draws its own between 0 and this."""

    def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
        if self.strength == 0:
            return embedded_NFD
        other_N = partners(labels_NT)
        share_N = self.strength * torch.rand(len(labels_NT), device=labels_NT.device)
        return embedded_NFD.lerp(embedded_NFD[other_N], share_N[:, None, None])


def partners(labels_NT: Tensor) -> Tensor:
    """For each example one with the same label in every task: its neighbour in a random order of them; else itself."""
    pattern_N = ((labels_NT.long() + 1) * 3 ** torch.arange(labels_NT.shape[1], device=labels_NT.device)).sum(dim=1)
    shuffled_N = torch.randperm(len(labels_NT)).to(labels_NT.device)
    order_N = shuffled_N[pattern_N[shuffled_N].argsort(stable=True)]
    before_N = order_N.roll(1)
    same_N = pattern_N[before_N] == pattern_N[order_N]
    other_N = torch.empty_like(order_N)
    other_N[order_N] = torch.where(same_N, before_N, order_N)
    return other_N

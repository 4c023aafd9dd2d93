"""Dropout on the concatenated embeddings: reported to be of no use, and so a negative control.

Source: Zhang et al. 2022 (CIKM, "Towards understanding the overfitting phenomenon of deep click-through rate models"),
figures (read).
"""

from torch import Tensor
from torch.nn import functional

from harness.api import Strategy, tuned


class EmbeddingDropout(Strategy):
    name = "embedding_dropout"
    p: float = tuned(0.2, 0.01, 0.9, neutral=0.0)
    """Share of the numbers that are set to zero in training; the others grow by 1 / (1 - p)."""

    def on_embedded(self, embedded_NFD: Tensor, labels_NT: Tensor) -> Tensor:
        return functional.dropout(embedded_NFD, self.p) if self.p else embedded_NFD

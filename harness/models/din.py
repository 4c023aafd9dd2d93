"""DIN: of a sequence of ids, such as what a user clicked, each counts by how it fits the id in question.

Source: Zhou et al. 2018 (KDD, arXiv 1706.06978), section 4.3 and figure 2: the user's interest is the sum of the
sequence's embeddings, each weighted by a small net that reads it, the target's embedding, their difference and their
product; weights are not normalised by a softmax, which would hide how strong the interest is. The published code
normalises them all the same (`normalise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from harness.api import Model, Positions, UserError, mlp, tuned


class Attention(nn.Module):
    """From the embeddings of a sequence, its length and the target's embedding to the interest, [N, D]."""

    def __init__(self, width: int, hidden: tuple[int, ...], normalise: bool) -> None:
        super().__init__()
        widths = (4 * width, *hidden)
        self.score = nn.Sequential(mlp(*widths), nn.Linear(widths[-1], 1))
        self.normalise = normalise

    def forward(self, sequence_NLD: Tensor, length_N: Tensor, target_ND: Tensor) -> Tensor:
        target_NLD = target_ND[:, None].expand_as(sequence_NLD)
        told = [target_NLD, sequence_NLD, target_NLD - sequence_NLD, target_NLD * sequence_NLD]
        score_NL = self.score(torch.cat(told, dim=2)).squeeze(2)
        empty_NL = torch.arange(sequence_NLD.shape[1], device=length_N.device) >= length_N[:, None]
        if self.normalise:
            score_NL = torch.softmax(score_NL.masked_fill(empty_NL, torch.finfo(score_NL.dtype).min), dim=1)
        weight_NL = score_NL.masked_fill(empty_NL, 0.0)
        interest_ND: Tensor = (weight_NL[:, None] @ sequence_NLD).squeeze(1)
        return interest_ND


class Interest(nn.Module):
    """An MLP on the vectors of all fields, the interest in the target standing for each sequence."""

    def __init__(
        self, vectors: int, width: int, tasks: int, sequences: Sequence[Positions], hidden: tuple[int, ...],
        attention: partial[Attention],
    ) -> None:  # fmt: skip
        super().__init__()
        self.sequences = tuple(sequences)
        self.attention = nn.ModuleList(attention(width) for _ in sequences)
        fields = vectors - sum(each.longest for each in sequences)
        widths = ((fields + len(sequences)) * width, *hidden)
        self.fields, self.deep = fields, nn.Sequential(mlp(*widths), nn.Linear(widths[-1], tasks))

    def forward(self, embedded_NFD: Tensor, length_NQ: Tensor) -> Tensor:
        read = [embedded_NFD[:, : self.fields].flatten(1)]
        for q, (each, attention) in enumerate(zip(self.sequences, self.attention, strict=True)):
            assert each.target is not None
            sequence_NLD = embedded_NFD[:, each.first : each.first + each.longest]
            read.append(attention(sequence_NLD, length_NQ[:, q], embedded_NFD[:, each.target]))
        logits_NT: Tensor = self.deep(torch.cat(read, dim=1))
        return logits_NT


class DIN(Model):
    """Every sequence must share the table of a field of single ids, which is its target."""

    name = "din"
    dim: int = tuned(16, 1, 4096, search=False)
    """Embedding width."""
    hidden: tuple[int, ...] = tuned((128, 64), 1, 65_536, search=False)
    """Widths of the ReLU layers."""
    attention: tuple[int, ...] = tuned((32, 16), 1, 65_536, search=False)
    """Widths of the ReLU layers of the net that weighs an id."""
    normalise: bool = tuned(False, choices=(False, True), search=False)
    """Whether weights go through a softmax."""

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        raise UserError("model 'din' attends to a sequence, and the data has none; accepted: data with a sequence")

    def sequence_network(self, fields: int, tasks: int, sequences: Sequence[Positions]) -> nn.Module:
        for each in sequences:
            if each.target is None:
                raise UserError(
                    f"model 'din': sequence '{each.name}' shares no table with a field of single ids, so that it has "
                    f'no target; accepted: shares = "<field>"'
                )
        attention = partial(Attention, hidden=self.attention, normalise=self.normalise)
        return Interest(fields, self.dim, tasks, sequences, self.hidden, attention)

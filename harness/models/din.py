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
from torch.nn.functional import linear

from harness.api import Model, Positions, UserError, mlp, tuned


class Attention(nn.Module):
    """From the embeddings of a sequence, its length and the target's embedding to the interest, [N, D].

    Of W [t, s, t - s, t * s] the parts of the target t are the same for all of a sequence s, and empty places are left
    out: M ids of all N sequences remain.
    """

    def __init__(self, width: int, hidden: tuple[int, ...], normalise: bool) -> None:
        super().__init__()
        self.first, self.rest = nn.Linear(4 * width, hidden[0]), nn.Sequential(nn.ReLU(), mlp(*hidden))
        self.last, self.normalise = nn.Linear(hidden[-1], 1), normalise

    def forward(self, sequence_NLD: Tensor, length_N: Tensor, target_ND: Tensor) -> Tensor:
        there_NL = torch.arange(sequence_NLD.shape[1], device=length_N.device) < length_N[:, None]
        example_M, place_M = there_NL.nonzero(as_tuple=True)
        told_MD = sequence_NLD.flatten(0, 1).index_select(0, example_M * sequence_NLD.shape[1] + place_M)
        of_target, of_told, of_difference, of_product = self.first.weight.chunk(4, dim=1)
        once_NH = linear(target_ND, of_target + of_difference, self.first.bias)
        hidden_MH = linear(told_MD, of_told - of_difference) + once_NH.index_select(0, example_M)
        hidden_MH = hidden_MH + linear(told_MD * target_ND.index_select(0, example_M), of_product)
        score_M = self.last(self.rest(hidden_MH)).squeeze(1)
        if self.normalise:
            score_NL = score_M.new_full(there_NL.shape, torch.finfo(score_M.dtype).min)
            weight_NL = score_NL.masked_scatter(there_NL, score_M).softmax(dim=1).masked_fill(~there_NL, 0.0)
        else:
            weight_NL = score_M.new_zeros(there_NL.shape).masked_scatter(there_NL, score_M)
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

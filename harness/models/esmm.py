"""ESMM: shared embeddings and a tower per task, which gives its probability under the task before it in the funnel.

Source: Ma, Zhao et al. 2018 (SIGIR, arXiv 1804.07931), eq. 4: p(click and conversion) = p(click) p(conversion | click),
trained on all impressions, both on the click and on the product. Here for any tree of tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from harness.api import Model, UserError, mlp, tuned


class Funnel(nn.Module):
    """parents: of each task the one it happens under, or -1."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], parents: Sequence[int]) -> None:
        super().__init__()
        widths = (inputs, *hidden)
        self.towers = nn.ModuleList(nn.Sequential(mlp(*widths), nn.Linear(widths[-1], 1)) for _ in parents)
        self.parents = tuple(parents)

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        input_NI = embedded_NFD.flatten(1)
        return product_logits([tower(input_NI).squeeze(1) for tower in self.towers], self.parents)


def product_logits(conditional: Sequence[Tensor], parents: Sequence[int]) -> Tensor:
    """Logits [N, T] of every task's probability times those of all above it, from the conditional logits [N] of each.

    With p that of the task above and c conditional, log(1 - pc) = log((1 - p) + p (1 - c)): no difference of numbers
    that are nearly equal, at any logit.
    """
    logits: list[Tensor] = []
    yes: list[Tensor] = []
    no: list[Tensor] = []
    for logit_N, parent in zip(conditional, parents, strict=True):
        yes_N, no_N = logsigmoid(logit_N), logsigmoid(-logit_N)
        if parent >= 0:
            yes_N, no_N = yes[parent] + yes_N, torch.logaddexp(no[parent], yes[parent] + no_N)
            logit_N = yes_N - no_N
        logits.append(logit_N)
        yes.append(yes_N)
        no.append(no_N)
    return torch.stack(logits, dim=1)


class ESMM(Model):
    """dim: embedding width. hidden: widths of a tower's ReLU layers.

    parents: for each task, in the data set's order, the number of the task that must happen first, counted from 0, or
    -1 for none: such a task is a tower of its own, outside any funnel unless others name it. Default: one funnel of
    all tasks in order, each under the one before.
    """

    name = "esmm"
    dim: int = tuned(16, 1, 4096, search=False)
    hidden: tuple[int, ...] = tuned((128, 64), 1, 65_536, search=False)
    parents: tuple[int, ...] = tuned((), -1, 1000, search=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(parent >= task for task, parent in enumerate(self.parents)):
            raise UserError(
                f"esmm: parents = {list(self.parents)} is not accepted; accepted: for each task an earlier one, or -1"
            )

    def width(self, tasks: int) -> int:
        return self.dim

    def network(self, fields: int, tasks: int) -> nn.Module:
        if self.parents and len(self.parents) != tasks:
            raise UserError(
                f"esmm: parents = {list(self.parents)} is of {len(self.parents)} tasks; the data has {tasks}"
            )
        return Funnel(fields * self.dim, self.hidden, self.parents or range(-1, tasks - 1))

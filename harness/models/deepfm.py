"""DeepFM: a factorisation machine and an MLP that read the same factor vectors; their logits add up.

Source: Guo et al. 2017 (IJCAI, arXiv 1703.04247), eq. 1 to 4. With several tasks each has a machine of its own, as in
`fm`, and the MLP, a shared bottom with one linear head per task, reads the factor vectors of all.
"""

from __future__ import annotations

from torch import Tensor, nn

from harness.api import Model, mlp, tuned


class Deep(nn.Module):
    """A row holds T first-order weights, then T factor vectors."""

    def __init__(self, fields: int, tasks: int, dim: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        widths = (fields * tasks * dim, *hidden)
        self.tasks = tasks
        self.deep = nn.Sequential(nn.Flatten(), mlp(*widths), nn.Linear(widths[-1], tasks))

    def forward(self, embedded_NFD: Tensor) -> Tensor:
        first_NT, factor_NFK = embedded_NFD[..., : self.tasks].sum(dim=1), embedded_NFD[..., self.tasks :]
        twice_NK = factor_NFK.sum(dim=1).square() - factor_NFK.square().sum(dim=1)
        deep_NT: Tensor = self.deep(factor_NFK)
        return first_NT + twice_NK.view(len(twice_NK), self.tasks, -1).sum(dim=-1) / 2 + deep_NT


class DeepFM(Model):
    """dim: width of a factor vector. hidden: widths of the ReLU layers."""

    name = "deepfm"
    dim: int = tuned(8, 1, 4096, search=False)
    hidden: tuple[int, ...] = tuned((128, 64), 1, 65_536, search=False)

    def width(self, tasks: int) -> int:
        return tasks * (1 + self.dim)

    def network(self, fields: int, tasks: int) -> nn.Module:
        return Deep(fields, tasks, self.dim, self.hidden)

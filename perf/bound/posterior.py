"""What the training rows tell of every id, to someone who knows the generator: an approximate posterior.

All but the normals of the ids is given: weights, directions, fashion, noise, intercept, and that the normals are
standard. Their posterior is approximated by independent Gaussians, whose evidence lower bound is climbed by stochastic
gradients (mean-field variational inference). The logit is a sum of normals and of products of two, so its mean and
variance are exact under the approximation, and the expectation over it is Gauss-Hermite quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.data.synthetic.kernel import LEFT, RIGHT
from harness.data.synthetic.sampler import Sampler

POINTS = 12
_at, _share = np.polynomial.hermite_e.hermegauss(POINTS)
NODES_Q, SHARES_Q = torch.tensor(_at, dtype=torch.float32), torch.tensor(_share / _share.sum(), dtype=torch.float32)
START_SIGMA = 0.5
BATCH, EPOCHS, RATE = 4096, 24, 0.1


@dataclass(frozen=True)
class Known:
    """Rows as the generator's model of one task reads them. N rows, F fields, K latent dimensions.

    code_NF: int64, ids counted from 0 over all fields together. count_C: how often training has each code.
    fashion_NK: drift times the direction of taste at the row's time.
    """

    code_NF: Tensor
    label_N: Tensor
    fashion_NK: Tensor
    count_C: Tensor
    train: int
    scale_F: Tensor
    side_F: npt.NDArray[np.int64]
    match_K: Tensor
    noise_scale: float
    intercept: float

    @property
    def matched(self) -> bool:
        return bool(self.match_K.any() or self.fashion_NK.any())


def known(sampler: Sampler, task: str) -> Known:
    """All rows of a population, for a task that is under no other."""
    c, population, t = sampler.compiled, sampler.population, sampler.tasks.index(task)
    assert population.tasks[task].under is None, f"task '{task}' is under another"
    assert len(sampler.fields) == len(population.fields), "a hidden field is not among the ids"
    assert not sampler.kinds.names, "numbers and lists are not among the ids"
    assert population.thinned is None, "a row that was dropped tells nothing"
    assert not c.examined_F.any(), "a position multiplies what the logit makes"
    rows = sampler.rows(0, population.rows)
    codes, sizes = zip(*(np.unique(column, return_inverse=True)[::-1] for column in rows.index_NF.T), strict=True)
    starts = np.cumsum([0, *(len(size) for size in sizes)])
    code_NF = torch.from_numpy(np.stack(codes, 1) + starts[:-1])
    train = population.edges()[0]
    hour_N = np.minimum(rows.time_N // 3600, len(c.fashion_HK) - 1)
    return Known(
        code_NF=code_NF,
        label_N=torch.from_numpy(rows.labels_NT[:, t].astype(np.float32)),
        fashion_NK=torch.from_numpy((c.drift_T[t] * c.fashion_HK[hour_N]).astype(np.float32)),
        count_C=torch.bincount(code_NF[:train].flatten(), minlength=int(starts[-1])),
        train=train,
        scale_F=torch.from_numpy(np.hypot(c.shared_FT[:, t], c.own_FT[:, t]).astype(np.float32)),
        side_F=c.side_F,
        match_K=torch.from_numpy(c.match_TK[t].astype(np.float32)),
        noise_scale=float(c.scale_T[t]),
        intercept=float(sampler.intercepts[t]),
    )


class Posterior(nn.Module):
    """A Gaussian for the bias and, on the sides of the match, for each latent number of every id."""

    def __init__(self, data: Known) -> None:
        super().__init__()
        self._data = data
        self._sides = {side: np.flatnonzero(data.side_F == side).tolist() for side in (LEFT, RIGHT)}
        ids, latent = len(data.count_C), len(data.match_K)
        self.bias = _gaussians(ids, 1)
        self.latent = _gaussians(ids, latent) if data.matched else None

    def logit(self, rows_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and variance of each row's logit, [B], and its share of the divergence from the prior."""
        data = self._data
        code_BF = data.code_NF[rows_B]
        mean_BF, var_BF, cost_B = self._read(self.bias, code_BF)
        mean_B = (data.scale_F * mean_BF[..., 0]).sum(1)
        var_B = (data.scale_F.square() * var_BF[..., 0]).sum(1)
        if self.latent is not None:
            sides = {}
            for side, fields in self._sides.items():
                mean_BSK, side_var_BSK, side_cost_B = self._read(self.latent, code_BF[:, fields])
                sides[side] = mean_BSK.sum(1), side_var_BSK.sum(1)
                cost_B = cost_B + side_cost_B
            (u_BK, u_var_BK), (v_BK, v_var_BK) = sides[LEFT], sides[RIGHT]
            u_BK, u_var_BK = data.match_K * u_BK + data.fashion_NK[rows_B], data.match_K.square() * u_var_BK
            mean_B = mean_B + (u_BK * v_BK).sum(1)
            product_BK = u_BK.square() * v_var_BK + v_BK.square() * u_var_BK + u_var_BK * v_var_BK
            var_B = var_B + product_BK.sum(1)
        scale = data.noise_scale
        return scale * mean_B + data.intercept, scale**2 * var_B, cost_B

    def _read(self, table: nn.Embedding, code_BF: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means and variances, and the divergences from the prior, each shared out over the rows that have the id."""
        mean_BFK, log_BFK = table(code_BF).chunk(2, dim=-1)
        var_BFK = (2 * log_BFK).exp()
        cost_BF = 0.5 * (var_BFK + mean_BFK.square() - 1 - 2 * log_BFK).sum(-1)
        return mean_BFK, var_BFK, (cost_BF / self._data.count_C[code_BF].clamp(min=1)).sum(1)

    @torch.no_grad()
    def predict(self, rows: slice) -> npt.NDArray[np.float64]:
        """The posterior mean of the probability, [N]. An id that training never had keeps its prior."""
        found = []
        for rows_B in torch.split(torch.arange(rows.start, rows.stop), 1 << 15):
            mean_B, var_B, _ = self.logit(rows_B)
            found.append((torch.sigmoid(mean_B[:, None] + var_B.sqrt()[:, None] * NODES_Q) * SHARES_Q).sum(1))
        return torch.cat(found).double().numpy()

    @torch.no_grad()
    def forget_unseen(self) -> None:
        """Ids without a training row have their prior, whatever they started from."""
        for weight_CK in self.parameters():
            weight_CK[self._data.count_C == 0] = 0.0


def fit(data: Known, *, epochs: int = EPOCHS, rate: float = RATE, seed: int = 0) -> Posterior:
    """Climb the bound. The step falls to zero along half a cosine."""
    torch.manual_seed(seed)
    model, total = Posterior(data), epochs * -(-data.train // BATCH)
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    model.forget_unseen()
    for _ in range(epochs):
        for rows_B in torch.split(torch.randperm(data.train), BATCH):
            mean_B, var_B, cost_B = model.logit(rows_B)
            logit_BQ = mean_B[:, None] + var_B.sqrt()[:, None] * NODES_Q
            label_BQ = data.label_N[rows_B, None].expand_as(logit_BQ)
            loss_BQ: Any = functional.binary_cross_entropy_with_logits(logit_BQ, label_BQ, reduction="none")
            optimizer.zero_grad()
            ((loss_BQ * SHARES_Q).sum(1) + cost_B).mean().backward()
            optimizer.step()  # type: ignore[no-untyped-call]
            schedule.step()
    return model


def _gaussians(ids: int, numbers: int) -> nn.Embedding:
    """Means near zero, and logarithms of deviations."""
    table = nn.Embedding(ids, 2 * numbers, sparse=True)
    with torch.no_grad():
        table.weight[:, :numbers].normal_(0, 0.1)
        table.weight[:, numbers:] = float(np.log(START_SIGMA))
    return table

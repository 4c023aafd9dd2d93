"""How far dense Adam carries a row through the steps that do not touch it, without taking them one by one.

Of a row with moments m and v, last touched at age a (in steps since its state was cleared), the j-th missed step takes

    lr * beta1**j m / (1 - beta1**(a + j)) / (sqrt(beta2**j v / (1 - beta2**(a + j))) + eps)

off the weight: Kingma and Ba 2015, algorithm 1, with a gradient of 0. Decay multiplies what came before by keep_j at
each step. So the sum over j has weights that are the same for all rows of an age, times a smooth function of j that
holds v: Gauss quadrature (Golub and Welsch 1969) gives it from four values, as exactly as float32 holds it. Rows last
touched in their first steps, where it is less smooth, are summed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.api import TableSpec
from harness.engine import drift_kernel

F64 = npt.NDArray[np.float64]
NODES = 4
REACH = 160
"""Missed steps that count: beta1 ** 160 is 5e-8 at .9."""


@lru_cache(maxsize=4)
def rules(beta1: float, beta2: float, rate: float, absent: float) -> Tensor:
    """Weight, beta2 ** (x / 2) and 1 - beta2 ** x of every node x: float32 [ages, REACH, NODES, 3].

    Ages go from YOUNG to OLD, missed steps from 1; more of either are as the last. rate: the share of a weight that
    every step takes; absent: the share, times j, that the j-th missed step takes besides.
    """
    ages_A, missed_J = np.arange(drift_kernel.YOUNG, drift_kernel.OLD + 1.0), np.arange(1, REACH + 1.0)
    steps_AJ = ages_A[:, None] + missed_J
    size_AJ = beta1**missed_J / -np.expm1(steps_AJ * np.log(beta1)) * np.sqrt(-np.expm1(steps_AJ * np.log(beta2)))
    size_AJ[-1] = beta1**missed_J
    left_MJ = np.tril(np.ones((REACH, REACH)))
    for j, keep in enumerate(keeps(rate, absent)[1:], start=1):
        left_MJ[j:, :j] *= keep
    nodes_AMX, weights_AMX = _gauss(missed_J, size_AJ[:, None] * left_MJ)
    table = np.stack([weights_AMX, beta2 ** (nodes_AMX / 2), -np.expm1(nodes_AMX * np.log(beta2))], axis=-1)
    return torch.from_numpy(table.astype(np.float32))


def keeps(rate: float, absent: float) -> F64:
    """The share of a weight that each of the first missed steps leaves, [REACH]."""
    return (1 - rate) * (1 - np.minimum(1, absent * np.arange(1, REACH + 1.0)))


def _gauss(points_J: F64, size_AMJ: F64) -> tuple[F64, F64]:
    """Nodes and weights [A, M, NODES] of the Gauss rules of discrete measures on the same points.

    A measure on fewer points than NODES has so many nodes; the weight of the others is 0.
    """
    total_AM = size_AMJ.sum(axis=2)
    middle, half = (points_J[0] + points_J[-1]) / 2, (points_J[-1] - points_J[0]) / 2
    x_J, before, now = (points_J - middle) / half, np.zeros_like(size_AMJ), np.ones_like(size_AMJ)
    norm_AM, jacobi = total_AM, np.zeros((*total_AM.shape, NODES, NODES))
    ratio_AM = np.zeros_like(total_AM)
    for k in range(NODES):
        there = norm_AM > 1e-22 * total_AM
        center_AM = np.where(there, (size_AMJ * x_J * now**2).sum(axis=2) / np.where(there, norm_AM, 1), 0)
        jacobi[..., k, k] = center_AM
        before, now = now, (x_J - center_AM[..., None]) * now - ratio_AM[..., None] * before
        following_AM = (size_AMJ * now**2).sum(axis=2)
        there &= following_AM > 1e-22 * total_AM
        ratio_AM = np.where(there, following_AM / np.where(there, norm_AM, 1), 0)
        norm_AM = np.where(there, following_AM, 0)
        if k + 1 < NODES:
            jacobi[..., k, k + 1] = jacobi[..., k + 1, k] = np.sqrt(ratio_AM)
    nodes_AMX, vectors = np.linalg.eigh(jacobi)
    return middle + half * nodes_AMX, total_AM[..., None] * vectors[..., 0, :] ** 2


def drift(
    mean_ID: Tensor, square_ID: Tensor, missed_I: Tensor, age_I: Tensor, table: Tensor, keep_J: Tensor, spec: TableSpec
) -> Tensor:  # fmt: skip
    """What `missed_I` steps, up to REACH of them, take off the weights, over lr: [I, D], on any device.

    mean_ID, square_ID: the moments as the last touch left them. A row whose age is not above 0 stays where it is.
    """
    first, last = drift_kernel.YOUNG, drift_kernel.OLD
    row_I = (age_I.clamp(first, last) - first).long(), (missed_I.clamp(1, REACH) - 1).long()
    weight_IX, root_IX, gone_IX = table[row_I].unbind(dim=2)
    old_I, log2 = age_I[:, None].float(), float(np.log(spec.beta2))
    correct_IX = (torch.exp(old_I * log2) * gone_IX - torch.expm1(old_I * log2)).clamp(min=0).sqrt()
    weight_IX = torch.where(age_I[:, None] >= last, weight_IX * correct_IX, weight_IX)
    under_IXD = square_ID.sqrt()[:, None] * root_IX[..., None] + spec.eps * correct_IX[..., None]
    sum_ID = (weight_IX[..., None] / under_IXD).sum(dim=1)
    young_I = (age_I < first) & (age_I > 0)
    if young_I.any():
        sum_ID[young_I] = _summed(square_ID[young_I], missed_I[young_I], age_I[young_I], keep_J, spec)
    return mean_ID * sum_ID * ((missed_I > 0) & (age_I > 0))[:, None]


def _summed(square_ID: Tensor, missed_I: Tensor, age_I: Tensor, keep_J: Tensor, spec: TableSpec) -> Tensor:
    """The sum itself, step by step, over m."""
    sum_ID = torch.zeros_like(square_ID)
    for j in range(1, min(int(missed_I.max()), REACH) + 1):
        step_I = (age_I + j).double()
        correct1_I, correct2_I = -torch.expm1(step_I * np.log(spec.beta1)), -torch.expm1(step_I * np.log(spec.beta2))
        root_ID = (square_ID * (spec.beta2**j / correct2_I).float()[:, None]).sqrt()
        term_ID = (spec.beta1**j / correct1_I).float()[:, None] / (root_ID + spec.eps)
        sum_ID = torch.where((missed_I >= j)[:, None], sum_ID * keep_J[j - 1] + term_ID, sum_ID)
    return sum_ID

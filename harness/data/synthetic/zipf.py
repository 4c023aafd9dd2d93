"""Zipf-Mandelbrot ranks: p(r) proportional to (r + shift) ** -exponent for r = 1 .. ids, without large tables.

The first ranks come from an alias table (Walker 1977), the rest from rejection-inversion (Hoermann and Derflinger
1996), whose cost does not depend on the number of ids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.synthetic.kernel import HEAD


@dataclass(frozen=True)
class Ranks:
    """A compiled distribution. alias: of the head, int32 [m]; keep: uint32 thresholds [m]; tail: float64 [8]."""

    alias: npt.NDArray[np.int32]
    keep: npt.NDArray[np.uint32]
    tail: npt.NDArray[np.float64]


def integral(x: float, exponent: float) -> float:
    """An antiderivative of x ** -exponent, increasing in x and equal to zero at x = 1."""
    power = 1.0 - exponent
    return math.log(x) if abs(power) < 1e-12 else math.expm1(power * math.log(x)) / power


def compile_ranks(ids: int, exponent: float, shift: float) -> Ranks:
    """What `rank` needs to draw from `ids` ranks."""
    head = min(ids, HEAD)
    mass = (np.arange(1, head + 1) + shift) ** -exponent
    tail = np.zeros(8)
    if ids > head:
        mass = np.append(mass, tail_mass(head + 1, ids, exponent, shift))
        tail[:] = _tail(head, ids, exponent, shift)
    alias, keep = _alias(mass / mass.sum())
    return Ranks(alias, keep, tail)


def tail_mass(first: int, last: int, exponent: float, shift: float) -> float:
    """Sum of (r + shift) ** -exponent over first <= r <= last, by Euler and Maclaurin beyond the first 10,000 terms."""
    direct = np.arange(first, min(last, first + 10_000) + 1, dtype=np.float64) + shift
    total = float((direct**-exponent).sum())
    a, b = direct[-1], last + shift
    if b <= a:
        return total
    area = integral(b, exponent) - integral(a, exponent)
    slope = exponent * (a ** (-exponent - 1) - b ** (-exponent - 1)) / 12
    return float(total + area + (b**-exponent - a**-exponent) / 2 + slope)


def _tail(head: int, ids: int, exponent: float, shift: float) -> tuple[float, ...]:
    """Numbers for rejection-inversion, on the axis of (r + shift) in units of that of the first rank of the tail."""
    first, power = head + 1.0 + shift, 1.0 - exponent
    low = integral(1 + 0.5 / first, exponent) - 1 / first
    second = integral(1 + 1.5 / first, exponent) - (1 + 1 / first) ** -exponent / first
    root = math.exp(second) if abs(power) < 1e-12 else math.exp(math.log1p(power * second) / power)
    high = integral((ids + 0.5 + shift) / first, exponent)
    return head, shift, exponent, power, low, high, 1.0 - first * (root - 1.0), ids


def _alias(p: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
    """Vose's construction (1991): entry i keeps itself below its threshold, else gives its alias."""
    scaled, alias = p * len(p), np.arange(len(p), dtype=np.int32)
    small = [i for i, q in enumerate(scaled) if q < 1]
    large = [i for i, q in enumerate(scaled) if q >= 1]
    while small and large:
        i, j = small.pop(), large[-1]
        alias[i] = j
        scaled[j] -= 1 - scaled[i]
        if scaled[j] < 1:
            small.append(large.pop())
    return alias, np.minimum(scaled * 2.0**32, 2.0**32 - 1).astype(np.uint32)

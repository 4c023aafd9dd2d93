"""Zipf-Mandelbrot ranks: p(r) proportional to (r + shift) ** -exponent for r = 1 .. ids, without large tables.

The first ranks come from an alias table (Walker 1977), the rest from rejection-inversion (Hoermann and Derflinger
1996), whose cost does not depend on the number of ids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from harness.synthetic.stream import GAMMA, mix, uniform

HEAD = 1024
"""Ranks in the alias table; its last entry beyond them stands for all others."""
_S32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


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
    first = head + 1.0 + shift
    tail = np.zeros(8)
    if ids > head:
        mass = np.append(mass, tail_mass(head + 1, ids, exponent, shift))
        low = integral(first + 0.5, exponent) - first**-exponent
        second = integral(first + 1.5, exponent) - (first + 1.0) ** -exponent
        tail[:] = (
            head, shift, exponent, 1.0 - exponent,
            low, integral(ids + 0.5 + shift, exponent), first + 1.0 - _inverse_py(second, exponent), ids,
        )  # fmt: skip
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


def _inverse_py(u: float, exponent: float) -> float:
    power = 1.0 - exponent
    return math.exp(u) if abs(power) < 1e-12 else math.exp(math.log1p(power * u) / power)


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


@njit(cache=True, nogil=True, inline="always")
def rank(bits: Any, alias: Any, keep: Any, tail: Any) -> Any:
    """Rank from 0, drawn by 64 random bits."""
    i = np.int64(((bits >> _S32) * np.uint64(keep.size)) >> _S32)
    other = np.int64(alias[i])
    i = i if np.uint32(bits & _LOW) < keep[i] else other
    return i if i < HEAD else _tail_rank(bits, tail)


@njit(cache=True, nogil=True)
def _tail_rank(bits: Any, tail: Any) -> Any:
    """Rejection-inversion over the ranks beyond the head; x lives on the axis of r + shift."""
    head, shift, exponent, power = tail[0], tail[1], tail[2], tail[3]
    low, high, sure, last = tail[4], tail[5], tail[6], tail[7]
    while True:
        bits = mix(bits + GAMMA)
        u = high + uniform(bits) * (low - high)
        x = math.exp(u) if abs(power) < 1e-12 else math.exp(math.log1p(power * u) / power)
        k = min(max(math.floor(x - shift + 0.5), head + 1.0), last)
        y = k + shift
        if y - x <= sure:
            return np.int64(k) - 1
        edge = math.log(y + 0.5)
        area = edge if abs(power) < 1e-12 else math.expm1(power * edge) / power
        if u >= area - math.exp(-exponent * math.log(y)):
            return np.int64(k) - 1

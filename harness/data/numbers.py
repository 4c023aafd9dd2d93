"""Numbers of a data set, put on a scale or into buckets that are given, or learnt of the training split alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import NumberField

Floats = npt.NDArray[np.float64]
MOST = 1 << 20
"""Training values that a scale is learnt of; of more, evenly spaced ones."""
STEPS = 1000
"""Quantiles that the scale of that name is drawn through."""


@dataclass(frozen=True)
class Scale:
    """How the numbers of one field are read."""

    field: NumberField
    edges: Floats
    """Of buckets, and quantiles of the training split for the scale of that name; ascending and distinct."""
    shares: Floats
    """The share of training values below each of them, equal ones counted half."""
    mean: float
    deviation: float

    def __call__(self, value_N: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What multiplies the vector of the field; NaN stays."""
        scaled_N = (self._shaped(value_N) - self.mean) / self.deviation
        return scaled_N.astype(np.float32)

    def bucket(self, value_N: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        return binned(value_N, self.edges)

    def told(self) -> dict[str, Any]:
        """All that decides what a number becomes, as JSON holds it: data that tell the same read numbers alike."""
        if self.field.bucketed:
            return {"edges": self.edges.tolist()}
        if self.field.scale == "none":
            return {"scale": "none"}
        learnt = {"scale": self.field.scale, "mean": self.mean, "deviation": self.deviation}
        quantile = self.field.scale == "quantile"
        return learnt | ({"edges": self.edges.tolist(), "shares": self.shares.tolist()} if quantile else {})

    def _shaped(self, value_N: npt.NDArray[np.float32]) -> Floats:
        return _shaped(value_N.astype(np.float64), self.field, self.edges, self.shares)


def binned(value_N: npt.NDArray[np.float32], edge_B: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int32]:
    """0 where a number is missing, else 1 + how many edges, which ascend, are not above it."""
    found_N = 1 + np.searchsorted(edge_B, value_N, side="right")
    return np.where(np.isnan(value_N), 0, found_N).astype(np.int32)


def learnt(field: NumberField, train_N: npt.NDArray[np.float32]) -> Scale:
    """The scale of a field: what it gives, and the rest from values of the training split, of which NaN are missing."""
    known_N = train_N[~np.isnan(train_N)].astype(np.float64)
    known_N = known_N if len(known_N) else np.zeros(1)
    edges, shares = _quantiles(field, known_N)
    if field.scale == "none" or field.bucketed:
        return Scale(field, edges, shares, 0.0, 1.0)
    if field.mean is not None and field.deviation is not None:
        return Scale(field, edges, shares, field.mean, field.deviation)
    shaped_N = _shaped(known_N, field, edges, shares)
    varies = shaped_N.min() < shaped_N.max()  # the deviation of equal values may be 1e-17
    return Scale(field, edges, shares, float(shaped_N.mean()), float(shaped_N.std()) if varies else 1.0)


def _quantiles(field: NumberField, known_N: Floats) -> tuple[Floats, Floats]:
    """Edges and shares of a `Scale`; of no use to some. A value that fills a bucket has one of its own."""
    if field.edges:
        return np.array(field.edges), np.empty(0)
    if field.buckets:
        at = -(-len(known_N) * np.arange(1, field.buckets) // field.buckets) - 1
        sorted_N = np.sort(known_N)
        edges, times = np.unique(sorted_N[at], return_counts=True)
        is_least = edges == sorted_N[0]  # below which nothing is
        above = np.nextafter(edges[(times > 1) | is_least], np.inf)
        return np.union1d(edges[~is_least], above), np.empty(0)
    cuts = np.linspace(0, 1, STEPS + 1)
    edges, at = np.unique(np.quantile(known_N, cuts), return_inverse=True)
    return edges, np.bincount(at, weights=cuts) / np.bincount(at)


def _shaped(value_N: Floats, field: NumberField, edges: Floats, shares: Floats) -> Floats:
    match field.scale:
        case "log1p":
            return np.sign(value_N) * np.log1p(np.abs(value_N))
        case "quantile":
            below_N: Floats = np.interp(value_N, edges, shares)
            return np.where(np.isnan(value_N), np.nan, below_N)
        case _:
            return value_N

"""How much of a log is looked up by ids too rare to learn, and which mitigations that calls for."""

from __future__ import annotations

from harness.data.indexed_dataset import IndexedDataset

RARE = 10
"""Training occurrences below which an id is rare."""
TAIL = 0.02
"""Share of a field's training lookups that rare ids have, from which the field has a tail."""
WITH_A_TAIL = (
    "running_mean+return_to_mean", "reinit", "running_mean+reinit", "frequency_adaptive_lr", "low_frequency_filter",
    "return_to_mean",
)  # fmt: skip
"""Most likely to help first: those that take from rows what epoch 1 left in them, then those that never let it in."""
WITHOUT = (
    "running_mean+return_to_mean", "return_to_mean", "reinit", "running_mean", "frequency_adaptive_lr", "l2",
)  # fmt: skip
"""The same where nothing is rare, and plain training is likely to gain by itself."""


def rare_shares(data: IndexedDataset) -> dict[str, float]:
    """Field -> share of its training lookups that go to ids with fewer than `RARE` occurrences, the largest first."""
    shares = {}
    for f, name in enumerate(data.fields):
        count_V = data.counts(f)
        shares[name] = float(count_V[count_V < RARE].sum() / max(count_V.sum(), 1))
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def likely(data: IndexedDataset) -> tuple[str, ...]:
    """Mitigations to try on a data set, the most likely to help first."""
    return WITH_A_TAIL if max(rare_shares(data).values(), default=0.0) >= TAIL else WITHOUT

"""Hash ids into fewer rows than there are ids, so that rare ids share rows and none can be memorised alone.

Source: Zhang et al. 2022 (CIKM, "Towards understanding the overfitting phenomenon of deep click-through rate
models"), official code, --rehash (read). Quotient-remainder: Shi et al. 2020, arXiv 1909.02107 (as summarised).
"""

import math

import numpy as np

from harness.api import Encoder, FieldStats, Generator, Ints, Strategy, hash_ids, tuned, vocabulary


class Hashing(Strategy):
    name = "hashing"
    ratio: float = tuned(0.1, 1e-3, 1.0, log=True)
    """Buckets over distinct training ids."""
    hashes: int = tuned(1, choices=(1, 2))
    """Rows that are summed for an id."""
    second: str = tuned("salted", choices=("salted", "quotient"), search=False)
    """Where the second row comes from.

    salted: another hash into the same buckets, so that few ids share both rows where the square of the buckets far
    exceeds the ids. quotient: the place of an id among the training ids is divided by the buckets. The remainder is the
    first row, the quotient is one of 1 / ratio further rows, and no two training ids share both.
    """
    min_ids: int = tuned(100, 1, 10**9, search=False)
    """Fields with fewer training ids are left alone."""

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        ids = len(stats.ids_U)
        if ids < self.min_ids:
            return None
        buckets = math.ceil(self.ratio * ids)
        salts = [int(s) for s in rng.integers(0, 2**63, 2)]
        if self.hashes == 1:
            return Encoder(buckets, lambda ids_M: _mod(ids_M, salts[0], buckets))
        if self.second == "salted":
            return Encoder(buckets, lambda ids_M: np.stack([_mod(ids_M, s, buckets) for s in salts], axis=1))
        quotients, known = math.ceil(ids / buckets), vocabulary(stats)

        def quotient_remainder(ids_M: Ints) -> Ints:
            row_M = known.rows_of(ids_M)
            place_M = np.where(row_M > 0, row_M - 1, _mod(ids_M, salts[0], ids))
            quotient_M, remainder_M = np.divmod(place_M, buckets)
            return np.stack([remainder_M, buckets + quotient_M], axis=1)

        return Encoder(buckets + quotients, quotient_remainder)


def _mod(ids_M: Ints, salt: int, modulus: int) -> Ints:
    return (hash_ids(ids_M, salt) % np.uint64(modulus)).astype(np.int64)

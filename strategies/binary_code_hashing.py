"""Cut the hash of an id into blocks of bits: each block names a row, and the rows are summed.

Source: Yan et al. 2021 (CIKM, arXiv 2109.02471, abstract; the index and the sum as summarised, and as in a public
re-implementation, which was read). Few rows tell many ids apart: no two ids share all rows unless all bits agree. Its
"succession" and "skip" orders of bits are the same here, as the bits of a hash are in no order.
"""

import numpy as np

from harness.api import Encoder, FieldStats, Generator, Ints, Strategy, hash_ids, tuned

BITS = 32
"""Of a hash: a million ids are then told apart, but for about a hundred pairs."""


class BinaryCodeHashing(Strategy):
    name = "binary_code_hashing"
    block: int = tuned(8, 4, 16)
    """Bits of a block. A field has 2 ** block rows for each of its 32 / block blocks; one of fewer training ids is left
    alone."""

    def encoder(self, stats: FieldStats, rng: Generator) -> Encoder | None:
        first_H = range(0, BITS, self.block)
        num_rows = len(first_H) << self.block
        if len(stats.ids_U) < num_rows:
            return None
        salt = int(rng.integers(0, 2**63))

        def rows_of(ids_M: Ints) -> Ints:
            code_M = (hash_ids(ids_M, salt) % np.uint64(1 << BITS)).astype(np.int64)
            rows_HM = [(h << self.block) + (code_M >> first) % (1 << self.block) for h, first in enumerate(first_H)]
            return np.stack(rows_HM, axis=1)

        return Encoder(num_rows, rows_of)

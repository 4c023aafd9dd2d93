"""Ids that hardly ever repeat, so that a few million examples need tens of millions of table rows."""

import numpy as np

from harness.api import Data, Dataset, Generator, Split, tuned


class ManyRows(Dataset):
    """rows: of all splits; 80 % are for training, and each brings `fields` ids of its own."""

    name = "many_rows"
    version = 1
    example = {"rows": 2_000}
    rows: int = tuned(6_300_000, 1_000, 10**8)
    fields: int = tuned(10, 1, 100)

    def build(self, rng: Generator) -> Data:
        def split(rows: int) -> Split:
            ids_NF = rng.integers(0, 2**62, (rows, self.fields))
            return Split(ids_NF=ids_NF, labels_NT=(rng.random((rows, 1)) < 0.1).astype(np.uint8))

        train, valid, test = (split(rows) for rows in np.diff([0, self.rows * 8 // 10, self.rows * 9 // 10, self.rows]))
        return Data(tuple(f"field{f}" for f in range(self.fields)), ("click",), train, valid, test)

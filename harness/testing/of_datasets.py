"""What every data set must do: have a version, and build the same data whenever it is asked."""

from __future__ import annotations

import numpy as np

from harness.api import Dataset
from harness.base import seeds
from harness.data import indexed
from harness.testing.checks import Checks, Failed


def dataset_checks(cls: type[Dataset]) -> Checks:
    example = cls.example

    def version() -> None:
        if not isinstance(getattr(cls, "version", None), int):
            raise Failed("has no integer version")

    def builds() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        indexed.check(cls(**example).build(seeds.generator(0, "check")), cls.name)
        return None

    def repeats() -> str | None:
        if example is None:
            return "no example parameters: it needs a file"
        first, second = (cls(**example).build(seeds.generator(0, "check")).train for _ in range(2))
        if not (np.array_equal(first.ids_NF, second.ids_NF) and np.array_equal(first.labels_NT, second.labels_NT)):
            raise Failed("builds different data from the same random stream")
        return None

    return {"has a version": version, "builds data that can be trained on": builds, "builds the same twice": repeats}

"""An evaluation that does not fit in memory is refused before it begins, with a cap that does."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest

from harness.api import UserError
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import evaluation_memory
from harness.engine.evaluation_memory import LABEL, LOGIT, SORTED, ensure_room, evaluation_bytes
from harness.experiment.specs import EvalSpec
from harness.metrics.classification import Target


def test_what_is_refused_fits_with_the_cap_that_is_named(
    dataset: IndexedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluation_bytes(len(dataset.valid), len(dataset.test), len(dataset.tasks))
    monkeypatch.setattr(evaluation_memory, "free_memory", lambda: whole)
    ensure_room(dataset, EvalSpec())
    monkeypatch.setattr(evaluation_memory, "free_memory", lambda: whole - 1)
    ensure_room(dataset, EvalSpec(test=False))
    with pytest.raises(
        UserError, match=r"^an evaluation of \d+ examples of valid and \d+ of test takes at least"
    ) as error:
        ensure_room(dataset, EvalSpec())
    (most,) = re.findall(r"accepted: evaluation\.most = ([\d_]+),", str(error.value))
    ensure_room(dataset, EvalSpec(most=int(most)))


@pytest.mark.parametrize("share", [0.001, 0.5])
def test_what_is_asked_for_is_held_and_not_much_more(share: float) -> None:
    rng, size = np.random.default_rng(0), 100_000
    label_N, logit_N = (rng.random(size) < share).astype(np.uint8), rng.normal(size=size).astype(np.float32)
    tracemalloc.start()
    Target(label_N)(logit_N)
    peak = tracemalloc.get_traced_memory()[1] / size
    tracemalloc.stop()
    assert LABEL + SORTED <= peak <= 1.5 * (LABEL + SORTED + LOGIT)

"""How much memory an evaluation takes, before any of it is taken: it is exact, and so holds what it sorts."""

from __future__ import annotations

from harness.base.memory import ensure_free, free_memory
from harness.data.indexed_dataset import IndexedDataset
from harness.experiment.specs import EvalSpec

LABEL, LOGIT, SORTED = 8, 4, 80
"""Bytes of an example: of the label of a task, kept for all evaluations; of its logit; and of what one task at a time
is ranked by, at least. Weights, groups and known probabilities come on top."""


def evaluation_bytes(valid: int, test: int, tasks: int) -> int:
    """Of so many examples at their peak, at least. Frequency buckets of valid keep its labels once more."""
    return LABEL * tasks * (2 * valid + test) + (LOGIT * tasks + SORTED) * max(valid, test)


def sizes(dataset: IndexedDataset, spec: EvalSpec) -> tuple[int, int]:
    """Examples of valid and of test that are evaluated."""
    valid, test = (min(len(part), spec.most or len(part)) for part in (dataset.valid, dataset.test))
    return valid, test if spec.test else 0


def ensure_room(dataset: IndexedDataset, spec: EvalSpec) -> None:
    """Refuse an evaluation that does not fit in what is free of memory.

    Raises:
        UserError: it does not.
    """
    (valid, test), free, tasks = sizes(dataset, spec), free_memory(), len(dataset.tasks)
    fit = max(100, free // evaluation_bytes(1, 1, tasks))
    ensure_free(
        evaluation_bytes(valid, test, tasks),
        f"an evaluation of {valid:,} examples of valid and {test:,} of test",
        f"evaluation.most = {10 ** (len(str(fit)) - 1):_}, which draws so many of each at random",
        free,
    )

"""What every model must do: give logits of the right shape, and learn."""

from __future__ import annotations

import torch

from harness.api import Model, Positions
from harness.engine.run import run
from harness.plugins.registry import Registry
from harness.testing.checks import Checks, Failed
from harness.testing.small_data import EVALUATION, TRAIN, mixed, must_learn, small


def model_checks(cls: type[Model], registry: Registry) -> Checks:
    def shapes() -> None:
        model, (n, fields, tasks) = cls(), (5, 3, 2)
        embedded = torch.randn(n, fields, model.width(tasks), requires_grad=True)
        if cls.reads_sequences():
            sequence = Positions("history", first=1, longest=2, target=0)
            logits = model.sequence_network(fields, tasks, [sequence])(
                embedded, torch.tensor([[0], [1], [2], [2], [1]])
            )
        else:
            logits = model.network(fields, tasks)(embedded)
        if logits.shape != (n, tasks):
            raise Failed(f"gives logits of shape {tuple(logits.shape)}; expected {(n, tasks)}")
        logits.sum().backward()
        if embedded.grad is None or not embedded.grad.any():
            raise Failed("no gradient reaches the embeddings")

    def learns() -> None:
        data = mixed(registry) if cls.reads_sequences() else small(registry)
        must_learn(list(run(data, cls(), [], TRAIN, EVALUATION, seed=0)))

    return {"maps [N, F, D] to [N, T]": shapes, "learns": learns}

"""DeepCTR-Torch: its SharedBottom without towers is the same net, trained by its own `fit`."""

from __future__ import annotations

import contextlib
import io
import time

import requests

from perf.contenders import Contender
from perf.work import FIELDS, TASKS, Work, draw


def _offline(*_: object, **__: object) -> None:
    raise OSError("no look-ups while measuring")


requests.get = _offline  # type: ignore[assignment]  # importing the package asks PyPI for newer versions of it, from a thread

from deepctr_torch.inputs import SparseFeat  # noqa: E402
from deepctr_torch.models.multitask import SharedBottom  # noqa: E402


class DeepCTR(Contender):
    label = "DeepCTR-Torch"
    times = (
        "its `fit` on as many examples as the steps hold: its own shuffled loader, dense Adam, `loss.item()`; silent, "
        "and with its L2 on whole tables (1e-5 by default) off, which would make it slower"
    )
    distributions = ("deepctr-torch", "torch")

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        columns = [SparseFeat(n, size, work.width) for n, size in zip(FIELDS, work.sizes, strict=True)]
        self.model = SharedBottom(
            columns,
            bottom_dnn_hidden_units=work.hidden,
            tower_dnn_hidden_units=(),
            l2_reg_embedding=0,
            task_types=["binary"] * len(TASKS),
            task_names=TASKS,
        )
        self.model.compile("adam", ["binary_crossentropy"] * len(TASKS))
        self.ids_NF, self.labels_NT = draw(work)

    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def seconds(self, warmup: int, steps: int) -> tuple[float, int]:
        self._fit(warmup)
        start = time.perf_counter()
        self._fit(steps)
        return time.perf_counter() - start, steps

    def _fit(self, steps: int) -> None:
        size = min(steps * self.work.batch, self.work.examples)
        inputs = {name: self.ids_NF[:size, f] for f, name in enumerate(FIELDS)}
        with contextlib.redirect_stdout(io.StringIO()):
            self.model.fit(inputs, self.labels_NT[:size], batch_size=self.work.batch, verbose=0)


CONTENDER = DeepCTR

"""Our engine, driven by `harness.engine.run.run` itself: one epoch to warm up, the next one timed."""

from __future__ import annotations

import math

from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from perf.contenders import Contender
from perf.memory import memory_mb
from perf.work import Work, dataset


class Ours(Contender):
    """strategy: any expression a plan accepts. optimizer: of tables. device: cpu or cuda. precision: of products."""

    label = "ours"
    times = (
        "`train_s` of a whole second epoch of `harness.engine.run.run`: shuffle, gathering of examples, lookup, "
        "forward, backward, row-sparse update, dense Adam, and the strategy's hooks at steps and at the epoch's start"
    )
    distributions = ("multiepoch", "torch", "numba")

    def __init__(
        self, work: Work, strategy: str = "none", optimizer: str = "adam", device: str = "cpu", precision: str = "fp32"
    ) -> None:
        super().__init__(work)
        registry = Registry()
        self.strategies = strategies_of(parse_strategy(strategy, registry), registry)
        self.model = build(registry.models, "model", "dnn", {"dim": work.width, "hidden": work.hidden})
        train = {"epochs": 2, "batch_size": work.batch, "threads": work.threads, "table_optimizer": optimizer}
        self.spec = TrainSpec.model_validate(train | {"device": device, "precision": precision})
        self.dataset = dataset(work)
        self.table_mb = 0.0

    def trainer(self, seed: int = 0) -> Trainer:
        return Trainer(self.dataset, self.model, self.strategies, self.spec, seed)

    def parameters(self) -> int:
        """Less the one row per field for ids unknown in training, which no peer here has."""
        trainer = self.trainer()
        rows = sum(field.num_rows - 1 for field in trainer.mapping.fields)
        return rows * self.work.width + sum(p.numel() for p in trainer.net.parameters())

    def seconds(self, warmup: int, steps: int) -> tuple[float, int]:
        evaluation = EvalSpec(points=(), sample=100, test=False)
        *_, last = run(self.dataset, self.model, self.strategies, self.spec, evaluation, seed=0)
        self.table_mb = last.cost["table_mb"]
        return last.cost["train_s"], math.ceil(self.work.examples / self.work.batch)

    def sizes_mb(self) -> dict[str, float]:
        """peak: resident memory of the process. table: with optimiser state. data: examples and vocabularies."""
        train = self.dataset.train
        vocabularies = sum(a.nbytes for a in (*self.dataset.ids_V, *self.dataset.count_V))
        data = vocabularies + train.codes_NF.nbytes + train.labels_NT.nbytes
        return {"peak": memory_mb("VmHWM"), "table": self.table_mb, "data": data / 2**20}


CONTENDER = Ours

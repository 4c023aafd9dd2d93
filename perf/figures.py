"""The rows of the table, as data: what is compared with what, and the target."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.plugins.registry import Registry
from perf.measure import Measurement
from perf.work import Work

OURS = Measurement("ours")
OURS_ROWWISE = Measurement("ours", options={"optimizer": "rowwise_adagrad"})
TEN_MILLION = Work(spread=16)
"""9,964,768 rows; the batches are those of the standard work."""
OURS_TEN_MILLION = Measurement("ours", TEN_MILLION)
HALF_MILLION = Work(table_rows=500_000)
OURS_HALF_MILLION = Measurement("ours", HALF_MILLION)
OURS_FIFTY_MILLION = Measurement("ours", replace(HALF_MILLION, spread=100))
LONG_EPOCH = Work(examples=1_000_000)
"""For strategies, some of which work between epochs."""
NONE = Measurement("ours", LONG_EPOCH)
FIRST_EDITION = "52fc890"
ONE_THREAD = Measurement("ours", Work(threads=1))
RUNS_TWICE: tuple[str, ...] = ("helen",)
"""Strategies that run the net twice a step, and so have no target."""


@dataclass(frozen=True)
class Figure:
    """One row. name: for --only. bound: at least, or at most, this; None: shown without a target. unit: x, % or s.

    base, other: the figure is the step time of `other` over that of `base`; None: it is made otherwise.
    """

    name: str
    text: str
    bound: float | None
    at_least: bool = True
    unit: str = "x"
    base: Measurement | None = None
    other: Measurement | None = None
    rounds: int = 100
    """At most so many rounds, for what takes long."""

    def met(self, value: float) -> bool | None:
        if self.bound is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def target(self) -> str:
        if self.bound is None:
            return "none"
        return f"{'at least' if self.at_least else 'at most'} {self.show(self.bound)}"

    def show(self, value: float) -> str:
        return {"%": f"{value:.0%}", "s": f"{value:.1f} s"}.get(self.unit, f"{value:.2f}x")


def _over(name: str, text: str, bound: float | None, base: Measurement, contender: str, steps: int) -> Figure:
    other = Measurement(contender, base.work, warmup=max(3, steps // 5), steps=steps)
    return Figure(name, f"rows/s over {text}", bound, base=base, other=other)


def figures() -> list[Figure]:
    """All rows, in the order of the table; those with the same base stand together and are measured together."""
    return [
        _over_first_edition("first-edition", OURS, 1.7),
        _over("sparse", "`nn.Embedding(sparse=True)` + SparseAdam", 2.2, OURS, "torch_sparse", 80),
        _over("fuxictr", "FuxiCTR, same net, its own loader", 16.0, OURS, "fuxictr", 20),
        _over("deepctr", "DeepCTR-Torch, same net", 16.0, OURS, "deepctr", 20),
        _over("fused", "`nn.Embedding` + fused dense Adam", None, OURS, "torch_dense_fused", 40),
        Figure(
            "net",
            "share of the speed of the dense net alone",
            0.8,
            unit="%",
            base=OURS,
            other=Measurement("dense_net_only", steps=150),
        ),
        Figure(
            "adam-dense",
            "step time of dense Adam on the tables (`adam_dense`) over lazy Adam",
            1.3,
            at_least=False,
            base=OURS,
            other=replace(OURS, options={"optimizer": "adam_dense"}),
        ),
        _over_first_edition("first-edition-1", ONE_THREAD, 1.9),
        _over("torchrec", "TorchRec, row-wise Adagrad", 1.25, OURS_ROWWISE, "torchrec", 80),
        _over("fbgemm", "FBGEMM's operator without TorchRec, row-wise Adagrad", 1.2, OURS_ROWWISE, "fbgemm", 80),
        _over("ten-million", "fused dense Adam at 10 M rows", 10.0, OURS_TEN_MILLION, "torch_dense_fused", 6),
        Figure(
            "fifty-million",
            "step time with 50 M rows over 0.5 M rows, same batches",
            1.3,
            at_least=False,
            base=OURS_HALF_MILLION,
            other=OURS_FIFTY_MILLION,
            rounds=2,
        ),
        Figure(
            "growth",
            "step time with 16 M examples over 1 M, same table",
            1.05,
            at_least=False,
            base=NONE,
            other=replace(NONE, work=Work(examples=16_000_000)),
            rounds=5,
        ),
        Figure("memory", "peak memory over (table + optimiser state + data arrays), 50 M rows", 1.2, at_least=False),
        *_strategies(),
        Figure("plan", "`multiepoch benchmark quick` in a new folder", 100, False, "s", rounds=2),
        Figure("plan-start", "of that, until the first epoch is trained", 4, False, "s", rounds=2),
        Figure("plan-rest", "share of the runs of that plan that is not training", 0.1, False, "%", rounds=2),
        Figure("workers", "two processes of one thread over one of two threads, whole plan", 1.15, rounds=2),
    ]


def _over_first_edition(name: str, ours: Measurement, bound: float) -> Figure:
    threads = f"{ours.work.threads} thread{'s' if ours.work.threads > 1 else ''}"
    text = f"rows/s over the engine of the first edition, {threads}"
    return Figure(name, text, bound, base=ours, other=replace(ours, revision=FIRST_EDITION))


def _strategies() -> list[Figure]:
    return [
        Figure(
            f"strategy-{name}",
            f"step time of `{name}` over `none`",
            None if name in RUNS_TWICE else 1.15,
            at_least=False,
            base=NONE,
            other=replace(NONE, options={"strategy": name}),
            rounds=2,
        )
        for name in sorted(Registry().strategies)
        if name != "none"
    ]

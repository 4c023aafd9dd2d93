"""A run as frozen, typed specs: all that determines its numbers. Importing this loads neither torch nor numba."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from harness.base.config import Config
from harness.base.durations import duration
from harness.base.errors import unknown
from harness.metrics.catalog import PROBES

Optimizer = Literal["adam", "adam_dense", "adagrad", "rowwise_adagrad", "sgd"]


class PluginSpec(Config):
    """A plug-in by name, with every parameter written out."""

    name: str
    params: dict[str, Any] = {}


class StartSpec(Config):
    """The state that a run begins with, in place of rows and a net as they are drawn.

    source: a file, or the key of a run of the same results folder, that `train.keep` has left. digest: of the file, in
    place of which it enters the key; found when the plan is checked. optimizer: whether what optimisers remember is
    kept, of rows and of the net. counts: whether training counts, what strategies remember of rows, and since when each
    row is absent, are kept.
    """

    source: str = Field(min_length=1)
    digest: str = ""
    optimizer: bool = True
    counts: bool = True


class ContinualSpec(Config):
    """Training on window after window of a log, each evaluated on the next one before that is trained on.

    windows: so many, of equally many rows, or how long each is, as 1d. start: each begins warm, with what the one
    before ended with, or fresh.
    """

    windows: int | str = 10
    start: Literal["warm", "fresh"] = "warm"

    @field_validator("windows")
    @classmethod
    def _two(cls, value: int | str) -> int | str:
        if (value if isinstance(value, int) else 2 * duration(value)) < 2:
            raise ValueError("accepted: a number from 2 on, or a time as 1d")
        return value


class TrainSpec(Config):
    """The knobs that every strategy shares.

    threads: of one training process; part of the key, as sums depend on it. shuffle_window: examples shuffled together;
    a training split with more is read in windows of blocks from all over it. device: cpu or cuda, of tables and net.
    start: a warm start. keep: whether reporting runs leave their last state, as `states/<key>.pt`; no part of the key.
    loss: logloss, or each positive of a batch against its negatives, of which AUC alone can be read; in the key if so.
    precision: of the net's matrix products in training; tables, optimisers and evaluation are float32 either way. It
    is left out of what is written, and so of the key, where it is fp32.
    continual: epochs are of every window.
    seeds_at_once: reporting seeds of an arm that are trained in one batched run at most, which saves a GPU launches; in
    the key, where it is not 1, as numbers equal those of separate runs within rounding alone.
    """

    epochs: int = Field(4, ge=1, le=10_000)
    batch_size: int = Field(4096, ge=1, le=1 << 24)
    dense_lr: float = Field(1e-3, gt=0)
    table_lr: float = Field(1e-3, gt=0)
    table_optimizer: Optimizer = "adam"
    init_std: float = Field(0.01, ge=0)
    threads: int = Field(1, ge=1, le=1024)
    shuffle_window: int = Field(1 << 22, ge=1)
    device: Literal["cpu", "cuda"] = "cpu"
    loss: Literal["logloss", "in_batch_softmax"] = Field("logloss", exclude_if=lambda loss: loss == "logloss")
    precision: Literal["fp32", "bf16"] = Field("fp32", exclude_if=lambda value: value == "fp32")
    seeds_at_once: int = Field(1, ge=1, le=64, exclude_if=lambda seeds: seeds == 1)
    start: StartSpec | None = Field(None, exclude_if=lambda asked: asked is None)
    keep: bool = Field(False, exclude_if=lambda asked: not asked)
    continual: ContinualSpec | None = Field(None, exclude_if=lambda asked: asked is None)


class EvalSpec(Config):
    """When to evaluate, and what.

    points: shares of an epoch at which the subsample is evaluated, besides its end. probes: diagnostics to add at every
    evaluation, by their names in `harness.metrics.catalog`. task: the one whose labels they look at; None: that of the
    plan's search. test_error: whether reporting runs keep what tells how far their metrics would be others on another
    test set, as none does without test, nor of a continual plan; without it, it is in no key, as no metric depends on
    it. most: examples of valid, and of test, that are evaluated at most, drawn at random once and so the same for every
    run; all of them, if none.
    """

    points: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75)
    sample: int = Field(20_000, ge=100)
    batch_size: int = Field(16_384, ge=1, le=1 << 24)
    test: bool = True
    probes: tuple[str, ...] = ()
    task: str | None = None
    test_error: bool = Field(False, exclude_if=lambda asked: not asked)
    most: int | None = Field(None, ge=100, exclude_if=lambda most: most is None)

    @field_validator("probes")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in PROBES:
                raise ValueError(str(unknown("probe", name, PROBES)))
        return value

    @field_validator("points")
    @classmethod
    def _inside(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < p < 1 for p in value) or list(value) != sorted(set(value)):
            raise ValueError("points must ascend strictly between 0 and 1")
        return value


class RunSpec(Config):
    """All that determines the numbers of one run."""

    dataset: PluginSpec
    data_seed: int = 0
    model: PluginSpec
    strategy: tuple[PluginSpec, ...] = Field(min_length=1)
    train: TrainSpec = TrainSpec()
    evaluation: EvalSpec = EvalSpec()
    seed: int = Field(0, ge=0)

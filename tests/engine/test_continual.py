"""Training on window after window: what a window begins with, what is recorded, and that a killed run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import EVALUATION, TRAIN, train_epochs
from support.training import checkpoints_of, often_due, train_here

from harness.api import Strategy
from harness.data.indexed_dataset import IndexedDataset
from harness.data.windows import Windows
from harness.engine import warm_start
from harness.engine.checkpoint import Checkpoints
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.engine.warm_start import KEPT
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.keys import run_key
from harness.experiment.specs import ContinualSpec, PluginSpec, RunSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import ArmId, MetricKey, RunRole, Status
from harness.results.records import Record, mean_over_windows
from harness.results.run_reader import held, read
from harness.search.job import Job

AUC = MetricKey("valid", "auc", "click")
MODEL = {"dim": 4, "hidden": (8,)}


def train_of(start: str = "warm", windows: int = 4, **more: Any) -> TrainSpec:
    continual = ContinualSpec.model_validate({"windows": windows, "start": start})
    return TRAIN.model_copy(update={"continual": continual, "epochs": 2, **more})


def parts_of(registry: Registry, text: str) -> tuple[Strategy, ...]:
    return strategies_of(parse_strategy(text, registry), registry)


def records_of(dataset: IndexedDataset, registry: Registry, strategy: str = "none", **train: Any) -> list[Record]:
    model = build(registry.models, "model", "dnn", MODEL)
    return list(run(dataset, model, parts_of(registry, strategy), train_of(**train), EVALUATION, 1))


def ends(records: list[Record]) -> list[tuple[int, int]]:
    return [(r.epoch, r.window) for r in records if r.boundary]


def test_every_number_of_epochs_has_a_value_on_every_window(dataset: IndexedDataset, registry: Registry) -> None:
    warm, fresh = (records_of(dataset, registry, start=start) for start in ("warm", "fresh"))
    assert ends(warm) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert ends(fresh) == [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]
    first = [[r for r in records if r.window == 1] for records in (warm, fresh)]
    assert first[0] == first[1], "before the first window nothing was learnt"
    later = [[r.metrics[AUC] for r in records if r.boundary and r.window > 1] for records in (warm, fresh)]
    assert set(later[0]).isdisjoint(later[1])


def test_one_epoch_a_window_is_the_same_whatever_the_plan_has(dataset: IndexedDataset, registry: Registry) -> None:
    """So the first epoch of a plan of several is the one-epoch baseline."""
    one, two = (records_of(dataset, registry, epochs=epochs) for epochs in (1, 2))
    assert one == [r for r in two if r.epoch == 1]


def test_a_window_goes_on_from_the_one_before(dataset: IndexedDataset, registry: Registry) -> None:
    """By hand: train two epochs on window 1, carry, train two on window 2; then validation predicts the same."""
    model, windows = build(registry.models, "model", "dnn", MODEL), Windows(dataset, 4)
    parts, state = parts_of(registry, "frequency_adaptive_lr"), None
    for number in (1, 2):
        data = windows.data(number)
        trainer = Trainer(data if state is None else warm_start.knowing(data, state, KEPT), model, parts, train_of(), 1)
        if state is not None:
            warm_start.begin(trainer, state, KEPT)
        train_epochs(trainer)
        state = warm_start.end_state(trainer, model)
    valid = trainer.dataset.valid
    rows = trainer.mapping.rows_of(valid)
    trainer.net.eval()
    with torch.inference_mode():
        logits_NT = trainer.net(trainer.tables.read(rows.rows_BC, rows.scale_BC)).numpy()
    label_N = valid.labels_NT[:, 0]
    ranks_N = np.argsort(np.argsort(logits_NT[:, 0])) + 1
    ones = int(label_N.sum())
    auc = (ranks_N[label_N == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(label_N) - ones))
    found = records_of(dataset, registry, "frequency_adaptive_lr")
    assert next(r.metrics[AUC] for r in found if r.boundary and (r.epoch, r.window) == (2, 2)) == pytest.approx(auc)


@pytest.mark.parametrize("start", ["warm", "fresh"])
def test_an_id_that_no_window_so_far_has_reads_the_row_of_unknown_ids(
    dataset: IndexedDataset, registry: Registry, start: str
) -> None:
    """Also those that later windows train on: the vocabulary is that of the windows so far."""
    model, windows, state = build(registry.models, "model", "dnn", MODEL), Windows(dataset, 4), None
    known = [set[int]() for _ in dataset.tables]
    for number in (1, 2, 3):
        data = windows.data(number)
        if state is not None and start == "warm":
            data = warm_start.knowing(data, state, KEPT)
        trainer = Trainer(data, model, (), train_of(), 1)
        at = 0
        for t, table in enumerate(trainer.mapping.fields):
            ids_V = dataset.ids_V[t]
            here = set(ids_V[np.unique(windows.data(number).codes(data.train, t))].tolist())
            known[t] = known[t] | here if start == "warm" else here
            row_V = trainer.mapping.remap_VH[at : at + len(ids_V), 0].numpy() - table.offset
            assert set(ids_V[row_V > 0].tolist()) == known[t]
            at += len(ids_V)
        state = warm_start.end_state(trainer, model)


def test_strategies_count_epochs_within_a_window(dataset: IndexedDataset, registry: Registry) -> None:
    """A strategy that acts from the second epoch on changes nothing in the first of any window."""
    plain, frozen = (records_of(dataset, registry, s, epochs=1) for s in ("none", "freeze_tables+reinit"))
    assert plain == frozen


@pytest.mark.parametrize("strategy", sorted(Registry().strategies))
def test_every_strategy_trains_window_after_window(strategy: str, dataset: IndexedDataset, registry: Registry) -> None:
    records = records_of(dataset, registry, strategy, windows=3)
    assert ends(records) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_means_over_windows_are_what_is_read_as_the_run(dataset: IndexedDataset, registry: Registry) -> None:
    records = records_of(dataset, registry)
    means = mean_over_windows(records)
    assert [(r.epoch, r.boundary) for r in means] == [(1, False), (1, True), (2, False), (2, True)]
    for mean in means:
        same = [r for r in records if (r.epoch, r.boundary) == (mean.epoch, mean.boundary)]
        assert len(same) == 3
        for name, value in mean.metrics.items():
            assert value == pytest.approx(np.mean([r.metrics[name] for r in same if name in r.metrics]))


class Killed(Exception):
    """Stands for a kill -9."""


def dying_at(epoch: int, window: int) -> Callable[[Record], None]:
    def see(record: Record) -> None:
        if (record.epoch, record.window) == (epoch, window) and not record.boundary:
            raise Killed

    return see


@pytest.mark.parametrize(
    ("start", "deaths", "saved"),
    [("warm", [(1, 3), (2, 1), (2, 3)], [4, 6, 10]), ("fresh", [(1, 2), (2, 2), (2, 3)], [4, 6, 10])],
)
def test_a_killed_run_goes_on_to_the_same_bytes(
    start: str, deaths: list[tuple[int, int]], saved: list[int], dataset: IndexedDataset, registry: Registry,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """deaths: epoch and window. saved: how many records there were before the last checkpoint."""
    often_due(monkeypatch)
    parts = parse_strategy("frequency_adaptive_lr+reinit", registry)
    model = PluginSpec(name="dnn", params=MODEL)
    spec = RunSpec(
        dataset=PluginSpec(name="powerlaw"), model=model, strategy=parts, train=train_of(start), evaluation=EVALUATION
    )
    job = Job(run_key(spec, "data", registry), spec, "data", ArmId("d", "m", "s"), "click", RunRole.SEED, 1)
    train_here(job, dataset, registry, tmp_path / "whole")
    broken = tmp_path / "broken"
    for death, records_saved in zip(deaths, saved, strict=True):
        with pytest.raises(Killed):
            train_here(job, dataset, registry, broken, dying_at(*death))
        assert Checkpoints(checkpoints_of(job, broken)).records == records_saved
        assert held(broken / "runs", job.key) >= records_saved
    assert train_here(job, dataset, registry, broken).status == Status.FINISHED
    paths = [results / "runs" / job.key / "records.jsonl" for results in (tmp_path / "whole", broken)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len((broken / "runs" / job.key / "costs.jsonl").read_text().splitlines()) == 6
    back = read(broken / "runs", job.key)
    assert len(ends(list(back.windows))) == 6
    assert [r.epoch for r in back.boundaries] == [1, 2]
    assert all(r.cost for r in back.boundaries)

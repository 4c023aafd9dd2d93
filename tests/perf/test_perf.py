"""The measurements of speed: what they compare is the same work, and what cannot be measured is said."""

from __future__ import annotations

import dataclasses
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from harness.api import Data
from harness.base.places import ROOT
from harness.results.keys import MetricKey, Status
from harness.results.records import Record, Run
from perf import (
    beyond_memory,
    evaluation,
    figures,
    gpu,
    launches,
    plans,
    precision,
    profile,
    running_mean_rates,
    table,
    throughput,
)
from perf.contenders import NAMES, Contender, NotInstalled, load
from perf.measure import Measurement, Result, here, measure
from perf.series import Reached, add, read
from perf.throughput import Rounds
from perf.work import FIELDS, TASKS, Work, dataset, draw, mlp

SMALL = Work(table_rows=2000, examples=600, batch=100, hidden=(8, 4), threads=1)


def test_larger_tables_see_the_very_same_batches() -> None:
    ids_NF, labels_NT = draw(SMALL)
    spread_NF, same_NT = draw(dataclasses.replace(SMALL, spread=5))
    assert np.array_equal(spread_NF, 5 * ids_NF)
    assert np.array_equal(labels_NT, same_NT)
    assert (ids_NF.max(axis=0) < SMALL.drawn).all()
    assert sum(Work(spread=16).sizes) == 16 * sum(FIELDS.values())


def test_every_contender_here_trains_as_many_numbers() -> None:
    found = {}
    for name in NAMES:
        try:
            found[name] = load(name)(SMALL).parameters()
        except NotInstalled:
            continue
    net = sum(p.numel() for p in mlp(SMALL).parameters())
    assert found.pop("dense_net_only") == net
    assert {"ours", "torch_sparse", "torch_dense_fused"} <= found.keys()
    assert set(found.values()) == {net + sum(SMALL.sizes) * SMALL.width}


@pytest.mark.parametrize("name", ["ours", "torch_sparse", "torch_dense_fused", "dense_net_only"])
def test_a_measurement_has_a_speed_that_fits_its_step(name: str) -> None:
    threads = torch.get_num_threads()
    try:
        result = here(Measurement(name, SMALL, warmup=1, steps=3))
    finally:
        torch.set_num_threads(threads)
    assert result.step_ms > 0
    assert result.rows_per_s == pytest.approx(SMALL.batch / result.step_ms * 1000)
    assert "torch" in result.versions


def test_a_peer_that_is_missing_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(what: Measurement) -> Result:
        if what.contender == "fuxictr":
            raise NotInstalled("ModuleNotFoundError: No module named 'fuxictr'")
        return Result(2.0 if what.contender == "ours" else 5.0, 1.0, what.contender, "a step", {}, {}, 0.0)

    monkeypatch.setattr(throughput, "measure", measured)
    wanted = [f for f in figures.figures() if f.name in ("sparse", "fuxictr")]
    *_, reached = Rounds(wanted, 3, Console(quiet=True)).run()
    cells = {r.figure.name: table.cells(r) for r in reached}
    assert cells["sparse"][2:4] == ("2.50x [2.50x, 2.50x]", "met")
    assert cells["fuxictr"][2:4] == ("not installed (ModuleNotFoundError: No module named 'fuxictr')", "")
    assert [len(r.values) for r in reached] == [3, 0]


@pytest.mark.parametrize(("value", "met"), [(0.79, "not met"), (0.81, "met")])
def test_a_target_is_compared_with_the_median(value: float, met: str) -> None:
    figure = _figure("net")
    assert table.cells(Reached(figure, [0.1, value, 0.9]))[3] == met


def test_a_pair_that_others_disturb_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    others = iter([0.0, 0.05, 0.0, 0.5, 0.3, 0.0])  # ours and the other, three times
    monkeypatch.setattr(throughput, "measure", lambda _: Result(2.0, 1.0, "", "", {}, {}, next(others)))
    *_, [reached] = Rounds([_figure("sparse")], 3, Console(quiet=True)).run()
    assert reached.values == [1.0]


def test_the_table_holds_two_series_of_each_figure(tmp_path: Path) -> None:
    net, sparse, path = _figure("net"), _figure("sparse"), tmp_path / "throughput.json"
    ours = Result(2.0, 4.0, "ours", "a step", {"torch": "1"}, {}, 0.0)
    for day in (1, 2, 3):
        measured = [Reached(f, [day / 10], [ours], [ours], began=f"day {day}", machine="m") for f in (sparse, net)]
        for part in ([], measured[day % 2 :], measured[day % 2 :]):  # a series is written again and again
            kept = add(part, figures.figures(), path)
    assert [(r.began, r.values) for r in kept["net"]] == [("day 2", [0.2]), ("day 3", [0.3])]
    assert kept == read(figures.figures(), path)
    assert "net" not in read([sparse], path)
    text = table.markdown(kept)
    assert f"| {net.text} | at least 80% | 30% | not met | 4 | 4 | 1 | 20% |" in text
    assert f"| {sparse.text} | at least 2.20x | 0.20x | not met | 4 | 4 | 1 |  |" in text
    assert "- day 3, m: 1 of the figures." in text
    before, last = kept["net"]
    text = table.markdown(kept | {"net": [dataclasses.replace(before, machine="another"), last]})
    assert "| 30% | not met | 4 | 4 | 1 | 20%, elsewhere |" in text


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this copy of the repository has no history")
def test_a_revision_is_measured_from_its_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the net alone, as a revision's engine is compiled anew; and once, though other tests run beside it."""
    monkeypatch.setattr("perf.measure.TRIES", 1)
    result = measure(Measurement("dense_net_only", SMALL, revision="HEAD"))
    assert result.label == f"{load('dense_net_only').label}, revision HEAD"
    assert result.step_ms > 0
    with pytest.raises(NotInstalled, match="revision nowhere"):
        measure(Measurement("ours", SMALL, revision="nowhere"))


def _figure(name: str) -> figures.Figure:
    return next(f for f in figures.figures() if f.name == name)


def test_time_outside_training_is_all_else_in_a_runs_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = {"a": (1000.0, 1010.0), "b": (1000.0, 1004.0), "c": (1004.5, 1010.0), "d": (5000.0, 5002.0)}
    for key, (start, end) in spans.items():
        folder = tmp_path / "runs" / key
        folder.mkdir(parents=True)
        for name, at in (("env.json", start), ("done", end)):
            (folder / name).touch()
            os.utime(folder / name, (at, at))
        (folder / "costs.jsonl").write_text('{"train_s": 1.5}\n{"train_s": 1.5}\n')
    arm: Any = type("Arm", (), {"keys": set(spans)})
    monkeypatch.setattr(plans, "read_plan_result", lambda *_: type("PlanResult", (), {"arms": (arm,)}))
    assert plans.outside_training(tmp_path, "quick") == pytest.approx(1 - 12 / 21.5)


def test_mapped_examples_are_those_of_the_work(tmp_path: Path) -> None:
    mapped = beyond_memory.mapped(500, tmp_path).train
    small = dataset(Work(examples=500)).train
    assert isinstance(mapped.codes_NF, np.memmap)
    assert mapped.labels_NT.shape == (500, len(TASKS))
    assert sorted(map(tuple, mapped.codes_NF)) == sorted(map(tuple, small.codes_NF))


def test_all_contenders_say_what_they_time() -> None:
    for name in NAMES:
        try:
            kind = load(name)
        except NotInstalled:
            continue
        assert issubclass(kind, Contender)
        assert kind.label
        assert kind.times


def test_a_profile_has_all_parts_of_a_step_and_leaves_no_trace() -> None:
    before = [getattr(owner, name) for _, owner, name in profile.PARTS]
    trainer = load("ours")(SMALL, strategy="frequency_adaptive_lr").trainer()  # type: ignore[attr-defined, call-arg]
    parts = profile.profile(trainer, warmup=2)
    assert set(parts) == {label for label, _, _ in profile.PARTS} | {"whole step"}
    assert min(parts.values()) > 0
    assert [getattr(owner, name) for _, owner, name in profile.PARTS] == before


def test_a_profile_of_an_evaluation_has_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "REPEATS", 1)
    monkeypatch.setattr(evaluation, "DATA", {"preset": "tiny"})
    parts = evaluation.profile(evaluation.data(2000))
    assert set(parts) == {label for label, _, _ in evaluation.PARTS} | {"the net", "whole"}
    assert 0 < sum(milliseconds for label, milliseconds in parts.items() if label != "whole") < parts["whole"]


def test_the_table_of_a_gpu_has_a_column_for_every_batch_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(what: Measurement) -> Result:
        if what.contender == "fbgemm":
            raise NotInstalled("ModuleNotFoundError: No module named 'fbgemm_gpu'")
        return Result(1.0, 1000.0 * what.work.batch, what.contender, "a step", {}, {}, 0.0)

    monkeypatch.setattr(gpu, "here", measured)
    monkeypatch.setattr(gpu, "parts", lambda batch, device: {"the GPU at work": batch / 4096})
    monkeypatch.setattr(gpu, "together", lambda runs, device: 1000.0 * runs)
    monkeypatch.setattr(gpu, "at_once", lambda runs, device, strategy="none": 2000.0 * runs)
    monkeypatch.setattr(gpu, "waits", lambda device: 0.0)
    rows = list(gpu.page("cpu", rounds=2))
    assert "| the GPU at work | 1.00 | 4.00 | 16.00 |" in rows
    assert "| each in a process | 1 | 2 | 4 | 8 |" in rows
    assert "| all in one batched run | 2 | 4 | 8 | 16 |" in rows
    assert "| ours, lazy Adam | 4,096 | 16,384 | 65,536 |" in rows
    assert "| FBGEMM, row-wise Adagrad | not installed |  |  |" in rows


@pytest.mark.parametrize("strategy", ["none", "frequency_adaptive_lr"])
def test_a_step_of_several_runs_in_one_tells_a_gpu_less_than_theirs_apart(strategy: str) -> None:
    alone, in_one = (launches.launches(strategy, "adam", runs) for runs in (1, 4))
    assert alone <= in_one < 2.5 * alone


def test_bfloat16_is_compared_by_seed_at_each_epoch() -> None:
    key = MetricKey("valid", "auc", "click")

    def runs(*curves: tuple[float, ...]) -> dict[int, Run]:
        records = [[Record(e, e, e, True, {key: auc}) for e, auc in enumerate(curve, start=1)] for curve in curves]
        return {seed: Run(str(seed), {}, tuple(r), Status.FINISHED, "", {}) for seed, r in enumerate(records)}

    exact, rounded = runs((0.7, 0.6), (0.8, 0.7)), runs((0.7, 0.5), (0.8,))
    first, second = (precision.change(exact, rounded, epoch, key) for epoch in (1, 2))
    assert first is not None
    assert first.values == (0.0, 0.0)
    assert second is not None
    assert second.values == pytest.approx((-0.1,))


def test_the_history_of_a_row_is_what_its_group_was_shown_before(data: Data) -> None:
    group, item = data.fields.index("user"), data.fields.index("product")
    with_lists = running_mean_rates.with_history(data, "user", "product", 5)
    for split in (with_lists.train, with_lists.valid):
        assert split.lists is not None
        values, shown = split.lists[0], defaultdict[int, list[int]](list)
        for begin, length, ids_F in zip(values.begins(), values.length_N, split.ids_NF.tolist(), strict=True):
            assert values.values_M[begin : begin + length].tolist() == shown[ids_F[group]]
            shown[ids_F[group]].append(ids_F[item])

"""Each caution appears where it should, and stays silent where it should not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.simulated import Bench, analysed

from harness.analysis.groups import ArmRuns, Group
from harness.report.cautions import cautions
from harness.report.pages import answer as answers
from harness.report.pages.answer import answer
from harness.results.findings import Finding, Severity
from harness.results.keys import MetricKey
from harness.results.records import Record

CLEAN = {"none": (0.67, 0.65), "reinit": (0.67, 0.69)}


def bench(folder: Path, **more: Any) -> Bench:
    values: dict[str, Any] = {"curves": CLEAN, "own": 0.0005, "seeds": (1, 2, 3, 4, 5), "tasks": ("click",)}
    return Bench(folder, **(values | more))


def changed(group: Group, change: Any) -> Group:
    """The same group, every record of every run changed."""

    def of(arm: ArmRuns) -> ArmRuns:
        runs = {s: replace(r, records=tuple(map(change, r.records))) for s, r in arm.runs.items()}
        return replace(arm, runs=runs)

    baseline = None if group.baseline is None else of(group.baseline)
    return replace(group, arms=tuple(map(of, group.arms)), baseline=baseline)


def said(group: Group, **search: Any) -> str:
    return "\n".join(cautions(analysed(group, **search)))


def test_a_clean_comparison_is_not_cautioned(tmp_path: Path) -> None:
    assert said(bench(tmp_path).group()) == ""


def test_what_was_found_in_the_data_comes_first(tmp_path: Path) -> None:
    found = Finding("field_tells_label", Severity.STOP, "Field 'a' alone tells label 'y'.", "Leave it out.")
    group = replace(bench(tmp_path).group(), findings=(found,))
    assert said(group) == (
        "Data, stop (field_tells_label; numbers of such data mean nothing): "
        "Field 'a' alone tells label 'y'. Leave it out."
    )


def test_seeds_on_other_data_are_said(tmp_path: Path) -> None:
    group = bench(tmp_path).group()

    def rolled(arm: ArmRuns) -> ArmRuns:
        specs = {seed: run.spec | {"dataset": {"params": {"origin": seed}}} for seed, run in arm.runs.items()}
        return replace(arm, runs={seed: replace(run, spec=specs[seed]) for seed, run in arm.runs.items()})

    assert group.baseline is not None
    moved = replace(group, arms=tuple(map(rolled, group.arms)), baseline=rolled(group.baseline))
    assert "trained and tested on 5 data sets, such as time origins" in said(moved)


def test_products_that_are_not_in_float32_are_said(tmp_path: Path) -> None:
    analysis = analysed(bench(tmp_path).group())
    train = analysis.plan.train.model_copy(update={"precision": "bf16"})
    analysis.plan = analysis.plan.model_copy(update={"train": train})
    assert cautions(analysis)[0].startswith("The nets were trained with products in bf16")


def test_of_logits_that_are_known_but_for_a_constant_no_loss_is_read(tmp_path: Path) -> None:
    analysis = analysed(bench(tmp_path, curves={"none": (0.67, 0.68), "reinit": (0.67, 0.69)}).group())
    train = analysis.plan.train.model_copy(update={"loss": "in_batch_softmax"})
    for row in analysis.compared("click", "logloss"):
        end = row.contrasts["final_epoch_gain"]
        if end.value is not None:
            row.contrasts["final_epoch_gain"] = replace(end, value=replace(end.value, values=(-0.1, -0.11, -0.12)))
    assert "its logloss is worse, +0.1100" in answer(analysis).text
    analysis.plan = analysis.plan.model_copy(update={"train": train})
    assert "logloss" not in answer(analysis).text
    assert cautions(analysis)[0].startswith("The nets were trained by in_batch_softmax")


def test_an_epoch_of_few_steps_is_said(tmp_path: Path) -> None:
    def short(record: Record) -> Record:
        return replace(record, step=record.step // 10)

    group = bench(tmp_path).group()
    assert "An epoch has 100 optimiser steps" in said(changed(group, short))


@pytest.mark.parametrize(("first", "expected"), [((0.60, 0.64, 0.67), True), ((0.60, 0.668, 0.67), False)])
def test_a_first_epoch_that_still_rose_is_said(tmp_path: Path, first: tuple[float, ...], expected: bool) -> None:
    group = bench(tmp_path).group()
    key = MetricKey("sample", "auc", "click")

    def climbing(arm: ArmRuns) -> ArmRuns:
        runs = {}
        for seed, run in arm.runs.items():
            begin = [Record(1, 10 * i, 0.3 * i, False, {key: v}) for i, v in enumerate(first[:-1], 1)]
            ends = tuple(replace(r, metrics=r.metrics | {key: first[-1]}) if r.boundary else r for r in run.records)
            runs[seed] = replace(run, records=(*begin, *(r for r in ends if r.boundary)))
        return replace(arm, runs=runs)

    assert group.baseline is not None
    text = said(replace(group, baseline=climbing(group.baseline)))
    assert ("had not converged: its last part still gained +0.0300 of +0.0700" in text) is expected


@pytest.mark.parametrize(("rate", "expected"), [(0.3, True), (0.29, True), (3e-4, True), (0.1, False), (0.003, False)])
def test_a_winner_at_the_edge_of_its_range_is_said(tmp_path: Path, rate: float, expected: bool) -> None:
    group = bench(tmp_path).group()
    arm = replace(group.arms[1], arm=replace(group.arms[1].arm, chosen={"table_lr": rate}))
    text = said(replace(group, arms=(group.arms[0], arm)), table_lr=[3e-4, 0.3])
    assert ("at the edge of its range" in text) is expected
    if expected:
        assert f"reinit (table_lr = {rate:.3g} of 0.0003 to 0.3)" in text


def test_a_batch_size_at_the_edge_is_written_out(tmp_path: Path) -> None:
    group = bench(tmp_path).group()
    arms = tuple(replace(arm, arm=replace(arm.arm, chosen={"batch_size": 8192})) for arm in group.arms)
    (text,) = cautions(analysed(replace(group, arms=arms), batch_size=(1024, 8192)))
    assert "none (batch_size = 8192 of 1024 to 8192)" in text


def test_an_arm_that_does_nothing_is_said(tmp_path: Path) -> None:
    group = bench(tmp_path).group()
    twin = replace(group.arms[1], runs=group.arms[0].runs)
    assert "The same numbers as plain training, to the bit, as at its knobs it does nothing: reinit." in said(
        replace(group, arms=(group.arms[0], twin))
    )


def test_an_arm_that_its_search_left_off_was_tried(tmp_path: Path) -> None:
    group = bench(tmp_path, trials=3).group()
    plain, arm = group.arms
    trials = tuple(replace(trial, value=0.5, params={"table_lr": 0.7, "reinit.every": 1}) for trial in arm.arm.trials)
    off = replace(arm.arm, trials=trials, chosen=plain.arm.chosen | {"reinit.every": 0})
    text = said(replace(group, arms=(plain, replace(arm, arm=off, runs=plain.runs))))
    assert (
        "The search left these off, as no trial with them did better than plain training: reinit (in 3 trials)." in text
    )
    assert "does nothing" not in text


def test_valid_and_test_that_disagree_are_said(tmp_path: Path) -> None:
    group = bench(tmp_path, test_shift=lambda epoch: -0.03 * (epoch - 1)).group()
    assert "Valid and test disagree on reinit: +0.0201" in said(group)


def test_safe_by_its_ranking_and_not_by_its_logloss_is_not_called_safe(tmp_path: Path) -> None:
    group = bench(tmp_path, curves={"none": (0.67, 0.68), "reinit": (0.67, 0.69)}).group()
    assert "it is safe" in answer(analysed(group)).text
    key = MetricKey("test", "logloss", "click")

    def overconfident(record: Record) -> Record:
        worse = record.metrics | {key: record.metrics[key] + 0.02} if record.epoch == 2 and record.boundary else None
        return replace(record, metrics=worse or record.metrics)

    text = answer(analysed(changed(group, overconfident))).text
    assert "it is safe" not in text
    assert "its AUC alone would call it safe, but its logloss is worse, +0.0100" in text


@pytest.mark.parametrize(
    ("shown", "sign", "worse", "said"),
    [
        (1, 1, "", "it is safe"),
        (1, 1, "+0.1 nats", "its AUC alone would call it safe, but its logloss is worse, +0.1 nats"),
        (0, 0, "", "neither harm nor benefit is shown"),
        (0, 0, "+0.1 nats", "its AUC shows neither harm nor benefit, but its logloss is worse, +0.1 nats"),
        (0, 1, "", "it looks safe, which its AUC does not show once corrected for the number of arms"),
        (0, 1, "+0.1 nats", "once corrected for the number of arms, but its logloss is worse, +0.1 nats"),
        (0, -1, "", "it looks unsafe, which its AUC does not show once corrected for the number of arms"),
        (0, -1, "+0.1 nats", "once corrected for the number of arms, and its logloss is worse, +0.1 nats"),
        (-1, -1, "+0.1 nats", "it is not safe"),
    ],
)
def test_an_interval_below_zero_is_never_called_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: int, sign: int, worse: str, said: str
) -> None:
    monkeypatch.setattr(answers, "_worse_logloss", lambda *_, surely: worse)
    assert answers._safety(analysed(bench(tmp_path).group()), shown, sign).endswith(said)


def test_plain_training_that_pays_too_is_called_so(tmp_path: Path) -> None:
    """`none` would be read as nobody."""
    curves = {"none": (0.67, 0.68), "reinit": (0.67, 0.69)}
    assert "Plain training also pays." not in (text := answer(analysed(bench(tmp_path, curves=curves).group())).text)
    assert "plain training also pays." in text
    assert "none also" not in text


def test_one_seed_that_is_left_takes_no_headline(tmp_path: Path) -> None:
    curves = {"none": (0.67, 0.65), "hashing": (0.67, 0.75), "reinit": (0.67, 0.69)}
    lost = {("hashing", seed): "failed" for seed in (2, 3, 4, 5)}
    found = analysed(bench(tmp_path, curves=curves, status=lost).group())
    assert found.ranked[0].arm.label == "hashing"
    assert answer(found).headline == "More than one epoch pays with reinit"
    curves["reinit"] = (0.67, 0.6702)
    found = analysed(bench(tmp_path / "open", curves=curves, status=lost, own=0.01).group())
    assert "One seed" not in answer(found).headline
    assert "Ranked first is" not in "\n".join(cautions(found)), "the first has one seed"


def test_arms_at_the_edge_of_several_ranges_are_counted_once(tmp_path: Path) -> None:
    curves = {"none": (0.67, 0.65)} | {f"arm{n}": (0.67, 0.69) for n in range(4)}
    group = bench(tmp_path, curves=curves, trials=1).group()
    edge = {"dense_lr": 1e-4, "table_lr": 1e-3}

    def at_edge(arm: ArmRuns) -> ArmRuns:
        return replace(arm, arm=replace(arm.arm, chosen=edge))

    text = said(replace(group, arms=tuple(map(at_edge, group.arms))), dense_lr=(1e-4, 1e-2), table_lr=(1e-3, 0.3))
    (line,) = (line for line in text.splitlines() if line.startswith("The search ended at the edge"))
    assert "arm0 (dense_lr = 0.0001 of 0.0001 to 0.01, table_lr = 0.001 of 0.001 to 0.3)" in line
    assert line.count("arm3") == 1


def test_an_arm_whose_every_trial_failed_is_named(tmp_path: Path) -> None:
    group = bench(tmp_path, trials=2).group()

    def failed(arm: ArmRuns) -> ArmRuns:
        trials = tuple(replace(trial, value=None) for trial in arm.arm.trials)
        return replace(arm, arm=replace(arm.arm, trials=trials, runs={}), runs={})

    arms = tuple(failed(arm) if arm.label == "reinit" else arm for arm in group.arms)
    assert "Every trial of its search failed: reinit." in answer(analysed(replace(group, arms=arms))).text
    assert group.baseline is not None
    nothing = replace(group, arms=tuple(map(failed, group.arms)), baseline=failed(group.baseline))
    assert "asks for no seed" not in answer(analysed(nothing)).text


def test_a_gain_read_at_the_first_epoch_is_called_one_of_one_epoch(tmp_path: Path) -> None:
    curves = {"none": (0.67, 0.65), "at_once": (0.69, 0.68)}
    text = answer(analysed(bench(tmp_path, curves=curves).group())).text
    assert "read at epoch 1" in text
    assert "a gain of its first epoch, not of further epochs" in text

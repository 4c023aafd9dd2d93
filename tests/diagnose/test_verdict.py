"""A verdict says what the records hold: fall, gain, harm, or that it cannot be told."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command_line import multiepoch
from support.markdown import HOSTILE, elements
from support.simulated import Bench, analysed, failing

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.estimates import Estimate
from harness.analysis.groups import ArmRuns
from harness.diagnose import page, sentences, sizing, written
from harness.diagnose.collapse import direction, of_task
from harness.diagnose.second_split import SecondSplit
from harness.diagnose.sizing import SIZES, Cost
from harness.diagnose.verdict import State, Verdict, leader, verdict_of
from harness.experiment.plan import Plan
from harness.report.tables.certainty import sensitivity
from harness.report.write import analyse
from harness.results.findings import Finding, Severity
from harness.results.influences import influences_file
from harness.results.keys import MetricKey, Status
from harness.results.records import Record

SEEDS = (1, 2, 3, 4, 5)
FALLS, RISES, FLAT = (0.67, 0.65, 0.63, 0.61), (0.67, 0.675, 0.68, 0.685), (0.67, 0.67, 0.67, 0.67)
AUC = "test/auc/click"
STOP = Finding("label_copied", Severity.STOP, "It is a copy.", "Count it once.")
PLAN: dict[str, Any] = {"asked": {"seconds": 600}, "plan": {}}


def judged(folder: Path, findings: tuple[Finding, ...] = (), **curves: tuple[float, ...]) -> Verdict:
    return verdict_on(Bench(folder, curves=curves, seeds=SEEDS, own=0.0005), findings)


def verdict_on(bench: Bench, findings: tuple[Finding, ...] = (), complete: bool = True) -> Verdict:
    group = replace(bench.group(), findings=findings)
    plan = Plan.model_validate(json.loads((bench.results / "plans" / "bench.json").read_text())["plan"])
    return verdict_of(GroupAnalysis(group, plan), {"user": 0.4}, 0.003, complete)


class OtherTaskFalls(Bench):
    """Plain training, or every arm, loses in `buy` what it has in `click`."""

    def _records(self, curve: Sequence[float], luck: float) -> list[Record]:
        found = super()._records(curve, luck)
        for record in found:
            for key in [key for key in record.metrics if (key.task, key.metric) == ("buy", "auc")]:
                record.metrics[key] -= 0.03 * max(record.position - 1, 0)
        return found


def test_a_fall_that_a_mitigation_mends_is_safe_with_it(tmp_path: Path) -> None:
    found = judged(tmp_path, none=FALLS, reinit=RISES)
    assert (found.state, found.answered) == (State.SAFE_WITH, True)
    assert found.lead is not None
    assert found.lead.arm.label == "reinit"
    assert found.falls["click"].epoch == 2
    assert found.headline == "Safe with reinit to epoch 4, the last that was trained"
    assert "lower in 5 of 5 seeds" in found.lines["Plain training"]
    assert found.lines["Use"].startswith("reinit: +0.015")
    assert "; this is of validation rows, and its interval of other seeds alone. Of field" in found.lines["Cause"]


def test_a_fall_that_nothing_mends_stops_after_one(tmp_path: Path) -> None:
    found = judged(tmp_path, none=FALLS, hashing=FALLS)
    assert (found.state, found.lead) == (State.STOP, None)
    assert found.headline == "Stop after one epoch"


def test_the_smallest_gain_of_a_verdict_is_that_of_its_report(tmp_path: Path) -> None:
    """It holds seeds and the number of arms: test rows alone would promise what arms above it did not show."""
    bench = Bench(tmp_path, curves={"none": FALLS, "hashing": FALLS, "reinit": FLAT}, seeds=SEEDS, own=0.01)
    group = bench.group()
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    analysis = GroupAnalysis(group, plan)
    said = verdict_of(analysis, {}, 0.0001, True).lines["Next"]
    least = re.search(r"would show a gain of about (0\.\d+) four times in five", said)
    assert least is not None
    assert float(least[1]) > 0.001
    assert f"would show a gain of {least[1]} four times in five" in sensitivity(analysis)


def test_plain_training_that_rises_is_safe(tmp_path: Path) -> None:
    found = judged(tmp_path, none=RISES, hashing=FLAT)
    assert found.state == State.SAFE
    assert not found.falls["click"].falls


def test_plain_training_alone_is_not_repeated_enough_by_one_seed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": FALLS, "reinit": RISES}, seeds=(1,))
    group = bench.group()
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = verdict_of(GroupAnalysis(group, plan), {}, 0.003, False)
    assert (found.state, found.answered) == (State.CANNOT_TELL, False)
    assert written.met(found, "undecided")
    assert not written.met(found, "collapse")


@pytest.mark.parametrize(("holds", "end"), [(True, ""), (None, ""), (False, ", though not on another split")])
def test_a_headline_says_where_a_verdict_does_not_hold(holds: bool | None, end: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": FALLS, "hashing": FALLS}, seeds=(1, 2, 3, 4, 5), own=0.0005)
    group = bench.group()
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    second = SecondSplit("an earlier cut in time", holds, ("plain training ends elsewhere",))
    found = verdict_of(GroupAnalysis(group, plan), {}, 0.003, True, second)
    assert found.headline == f"Stop after one epoch{end}"
    assert found.lines["Another split"].startswith("On an earlier cut in time, at the same knobs: plain training ends")


def test_what_was_dropped_when_and_why_is_in_the_verdict_and_its_files(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, curves={"none": FALLS, "reinit": RISES, "hashing": FLAT}, seeds=(1, 2, 3, 4, 5, 6), own=3e-4
    )
    group = bench.group()
    dropped = {"hashing": (5, "surely behind reinit"), "reinit": (6, "surely above one tuned epoch")}
    arms = tuple(
        replace(arm, arm=replace(arm.arm, settled=why), runs={s: run for s, run in arm.runs.items() if s <= seeds})
        for arm in group.arms
        for seeds, why in [dropped.get(arm.label, (6, ""))]
    )
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = verdict_of(GroupAnalysis(replace(group, arms=arms), plan), {}, 0.003, True)
    assert found.lines["Dropped"] == (
        "Repeated no further: hashing after 5 seeds (surely behind reinit); reinit after 6 seeds (surely above one "
        "tuned epoch). plain training went on to 6 seeds."
    )
    written.write(found, PLAN, tmp_path)
    told = json.loads((tmp_path / "verdict.json").read_text())["race"]
    assert told["dropped"][0] == {"strategy": "hashing", "seeds": 5, "why": "surely behind reinit"}
    assert (told["seeds"], told["open"]) == (6, ["none"])
    assert "Repeated no further: surely behind reinit." in (tmp_path / "verdict.md").read_text()


@pytest.mark.parametrize(
    ("ends", "sign"),
    [
        ((0.002, -0.003, 0.001, -0.002, 0.003), 0),
        ((-0.002, -0.21, -0.003, -0.004, -0.002), -1),
        ((0.002, 0.21, 0.003, 0.004, 0.002), 1),
        ((-0.002, -0.21, -0.003, -0.004), 0),
        ((-0.010, -0.011, -0.012), -1),
    ],
)
def test_ends_that_are_all_on_one_side_tell_a_direction_whatever_their_sizes(
    ends: tuple[float, ...], sign: int
) -> None:
    """A t interval of five of which one is far out holds zero; that all are lower happens one time in 32 by chance."""
    assert direction(Estimate(ends)) == sign


def test_test_rows_that_all_seeds_share_can_put_all_of_them_on_one_side() -> None:
    ends = (-0.002, -0.21, -0.003, -0.004, -0.002)
    assert direction(Estimate(ends, test_error=0.001)) == -1
    assert direction(Estimate(ends, test_error=0.002)) == 0


def test_of_many_labels_few_fall_by_chance() -> None:
    """One label of five seeds does in 4 of 100 logs. Of seven that share the level, each of which would do, no more
    than twice as many; by the rule of one it would be 24."""
    random, labels = np.random.default_rng(0), 7
    logs = [[Estimate(tuple(random.normal(size=5))) for _ in range(labels)] for _ in range(500)]
    falls = {among: np.mean([any(direction(e, among) < 0 for e in log) for log in logs]) for among in (1, labels)}
    assert falls[1] > 0.2
    assert falls[labels] < 0.08


@pytest.mark.parametrize(("labels", "seeds"), [(1, 5), (2, 6), (3, 7), (4, 7), (7, 8)])
def test_seeds_that_are_all_lower_show_a_fall_among_several_labels_if_they_are_more(labels: int, seeds: int) -> None:
    ends = (-0.21, *(-0.002 - 0.0001 * n for n in range(seeds - 1)))
    assert direction(Estimate(ends), labels) == -1
    assert direction(Estimate(ends[:-1]), labels) == 0


@pytest.mark.parametrize(("tasks", "falls"), [(2, True), (3, False)])
def test_labels_beside_the_one_asked_for_share_a_level(tasks: int, falls: bool, tmp_path: Path) -> None:
    names = ("click", "buy", "order")[:tasks]
    bench = OtherTaskFalls(tmp_path, curves={"none": RISES, "reinit": RISES}, seeds=SEEDS, tasks=names)
    group = bench.group()
    assert group.plain is not None
    for seed, run in group.plain.runs.items():
        drop = 0.21 if seed == 1 else 0.002 + 0.0001 * seed
        run.boundaries[-1].metrics[MetricKey.parse("test/auc/buy")] = (
            group.plain.runs[seed].boundaries[0].metrics[MetricKey.parse("test/auc/buy")] - drop
        )
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = of_task(GroupAnalysis(group, plan), "buy")
    assert found is not None
    assert (found.signs[0] < 0) is falls


def test_what_is_safe_for_one_label_is_not_while_another_falls(tmp_path: Path) -> None:
    found = verdict_on(OtherTaskFalls(tmp_path, curves={"none": RISES, "reinit": RISES}, seeds=SEEDS, own=0.0005))
    assert found.falls["click"].harmless
    assert found.falls["buy"].falls
    assert (found.state, found.lead) == (State.STOP, None), "both arms lose in buy"
    assert found.headline == "Stop after one epoch: buy falls"


def test_a_strategy_that_gains_here_and_loses_there_is_not_said_to_gain_nowhere(tmp_path: Path) -> None:
    """The audit beside it says that it is shown to gain."""
    curves = {"none": FALLS, "reinit": RISES, "hashing": FALLS}
    found = verdict_on(OtherTaskFalls(tmp_path, curves=curves, seeds=SEEDS, own=0.0005))
    assert (found.state, found.lead) == (State.STOP, None)
    assert found.lines["Use"] == (
        "One epoch. No mitigation is shown to gain over it: hashing. Shown to gain in click AUC, but also to lose in "
        "AUC or logloss of a label: reinit."
    )
    assert next(audit for audit in found.audits if audit.id == "gain-reinit").passed


def test_plain_training_that_diverges_falls(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": RISES, "reinit": FLAT}, seeds=SEEDS, own=0.0005)
    bench.status = {("none", 2): "failed", ("none", 4): "failed"}
    found = verdict_on(bench)
    assert (found.state, written.met(found, "collapse")) == (State.STOP, True)
    assert found.lines["Plain training"].count("It diverges in 2 of 5 seeds.") == 2
    assert "nothing is claimed" not in found.lines["Plain training"]


def test_plain_training_that_always_diverges_falls_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": RISES, "reinit": FLAT}, seeds=SEEDS)
    bench.status = {("none", seed): "failed" for seed in SEEDS}
    found = verdict_on(bench)
    assert (found.state, found.falls["click"].shown) == (State.STOP, "diverged")
    assert "Trained to epoch 4 it diverges in 5 of 5 seeds." in found.lines["Plain training"]
    written.write(found, PLAN, tmp_path)
    assert json.loads((tmp_path / "verdict.json").read_text())["collapse"]["click"]["auc"] is None


def test_of_plain_training_with_crashed_seeds_nothing_is_claimed(tmp_path: Path) -> None:
    """What is left is not chance; training that diverges is another thing."""
    group = Bench(tmp_path, curves={"none": FALLS, "reinit": FLAT}, seeds=tuple(range(1, 9)), own=0.0005).group()

    def crashed(arm: ArmRuns) -> ArmRuns:
        runs = {s: replace(run, status=Status.INCOMPLETE) if s in (2, 4) else run for s, run in arm.runs.items()}
        return replace(arm, runs=runs) if arm.label == "none" else arm

    found = verdict_of(analysed(replace(group, arms=tuple(map(crashed, group.arms)))), {}, 0.003, True)
    assert (found.state, written.met(found, "collapse")) == (State.CANNOT_TELL, False)
    assert "2 of 8 seeds failed, so nothing is claimed." in found.lines["Plain training"]


def test_test_rows_that_do_not_tell_their_error_show_no_fall_and_no_gain(tmp_path: Path) -> None:
    """As where one of them alone is positive, whose influences are nan."""
    bench = Bench(tmp_path, curves={"none": FALLS, "reinit": RISES}, seeds=SEEDS, own=0.0005)
    group = bench.group()
    for arm in (*group.arms, group.baseline):
        assert arm is not None
        for run in arm.runs.values():
            assert run.folder is not None
            for epoch in range(1, len(run.boundaries) + 1):
                told = {str(key): np.full(50, np.nan, np.float32) for key in run.boundaries[0].metrics}
                np.savez(influences_file(run.folder, epoch), allow_pickle=False, **told)
    found = verdict_of(analysed(group), {}, 0.003, True)
    assert (found.state, found.lead, found.answered) == (State.CANNOT_TELL, None, False)
    assert "Its test rows do not tell how far this is chance" in found.lines["Plain training"]


def test_an_arm_that_is_plain_training_to_the_bit_is_no_mitigation(tmp_path: Path) -> None:
    """It was dropped earlier, so that its mean is another."""
    bench = Bench(tmp_path, curves={"none": RISES, "filter": RISES}, seeds=tuple(range(1, 9)), own=0.0)
    group = bench.group()
    plain = next(arm for arm in group.arms if arm.label == "none")
    idle = next(arm for arm in group.arms if arm.label == "filter")
    runs = {seed: replace(run, records=plain.runs[seed].records) for seed, run in idle.runs.items() if seed <= 6}
    arms = tuple(replace(arm, runs=runs) if arm is idle else arm for arm in group.arms)
    found = GroupAnalysis(replace(group, arms=arms), analysed(group).plan)
    assert next(arm for arm in found.group.arms if arm.label == "filter").is_like(found.group.plain)
    lead = leader(found)
    assert lead is None or lead.arm.label == "none"


def test_every_label_that_falls_is_named(tmp_path: Path) -> None:
    tasks = ("click", *(f"label{number}" for number in range(8)))

    class OthersFall(OtherTaskFalls):
        def _records(self, curve: Sequence[float], luck: float) -> list[Record]:
            found = Bench._records(self, curve, luck)
            for record, key in ((r, k) for r in found for k in r.metrics if k.task != "click" and k.metric == "auc"):
                record.metrics[key] -= 0.05 * max(record.position - 1, 0)
            return found

    bench = OthersFall(tmp_path, curves={"none": FLAT, "reinit": FLAT}, seeds=SEEDS, own=0.0005, tasks=tasks)
    headline = verdict_on(bench).headline
    assert headline.startswith("Stop after one epoch: label0, label1, label2, ")
    assert headline.endswith(" and label7 fall")


def test_without_a_verdict_a_pipeline_that_asks_for_one_fails(tmp_path: Path) -> None:
    assert [written.met_by_none([STOP], asked) for asked in (["leak"], ["undecided"], ["collapse"], [])] == [
        True, True, False, False
    ]  # fmt: skip
    assert not written.met_by_none([], ["leak"])
    for name in (*written.FILES, "plan.json"):
        (tmp_path / name).write_text("yesterday's")
    written.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_over_a_baseline_with_failed_seeds_nothing_is_shown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": FALLS, "reinit": RISES}, seeds=SEEDS, own=0.0005)
    group = failing(bench.group(), "one epoch", (1,))
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    analysis = GroupAnalysis(group, plan)
    row = next(row for row in analysis.ranked if row.arm.label == "reinit")
    assert (row.shown("gain"), row.shown("gain_after_own_first")) == (0, 1)
    assert verdict_of(analysis, {}, 0.003, True).lead is None


@pytest.mark.parametrize("curve", [FALLS, RISES])
def test_against_an_epoch_with_failed_seeds_plain_training_neither_falls_nor_is_safe(
    curve: tuple[float, ...], tmp_path: Path
) -> None:
    bench = Bench(tmp_path, curves={"none": curve, "reinit": RISES}, seeds=tuple(range(1, 9)), own=0.0005)
    group = failing(bench.group(), "one epoch", (1,))
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = verdict_of(GroupAnalysis(group, plan), {}, 0.003, True)
    assert (found.state, written.met(found, "collapse")) == (State.CANNOT_TELL, False)
    assert "Some seeds of one epoch failed, so nothing is claimed." in found.lines["Plain training"]
    assert found.lines["Next"] == "Look at why seeds of one epoch failed, as all is measured against it."
    why = {audit.id: audit.why for audit in found.audits}
    assert why["gain-reinit"] == "Some of the seeds of one epoch failed, so nothing is claimed."


def test_where_a_fall_begins_is_always_valid_in_a_race_that_plain_training_left(tmp_path: Path) -> None:
    """Eight seeds show the fall of epoch 2 by Student's interval, which does not hold where they decide how many."""
    group = Bench(tmp_path, curves={"none": (0.67, 0.6695, 0.60)}, seeds=tuple(range(1, 9)), own=0.0).group()
    (plain,), noise = group.arms, (-6, 4, -3, 5, -4, 3, -5, 6)
    for run, z in zip(plain.runs.values(), noise, strict=True):
        run.boundaries[1].metrics[MetricKey.parse(AUC)] += 0.0001 * z
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = []
    for why in ("", "surely below one tuned epoch"):
        arm = replace(plain, arm=replace(plain.arm, settled=why))
        fall = of_task(GroupAnalysis(replace(group, arms=(arm,)), plan), "click")
        found.append(None if fall is None else fall.epoch)
    assert found == [2, 3]


def test_an_arm_that_gains_by_its_later_epochs_is_used_before_one_that_gains_more_at_once(tmp_path: Path) -> None:
    once = tuple(value + 0.02 for value in FALLS)
    found = judged(tmp_path, none=FALLS, hashing=once, reinit=RISES)
    assert (found.state, found.headline.split(",")[0]) == (State.SAFE_WITH, "Safe with reinit to epoch 4")


@pytest.mark.parametrize(
    ("curve", "state", "said"),
    [
        (RISES, State.SAFE_WITH, "Over that, reinit gains +0.0151 [.0144, .0157]."),
        (
            (0.66, 0.665, 0.668, 0.669),
            State.STOP,
            "One epoch of plain training at these knobs: +0.0204 [.0195, .0212] test click AUC over one ",
        ),
    ],
)
def test_where_plain_training_has_the_better_epoch_a_strategy_is_held_against_that(
    curve: tuple[float, ...], state: State, said: str, tmp_path: Path
) -> None:
    """The epoch that was tuned is .02 AUC below the first at the knobs of plain training."""
    group = Bench(
        tmp_path, curves={"none": FALLS, "reinit": curve, "low": (0.65,) * 4}, seeds=SEEDS, own=0.0005
    ).group()
    assert group.baseline is not None
    low = next(arm for arm in group.arms if arm.label == "low")
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = verdict_of(
        GroupAnalysis(replace(group, baseline=replace(group.baseline, runs=low.runs)), plan), {"user": 0.4}, 0.003, True
    )
    assert found.state == state
    assert said in " ".join(found.lines.values())


def test_two_seeds_of_five_answer_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": RISES, "reinit": RISES}, seeds=SEEDS, own=0.0001)
    bench.status = {(arm, seed): "absent" for arm in ("none", "reinit") for seed in (3, 4, 5)}
    found = verdict_on(bench, complete=False)
    assert (found.state, found.answered) == (State.CANNOT_TELL, False)


@pytest.mark.parametrize("origins", [2, 3, 4])
def test_fewer_time_origins_than_five_answer_nothing_and_say_what_to_write(origins: int, tmp_path: Path) -> None:
    """Each seed has one, so that all there are have been trained."""
    bench = Bench(tmp_path, curves={"none": FALLS, "reinit": RISES}, seeds=SEEDS[:origins], own=1e-5)
    found = verdict_on(bench)
    assert (found.state, found.answered, found.lead) == (State.CANNOT_TELL, False, None)
    assert found.lines["Next"].startswith(f"The split has {origins} time origins")
    assert "write rolling = 5 or more under [split]" in found.lines["Next"]
    gain = next(audit for audit in found.audits if audit.id == "gain-reinit")
    assert (gain.passed, gain.why) == (None, "It has too few seeds, so nothing is claimed.")
    assert written.met(found, "undecided")
    assert not written.met(found, "collapse")


def test_a_verdict_on_what_was_trained_so_far_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": FALLS, "hashing": FALLS}, seeds=SEEDS, own=0.0005)
    assert verdict_on(bench, complete=False).headline == "Stop after one epoch, as far as it was trained"


def test_a_mitigation_that_was_not_repeated_is_not_said_to_be_no_better(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": FALLS, "hashing": FALLS, "reinit": RISES}, seeds=SEEDS, own=0.0005)
    bench.status = {("reinit", seed): "absent" for seed in SEEDS}
    group = bench.group(complete=False, pending=("l2",))
    plan = Plan.model_validate(json.loads((tmp_path / "plans" / "bench.json").read_text())["plan"])
    found = verdict_of(GroupAnalysis(group, plan), {}, 0.003, False)
    nothing = "One epoch. No mitigation is shown to gain over it: hashing."
    assert found.lines["Use"] == f"{nothing} Not compared yet: reinit and l2."
    assert found.lines["Next"] == "Give the same command again: it goes on with reinit and l2."
    assert judged(tmp_path / "whole", none=FALLS, hashing=FALLS).lines["Use"] == nothing


def test_an_epoch_that_is_below_the_first_and_recovers_is_not_where_a_fall_begins(tmp_path: Path) -> None:
    found = judged(tmp_path, none=(0.67, 0.65, 0.68, 0.66), reinit=FLAT)
    assert found.falls["click"].epoch == 4
    assert "is below its first from epoch 4;" in found.lines["Plain training"]


def test_data_that_a_check_stops_are_not_trusted(tmp_path: Path) -> None:
    found = judged(tmp_path, findings=(STOP,), none=FALLS, reinit=RISES)
    assert (found.trusted, found.answered, found.state) == (False, False, State.CANNOT_TELL)
    assert found.headline.startswith("Not to be trusted")
    assert [*found.lines][:2] == ["Data", "Next"]
    assert written.met(found, "leak")
    assert written.met(found, "undecided")


def test_the_winner_can_be_taken_along_as_it_was_tuned(tmp_path: Path) -> None:
    found = judged(tmp_path, none=FALLS, reinit=RISES)
    assert found.lead is not None
    knobs = {"batch_size": 512, "table_lr": 0.123456, "table_optimizer": "adam", "reinit.every": 2, "reinit.to": "init"}
    arm = replace(found.lead.arm.arm, chosen=knobs)
    told = sentences.export_command(replace(found.lead, arm=replace(found.lead.arm, arm=arm)))
    options = "--to torch --table-lr 0.1235 --table-optimizer adam"
    assert told == f"""multiepoch export "reinit(every=2, to='init')" {options}"""
    _, *arguments = shlex.split(told)
    done = multiepoch(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "class TableOptimizer" in done.stdout


def test_the_command_is_code_on_the_page_and_in_markdown_and_other_lines_are_text(tmp_path: Path) -> None:
    """A browser breaks a line at any hyphen, and a leading minus is typeset, neither of which a shell takes back."""
    found = judged(tmp_path, none=FALLS, reinit=RISES)
    assert found.lead is not None
    knobs = {"table_lr": 0.1, "table_optimizer": "adam", "reinit.to": "init"}
    lead = replace(found.lead, arm=replace(found.lead.arm, arm=replace(found.lead.arm.arm, chosen=knobs)))
    command = sentences.export_command(lead)
    lines = found.lines | {"Next": f"Take it: {command}", "Cause": HOSTILE}
    found = replace(found, lead=lead, lines=lines)
    assert found.parts("Next") == ("Take it:", command)
    assert found.parts("Cause") == (HOSTILE.rstrip(), "")
    text = written.as_markdown(found)
    assert f"- **Next**: Take it: `{command}`\n" in text
    assert elements(text) <= {"h1", "ul", "li", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}
    page.write(found, analyse(tmp_path, "bench"), "planned.", tmp_path / "verdict.html")
    (code,) = re.findall("<code>(.*?)</code>", (tmp_path / "verdict.html").read_text())
    assert unescape(re.sub("<[^>]+>", "", code)) == command
    assert re.findall('<span class="option">(.*?)</span>', code) == ["--to", "--table-lr", "--table-optimizer"]


@pytest.mark.parametrize(("curve", "falls"), [(FALLS, True), (RISES, False)])
def test_pipelines_read_what_people_read(tmp_path: Path, curve: tuple[float, ...], falls: bool) -> None:
    found = judged(tmp_path, none=curve, reinit=RISES)
    written.write(found, PLAN, tmp_path)
    told = json.loads((tmp_path / "verdict.json").read_text())
    assert told["schema_version"] == 1
    assert (told["state"], told["headline"]) == (found.state, found.headline)
    assert told["collapse"]["click"]["falls"] is falls is written.met(found, "collapse")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (
        int(suite.get("failures", ""))
        == len(suite.findall("testcase/failure"))
        == sum(each.falls for each in found.falls.values())
    )
    assert int(suite.get("tests", "")) == len(suite.findall("testcase")) == len(found.audits)
    assert found.headline in (tmp_path / "verdict.md").read_text()


@given(
    begin=st.floats(0.1, 20), epoch=st.floats(0.1, 1000), evaluate=st.floats(0.1, 100), workers=st.integers(1, 16),
    seconds=st.floats(10, 100_000),
)  # fmt: skip
def test_what_is_planned_fits_and_more_time_never_plans_less(
    begin: float, epoch: float, evaluate: float, workers: int, seconds: float
) -> None:
    cost = Cost(begin, epoch, evaluate)
    size, larger = sizing.fitting(cost, workers, seconds), sizing.fitting(cost, workers, 2 * seconds)
    if size is None:
        assert SIZES[0].seconds(cost, workers) > seconds
        return
    assert size.seconds(cost, workers) <= seconds
    assert larger is not None
    assert SIZES.index(larger) >= SIZES.index(size)


def test_more_processes_take_no_less_than_the_runs_that_wait_for_each_other() -> None:
    """Five trials start together, and later ones wait; so do seeds after the first five."""
    cost, size = Cost(0.0, 10.0, 2.0), sizing.Size(2, 5, 7, 3)
    endless = size.seconds(cost, 10**6)
    assert endless == pytest.approx(sizing.SPARE * (cost.run(3) + 3 * cost.run(3)), rel=0.05)
    assert size.seconds(cost, 1) == pytest.approx(
        sizing.SPARE * (size.long * cost.run(3) + size.short * cost.run(1)), rel=1e-9
    )
    assert size.seconds(cost, 12) > size.seconds(cost, 1) / 12


def test_sizes_grow_in_time_and_have_seeds_enough_to_show_a_fall() -> None:
    cost = Cost(1.0, 10.0, 2.0)
    spent = [size.seconds(cost, 2) for size in SIZES]
    assert spent == sorted(spent)
    assert min(size.seeds for size in SIZES) >= 5
    assert (SIZES[0].short, SIZES[-1].short) == (12 + 5, 24 * 4 + 9), "one epoch is tuned, however short the time"

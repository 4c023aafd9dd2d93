"""What MLflow says in words: our own links alone are links."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.markdown import HOSTILE, addresses, elements, words
from support.simulated import Bench, analysed
from support.tracking import NONE, plan_of

from harness.results.keys import RunRole
from harness.tracking.members import Member
from harness.tracking.mlflow import notes
from harness.tracking.mlflow.arm_summary import ArmSummary

TEXT = " ".join(HOSTILE.split())
MARKS = {"p", "strong", "em", "code"}
"""What notes are written with."""


def test_a_description_stays_text_in_the_note_of_a_plan() -> None:
    note = notes.plan(plan_of(description=HOSTILE))
    assert words(note).startswith(TEXT)
    assert elements(note) == MARKS


def test_names_stay_text_in_the_note_of_an_arm(tmp_path: Path) -> None:
    curves = {"none": (0.6, 0.6), HOSTILE: (0.6, 0.7)}
    analysis = analysed(Bench(tmp_path, curves=curves, dataset=HOSTILE, tasks=("x<img src=q>",), trials=1).group())
    for arm in analysis.group.everything:
        note = notes.arm(ArmSummary(analysis, arm), plan_of())
        assert elements(note) == MARKS
        assert f"on {TEXT}, dnn: means over 3 seeds" in words(note)
        assert "of valid/auc/x<img src=q> among 1 trial" in words(note)


def test_the_note_of_an_arm_says_where_its_knobs_were_found(tmp_path: Path) -> None:
    group = Bench(tmp_path, tasks=("click",), trials=2).group()
    plain, arm, _ = group.arms
    taken = replace(arm, arm=replace(arm.arm, chosen=plain.arm.chosen | {"reinit.every": 0}))
    analysis = analysed(replace(group, arms=(plain, taken)))
    found = [words(notes.arm(ArmSummary(analysis, each), plan_of())) for each in (plain, taken)]
    assert [" among 2 trials, all of which the search of none beat: " in note for note in found] == [False, True]


def test_the_note_of_a_run_leads_to_its_trial_and_nowhere_else() -> None:
    page = "dashboard/studies/0/trials?numbers=0"
    member = Member("`k`", NONE, RunRole.TRIAL, 0, {}, page)
    assert addresses(notes.run(member, HOSTILE)) == {f"http://127.0.0.1:8080/{page}"}
    forged = replace(member, page="x) ![i](http://evil/x.png")
    assert elements(notes.run(forged, HOSTILE)) == {"p", "a", "code"}


def test_the_name_of_a_plan_stays_text_in_the_note_of_its_report() -> None:
    assert elements(notes.report(HOSTILE)) == {"p"}

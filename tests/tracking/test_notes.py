"""What MLflow says in words: our own links alone are links."""

from __future__ import annotations

from dataclasses import replace

from support.markdown import HOSTILE, addresses, elements, words
from support.tracking import NONE, arm_of, plan_of

from harness.results.keys import ArmRole, RunRole
from harness.results.plan_results import Trial
from harness.tracking.members import Member
from harness.tracking.mlflow import notes

TEXT = " ".join(HOSTILE.split())
MARKS = {"p", "strong", "em", "code"}
"""What notes are written with."""


def test_a_description_stays_text_in_the_note_of_a_plan() -> None:
    note = notes.plan(plan_of(description=HOSTILE))
    assert words(note).startswith(TEXT)
    assert elements(note) == MARKS


def test_names_stay_text_in_the_note_of_an_arm() -> None:
    arm = arm_of({1: "a"}, strategy=HOSTILE, trials=(Trial(0, "k", 1, {}, 0.7),))
    arm = replace(arm, dataset=HOSTILE, model=HOSTILE, chosen={HOSTILE: HOSTILE})
    for role in (ArmRole.ARM, ArmRole.ONE_EPOCH):
        note = notes.arm(replace(arm, role=role), plan_of(), {"seeds": 1.0, "seeds_failed": 0.0})
        assert elements(note) == MARKS
        assert f"on {TEXT}, {TEXT}: means over 1 seed" in words(note)


def test_the_note_of_a_run_leads_to_its_trial_and_nowhere_else() -> None:
    page = "dashboard/studies/0/trials?numbers=0"
    member = Member("`k`", NONE, RunRole.TRIAL, 0, {}, page)
    assert addresses(notes.run(member, HOSTILE)) == {f"http://127.0.0.1:8080/{page}"}
    forged = replace(member, page="x) ![i](http://evil/x.png")
    assert elements(notes.run(forged, HOSTILE)) == {"p", "a", "code"}


def test_the_name_of_a_plan_stays_text_in_the_note_of_its_report() -> None:
    assert elements(notes.report(HOSTILE)) == {"p"}

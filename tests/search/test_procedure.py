"""An arm under way, without training: its runs are made up from their keys and knobs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.markdown import HOSTILE, addresses, elements, words
from support.plans import PLAN, plan_of
from support.studies import arm_of, finish, study_of

from harness.execution.prepare import prepare
from harness.experiment.plan import STARTUP
from harness.plugins.registry import Registry


def history(results: Path) -> list[tuple[int, object, dict[str, object], dict[int, float]]]:
    """All that a study's next proposal can depend on."""
    return [(t.number, t.value, t.params, t.intermediate_values) for t in study_of(results).trials]


def test_a_killed_search_goes_on_without_lost_or_repeated_trials(tmp_path: Path, results: Path, data: Path) -> None:
    whole, asked = finish(arm_of(tmp_path, results))
    other = tmp_path / "other"
    other.mkdir()
    (other / "data").symlink_to(data)
    for trial in (0, 3):
        finish(arm_of(tmp_path, other), stop_at=trial)
    resumed, again = finish(arm_of(tmp_path, other))
    assert resumed == whole
    assert {j.key for j in again} == {j.key for j in asked}
    assert history(other) == history(results)
    assert [t.number for t in study_of(other).trials] == list(range(7))


def test_a_trial_that_crashed_is_trained_again_and_the_study_is_as_if_it_had_not(
    tmp_path: Path, results: Path, data: Path
) -> None:
    whole, _ = finish(arm_of(tmp_path, results))
    other = tmp_path / "other"
    other.mkdir()
    (other / "data").symlink_to(data)
    lamed, _ = finish(arm_of(tmp_path, other), crashing=1)
    assert lamed[0].trials[1].value is None
    assert history(other)[6] != history(results)[6], "later trials are proposed without its value"
    healed, _ = finish(arm_of(tmp_path, other))
    assert healed == whole
    assert history(other) == history(results)


def test_a_trial_that_crashes_every_time_fails_once_and_for_all(tmp_path: Path, results: Path) -> None:
    first, _ = finish(arm_of(tmp_path, results), crashing=1)
    before = history(results)
    assert finish(arm_of(tmp_path, results), crashing=1)[0] == first
    assert history(results) == before


def test_another_selection_rule_reads_the_same_trials_anew(tmp_path: Path, results: Path) -> None:
    finish(arm_of(tmp_path, results))
    (final,), _ = finish(arm_of(tmp_path, results, "search.select=final_epoch"))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "data").symlink_to((results / "data").resolve())
    assert final == finish(arm_of(tmp_path, fresh, "search.select=final_epoch"))[0][0]
    assert study_of(results).metric_names == ["valid/auc/click at final_epoch"]


def test_a_smaller_budget_looks_at_no_more_than_its_trials(tmp_path: Path, results: Path) -> None:
    (large,), _ = finish(arm_of(tmp_path, results))
    (small,), _ = finish(arm_of(tmp_path, results, "search.trials=2"))
    assert small.trials == large.trials[:2]
    assert small.chosen in [t.params for t in large.trials[:2]]


def test_a_trial_carries_what_it_came_to_and_where_its_run_is(tmp_path: Path, results: Path) -> None:
    (arm,), asked = finish(arm_of(tmp_path, results))
    even, odd = study_of(results).trials[:2]
    assert even.user_attrs == pytest.approx(
        {
            "key": asked[0].key,
            "seed": 1_000_000,
            "multi_epoch_gain_valid_over_own_epoch_1": 0.0,
            "boundary_jump_sample_logloss": 0.27,
        }
    )
    assert odd.user_attrs["multi_epoch_gain_valid_over_own_epoch_1"] == pytest.approx(0.01)
    assert odd.intermediate_values[2] == odd.value == arm.trials[1].value
    assert arm.trials[1].page == "dashboard/studies/0/trials?numbers=1"


def test_the_note_of_a_study_says_what_it_is(tmp_path: Path, results: Path) -> None:
    from optuna_dashboard import get_note

    finish(arm_of(tmp_path, results))
    note = get_note(study_of(results))
    assert note.startswith("# reinit on powerlaw, dnn\n")
    for fact in (
        "plan `tiny`",
        "`valid/auc/click at best_epoch`, more is better",
        "7 trials",
        "`table_lr`",
        "1000000 +",
    ):
        assert fact in note


def test_a_description_stays_text_in_the_note_of_a_study(tmp_path: Path, results: Path) -> None:
    from optuna_dashboard import get_note

    arm = arm_of(tmp_path, results)
    finish(replace(arm, plan=arm.plan.model_copy(update={"description": HOSTILE})))
    note = get_note(study_of(results))
    assert addresses(note) == set()
    assert elements(note) == {"h1", "p", "ul", "li", "strong", "em", "code"}
    assert " ".join(HOSTILE.split()) in words(note)


def test_every_arm_and_the_baseline_start_at_the_same_learning_rates(tmp_path: Path, results: Path) -> None:
    plan = plan_of(
        tmp_path, PLAN, "search.trials=7", "strategies=['none', 'hashing', 'sparse_optimizer+reinit']", "seeds=[1]"
    )
    found = [arm for source in prepare(plan, Registry(), results) for part in source.parts for arm in finish(part)[0]]
    assert [(arm.id.name, len(arm.trials)) for arm in found] == [
        ("none", 7), ("one_epoch", 14), ("hashing", 7), ("sparse_optimizer+reinit", 7),
    ]  # fmt: skip
    for number in range(STARTUP):
        assert len({arm.trials[number].params["dense_lr"] for arm in found}) == 1
        assert len({arm.trials[number].params["table_lr"] for arm in found[:3]}) == 1
    assert "table_lr" not in found[3].trials[0].params, "the strategy takes its place"
    spread = sorted(math.log(found[0].trials[n].params["table_lr"]) for n in range(1, STARTUP))
    low, high = map(math.log, plan.search.table_lr)
    assert max(np.diff([low, *spread, high])) < 0.6 * (high - low), "they fill the range"


def test_the_baseline_has_at_least_so_many_trials_as_the_plan_says_once(tmp_path: Path, results: Path) -> None:
    plan = plan_of(tmp_path, PLAN, "search.trials=1", "search.once=5", "strategies=['none']", "seeds=[1]")
    parts = [part for source in prepare(plan, Registry(), results) for part in source.parts]
    assert {part.id.name: len(finish(part)[0][0].trials) for part in parts} == {"none": 1, "one_epoch": 5}
    unsearched = plan_of(tmp_path, PLAN, "search.trials=0", "search.once=5", "strategies=['none']", "seeds=[1]")
    assert [part.plan.search.trials for part in prepare(unsearched, Registry(), results)[0].parts] == [0, 0]


def test_without_reporting_seeds_there_is_a_search_alone(tmp_path: Path, results: Path) -> None:
    plain = prepare(plan_of(tmp_path).model_copy(update={"seeds": ()}), Registry(), results)[0]
    (arm,), asked = finish(plain)
    assert (arm.strategy, arm.runs, len(arm.trials)) == ("none", {}, 2)
    assert {job.role for job in asked} == {"trial"}

"""A fair search: what all arms search, and what won the search of `none`, open to all that contain it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.plans import PLAN, go, plan_of

from harness.execution.prepare import prepare
from harness.plugins.registry import Registry
from harness.results.keys import ArmRole, RunRole
from harness.results.plan_results import Arm, Trial, read_plan_result
from harness.search.arm import ArmPlan
from harness.search.procedure import with_plain
from harness.tracking.members import members

ASKED = ("search.batch_size=[128, 1024]", 'search.table_optimizer=["adam", "rowwise_adagrad"]')


def arms_of(
    folder: Path, *overrides: str, strategies: tuple[str, ...] = ("none", "l2", "sparse_optimizer")
) -> dict[str, ArmPlan]:
    plan = plan_of(folder, PLAN.replace('["none", "reinit"]', json.dumps(strategies)), *overrides)
    return {arm.strategy: arm for arm in prepare(plan, Registry(), folder / "results")}


def test_batch_size_and_optimizer_are_searched_by_all_that_do_not_bring_their_own(tmp_path: Path) -> None:
    before, arms = arms_of(tmp_path), arms_of(tmp_path, *ASKED)
    plain, base = arms["none"], arms["none"].baseline()
    assert base is not None
    assert list(plain.space()) == ["dense_lr", "table_lr", "batch_size", "table_optimizer"] == list(base.space())
    assert "table_optimizer" not in arms["sparse_optimizer"].space()
    starts = {name: arm.given(arm.space()) for name, arm in arms.items()}
    for n in range(1, 5):
        for name in ("l2", "sparse_optimizer"):
            shared = {k: v for k, v in starts[name][n].items() if k in starts["none"][n]}
            assert shared.items() <= starts["none"][n].items()
    assert {type(starts["none"][n]["batch_size"]) for n in range(1, 5)} == {int}
    assert len({starts["none"][n]["table_optimizer"] for n in range(1, 5)}) == 2
    assert list(before["none"].space()) == ["dense_lr", "table_lr"], "a plan that does not ask is as it was"
    spec = plain.job(starts["none"][1], RunRole.TRIAL, 1, 1).spec.train
    assert (spec.batch_size, spec.table_optimizer) == (
        starts["none"][1]["batch_size"],
        starts["none"][1]["table_optimizer"],
    )


@pytest.mark.parametrize(
    ("strategy", "neutral"),
    [
        ("none", None),
        ("l2", {"l2.strength": 0.0}),
        ("l2(strength=0.1)", None),
        ("reinit", None),
        ("l2+id_dropout", {"l2.strength": 0.0, "id_dropout.p": 0.0}),
        ("l2+sparse_optimizer", None),
        ("low_frequency_filter", {"low_frequency_filter.min_count": 1}),
        ("low_frequency_filter(keep=1)", {"low_frequency_filter.min_count": 1}),
        ("low_frequency_filter(keep=0.5)", None),
    ],
)
def test_an_arm_contains_none_if_each_part_has_a_searched_knob_that_can_be_neutral(
    strategy: str, neutral: dict[str, Any] | None, tmp_path: Path
) -> None:
    strategies = tuple(dict.fromkeys(("none", strategy)))
    assert arms_of(tmp_path, strategies=strategies)[strategy].neutral() == neutral


def arm(strategy: str, *values: float | None, dataset: str = "d") -> Arm:
    trials = tuple(Trial(n, f"{n}", n, {"table_lr": float(n)}, value) for n, value in enumerate(values))
    return Arm(dataset, "m", strategy, ArmRole.ARM, "click", "best_epoch", True, {"table_lr": -1.0}, trials, {})


def searched_by(folder: Path, strategy: str, *overrides: str) -> ArmPlan:
    return arms_of(folder, *overrides, strategies=("none", strategy))[strategy]


@pytest.mark.parametrize(
    ("own", "metric", "best"),
    [
        ((0.6, 0.7), "auc", None),
        ((0.6, 0.8), "auc", 1),
        ((0.75,), "auc", 0),
        ((0.75, 0.9), "logloss", None),
        ((0.7, 0.9), "logloss", 0),
        ((None,), "auc", None),
    ],
)
def test_what_won_the_search_of_none_is_chosen_where_it_reached_more(
    own: tuple[float | None, ...], metric: str, best: int | None, tmp_path: Path
) -> None:
    """best: the arm's own trial that is chosen; None: the one of `none`."""
    plain = arm("none", 0.71, 0.75, 0.72) if metric == "auc" else arm("none", 0.9, 0.71)
    asks, other = searched_by(tmp_path, "l2", f"search.metric={metric!r}"), arm("none", 1.0, 0.0, dataset="e")
    found = with_plain(arm("l2", *own), asks, [other, plain])
    assert found.chosen == ({"table_lr": 1.0, "l2.strength": 0.0} if best is None else {"table_lr": float(best)})
    assert found.tied == ()
    without = searched_by(tmp_path, "reinit")
    assert with_plain(arm("reinit", *own), without, [plain]).chosen == {"table_lr": -1.0}, "it does not contain none"


@pytest.mark.parametrize("won", ["l2", "none"])
def test_near_ties_win_together_the_best_first_and_each_once_and_of_one_search(won: str, tmp_path: Path) -> None:
    """Both searches have trials within the tie of the best one."""
    asks = searched_by(tmp_path, "l2", "search.tie=0.01")
    more = 0.001 if won == "none" else -0.001
    own, plain = arm("l2", 0.750, 0.7, 0.745, None), arm("none", 0.750 + more, 0.7, 0.742)
    neutral = {"l2.strength": 0.0} if won == "none" else {}
    found = with_plain(own, asks, [plain])
    assert (found.chosen, *found.tied) == ({"table_lr": 0.0} | neutral, {"table_lr": 2.0} | neutral)
    again = with_plain(own, asks, [plain, plain])
    assert again.tied == found.tied
    assert [found.searched(turn) for turn in range(3)] == [found.chosen, *found.tied, found.chosen]


def test_reporting_seeds_take_turns_among_near_ties(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN.replace('["none", "reinit"]', '["none"]'), "search.tie=1.0", "seeds=[1, 2, 3]")
    result, _ = go(plan, tmp_path)
    read = read_plan_result(tmp_path, plan.name)
    assert read.arms == result.arms
    for each in result.arms:
        ranked = sorted((t for t in each.trials if t.value is not None), key=lambda t: -(t.value or 0))
        assert [each.chosen, *each.tied] == [trial.params for trial in ranked]
        for turn, key in enumerate(each.runs.values()):
            spec = json.loads((tmp_path / "runs" / key / "spec.json").read_text())
            assert spec["train"]["table_lr"] == ranked[turn % len(ranked)].params["table_lr"]
    turns = [member.params for member in members(result) if member.role == RunRole.SEED]
    assert turns == [each.searched(turn) for each in result.arms for turn in range(3)]


def test_an_arm_that_contains_none_does_not_lose_by_an_unlucky_search(tmp_path: Path) -> None:
    text = PLAN.replace('["none", "reinit"]', '["none", "embedding_dropout"]')
    rates = (
        "train.dense_lr=0.01",
        "search.dense_lr=[0.009, 0.011]",
        "train.table_lr=0.05",
        "search.table_lr=[0.04, 0.06]",
    )
    plan = plan_of(tmp_path, text, "search.plain=true", "seeds=[1]", *rates)
    result, _ = go(plan, tmp_path)
    plain, dropout = (a for a in result.arms if a.role == ArmRole.ARM)
    best = {a.strategy: max(t.value for t in a.trials if t.value is not None) for a in (plain, dropout)}
    assert best["embedding_dropout"] < best["none"], "in two trials, dropout harms"
    assert dropout.chosen == plain.chosen | {"embedding_dropout.p": 0.0}
    records = [(tmp_path / "runs" / a.runs[1] / "records.jsonl").read_text() for a in (plain, dropout)]
    assert records[0] == records[1]
    assert go(plan, tmp_path)[1].trained == []

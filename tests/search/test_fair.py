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
from harness.results.plan_results import Arm, Trial
from harness.search.arm import ArmPlan
from harness.search.procedure import with_plain

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


@pytest.mark.parametrize(
    ("own", "sign", "taken"),
    [((0.6, 0.7), 1, True), ((0.6, 0.8), 1, False), ((0.75,), 1, False), ((0.75, 0.9), -1, True), ((None,), 1, True)],
)
def test_what_won_the_search_of_none_is_chosen_where_it_reached_more(
    own: tuple[float | None, ...], sign: int, taken: bool
) -> None:
    plain, other = arm("none", 0.71, 0.75, 0.72) if sign > 0 else arm("none", 0.9, 0.71), arm("none", 1.0, dataset="e")
    found = with_plain(arm("l2", *own), {"l2.strength": 0.0}, [other, plain], sign)
    assert found.chosen == ({"table_lr": 1.0, "l2.strength": 0.0} if taken else {"table_lr": -1.0})
    assert with_plain(arm("l2", *own), None, [plain], sign).chosen == {"table_lr": -1.0}


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

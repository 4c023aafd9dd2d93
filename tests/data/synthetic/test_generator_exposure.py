"""What a row is shown and where: a policy that picks what it predicts most for, and positions that few look at."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from support.synthetic import SIGMAS, drawn_by_the_truth

from harness.base.errors import UserError
from harness.data.synthetic.population import Population
from harness.data.synthetic.sampler import Rows, Sampler

ROWS = 40_000
FEED: dict[str, Any] = {
    "rows": ROWS,
    "match": [["user"], ["item"]],
    "noise": 0.3,
    "fields": {
        "user": {"ids": 2_000, "exponent": 0.5},
        "item": {"ids": 500, "exponent": 0.8, "life": 5, "candidates": 6},
        "shop": {"of": "item", "ids": 40},
        "position": {"ids": 8, "exponent": 0.0, "examined": 0.7, "context": True, "weight": 0},
    },
    "tasks": {"click": {"rate": 0.2}, "buy": {"rate": 0.05, "under": "click"}, "like": {"rate": 0.1}},
}
NOTHING: dict[str, Any] = dict.fromkeys(("id_bias", "interaction", "context", "drift", "noise"), 0.0)


def made(**changes: Any) -> tuple[Sampler, Rows]:
    sampler = Sampler(Population.model_validate(FEED | changes), 3)
    return sampler, sampler.rows(0, ROWS)


@pytest.fixture(scope="module")
def feed() -> tuple[Sampler, Rows]:
    return made()


@given(st.integers(0, ROWS - 1), st.integers(1, 5_000))
def test_any_slice_alone_is_the_slice_of_the_whole(feed: tuple[Sampler, Rows], first: int, size: int) -> None:
    alone = feed[0].rows(first, min(first + size, ROWS))
    for field in dataclasses.fields(Rows):
        assert np.array_equal(getattr(alone, field.name), getattr(feed[1], field.name)[first : first + size])


def test_labels_are_drawn_by_the_truth_and_their_mean_is_the_rate(feed: tuple[Sampler, Rows]) -> None:
    drawn_by_the_truth(feed[1])
    assert feed[1].truth_NT.mean(axis=0, dtype=np.float64) == pytest.approx([0.2, 0.05, 0.1], rel=1e-6)


def test_a_position_multiplies_the_truth_by_how_many_look_at_it() -> None:
    rows = made(**NOTHING)[1]
    rank_N = rows.index_NF[:, 3] + 1
    assert len(np.unique(rank_N)) == 8
    for t in range(3):
        at_first = rows.truth_NT[rank_N == 1, t].mean()
        assert rows.truth_NT[:, t] == pytest.approx(at_first * rank_N**-0.7, rel=1e-5)


def logits(found: tuple[Sampler, Rows]) -> Any:
    """Of the last task, which is under no other, without its intercept."""
    truth_N = found[1].truth_NT[:, -1].astype(np.float64)
    return np.log(truth_N / (1 - truth_N)) - found[0].intercepts[-1]


@pytest.mark.parametrize(("noise", "seen"), [(0.0, 1.0), (1.0, np.sqrt(0.5))])
def test_a_policy_shows_what_it_predicts_most_for(noise: float, seen: float) -> None:
    """The largest of six normals is 1.267 on average; of those that it sees half of, the root of half of that."""
    fields = {"item": {"ids": 10**9, "exponent": 0.0, "candidates": 6, "policy_noise": noise}}
    logit_N = logits(made(**NOTHING | {"id_bias": 1.0, "correlation": 1.0, "match": [[], []], "fields": fields}))
    assert abs(logit_N.mean() - seen * 1.26721) < SIGMAS / np.sqrt(ROWS) + 0.005
    if noise == 0:
        assert abs((logit_N < 1).mean() - ndtr(1) ** 6) < SIGMAS * 0.5 / np.sqrt(ROWS) + 0.005


@pytest.mark.parametrize(("order", "lowest", "highest"), [("user item", 0.7, 1.3), ("item user", -0.05, 0.05)])
def test_a_policy_knows_the_match_with_what_is_declared_before(order: str, lowest: float, highest: float) -> None:
    ids = {"user": {"ids": 10**9, "exponent": 0.0}, "item": {"ids": 10**9, "exponent": 0.0, "candidates": 6}}
    fields = {name: ids[name] for name in order.split()}
    fields["item"] = fields["item"] | {"policy_noise": 0.0}
    found = made(**NOTHING | {"interaction": 1.0, "correlation": 1.0, "fields": fields})
    assert lowest < logits(found).mean() < highest


def test_one_candidate_and_no_dimming_leave_the_rows_as_they_are() -> None:
    plain = {
        name: {k: v for k, v in f.items() if k not in ("candidates", "examined")} for name, f in FEED["fields"].items()
    }
    alone = {name: dict(field) for name, field in plain.items()}
    alone["item"] |= {"candidates": 1, "policy_noise": 3.0}
    (_, a), (_, b) = made(fields=plain), made(fields=alone)
    assert all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(Rows))
    shown = made()[1]
    assert np.array_equal(a.index_NF[:, 0], shown.index_NF[:, 0])
    assert (a.index_NF[:, 1] != shown.index_NF[:, 1]).mean() > 0.5


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"time": "hour", "candidates": 2}, "fields.item.candidates = 2 beside time, cross or session"),
        ({"ids": 9, "life": 2, "examined": 1.0}, "fields.item.examined = 1; accepted: a field of 10,000 ids at most"),
        (
            {"ids": 1_000, "exponent": 0.0, "examined": 2.0},
            "click = 0.2 beside a position at which 0.00164 of the rows",
        ),
    ],
)
def test_what_cannot_be_is_refused(field: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        made(fields={"user": {"ids": 9}, "item": field})

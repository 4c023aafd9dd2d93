"""What `data match` reads off a log: which fields go together, sessions, ids that occur once; tried on known rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic import coded

from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.fidelity import compared, means, shape
from harness.data.profile.information import dependence
from harness.data.profile.preset_choices import choices
from harness.data.profile.preset_draws import seen_once_beyond_the_law
from harness.data.profile.preset_fields import match_fields
from harness.data.profile.preset_fit import matched
from harness.data.profile.preset_pairs import strength, told
from harness.data.profile.sessions import Sessions, sessions
from harness.data.profile.statistics import profile
from harness.data.profile.zipf_fit import frequencies
from harness.data.synthetic.population import Population
from harness.data.synthetic.sampler import Sampler

LOG: dict[str, Any] = {
    "rows": 60_000,
    "match": [["user"], ["item"]],
    "group": "user",
    "repeat": 0.6,
    "gap": 200,
    "fields": {
        "user": {"ids": 3_000, "exponent": 0.3, "session": True},
        "item": {"ids": 500, "exponent": 0.8},
        "os": {"of": "user", "ids": 8, "exponent": 0.5},
        "device": {"of": "os", "strength": 0.8, "otherwise": "user", "ids": 6, "exponent": 0.5},
        "page": {"of": "item", "strength": 0.7, "ids": 5, "exponent": 0.5},
        "pair": {"cross": ["user", "item"]},
    },
    "tasks": {"click": {"rate": 0.3}},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> IndexedDataset:
    return coded(LOG, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def found(data: IndexedDataset) -> tuple[Sessions, dict[str, dict[str, Any]]]:
    visits = sessions(data)
    assert visits is not None
    return visits, match_fields(data, profile(data), visits, lambda _: None)


def test_sessions_are_found_with_their_gap_and_with_what_they_hold_on_to(
    found: tuple[Sessions, dict[str, dict[str, Any]]],
) -> None:
    visits, fields = found
    assert visits.by == "user"
    assert visits.repeat == pytest.approx(0.6, abs=0.02)
    assert visits.gap == pytest.approx(200, rel=0.2)
    assert {name for name, knobs in fields.items() if knobs.get("session")} == {"user", "os", "device"}
    assert fields["user"]["ids"] == pytest.approx(3_000, rel=0.1), "users are counted by session"


def test_what_goes_together_is_found_with_its_strength(found: tuple[Sessions, dict[str, dict[str, Any]]]) -> None:
    _, fields = found
    together = {name: [knobs.get(k) for k in ("of", "otherwise")] for name, knobs in fields.items()}
    assert together["os"] == ["user", None]
    assert together["device"] == ["os", "user"]
    assert together["page"] == ["item", None]
    assert together["user"] == together["item"] == [None, None]
    assert fields["pair"] == {"cross": ["user", "item"]}
    for name in ("device", "page"):
        assert fields[name]["strength"] == pytest.approx(LOG["fields"][name]["strength"], abs=0.05)
    order = list(fields)
    assert all(order.index(knobs["of"]) < order.index(name) for name, knobs in fields.items() if "of" in knobs)


@given(st.floats(0, 1), st.lists(st.floats(0.05, 1), min_size=2, max_size=30))
def test_strength_is_the_inverse_of_what_it_tells(at: float, shares: list[float]) -> None:
    share_V = np.array(shares) / sum(shares)
    assert strength(told(at, share_V), share_V) == pytest.approx(at, abs=1e-3)


@pytest.mark.parametrize("at", [0.2, 0.6, 0.95])
def test_what_strength_tells_is_the_dependence_of_such_columns(at: float) -> None:
    rng, share_V = np.random.default_rng(0), np.array([0.5, 0.3, 0.15, 0.05])
    user_N = rng.integers(500, size=200_000)
    followed_N = rng.choice(4, 500, p=share_V)[user_N]
    value_N = np.where(rng.random(200_000) < at, followed_N, rng.choice(4, 200_000, p=share_V))
    assert dependence(user_N, value_N, rng.permutation(200_000)) == pytest.approx(told(at, share_V), abs=0.02)


@pytest.mark.parametrize("more", [0, 4_000])
def test_ids_seen_once_beyond_a_law_are_told_from_those_it_makes(more: int) -> None:
    """Not all of them: a law makes fewer than a power of the number of occurrences does."""
    rng = np.random.default_rng(1)
    p = (np.arange(1, 20_001) + 2.0) ** -1.2
    count_V = np.bincount(rng.choice(20_000, 60_000, p=p / p.sum()), minlength=20_000)
    beyond = seen_once_beyond_the_law(np.append(count_V, np.ones(more, np.int64)))
    assert 0.4 * more <= beyond <= more


def test_how_often_ids_come_back_is_read_off_the_tail_of_pairs() -> None:
    first, other = {"ids": 2_000, "exponent": 0.3}, {"ids": 500, "exponent": 0.6}
    fields = {"a": first, "b": other | {"of": "a", "strength": 0.7, "choices": 12}, "pair": {"cross": ["a", "b"]}}
    log = {"rows": 50_000, "fields": fields, "tasks": {"t": {"rate": 0.5}}}
    pair_N = Sampler(Population.model_validate(log), 5).rows(0, 50_000).ids_NF[:, 2]
    wanted = frequencies(np.unique(pair_N, return_counts=True)[1])
    found = choices(first, other, {"days": 10}, wanted)
    assert found["strength"] == pytest.approx(0.7, abs=0.07)
    assert found["choices"] == pytest.approx(12, abs=2)


def test_no_choices_where_pairs_return_by_chance_alone() -> None:
    first, other = {"ids": 2_000, "exponent": 0.3}, {"ids": 500, "exponent": 0.6}
    fields = {"a": first, "b": other, "pair": {"cross": ["a", "b"]}}
    log = {"rows": 50_000, "fields": fields, "tasks": {"t": {"rate": 0.5}}}
    pair_N = Sampler(Population.model_validate(log), 5).rows(0, 50_000).ids_NF[:, 2]
    found = choices(first, other, {"days": 10}, frequencies(np.unique(pair_N, return_counts=True)[1]))
    assert found.get("strength", 0) < 0.05 or found["choices"] > 300


COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any).map(np.array)


@given(COUNTS, COUNTS, st.randoms())
def test_a_shape_is_compared_by_rank(a_V: Any, b_V: Any, random: Any) -> None:
    dealt_V = np.array(random.sample(a_V.tolist(), len(a_V)))
    assert shape(a_V, dealt_V) == pytest.approx(1)
    assert shape(a_V, b_V) == pytest.approx(shape(b_V, a_V))
    assert -1e-9 <= shape(a_V, b_V) <= 1
    assert shape(np.array([5]), np.ones(20, np.int64)) == pytest.approx(1 / 20)


def test_a_log_is_as_near_to_itself_as_can_be(data: IndexedDataset) -> None:
    lines = [*compared(data, data, profile(data))]
    assert {line.kind for line in lines} == {"rate", "session", "tail", "label", "shape", "pair"}
    assert all(line.log == line.made and line.score in (None, 1) for line in lines)
    assert {mean for _, mean in means(lines).values()} == {1.0}
    (pair,) = (line for line in lines if line.statistic == "user and pair")
    assert pair.log == pytest.approx(1, abs=0.01)


def test_a_log_of_many_labels_has_a_population_that_is_accepted(tmp_path: Path) -> None:
    """With a direction of taste for each."""
    tasks = {f"label_{i}": {"rate": 0.1 + 0.05 * i} for i in range(9)}
    found = coded(LOG | {"rows": 6_000, "tasks": tasks, "latent": 10}, tmp_path)
    wanted, no_visits = profile(found), None
    fields = match_fields(found, wanted, no_visits, lambda _: None)
    assert Population.model_validate(matched(found, wanted, fields, no_visits, "")).latent == 10

"""What `data match` reads off a log: which fields go together, sessions, ids that occur once; tried on known rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from harness.data.profile.information import dependence
from harness.data.profile.inputs import indexed_datasets
from harness.data.profile.preset_draws import seen_once_beyond_the_law
from harness.data.profile.preset_fields import match_fields
from harness.data.profile.preset_pairs import strength, told
from harness.data.profile.sessions import Sessions, sessions
from harness.data.profile.statistics import profile

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
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sessions, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("log")
    (folder / "log.toml").write_text(tomli_w.dumps(LOG))
    _, data = next(iter(indexed_datasets(str(folder / "log.toml"), folder, None)))
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

"""The generator's knobs beyond laws and rates: each does what it says, and the truth stays true under all of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.base.errors import UserError
from harness.data.synthetic.compile import compile_population
from harness.data.synthetic.fields import FieldSpec
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.random_population import random_population
from harness.data.synthetic.sampler import Rows, Sampler

SIGMAS = 5.0
"""Half-width of a bound in standard errors: a chance of one in a million per comparison, and seeds are fixed."""
DIGESTS = {
    "ads": "c82656fcf2d9a317",
    "ali_ccp_like": "94b2f3f39ab4b09c",
    "avazu_like": "b79a998f3c93022f",
    "criteo_like": "86a7f7a09055cb37",
    "news_like": "fbc9f510afb433b3",
    "pinterest_like": "e6cbf687427309c7",
    "tiny": "36a2143e839054e7",
}
"""Of times, ids and labels of version 2, before these knobs were there."""
EVERYTHING: dict[str, Any] = {
    "rows": 40_000,
    "match": [["user"], ["item"]],
    "group": "user",
    "noise": 0.3,
    "repeat": 0.6,
    "gap": 900,
    "fields": {
        "user": {"ids": 3_000, "exponent": 0.6, "session": True, "once": 0.2},
        "device": {"of": "user", "strength": 0.9, "session": True, "ids": 5, "context": True},
        "os": {"of": "device", "strength": 0.7, "otherwise": "user", "ids": 8, "context": True},
        "model": {"of": "os", "in_order": True, "strength": 0.8, "ids": 30},
        "item": {"of": "user", "strength": 0.4, "choices": 3, "ids": 2_000, "life": 4, "fade": 0.5, "changes": 0.5},
        "pair": {"cross": ["user", "item"]},
        "hour": {"time": "hour", "context": True},
        "visit": {"time": "session"},
        "layout": {"cross": ["device", "hour"], "context": True, "hidden": True, "weight": 3},
    },
    "tasks": {"click": {"rate": 0.3}, "buy": {"rate": 0.05, "under": "click", "delay": [[1, 0.5]]}},
}


def made(seed: int = 3, **changes: Any) -> tuple[Sampler, Rows]:
    population = Population.model_validate(EVERYTHING | changes)
    sampler = Sampler(population, seed)
    return sampler, sampler.rows(0, population.rows)


@pytest.fixture(scope="module")
def everything() -> tuple[Sampler, Rows]:
    return made()


def columns(found: tuple[Sampler, Rows], *names: str) -> list[Any]:
    sampler, rows = found
    return [rows.ids_NF[:, sampler.fields.index(name)] for name in names]


def read(path: Path, values: dict[str, Any]) -> Population:
    path.write_text(tomli_w.dumps(values))
    return load_population(str(path))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_every_seed_draws_a_population_that_makes_rows(seed: int) -> None:
    drawn = random_population(seed, 50_000)
    assert drawn == random_population(seed, 50_000)
    sampler = Sampler(Population.model_validate(drawn).complete(), 0)
    rows = sampler.rows(0, 50_000)
    rate = [task.rate for task in sampler.population.tasks.values()]
    assert rows.truth_NT.mean(axis=0, dtype=np.float64) == pytest.approx(rate, rel=1e-5)
    assert rows.ids_NF.shape[1] >= 5


def test_a_population_drawn_at_random_has_a_name_and_ids_that_grow_with_its_rows() -> None:
    small, large = (load_population("random-7", {"rows": rows}) for rows in (50_000, 500_000))
    assert small == Population.model_validate(random_population(7, 50_000))
    assert large == load_population("random-7")
    assert large.fields["user"].ids == pytest.approx(10 * small.fields["user"].ids, rel=1e-3)
    with pytest.raises(UserError, match=r"unknown preset .random-x.; .*random-7"):
        load_population("random-x")


def test_seeds_between_them_try_every_knob() -> None:
    fields = [field for seed in range(40) for field in random_population(seed, 50_000)["fields"].values()]
    tried = {knob for field in fields for knob in field}
    assert tried == {*FieldSpec.model_fields} - {"fade", "in_order", "changes"}
    assert len({len(random_population(seed, 50_000)["fields"]) for seed in range(40)}) > 5


@given(st.integers(0, 39_999), st.integers(1, 5_000))
def test_any_slice_alone_is_the_slice_of_the_whole(everything: tuple[Sampler, Rows], first: int, size: int) -> None:
    sampler, rows = everything
    last = min(first + size, 40_000)
    alone = sampler.rows(first, last)
    for field in dataclasses.fields(Rows):
        assert np.array_equal(getattr(alone, field.name), getattr(rows, field.name)[first:last]), field.name


def test_labels_are_drawn_by_the_truth_and_their_mean_is_the_rate(everything: tuple[Sampler, Rows]) -> None:
    sampler, rows = everything
    for t, task in enumerate(sampler.population.tasks.values()):
        label_N, truth_N = rows.labels_NT[:, t], rows.truth_NT[:, t].astype(np.float64)
        assert truth_N.mean() == pytest.approx(task.rate, rel=1e-6)
        for tenth in np.array_split(np.argsort(truth_N), 10):
            spread = np.sqrt((truth_N[tenth] * (1 - truth_N[tenth])).sum())
            assert abs(label_N[tenth].sum() - truth_N[tenth].sum()) < SIGMAS * spread


@pytest.mark.parametrize("strength", [0.0, 0.35, 0.9, 1.0])
def test_a_field_follows_another_in_the_share_of_rows_that_strength_says(strength: float) -> None:
    """Of 1,000 values drawn evenly, one met by chance is the one that the user's id determines in .1 % of rows."""
    fields = {
        "user": {"ids": 50, "exponent": 0.0},
        "device": {"ids": 1_000, "exponent": 0.0, "of": "user", "strength": strength},
    }
    user_N, device_N = columns(made(match=[["user"], ["device"]], fields=fields), "user", "device")
    follows = 0
    for user in np.unique(user_N):
        follows += np.unique(device_N[user_N == user], return_counts=True)[1].max()
    expected = strength + (1 - strength) / 1_000
    chance = 0.006 if strength < 0.1 else 0.0
    assert abs(follows / 40_000 - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / 40_000) + chance + 1e-9


def test_in_order_few_ids_keep_the_shares_of_their_law() -> None:
    """A law of which one id has nearly all: by chance, five ids would all go with that one."""
    fields = {
        "region": {"ids": 20, "exponent": 1.0},
        "country": {"of": "region", "in_order": True, "ids": 6, "exponent": 3.0},
    }
    sampler, rows = made(match=[["region"], ["country"]], group="region", fields=fields)
    region_N, country_N = rows.index_NF[:, 0], rows.index_NF[:, 1]
    assert (np.diff(country_N[np.argsort(region_N, kind="stable")]) >= 0).all()
    p = np.arange(1.0, 7.0) ** -3
    q = 1 / np.arange(1, 21)
    found, widest = np.cumsum(np.bincount(country_N, minlength=6)) / 40_000, (q / q.sum())[3:].max()
    assert abs(found - np.cumsum(p / p.sum())).max() < widest / 2 + SIGMAS * 0.5 / np.sqrt(40_000)
    assert sampler.fields == ("region", "country")


def test_where_a_field_does_not_follow_the_other_one_determines_it(everything: tuple[Sampler, Rows]) -> None:
    user_N, device_N, os_N = columns(everything, "user", "device", "os")
    pairs = set(zip(user_N.tolist(), device_N.tolist(), strict=True))
    assert len({*zip(user_N.tolist(), device_N.tolist(), os_N.tolist(), strict=True)}) == len(pairs)
    assert len({*zip(device_N.tolist(), os_N.tolist(), strict=True)}) > len(np.unique(device_N))


def test_an_id_has_so_many_choices() -> None:
    fields = {
        "user": {"ids": 100, "exponent": 0.0},
        "item": {"of": "user", "choices": 3, "ids": 10**9, "exponent": 0.0},
    }
    user_N, item_N = columns(made(match=[["user"], ["item"]], fields=fields), "user", "item")
    for user in np.unique(user_N):
        counts = np.unique(item_N[user_N == user], return_counts=True)[1]
        assert len(counts) == 3
        assert abs(counts - counts.sum() / 3).max() < SIGMAS * np.sqrt(counts.sum() * 2 / 9)


def test_rows_of_a_session_are_near_in_time_and_share_its_user(everything: tuple[Sampler, Rows]) -> None:
    visit_N, user_N, device_N = columns(everything, "visit", "user", "device")
    time_N = everything[1].time_N
    order = np.lexsort([time_N, visit_N])
    follows = np.flatnonzero(visit_N[order][1:] == visit_N[order][:-1])
    assert abs(len(follows) / 40_000 - 0.6) < SIGMAS * np.sqrt(0.24 / 40_000) + 1e-3
    gap = time_N[order][follows + 1] - time_N[order][follows]
    hourly = 40_000 / 240
    assert gap.mean() == pytest.approx(900, rel=0.05), f"{hourly:g} rows an hour"
    assert gap.std() > 200
    for column in (user_N, device_N):
        assert np.array_equal(column[order][follows], column[order][follows + 1])
    assert (np.diff(user_N) == 0).mean() < 0.1, "sessions lie between each other"


def test_without_a_gap_the_rows_of_a_session_are_one_after_the_other() -> None:
    (visit_N,) = columns(made(gap=0), "visit")
    assert (np.diff(visit_N) != 0).sum() + 1 == len(np.unique(visit_N))


@pytest.mark.parametrize("repeat", [0.0, 0.6])
def test_so_many_draws_give_an_id_that_is_drawn_once(repeat: float) -> None:
    fields = {"user": {"ids": 30, "exponent": 0.0, "once": 0.2, "session": True}, "visit": {"time": "session"}}
    found = made(match=[["user"], ["visit"]], fields=fields, repeat=repeat)
    user_N, visit_N = columns(found, "user", "visit")
    first = np.unique(visit_N, return_index=True)[1]
    counts = np.unique(user_N[first], return_counts=True)[1]
    assert (counts > 1).sum() == 30
    once = (counts == 1).sum() / len(first)
    assert abs(once - 0.2) < SIGMAS * np.sqrt(0.16 / len(first))
    assert len(first) == (40_000 if not repeat else pytest.approx(16_000, rel=0.05))


def test_labels_of_a_session_depend_on_each_other_through_what_the_truth_knows() -> None:
    """A hidden session: rows that show the same have truths of their own, and what they draw goes together."""
    alone: dict[str, Any] = dict.fromkeys(("interaction", "context", "drift", "noise"), 0.0)
    fields = {"item": {"ids": 5, "weight": 0}, "visit": {"time": "session", "hidden": True}}
    shown = {"item": fields["item"], "visit": {"time": "session"}}
    hidden, known = (
        made(match=[[], []], group="item", fields=chosen, id_bias=2.0, **alone) for chosen in (fields, shown)
    )
    assert hidden[0].fields == ("item",)
    assert np.array_equal(hidden[1].labels_NT, known[1].labels_NT)
    (visit_N,), label_N = columns(known, "visit"), hidden[1].labels_NT[:, 0].astype(np.float64)
    order = np.argsort(visit_N, kind="stable")
    same = np.flatnonzero(visit_N[order][1:] == visit_N[order][:-1])
    together = np.corrcoef(label_N[order][same], label_N[order][same + 1])[0, 1]
    assert together > 0.2
    truth_N = hidden[1].truth_NT[:, 0].astype(np.float64)
    assert together == pytest.approx(truth_N.var() / (truth_N.mean() * (1 - truth_N.mean())), abs=0.03)


def test_a_cross_has_one_id_for_each_pair(everything: tuple[Sampler, Rows]) -> None:
    user_N, item_N, pair_N = columns(everything, "user", "item", "pair")
    triples = set(zip(user_N.tolist(), item_N.tolist(), pair_N.tolist(), strict=True))
    assert len(triples) == len({t[:2] for t in triples}) == len({t[2] for t in triples})


def test_a_hidden_field_is_no_column_and_is_in_the_truth(everything: tuple[Sampler, Rows]) -> None:
    sampler, rows = everything
    assert "layout" not in sampler.fields
    assert rows.ids_NF.shape[1] == rows.index_NF.shape[1] == len(sampler.fields) == len(EVERYTHING["fields"]) - 1
    alone: dict[str, Any] = {"id_bias": 0.0, "interaction": 0.0, "drift": 0.0, "noise": 0.0, "context": 1.0}
    fields = {
        "user": {"ids": 10},
        "device": {"ids": 6, "context": True, "weight": 0},
        "hour": {"time": "hour", "context": True, "weight": 0},
        "layout": EVERYTHING["fields"]["layout"],
    }
    found = made(match=[[], []], fields=fields, **alone)
    device_N, hour_N = columns(found, "device", "hour")
    truth_N = found[1].truth_NT[:, 0]
    cell_N = np.unique(np.column_stack([device_N, hour_N]), axis=0, return_inverse=True)[1].ravel()
    assert max(np.ptp(truth_N[cell_N == cell]) for cell in range(6 * 24)) < 1e-6
    of_an_hour = [truth_N[(device_N == device_N[0]) & (hour_N == hour)][0] for hour in np.unique(hour_N)]
    assert np.ptp(of_an_hour) > 0.1


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"ids": 5, "strength": 0.5}, "fields.item has strength, choices or otherwise without of"),
        ({"ids": 5, "of": "user", "otherwise": "usr"}, "unknown field 'usr'; did you mean 'user'?"),
        ({"cross": ["user", "pair"]}, "unknown field 'pair'"),
        (
            {"ids": 5, "of": "hour", "in_order": True},
            "in_order = true beside of = 'hour' and ids = 5; accepted",
        ),
        ({"ids": 5, "in_order": True}, "fields.item.in_order = true beside of = None"),
        ({"ids": 5, "of": "user", "once": 0.1}, "fields.item.once = 0.1 beside of, time or cross; accepted: either"),
        ({"cross": ["user"]}, r"fields.item.cross = \['user'\]; accepted: two fields or more"),
        ({"cross": ["user", "device"], "ids": 7}, "accepted: two fields or more, and neither ids, of nor life"),
        ({"ids": 5, "of": "user", "strength": 1.5}, "fields.item.strength = 1.5 is not accepted"),
    ],
)
def test_the_impossible_is_refused(tmp_path: Path, field: dict[str, Any], message: str) -> None:
    fields = {name: EVERYTHING["fields"][name] for name in ("user", "device", "hour")} | {"item": field}
    with pytest.raises(UserError, match=message):
        read(tmp_path / "mine.toml", EVERYTHING | {"fields": fields})


def test_what_rows_are_grouped_by_is_shown(tmp_path: Path) -> None:
    fields = EVERYTHING["fields"] | {"user": EVERYTHING["fields"]["user"] | {"hidden": True}}
    with pytest.raises(UserError, match="group: unknown field 'user'"):
        read(tmp_path / "mine.toml", EVERYTHING | {"fields": fields})


def test_weights_of_a_task_take_the_place_of_those_of_fields_in_that_task_alone() -> None:
    fields = {"a": {"ids": 500, "weight": 3.0}, "b": {"ids": 500}, "c": {"ids": 500, "context": True}}
    tasks: dict[str, Any] = {"t": {"rate": 0.3}, "u": {"rate": 0.3, "weights": {"b": 0, "c": 0}, "id_bias": 0.5}}
    values = {"rows": 1_000, "fields": fields, "tasks": tasks}
    made = compile_population(Population.model_validate(values), 0)
    variance_FT = made.shared_FT**2 + made.own_FT**2
    assert variance_FT[:, 0] == pytest.approx([0.9**2 * 3 / 4, 0.9**2 / 4, 0.3**2])
    assert variance_FT[:, 1] == pytest.approx([0.5**2, 0, 0])
    with pytest.raises(UserError, match=r"tasks\.u\.weights: unknown field 'bb'; did you mean 'b'"):
        Population.model_validate(values | {"tasks": {"u": {"rate": 0.3, "weights": {"bb": 1}}}})

"""Numbers, lists and sequences of the generator: what a row shows of them is all that its truth needs of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy.special import logit
from scipy.stats import chi2, kstest, norm
from support.synthetic import SIGMAS, drawn_by_the_truth

from harness.base.errors import UserError
from harness.base.seeds import generator
from harness.data.synthetic.export import write_parquet
from harness.data.synthetic.kernel import BITS, LATENT, PER_DRAW, draw
from harness.data.synthetic.population import Population
from harness.data.synthetic.sampler import Rows, Sampler
from harness.data.synthetic.stream import quantiles
from harness.plugins.registry import Registry, build

ROWS = 30_000
SHOP: dict[str, Any] = {
    "rows": ROWS,
    "days": 10,
    "latent": 8,
    "match": [["user"], ["item"]],
    "group": "user",
    "fields": {
        "user": {"ids": 300, "exponent": 0.5},
        "item": {"ids": 400, "of": "user", "strength": 0.7, "choices": 5, "life": 4},
        "hour": {"time": "hour", "context": True},
    },
    "numbers": {
        "price": {"law": "lognormal", "mean": 1.0, "deviation": 0.7, "of": "item", "strength": 0.6, "missing": 0.1},
        "age": {"of": "user", "mean": 40.0, "deviation": 12.0, "weight": 2.0},
        "warmth": {"curve": 0.8},
    },
    "lists": {
        "tags": {"of": "item", "ids": 50, "length": 3.0},
        "words": {"ids": 2_000, "length": 4.0, "shortest": 1, "longest": 9, "weight": 3.0},
    },
    "sequences": {"seen": {"of": "item", "by": "user", "length": 4.0, "per_day": 1.5, "longest": 12}},
    "tasks": {"click": {"rate": 0.3}, "buy": {"rate": 0.05, "under": "click"}},
}
NOTHING: dict[str, Any] = dict.fromkeys(
    ("id_bias", "interaction", "context", "drift", "noise", "number_bias", "list_bias", "history_match"), 0.0
)


def made(**changes: Any) -> tuple[Sampler, Rows]:
    sampler = Sampler(Population.model_validate(SHOP | changes), 3)
    return sampler, sampler.rows(0, ROWS)


@pytest.fixture(scope="module")
def shop() -> tuple[Sampler, Rows]:
    return made()


def listed(found: tuple[Sampler, Rows], name: str) -> list[npt.NDArray[np.int64]]:
    """The list of each row."""
    sampler, rows = found
    lists = dict(zip(sampler.kinds.list_names, sampler.lists(rows), strict=True))[name]
    return np.split(lists.values_M, np.cumsum(lists.length_N)[:-1])


@given(st.integers(0, ROWS - 1), st.integers(1, 5_000))
def test_any_slice_alone_is_the_slice_of_the_whole(shop: tuple[Sampler, Rows], first: int, size: int) -> None:
    sampler, rows = shop
    alone = sampler.rows(first, min(first + size, ROWS))
    for field in dataclasses.fields(Rows):
        a, b = getattr(alone, field.name), getattr(rows, field.name)[first : first + size]
        assert np.array_equal(a, b, equal_nan=field.name == "numbers_NP"), field.name


def test_labels_are_drawn_by_the_truth_and_their_mean_is_the_rate(shop: tuple[Sampler, Rows]) -> None:
    drawn_by_the_truth(shop[1])
    assert shop[1].truth_NT.mean(axis=0, dtype=np.float64) == pytest.approx([0.3, 0.05], rel=1e-6)


@pytest.mark.parametrize("task", [0, 1])
def test_the_truth_follows_from_what_a_row_shows(task: int) -> None:
    """Each part by a formula written out here, of raw ids and numbers alone: no other part, and one intercept."""
    found = made(**NOTHING | {"number_bias": 0.6, "list_bias": 0.8, "history_match": 0.7, "correlation": 0.25})
    truth_N = found[1].truth_NT[:, task].astype(np.float64) / (1.0 if task == 0 else found[1].truth_NT[:, 0])
    expected_N = 0.6 * _numbers(found) + 0.8 * _lists(found, task) + 0.7 * _nearness(found)
    rest_N = logit(truth_N) - expected_N
    assert rest_N == pytest.approx(rest_N.mean(), abs=2e-5)
    assert expected_N.std() == pytest.approx(np.sqrt(0.6**2 + 0.8**2 + 0.7**2), rel=0.25)


def _numbers(found: tuple[Sampler, Rows]) -> Any:
    """Weights 1, 2 and 1; of what was missing, nothing."""
    price_N, age_N, warmth_N = found[1].numbers_NP.T.astype(np.float64)
    bent_N = np.sqrt(0.2) * warmth_N + np.sqrt(0.8 / 2) * (warmth_N**2 - 1)
    return np.nan_to_num((np.log(price_N) - 1) / 0.7) / 2 + np.sqrt(0.5) * (age_N - 40) / 12 + bent_N / 2


def _lists(found: tuple[Sampler, Rows], task: int) -> Any:
    """Weights 1 and 3; a quarter of the variance is common to tasks."""
    total_N = np.zeros(ROWS)
    for name, weight in (("tags", 0.25), ("words", 0.75)):
        sampler, rows = found
        one = dict(zip(sampler.kinds.list_names, sampler.lists(rows), strict=True))[name]
        normal_M = 0.5 * _normals(one.values_M, 0) + np.sqrt(0.75) * _normals(one.values_M, 1 + task)
        row_M = np.repeat(np.arange(ROWS), one.length_N)
        mean_N = np.bincount(row_M, normal_M, ROWS) / np.maximum(one.length_N, 1)
        law = _length_law(**SHOP["lists"][name])
        length_J = np.arange(len(law))
        total_N += np.sqrt(weight / ((law[1:] / length_J[1:]).sum() / law[1:].sum())) * mean_N
    return total_N


def _nearness(found: tuple[Sampler, Rows]) -> Any:
    sampler, rows = found
    item_NK = np.stack([_normals(rows.ids_NF[:, 1], k, LATENT) for k in range(8)], axis=1)
    *_, seen = sampler.lists(rows)
    row_M = np.repeat(np.arange(ROWS), seen.length_N)
    near_N = np.zeros(ROWS)
    for k in range(8):
        near_N += item_NK[:, k] * np.bincount(row_M, _normals(seen.values_M, k, LATENT), ROWS)
    return near_N / np.sqrt(8 * np.maximum(seen.length_N, 1))


def _normals(ids_M: npt.NDArray[np.int64], place: int, first: int = 0) -> Any:
    """Number `place` of the normals of each raw id, from draw `first` on."""
    ids_U, at_M = np.unique(ids_M.view(np.uint64), return_inverse=True)
    bits_U = np.array([draw(i, first + place // PER_DRAW) for i in ids_U], np.uint64)
    return quantiles()[(bits_U >> np.uint64(BITS * (place % PER_DRAW))) & np.uint64((1 << BITS) - 1)][at_M]


def _length_law(length: float, shortest: int = 0, longest: int = 20, **_: Any) -> Any:
    """Chances of each length from 0 on: the shortest, and more of them by a geometric law, cut at the longest."""
    mean, law = length - shortest, np.zeros(longest + 1)
    law[shortest:] = (mean / (1 + mean)) ** np.arange(longest - shortest + 1) / (1 + mean)
    law[-1] += 1 - law.sum()
    return law


@pytest.mark.parametrize("name", ["words"])
def test_lengths_follow_their_law(shop: tuple[Sampler, Rows], name: str) -> None:
    law = _length_law(**SHOP["lists"][name])
    length_N = np.array(list(map(len, listed(shop, name))))
    observed, expected = np.bincount(length_N, minlength=len(law))[law > 0], ROWS * law[law > 0]
    assert ((observed - expected) ** 2 / expected).sum() < chi2.ppf(1 - 1e-6, len(expected) - 1)


def test_a_list_of_an_item_stays_and_that_of_a_row_is_its_own(shop: tuple[Sampler, Rows]) -> None:
    item_N = shop[1].ids_NF[:, 1].tolist()
    tags = [tuple(row) for row in listed(shop, "tags")]
    assert len({*zip(item_N, tags, strict=True)}) == len(set(item_N))
    assert len({tuple(row) for row in listed(shop, "words")}) > ROWS / 2


def test_ids_of_a_list_follow_their_law() -> None:
    lists = {"words": {"ids": 40, "exponent": 1.0, "shift": 2.0, "length": 3.0}}
    ids_M = np.concatenate(listed(made(lists=lists), "words"))
    p = 1 / (np.arange(1, 41) + 2.0)
    expected = len(ids_M) * p / p.sum()
    observed = np.sort(np.unique(ids_M, return_counts=True)[1])[::-1]
    assert ((observed - expected) ** 2 / expected).sum() < chi2.ppf(1 - 1e-6, 39)


def test_numbers_follow_their_law_and_go_with_their_id_as_told(shop: tuple[Sampler, Rows]) -> None:
    _, rows = shop
    price_N, age_N, warmth_N = rows.numbers_NP.T.astype(np.float64)
    assert abs(np.isnan(price_N).mean() - 0.1) < SIGMAS * np.sqrt(0.09 / ROWS)
    assert kstest(warmth_N, norm.cdf).pvalue > 1e-6
    user_N, item_N = rows.index_NF[:, 0], rows.index_NF[:, 1]
    assert len({*zip(user_N, age_N, strict=True)}) == len(np.unique(user_N))
    known_N = ~np.isnan(price_N)
    z_N, order = (np.log(price_N[known_N]) - 1) / 0.7, np.argsort(item_N[known_N], kind="stable")
    same = np.flatnonzero(np.diff(item_N[known_N][order]) == 0)
    apart_N = (z_N[order][same] - z_N[order][same + 1]) ** 2 / 2
    error = SIGMAS * apart_N.std() * np.sqrt(2 / len(apart_N))
    assert abs(apart_N.mean() - 0.4) < error, "what is not of the item is the row's own"


def test_what_a_user_did_before_stays_and_grows(shop: tuple[Sampler, Rows]) -> None:
    _, rows = shop
    histories, last = listed(shop, "seen"), dict[int, int]()
    grown = 0
    for n, user in enumerate(rows.index_NF[:, 0].tolist()):
        if (before := last.get(user)) is not None:
            expected = 1.5 * (rows.time_N[n] - rows.time_N[before]) / 86_400
            old, new = histories[before].tolist(), histories[n].tolist()
            more = [m for m in (int(expected), int(expected) + 1) if _continues(old, new, m)]
            assert more
            grown += min(more)
        last[user] = n
    first = rows.time_N[[*last.values()]].sum()
    assert grown > 0.5 * 1.5 * first / 86_400 - len(last) * 2


def _continues(old: list[int], new: list[int], more: int) -> bool:
    """Whether `new` is `old` and so many more, cut at the twelve that are shown."""
    kept = len(new) - more
    return kept <= 0 or (old[len(old) - kept :] == new[:kept] and len(new) == min(len(old) + more, 12))


def test_a_history_holds_what_its_user_is_shown() -> None:
    """Five goods of each user, and rows enough to see them all."""
    fields = {
        "user": {"ids": 50, "exponent": 0.0},
        "item": {"ids": 10**9, "exponent": 0.0, "of": "user", "choices": 5},
    }
    found = made(fields=fields)
    user_N, item_N = found[1].ids_NF.T.tolist()
    pairs = {*zip(user_N, item_N, strict=True)}
    seen = {(user, item) for user, row in zip(user_N, listed(found, "seen"), strict=True) for item in row.tolist()}
    assert seen <= pairs
    assert len(pairs) == 250


def preset(folder: Path, values: dict[str, Any]) -> str:
    (folder / "shop.toml").write_text(tomli_w.dumps(values))
    return str(folder / "shop.toml")


def test_a_plan_gets_them_as_models_read_them_and_may_change_them(tmp_path: Path) -> None:
    values = {"preset": preset(tmp_path, SHOP), "numbers": {"age": {"buckets": 4}}, "list_bias": 0.2}
    values |= {"sequences": {"seen": {"longest": 3}}, "lists": {"words": {"pool": "sum"}}}
    found = build(Registry().datasets, "data set", "powerlaw", values).build(generator(0, "x"))
    assert {number.name: number.buckets for number in found.kinds.numbers} == {"price": 0, "age": 4, "warmth": 0}
    assert [(e.name, e.longest, e.pool, e.ordered) for e in found.kinds.lists] == [
        ("tags", 20, "mean", False), ("words", 9, "sum", False), ("seen", 3, "mean", True),
    ]  # fmt: skip
    assert found.kinds.shares == {"seen": "item"}
    assert found.train.lists[2].length_N.max() == 3


def test_they_are_written_as_parquet(tmp_path: Path) -> None:
    write_parquet(Console(quiet=True), preset(tmp_path, SHOP), tmp_path / "out", None, "500:900", 0)
    frame = pl.read_parquet(tmp_path / "out" / "rows.parquet")
    rows = Sampler.drawn(Population.model_validate(SHOP), 0).rows(500, 900)
    assert np.array_equal(frame["price"].to_numpy(), rows.numbers_NP[:, 0], equal_nan=True)
    assert frame["price"].null_count() == np.isnan(rows.numbers_NP[:, 0]).sum()
    assert frame["seen"].list.len().to_list() == rows.length_NG[:, 2].tolist()
    assert frame["seen"].list.last().to_list() == [
        row[20 + 9 + length - 1] if length else None
        for row, length in zip(rows.listed_NW.tolist(), rows.length_NG[:, 2].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numbers": {"price": {"of": "itm"}}}, "unknown field 'itm'; did you mean 'item'?"),
        ({"numbers": {"user": {}}}, "'user' names a field and a column of another kind"),
        ({"numbers": {"price": {"scale": "log"}}}, "unknown scale 'log'; did you mean 'log1p'?"),
        (
            {"lists": {"tags": {"ids": 5, "length": 30.0}}},
            "lists.tags: length = 30 beside shortest = 0 and longest = 20",
        ),
        ({"sequences": {"seen": {"of": "hour", "by": "user"}}}, "sequences.seen.of = 'hour', a time or a cross"),
        ({"sequences": {"seen": {"of": "item", "by": "usr"}}}, "unknown field 'usr'; did you mean 'user'?"),
        (
            {"fields": {"shop": {"ids": 9}} | SHOP["fields"] | {"item": {"ids": 400, "of": "shop"}}},
            "'item', whose ids follow those of 'shop': what a row shows would change the past; accepted: a field that",
        ),
        (
            {
                "fields": {"user": {"ids": 9}, "shop": {"ids": 9}}
                | {"item": {"ids": 400, "of": "user", "strength": 0.5, "otherwise": "shop"}}
            },
            "'item', whose ids follow those of 'shop'",
        ),
        ({"latent": 2}, "latent = 2 beside 2 tasks whose match is in part their own"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        build(Registry().datasets, "data set", "powerlaw", {"preset": preset(tmp_path, SHOP | changes)})

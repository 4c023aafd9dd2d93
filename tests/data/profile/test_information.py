"""How much columns tell of each other: parity with scikit-learn, and no information where chance made it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score

from harness.data.profile import information
from harness.data.profile.information import dependence, mutual_information

ROWS = 20_000
SMALL = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def coded(value_N: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(value_N, return_inverse=True)[1]


def depend(a_N: npt.NDArray[np.int64], b_N: npt.NDArray[np.int64]) -> float | None:
    return dependence(coded(a_N), coded(b_N), np.random.default_rng(2).permutation(len(a_N)))


@given(SMALL, st.sampled_from([0, 1 << 20]))
def test_mutual_information_is_that_of_scikit_learn(pairs: list[tuple[int, int]], dense: int) -> None:
    """Pairs counted in an array, and sorted."""
    a_N, b_N = np.array(pairs).T
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(information, "DENSE", dense)
        found = mutual_information(a_N, b_N, 6, 1000 if dense == 0 else 4)
    assert found == pytest.approx(mutual_info_score(a_N, b_N), abs=1e-9)


@pytest.mark.parametrize("noise", [1, 3, 6])
def test_dependence_is_the_adjusted_mutual_information_of_scikit_learn(noise: int) -> None:
    a_N = rng().integers(0, 6, 4000)
    b_N = (a_N + rng().integers(0, noise, 4000) + 1) % 6
    wanted = adjusted_mutual_info_score(a_N, b_N, average_method="min")
    assert depend(a_N, b_N) == pytest.approx(wanted, abs=0.005)


@pytest.mark.parametrize("ids", [2, 100, 5000, 40_000])
@pytest.mark.parametrize("others", [2, 1000, 20_000])
def test_independent_columns_tell_nothing_however_many_ids_they_have(ids: int, others: int) -> None:
    one, two = np.random.default_rng(3).integers(0, (ids, others), (ROWS, 2)).T
    assert depend(one, two) == pytest.approx(0, abs=0.03)


def test_counts_alone_call_rare_ids_dependent() -> None:
    """What the correction is for."""
    one, two = np.random.default_rng(3).integers(0, (20_000, 1000), (ROWS, 2)).T
    assert mutual_information(coded(one), coded(two), ROWS, 1000) > 0.8 * np.log(1000)


@pytest.mark.parametrize("ids", [2, 5000, 40_000])
def test_copies_and_what_follows_from_an_id_tell_all(ids: int) -> None:
    id_N = rng().integers(0, ids, ROWS)
    assert depend(id_N, id_N) == depend(id_N, 7 - id_N) == pytest.approx(1)
    assert depend(id_N, id_N % 2) == pytest.approx(1)


def test_where_nothing_can_be_told_nothing_is() -> None:
    unique_N, constant_N, coin_N = np.arange(ROWS), np.zeros(ROWS, np.int64), rng().integers(0, 2, ROWS)
    assert depend(unique_N, coin_N) is None
    assert depend(constant_N, coin_N) is None
    assert depend(coin_N[:50], coin_N[:50]) is None
    assert dependence(coin_N[:0], coin_N[:0], coin_N[:0]) is None

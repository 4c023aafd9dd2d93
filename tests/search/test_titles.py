"""Titles of studies: short, and of no two studies the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.search.titles import titles


def test_what_all_studies_share_is_not_repeated() -> None:
    one_plan = ["main: avazu_like/dnn/none [bb2a2cc6]", "main: avazu_like/dnn/l2(form='by_count') [41ede766]"]
    assert list(titles(one_plan).values()) == ["none", "l2(form='by_count')"]
    more = [*one_plan, "main: criteo_like/dnn/none [00000000]", "quick: criteo_like/dnn/none [00000000]"]
    assert list(titles(more).values()) == [
        "none, avazu_like, main",
        "l2(form='by_count'), avazu_like, main",
        "none, criteo_like, main",
        "none, criteo_like, quick",
    ]


def test_a_search_made_anew_is_told_from_the_older_one_by_the_end_of_its_name() -> None:
    names = ["p: d/m/reinit [bb2a2cc6], 2 at a time of 0a", "p: d/m/reinit [cf363ec0] of 0a", "p: d/m/none [cf363ec0]"]
    assert list(titles(names).values()) == [
        "reinit [bb2a2cc6], 2 at a time of 0a",
        "reinit [cf363ec0] of 0a",
        "none",
    ]


def test_a_study_of_another_program_keeps_its_name() -> None:
    names = ["mine: a b [bb2a2cc6]", "p: d/m/none [cf363ec0]", "no-name-0a"]
    assert list(titles(names).values()) == ["mine: a b [bb2a2cc6]", "none", "no-name-0a"]


part = st.sampled_from(["a", "b, c", "d(e='f')", "a+b"])
name = st.builds(
    "{}: {}/{}/{} [{:08x}]{}".format, part, part, part, part, st.integers(0, 3), st.sampled_from(["", " of 0a"])
)


@given(st.sets(name, max_size=12))
def test_no_two_studies_have_one_title(names: set[str]) -> None:
    assert len(set(titles(sorted(names)).values())) == len(names)

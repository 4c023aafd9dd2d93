"""What threads do comes in order, is bounded, fails in its place, and ends with who asked for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base import threads
from harness.base.threads import Lanes, mapped


def alive(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


@given(items=st.lists(st.integers()), most=st.none() | st.integers(1, 4))
def test_results_come_in_the_order_of_their_items(items: list[int], most: int | None) -> None:
    assert list(mapped(str, items, most)) == [str(item) for item in items]


@pytest.mark.parametrize("most", [None, 1, 3])
def test_an_error_comes_out_in_its_place_and_leaves_no_thread(most: int | None) -> None:
    found = mapped(lambda item: 1 // (3 - item), range(9), most)
    assert [next(found) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert not alive("mapped")


def test_at_most_so_many_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    found = mapped(lambda item: item, counted(), 3)
    assert [next(found), next(found)] == [0, 1]
    assert taken == [0, 1, 2, 3, 4]
    found.close()  # type: ignore[attr-defined]  # a generator
    assert not alive("mapped")


@given(lanes=st.lists(st.sampled_from("abc"), max_size=40), cores=st.integers(1, 4))
def test_a_lane_keeps_its_order_and_forgets_nothing(lanes: list[str], cores: int) -> None:
    done: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "CORES", cores)
        with Lanes() as each:
            for future in [each.submit(lane, partial(done[lane].append, i)) for i, lane in enumerate(lanes)]:
                future.result()
    assert done == {lane: [i for i, other in enumerate(lanes) if other == lane] for lane in "abc"}


def test_lanes_go_side_by_side_and_a_lane_that_fails_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "CORES", 2)
    meeting = threading.Barrier(2, timeout=60)
    with Lanes() as lanes:
        lost = lanes.submit("a", lambda: 1 // 0)
        met = [lanes.submit(lane, meeting.wait) for lane in "ab"]
        assert sorted(future.result() for future in met) == [0, 1]
        with pytest.raises(ZeroDivisionError):
            lost.result()


def test_who_leaves_waits_for_what_is_at_work_and_drops_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, left, done, shut = threading.Event(), threading.Event(), list[int](), ThreadPoolExecutor.shutdown

    def shutdown(self: ThreadPoolExecutor, *, cancel_futures: bool) -> None:
        shut(self, wait=False, cancel_futures=cancel_futures)
        left.set()
        shut(self)

    def slow() -> None:
        begun.set()
        assert left.wait(60)
        done.append(0)

    def interrupted() -> None:
        with Lanes() as lanes:
            waiting.append(lanes.submit("a", slow))
            waiting.extend(lanes.submit("a", partial(done.append, i)) for i in (1, 2))
            begun.wait(60)
            raise KeyboardInterrupt

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown)
    waiting: list[Future[None]] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == [0]
    assert [future.done() for future in waiting] == [True, False, False]
    assert not alive("lane")

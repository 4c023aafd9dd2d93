"""Signals that give notice."""

from __future__ import annotations

import signal
import time
from threading import Thread

import pytest

from harness.base.notice import TELLING, Notice, Stopped, TimeIsUp, heeding


@pytest.mark.parametrize("number", TELLING)
def test_the_first_signal_is_remembered_and_the_second_does_what_it_did_before(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        with heeding() as notice:
            assert not notice.given()
            signal.raise_signal(number)
            assert notice.number == number
            assert heard == []
            signal.raise_signal(number)
            assert heard == [number]
        signal.raise_signal(number)
        assert heard == [number, number]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGHUP, 129)])
def test_a_script_that_is_stopped_ends_with_the_status_of_a_command(number: signal.Signals, status: int) -> None:
    with pytest.raises(SystemExit) as stop:
        raise Stopped(number)
    assert stop.value.code == status


def test_a_time_gives_notice_too() -> None:
    with heeding(time.monotonic() + 3600) as notice:
        assert not notice.given()
    with heeding(time.monotonic() - 1) as notice:
        assert notice.given()
        assert notice.what == "time is up"
        assert isinstance(notice.end, TimeIsUp)


def test_a_thread_that_gets_no_signals_heeds_none() -> None:
    found: list[Notice] = []

    def inside() -> None:
        with heeding() as notice:
            found.append(notice)

    thread = Thread(target=inside)
    thread.start()
    thread.join()
    assert [notice.given() for notice in found] == [False]

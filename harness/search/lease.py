"""A study in a database has one driver at a time, also where its results folder was copied to several machines.

A driver claims a study by an attribute of it, and then looks whether others have: of two that do so at once, at least
one sees the other and steps back. It renews the attribute while it goes on. Whoever finds a claim watches it by its own
clock, so that those of the machines need not agree, and takes over where it is not renewed.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from optuna.storages import BaseStorage

from harness.base import heartbeat
from harness.base.errors import UserError
from harness.base.heartbeat import beating

RUN_BY = "run by "
"""Begins the names of attributes that are claims; their values are the dates of the last sign, or None."""


class Lease:
    """A claim on a study.

    place: of the results folder that claims it. Two processes in one such folder are kept apart by its own lock.
    """

    def __init__(self, storage: BaseStorage, study: str, place: str) -> None:
        self._storage, self._study, self._place = storage, study, place
        self._signed, self._lost = 0.0, ""
        self._renewing = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, nobody else drives the study.

        Raises:
            UserError: somebody does.
        """
        self._claim()
        try:
            with beating(self._renew):
                yield
        finally:
            with suppress(Exception):  # of a database that is gone, where the claim runs out by itself
                self._write(None)

    def check(self) -> None:
        """Raises:
        UserError: this process gave no sign for long, and another took over.
        """
        if time.time() - self._signed > heartbeat.STALE / 2:
            self._renew()
        if self._lost:
            raise UserError(
                f"the search '{self._study}' is run by {self._lost} now, as this process gave no sign for "
                f"{heartbeat.STALE:.0f} seconds; the same command goes on once that one has ended"
            )

    @contextmanager
    def moved(self) -> Iterator[None]:
        """Inside, the study is made anew, without its attributes; the claim is on the new one afterwards."""
        with self._renewing:
            yield
            self._sign()

    def _claim(self) -> None:
        while True:
            self._sign()
            if not (others := self._others()):
                return
            self._write(None)
            self._wait_for(others)

    def _wait_for(self, others: dict[str, str]) -> None:
        """Come back when the claims of others are gone, or were not renewed and are deleted."""
        until = time.monotonic() + heartbeat.STALE
        while time.monotonic() < until:
            time.sleep(random.uniform(0.1, 1.0))
            found = self._others()
            if not found:
                return
            for place, sign in others.items():
                if found.get(place, sign) != sign:
                    raise UserError(f"the search '{self._study}' is run by {place}; wait for it")
        for place, sign in self._others().items():
            if others.get(place) == sign:
                self._write(None, place)

    def _renew(self) -> None:
        with self._renewing:
            claims = self._claims()
            if self._place in claims:  # another beside it is only looking whether somebody is there
                self._sign()
            else:
                self._lost = ", ".join(claims) or "nobody"

    def _sign(self) -> None:
        now = datetime.now(UTC)
        self._write(now.isoformat())
        self._signed = now.timestamp()

    def _others(self) -> dict[str, str]:
        return {place: sign for place, sign in self._claims().items() if place != self._place}

    def _claims(self) -> dict[str, str]:
        attributes = self._storage.get_study_user_attrs(self._storage.get_study_id_from_name(self._study))
        return {name.removeprefix(RUN_BY): v for name, v in attributes.items() if name.startswith(RUN_BY) and v}

    def _write(self, sign: str | None, place: str = "") -> None:
        study = self._storage.get_study_id_from_name(self._study)
        self._storage.set_study_user_attr(study, f"{RUN_BY}{place or self._place}", sign)

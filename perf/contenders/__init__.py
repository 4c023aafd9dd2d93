"""One file per contender: a way to train the same net on the same work, with a sentence on what is timed."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import torch

from harness.engine.device import settle
from perf.work import Work

NAMES = tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__init__"))


class NotInstalled(Exception):
    """A peer that cannot be imported here; the message says which import failed."""


class Contender:
    """Built once per measurement, in a process of its own."""

    label: ClassVar[str]
    times: ClassVar[str]
    """What one timed step holds."""
    distributions: ClassVar[tuple[str, ...]] = ("torch",)
    """Whose versions the table names."""

    device = torch.device("cpu")
    """Where it trains."""
    step: Callable[[], object]
    """One step of training; a contender that is not driven by steps overrides `seconds`."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def parameters(self) -> int:
        """Numbers that are trained: tables and net."""
        raise NotImplementedError

    def seconds(self, warmup: int, steps: int) -> tuple[float, int]:
        """Wall time of some training steps, after `warmup` untimed ones, and how many they were."""
        for _ in range(warmup):
            self.step()
        settle(self.device)
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        settle(self.device)
        return time.perf_counter() - start, steps

    def sizes_mb(self) -> dict[str, float]:
        """What is known of memory afterwards: peak, table, data."""
        return {}

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Of those that are installed."""
        found = {}
        for name in cls.distributions:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
        return found


def load(name: str) -> type[Contender]:
    """The contender of a file here.

    Raises:
        NotInstalled: what it wraps cannot be imported.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # peers warn of parts of theirs that are not built here
            module = importlib.import_module(f"perf.contenders.{name}")
    except (ImportError, OSError) as error:  # OSError: a shared library that does not fit this torch
        raise NotInstalled(f"{type(error).__name__}: {error}") from error
    found: type[Contender] = module.CONTENDER
    return found

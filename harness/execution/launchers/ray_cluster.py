"""A launcher that trains on a Ray cluster, each run in a process of whichever node has room for it.

Runs that are lost with their worker or node end as Died: the scheduler tries them again, and Ray does not.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported

import ray
from ray import ObjectRefGenerator
from ray.exceptions import ObjectRefStreamEndOfStreamError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.base.errors import UserError, described
from harness.execution.launcher import Began, Crashed, Died, Event, Recorded
from harness.execution.launchers import node_copy
from harness.execution.launchers.where import Where
from harness.search.job import Job

if TYPE_CHECKING:
    from harness.execution.run_job import JobRunner


@dataclass(frozen=True)
class Home:
    """The machine that launches, as nodes see it. node: its id in the cluster. plugins: their sources by path."""

    results: Path
    node: str
    plugins: tuple[tuple[str, bytes], ...]


class RayCluster:
    """Runs on a cluster that this process belongs to.

    cpus: of each run. plugins: a folder of further plug-ins. results: where the data sets are, and checkpoints go if
    nodes see it.

    Raises:
        UserError: there is no cluster, or none of its nodes has what a run is to have.
    """

    def __init__(self, where: Where, cpus: float, plugins: Path | None, results: Path) -> None:
        _connect(where.address)
        self._needs = {"CPU": cpus, "GPU": where.gpus}
        self._most = where.workers
        self._live: dict[ObjectRefGenerator, str] = {}
        """Of each run the stream of its events, and its key."""
        sources = tuple(node_copy.sources(plugins).items())
        self._home = Home(results.resolve(), ray.get_runtime_context().get_node_id(), sources)
        if not _room(self._needs):
            nodes = "; ".join(f"{n.get('CPU', 0):g} CPUs and {n.get('GPU', 0):g} GPUs" for n in _nodes())
            asked = f"{cpus:g} CPUs and {where.gpus:g} GPUs"
            raise UserError(f"a run with {asked}: no node of the Ray cluster has them; accepted: what one has: {nodes}")

    def __enter__(self) -> RayCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    @property
    def free(self) -> int:
        """By the nodes that are there now."""
        room = _room(self._needs)
        return max(0, min(room, self._most or room) - len(self._live))

    def submit(self, job: Job, records_held: int) -> None:
        manifests = {each.data: node_copy.manifest_of(self._home.results, each.data) for each in job.group}
        task = _train.options(num_cpus=self._needs["CPU"], num_gpus=self._needs["GPU"], name=job.key)
        self._live[task.remote(job, records_held, self._home, manifests)] = job.key

    def pause(self) -> None:
        """End them: what is asked of a worker reaches it between two things that it reports, which may be an epoch."""
        for stream in self._live:
            ray.cancel(stream, force=True)

    def events(self, timeout: float) -> Iterator[Event]:
        if not self._live:  # every node is gone
            time.sleep(timeout)
            return
        try:
            ready, _ = ray.wait(list(self._live), timeout=timeout)
        except SystemError as error:  # inside of it, a signal's handler raised
            raise error.__cause__ or error from None
        for stream in ready:
            event = _next(stream, self._live[stream])
            if not isinstance(event, Began | Recorded):
                del self._live[stream]
            yield event


def _next(stream: ObjectRefGenerator, key: str) -> Event:
    try:
        event: Event = ray.get(next(stream))
    except RayTaskError as error:  # what the node runs is not what it should be
        return Crashed(key, f"{type(error.cause).__name__}: {' '.join(str(error.cause).split())}")
    except (RayError, StopIteration, ObjectRefStreamEndOfStreamError) as error:
        return Died(key, f"{type(error).__name__}: {' '.join(str(error).split())}")
    return event


def _connect(address: str | None) -> None:
    """Join a cluster, once. What Ray does with SIGTERM is taken back.

    Raises:
        UserError: it cannot be reached.
    """
    if address is not None and "://" in address:
        raise UserError(f"--address {address}: accepted: host:port of a cluster that this machine belongs to")
    if ray.is_initialized():
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "auto", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        problem = " ".join(str(error).split())
        raise UserError(
            f"--address {address or 'auto'}: no Ray cluster there: {problem}; accepted: after `ray start --head`, or "
            "`ray start --address HOST:PORT` for a further node, on this machine"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _nodes() -> list[dict[str, float]]:
    """What each node that is alive has."""
    nodes: Any = ray.nodes  # which has no types
    return [node["Resources"] for node in nodes() if node["Alive"]]


def _room(needs: dict[str, float]) -> int:
    """How many runs with such needs fit on all nodes, were they idle."""
    asked = {name: amount for name, amount in needs.items() if amount}
    return sum(min(int(node.get(name, 0) / amount + 1e-6) for name, amount in asked.items()) for node in _nodes())


@ray.remote(max_retries=0, num_returns="streaming")
def _train(job: Job, records_held: int, home: Home, manifests: dict[str, bytes]) -> Iterator[Event]:
    """Train a run on this node."""
    try:
        for data, manifest in manifests.items():
            results, plugins = _here(home, data, manifest)
        node_copy.ensure_seen(job, home.results, results)
        runner = _runner(results, plugins)
    except Exception as error:
        yield Crashed(job.key, described(error))
        return
    yield from runner.run(job, records_held)


@lru_cache(maxsize=8)
def _here(home: Home, data: str, manifest: bytes) -> tuple[Path, Path | None]:
    """The results folder with a data set and the folder of plug-ins, on this node; asked once by each process."""
    there = NodeAffinitySchedulingStrategy(home.node, soft=False)

    def read(path: Path, offset: int) -> bytes:
        chunk: bytes = ray.get(_read.options(scheduling_strategy=there).remote(path, offset))
        return chunk

    return node_copy.results_here(home.results, data, manifest, read), node_copy.plugins_here(dict(home.plugins))


@lru_cache(maxsize=1)
def _runner(results: Path, plugins: Path | None) -> JobRunner:
    from harness.execution.run_job import JobRunner  # with torch, which the process that launches does not wait for

    return JobRunner(results, plugins)


@ray.remote(num_cpus=0)
def _read(path: Path, offset: int) -> bytes:
    return node_copy.read_chunk(path, offset)

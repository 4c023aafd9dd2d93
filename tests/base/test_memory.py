"""Free memory is that of the machine, or what the control groups of a container leave of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.base.errors import UserError
from harness.base.memory import GIB, ensure_free, free_memory

MACHINE = 64 * GIB


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=MACHINE))


def write(root: Path, files: dict[str, object]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def unified(folder: str, limit: object, used: int, stat: str = "anon 5") -> dict[str, object]:
    return {f"{folder}/memory.max": limit, f"{folder}/memory.current": used, f"{folder}/memory.stat": stat}


def legacy(folder: str, limit: int, used: int, stat: str = "total_rss 5") -> dict[str, object]:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    return dict(zip((f"{folder}/{name}" for name in names), (limit, used, stat), strict=True))


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, MACHINE),
        ({"proc/self/cgroup": "0::/"}, MACHINE),
        ({"proc/self/cgroup": "0::/", **unified("sys/fs/cgroup", 8 * GIB, 3 * GIB)}, 5 * GIB),
        ({"proc/self/cgroup": "0::/", **unified("sys/fs/cgroup", "max", 3 * GIB)}, MACHINE),
        ({"proc/self/cgroup": "0::/", **unified("sys/fs/cgroup", 99 * GIB, 3 * GIB)}, MACHINE),
        ({"proc/self/cgroup": "0::/", **unified("sys/fs/cgroup", 2 * GIB, 3 * GIB)}, 0),
        ({"proc/self/cgroup": "0::/", **unified("sys/fs/cgroup", "?", 3 * GIB)}, MACHINE),
        (
            {
                "proc/self/cgroup": "0::/",
                **unified("sys/fs/cgroup", 8 * GIB, 6 * GIB, f"inactive_file {GIB}\nactive_file {2 * GIB}"),
            },
            5 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "0::/pod/box",
                **unified("sys/fs/cgroup/pod/box", "max", GIB),
                **unified("sys/fs/cgroup/pod", 8 * GIB, 2 * GIB),
            },
            6 * GIB,
        ),
        (
            {"proc/self/cgroup": "2:cpu:/x\n4:memory:/a/b\n0::/", **legacy("sys/fs/cgroup/memory/a/b", 4 * GIB, GIB)},
            3 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/not/in/this/name/space",
                **legacy("sys/fs/cgroup/memory", 4 * GIB, 3 * GIB, f"total_inactive_file {GIB}\ninactive_file 7"),
            },
            2 * GIB,
        ),
    ],
)
def test_the_smallest_room_counts(tmp_path: Path, files: dict[str, object], free: int) -> None:
    assert free_memory(write(tmp_path, files)) == free


def test_on_this_machine_some_memory_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert 0 < free_memory() <= psutil.virtual_memory().total


def test_what_does_not_fit_is_one_line_with_the_figures() -> None:
    ensure_free(GIB, "this", "less", GIB)
    with pytest.raises(UserError) as refused:
        ensure_free(3 * GIB // 2, "this", "less", GIB)
    assert str(refused.value) == "this takes at least 1.5 GiB of memory; 1.0 GiB is free; accepted: less"

"""Another process, in which nothing is left of this one: what a plug-in keeps in Python is gone, and Python's hashes of
text are others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.base.places import module_paths
from harness.testing.checks import Failed


class AnotherProcess:
    """Started with its first question. plugins: a folder of further plug-ins."""

    def __init__(self, plugins: Path | None) -> None:
        self._plugins = plugins
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> AnotherProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()

    def ask(self, kind: str, name: str, **more: Any) -> Any:
        """What `harness.testing.answers` says of a plug-in.

        Raises:
            Failed: the other process failed.
        """
        if self._process is None:
            self._process = self._started()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"kind": kind, "name": name} | more) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"failed": "it ended"}')
        if "failed" in answer:
            raise Failed(f"in another process: {answer['failed']}")
        return answer["said"]

    def _started(self) -> subprocess.Popen[str]:
        seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        folder = [] if self._plugins is None else [str(self._plugins)]
        return subprocess.Popen(
            [sys.executable, "-m", "harness.testing.answers", *folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | module_paths() | {"PYTHONHASHSEED": seed},
        )  # fmt: skip

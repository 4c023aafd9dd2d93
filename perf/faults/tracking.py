"""A tracking server that hangs, answers 500 or answers late: the plan ends with the same records."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from perf.faults.count import Count
from perf.faults.kills import COMMAND, LONG, whole
from perf.faults.tiny import records

KINDS = ("hangs", "answers 500", "answers 500 after 5 s")


@contextmanager
def server(kind: str) -> Iterator[str]:
    """The address of a server of this kind."""
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            release.wait({"hangs": 600.0, "answers 500": 0.0}.get(kind, 5.0))
            super().handle_one_request()

        def do_GET(self) -> None:
            with suppress(OSError):  # who asked has not waited
                self.send_error(500)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        release.set()
        running.shutdown()
        running.server_close()


def servers(folder: Path, kinds: tuple[str, ...] = KINDS) -> Count:
    """Run a plan beside a server of each kind."""
    count = Count("the tracking server " + ", ".join(kinds), "the same records, byte for byte, and one line of warning")
    right, alone = whole(folder / "alone")
    more = []
    for number, kind in enumerate(kinds):
        at = folder / str(number)
        at.mkdir()
        (at / "plan.toml").write_text(LONG, encoding="utf-8")
        begun = time.monotonic()
        with server(kind) as url:
            command = [word for word in COMMAND if word != "--no-mlflow"]
            found = subprocess.run(
                command, cwd=at, capture_output=True, text=True, env=os.environ | {"MLFLOW_TRACKING_URI": url}
            )
        more.append(f"{kind}: {time.monotonic() - begun - alone:+.0f} s")
        count.add(kind, _problem(found, records(at / "results"), right))
    count.note = f"; seconds beside {alone:.0f} s without a tracker: {', '.join(more)}"
    return count


def _problem(found: subprocess.CompletedProcess[str], got: dict[str, bytes], right: dict[str, bytes]) -> str:
    warnings = [line for line in found.stdout.splitlines() if "MLflow at" in line or "tracking is behind" in line]
    if got != right:
        return f"other records; status {found.returncode}: {found.stderr[-300:]!r}"
    return "" if len(warnings) + found.stderr.count("\n") <= 1 else f"many lines: {warnings} {found.stderr[-300:]!r}"

"""Web servers of its own for a test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def serving(url: str, *command: str) -> subprocess.Popen[str]:
    """A command that serves an address by now."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not answers(url):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    return process


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, output and errors of a command that is sent Ctrl-C."""
    process.send_signal(signal.SIGINT)
    try:
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, errors


class Server:
    """A web server in a process group of its own. command: may hold {port}, a free one. host: where it listens."""

    def __init__(self, *command: str, host: str = "127.0.0.1") -> None:
        port = free_port()
        self.url = f"http://{host}:{port}"
        self._command = [part.format(port=port) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self._process = subprocess.Popen(
            self._command,
            env=os.environ | quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not answers(self.url):
            assert self._process.poll() is None, f"{self._command} ended"
            time.sleep(0.1)
        return self

    def end(self) -> None:
        """Let it end what it started."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def stop(self) -> None:
        """As if the machine had died."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def mlflow_server(results: Path, database: str = "") -> Server:
    """On the folder's own database, with files where clients put them; or on another, with files that it serves."""
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", "{port}"]
    if database:
        files = ["--serve-artifacts", "--artifacts-destination", (results / "served").as_uri()]
        return Server(*command, "--backend-store-uri", database, *files)
    stores = ["--backend-store-uri", f"sqlite:///{results}/mlflow.db", "--no-serve-artifacts"]
    return Server(*command, *stores, "--default-artifact-root", (results / "mlartifacts").as_uri())

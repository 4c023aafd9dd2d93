"""Set up `.venv` with the locked requirements: what `make` does before anything else, with Python's own library alone.

On a Linux machine without an NVIDIA card it asks the PyTorch project's index for torch's CPU build: hundreds of MB,
where the CUDA build takes gigabytes. `uv` installs where it is found, else pip. Two at once: one works, one waits.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
UNITS = {None: 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
SHOWN_ON_FAILURE = 15
"""Lines of the installer's output."""


@dataclass
class Account:
    """What an installer has done, as its output tells it: pip's or uv's."""

    packages: int = 0
    downloaded: float = 0.0
    """Bytes."""

    def read(self, line: str) -> str:
        """Take in a line; what is being done now, or an empty string where it does not say."""
        if found := re.match(r"\s*Downloading (\S+) \(([\d.]+) ?([kKMG])?i?(?:B|bytes)\)", line):
            self.downloaded += float(found[2]) * UNITS[found[3]]
        elif found := re.match(r"Installing collected packages: (.*)", line):
            self.packages = found[1].count(",") + 1
            return f"installing {self.packages} packages"
        elif found := re.match(r"(?:Resolved|Installed) (\d+) packages?", line):
            self.packages = int(found[1])
        elif not (found := re.match(r"\s*(?:Collecting|Processing|Using cached) (\S+)", line)):
            return ""
        return f"fetching {Path(found[1]).name}"


def has_nvidia_card() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def answers(address: str, timeout_s: float = 4.0) -> bool:
    """Whether an index can be reached within seconds."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{address}/torch/", method="HEAD"), timeout=timeout_s):
            return True
    except (OSError, ValueError):
        return False


def torch_arguments(asked: list[str], uv: bool) -> list[str]:
    """The installer's arguments that lead to the build of torch which fits this machine.

    asked: what the user gave; where it names an index, the choice is theirs.
    """
    chosen = any("index" in argument or "torch-backend" in argument for argument in asked)
    if chosen or platform.system() != "Linux" or has_nvidia_card() or not answers(CPU_INDEX):
        return []
    return ["--torch-backend", "cpu"] if uv else ["--extra-index-url", CPU_INDEX]


def follow(command: list[str], log: Path, account: Account) -> bool:
    """Run an installer, keep its output in `log`, and show on one line what it does; whether it succeeded."""
    began, last = time.monotonic(), deque[str](maxlen=SHOWN_ON_FAILURE)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    with log.open("w") as kept, process:
        for line in process.stdout or ():
            kept.write(line)
            last.append(line)
            if (doing := account.read(line)) and sys.stdout.isatty():
                shown = f"{time.monotonic() - began:4.0f} s  {account.downloaded / 1e6:5.0f} MB  {doing}"
                print(f"\r{shown[:79]:79}", end="", flush=True)
    if sys.stdout.isatty():
        print(f"\r{'':79}\r", end="")
    if process.returncode:
        print(f"{''.join(last)}{command[0]} failed; {log} holds all that it said", file=sys.stderr)
    return process.returncode == 0


def install(environment: Path, asked: list[str]) -> Account:
    """Install the project with uv, or with pip where there is no uv or it fails: it may not know pip's indexes.

    Raises:
        SystemExit: both failed.
    """
    python, account = str(environment / "bin" / "python"), Account()
    what = ["--constraint", "requirements.lock", *asked, "--editable", ".[dev]"]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--python", python, *torch_arguments(asked, uv=True), *what]
        if follow(command, environment / "set-up.log", account):
            return account
        print("trying pip instead", flush=True)
    options = ["--disable-pip-version-check", "--progress-bar", "off", "--no-compile"]
    command = [python, "-m", "pip", "install", *options, *torch_arguments(asked, uv=False), *what]
    if not follow(command, environment / "set-up.log", account):
        raise SystemExit("setting up failed; the same command goes on from here")
    return account


def up_to_date(stamp: Path, inputs: Iterable[Path]) -> bool:
    return stamp.exists() and all(stamp.stat().st_mtime >= path.stat().st_mtime for path in inputs)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process; say so while another has it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another command is setting up .venv; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def set_up(asked: list[str]) -> None:
    """Make `.venv` in the current folder, install the project into it, editable, and say what that took."""
    environment, began = Path(".venv"), time.monotonic()
    print("setting up .venv, once; this takes a few minutes", flush=True)
    if not (environment / "bin" / "pip").exists():
        venv.create(environment, with_pip=True)
    account = install(environment, asked)
    print(
        f"set up in {time.monotonic() - began:.0f} s: {account.packages} packages, "
        f"{account.downloaded / 1e6:.0f} MB downloaded"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--args", default="", help="further arguments for pip or uv, as PIP_ARGS of make")
    asked = parser.parse_args()
    stamp = Path(".venv/installed")
    with alone(Path(".venv.lock")):
        if not up_to_date(stamp, (Path("requirements.lock"), Path("pyproject.toml"))):
            set_up(shlex.split(asked.args))
            stamp.touch()


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    main()

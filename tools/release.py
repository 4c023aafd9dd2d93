"""Build wheel and source archive, and try both as a user would: in an empty environment of every Python there is.

What is tried is the least that touches everything: the commands list, a plan is trained and ranked, `import multiepoch`
works, and the package says that it is typed. Nothing is published.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
TYPED = "import multiepoch, importlib.resources as r; assert (r.files('multiepoch') / 'py.typed').is_file()"


def built(folder: Path) -> list[Path]:
    """The wheel and the source archive."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))


def pythons() -> Iterator[tuple[str, str]]:
    """Version and command of those that run here; a name alone may lead to none."""
    for version in PYTHONS:
        command = shutil.which(f"python{version}")
        if command and subprocess.run([command, "--version"], capture_output=True).returncode == 0:
            yield version, command


def steps(environment: Path, package: Path, asked: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """What is done with a package, in words and as a command."""
    python, multiepoch = str(environment / "bin" / "python"), str(environment / "bin" / "multiepoch")
    constraint = str(ROOT / "requirements.lock")
    options = ["--quiet", "--disable-pip-version-check", "--constraint", constraint]
    yield "install", [python, "-m", "pip", "install", *options, *asked, str(package)]
    yield "check", [python, "-m", "pip", "check"]
    yield "list", [multiepoch, "list"]
    yield "train", [multiepoch, "benchmark", "smoke", "--no-mlflow"]
    yield "import", [python, "-c", TYPED]


def tried(python: str, package: Path, asked: Sequence[str]) -> str:
    """What became of a package in an environment of its own: `works`, or the step that failed and its last line."""
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
        environment, began = Path(folder) / "venv", time.monotonic()
        subprocess.run([python, "-m", "venv", str(environment)], check=True)
        for what, command in steps(environment, package, asked):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                return f"{what} failed: {''.join(last)}"
    return f"works ({time.monotonic() - began:.0f} s)"


def main() -> None:
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    packages, failed = built(folder), False
    for version, python in pythons():
        for package in packages:
            found = tried(python, package, sys.argv[1:])
            failed |= not found.startswith("works")
            print(f"Python {version}  {package.name}: {found}", flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

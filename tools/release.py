"""Build wheel and source archive, and try both as a user would: in an empty environment of every Python there is.

What is tried is the least that touches everything: the commands list, a plan is trained and ranked, a log gets a
verdict, `import multiepoch` works, and the package says that it is typed. Nothing is published.
"""

from __future__ import annotations

import argparse
import random
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
TITLE = "Build wheel and source archive, and try both in an empty environment of every Python there is."
ANSWERED = (0, 3)
"""How `diagnose` ends with a verdict; 3: the log is too small to tell."""


def built(folder: Path) -> list[Path]:
    """The wheel and the source archive."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))


def version_of(python: str) -> str | None:
    """What it calls itself, as `Python 3.13.5`; None where it does not run: a name alone may lead to none."""
    try:
        return subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def pythons(named: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Version and command of each: those that are named, which must run, else those that are found."""
    for python in named or [f"python{version}" for version in PYTHONS]:
        version = version_of(python)
        if version is not None:
            yield version, python
        elif named:
            raise SystemExit(f"--python {python}: it does not run")


def write_log(path: Path) -> None:
    """Clicks of 500 users on 200 items, a minute apart."""
    draw = random.Random(1)
    rows = [
        f"{draw.randrange(500)},{draw.randrange(200)},{draw.randrange(2)},{1_700_000_000 + 60 * n}" for n in range(4000)
    ]
    path.write_text("\n".join(["user,item,click,ts", *rows]))


def steps(environment: Path, package: Path, asked: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """What is done with a package, in words and as a command."""
    python, multiepoch = str(environment / "bin" / "python"), str(environment / "bin" / "multiepoch")
    constraint = str(ROOT / "requirements.lock")
    options = ["--quiet", "--disable-pip-version-check", "--constraint", constraint]
    yield "install", [python, "-m", "pip", "install", *options, *asked, str(package)]
    yield "check", [python, "-m", "pip", "check"]
    yield "list", [multiepoch, "list"]
    yield "train", [multiepoch, "benchmark", "smoke", "--no-mlflow"]
    yield "diagnose", [multiepoch, "diagnose", "clicks.csv", "--labels", "click", "--budget", "2m"]
    yield "import", [python, "-c", TYPED]


def tried(python: str, package: Path, asked: Sequence[str]) -> str:
    """What became of a package in an environment of its own: `works`, or the step that failed and its last line."""
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
        environment, began = Path(folder) / "venv", time.monotonic()
        write_log(Path(folder) / "clicks.csv")
        subprocess.run([python, "-m", "venv", str(environment)], check=True)
        for what, command in steps(environment, package, asked):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode not in (ANSWERED if what == "diagnose" else (0,)):
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                return f"{what} failed: {''.join(last)}"
    return f"works ({time.monotonic() - began:.0f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=TITLE, epilog="Further arguments go to pip.", allow_abbrev=False)
    parser.add_argument("--python", nargs="+", default=[], metavar="PATH", help="try these instead of those on PATH")
    given, asked = parser.parse_known_args()
    interpreters = list(pythons(given.python))
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    packages, failed = built(folder), False
    for version, python in interpreters:
        for package in packages:
            found = tried(python, package, asked)
            failed |= not found.startswith("works")
            print(f"{version}  {package.name}: {found}", flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

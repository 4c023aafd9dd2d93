"""The engine number follows the code that decides numbers.

`engine_number.json` holds the number and a hash of what that code means, apart from comments, docstrings and layout,
as the Python that is named there reads it: other versions write the same syntax tree in other words.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from harness import ENGINE
from harness.base.meaning import meaning
from harness.data.synthetic.population import GENERATOR

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("engine_number.json")
DECIDING = [
    "harness/engine/*.py",
    "harness/contracts/*.py",
    *(f"harness/base/{name}.py" for name in ("products", "seeds")),
    *(f"harness/metrics/{name}.py" for name in ("classification", "ranking")),
    *(
        f"harness/data/{name}.py"
        for name in ("coder", "indexer", "indexed", "indexed_dataset", "vocabulary", "validation", "build", "windows")
    ),
    "harness/data/tabular/*.py",
]
"""The modules that decide numbers of a run."""
MAKING_ROWS = ["harness/data/synthetic/*.py"]
"""The modules that decide what a synthetic row is; GENERATOR in population.py names it in the keys of data."""
ADVICE = """the code that decides numbers has changed since its hash was recorded for engine number {engine}.
Run the tests with stored numbers: pytest tests/strategies/test_strategies.py tests/base/test_seeds.py
- They pass: the numbers are as they were. Record the new hash: MEANING=write pytest tests/engine/test_engine_number.py
- They fail, and the numbers are meant to change: raise ENGINE in harness/__init__.py, write the stored numbers anew
  (see the head of tests/strategies/test_strategies.py), then record the hash as above."""


ROWS_ADVICE = """the code that makes synthetic rows has changed since its hash was recorded.
Run pytest tests/data/synthetic
- They pass: the rows are as they were, and data made before are found. Record the new hash:
  MEANING=write pytest tests/engine/test_engine_number.py
- test_rows_stay.py fails, and the rows are meant to change: give GENERATOR in harness/data/synthetic/population.py
  another value, write the stored rows anew (see the head of that test), then record the hash as above."""


def hash_of(root: Path, patterns: list[str] = DECIDING) -> str:
    """A hash of the path and the meaning of every module that decides numbers."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        digest.update(f"{path.relative_to(root).as_posix()}\n{meaning(path.read_text())}\n".encode())
    return digest.hexdigest()


def test_every_pattern_finds_a_module() -> None:
    assert [pattern for pattern in [*DECIDING, *MAKING_ROWS] if not list(ROOT.glob(pattern))] == []


def test_the_engine_number_is_that_of_this_code() -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    rows = {"generator": GENERATOR, "rows": hash_of(ROOT, MAKING_ROWS)}
    now = {"engine": ENGINE, "meaning": hash_of(ROOT)} | rows | {"python": python}
    if os.environ.get("MEANING") == "write":
        RECORDED.write_text(json.dumps(now, indent=1) + "\n")
    recorded = json.loads(RECORDED.read_text())
    if recorded["python"] != python:
        pytest.skip(f"the hash was recorded by Python {recorded['python']}")
    assert rows == {name: recorded[name] for name in rows}, ROWS_ADVICE
    assert recorded == now, ADVICE.format(engine=recorded["engine"])


def test_the_hash_follows_code_and_not_comments(tmp_path: Path) -> None:
    path = tmp_path / "harness/contracts/rows.py"
    path.parent.mkdir(parents=True)
    hashes = []
    for source in ("RATE = 1\n", '"""A rate."""\nRATE = 1  # as published\n', "RATE = 2\n"):
        path.write_text(source)
        hashes.append(hash_of(tmp_path))
    assert hashes[0] == hashes[1] != hashes[2]

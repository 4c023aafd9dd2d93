"""A finished run whose files were edited is not read, so that it is trained again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.simulated import Bench

from harness.base.errors import UserError
from harness.results.keys import Status
from harness.results.run_reader import done, read


@pytest.fixture
def run(tmp_path: Path) -> Path:
    Bench(tmp_path, curves={"none": (0.67, 0.66)}, seeds=(1,)).write()
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


def test_what_was_written_is_read(run: Path) -> None:
    assert read(run.parent, run.name).status == Status.FINISHED


@pytest.mark.parametrize("name", ["records.jsonl", "spec.json"])
def test_an_edited_digit_is_noticed(run: Path, name: str) -> None:
    text = (run / name).read_text()
    at = next(i for i, letter in enumerate(text) if letter.isdigit() and letter != "9")
    (run / name).write_text(text[:at] + "9" + text[at + 1 :])
    with pytest.raises(UserError, match=f"{name} is not what was once written; run its plan again"):
        read(run.parent, run.name)
    assert done(run.parent, run.name) is None


@pytest.mark.parametrize("env", ["[]", '{"before": 1}', '{"before": [1]}'])
def test_what_is_no_environment_is_noticed(run: Path, env: str) -> None:
    (run / "env.json").write_text(env)
    with pytest.raises(UserError, match=r"is damaged: .*; run its plan again"):
        read(run.parent, run.name)


@pytest.mark.parametrize("seed", range(40))
def test_no_flipped_bit_is_ever_used(run: Path, seed: int) -> None:
    rng, before = np.random.default_rng(seed), read(run.parent, run.name)
    path = run / str(rng.choice(["records.jsonl", "spec.json", "done", "costs.jsonl", "env.json"]))
    data = bytearray(path.read_bytes())
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    path.write_bytes(data)
    found = done(run.parent, run.name)
    assert found is None or (found.records, found.spec) == (before.records, before.spec)

"""The conformance check: the repository's plug-ins pass it, and broken ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.errors import UserError
from harness.plugins.registry import Registry
from harness.testing.conformance import Verdict, conformance

HEAD = '''"""A strategy."""
import random
from typing import ClassVar
import torch
from harness.api import *
from harness.api import hash_ids


class Mine(Strategy):
    name = "mine"
'''


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return list(conformance(Registry()))


def test_every_plugin_of_the_repository_conforms(verdicts: list[Verdict]) -> None:
    assert [v for v in verdicts if v.outcome == "failed"] == []


def test_every_plugin_is_checked(verdicts: list[Verdict]) -> None:
    registry = Registry()
    everything = {*registry.strategies, *registry.datasets, *registry.models}
    assert {v.plugin for v in verdicts if v.outcome == "passed"} == everything


@pytest.mark.parametrize(
    ("body", "check"),
    [
        (
            "    strength: float = tuned(0.1, 0.0, 1.0, neutral=0.0)\n"
            "    def on_rows(self, step):\n        return step.scale_lr(torch.full((len(step.rows_K),), 0.5))\n",
            "equals none, bit for bit, at neutral values",
        ),
        (
            "    def on_rows(self, step):\n        return step.with_grad(step.grad_KD * random.random())\n",
            "gives the same records twice",
        ),
        (
            "    def on_rows(self, step):\n        return step.with_grad(step.grad_KD * torch.nan)\n",
            "trains two epochs and learns",
        ),
        ("    def on_rows(self, step):\n        return step.missing\n", "trains two epochs and learns"),
        (
            "    def network(self, net, fields, width):\n        return Counting(net), width\n\n\n"
            "class Counting(torch.nn.Module):\n"
            "    def __init__(self, net):\n        super().__init__()\n        self.net, self.steps = net, 0\n\n"
            "    def forward(self, *embedded):\n        self.steps += self.training\n"
            "        return self.net(*embedded) * (1 + self.steps / 100)\n",
            "goes on from any step to the same records",
        ),
        (
            "    seen: ClassVar[dict] = {}\n\n"
            "    def on_epoch_start(self, epoch, tables):\n        self.seen['steps'] = 0\n\n"
            "    def on_rows(self, step):\n        self.seen['steps'] = self.seen.get('steps', 0) + 1\n"
            "        return step.scale_lr(torch.full((len(step.rows_K),), 1 / (1 + self.seen['steps'] / 10)))\n",
            "goes on from any step to the same records",
        ),
        (
            "    def encoder(self, stats, rng):\n        salt = hash(stats.name)\n"
            "        return Encoder(50, lambda ids: (hash_ids(ids, salt) % 50).astype(int))\n",
            "goes on from any step to the same records",
        ),
        (
            "    cache: ClassVar[dict] = {}\n\n"
            "    def encoder(self, stats, rng):\n"
            "        salt = self.cache.setdefault(stats.name, int(rng.integers(1 << 40)))\n"
            "        return Encoder(50, lambda ids: (hash_ids(ids, salt) % 50).astype(int))\n",
            "goes on from any step to the same records",
        ),
    ],
)
def test_a_broken_strategy_is_told_what_is_wrong(tmp_path: Path, body: str, check: str) -> None:
    (tmp_path / "mine.py").write_text(HEAD + body)
    failed = {v.check: v.reason for v in conformance(Registry(tmp_path), ["mine"]) if v.outcome == "failed"}
    assert failed[check]
    assert not check.startswith("goes on") or "to other records" in failed[check]


@pytest.mark.parametrize(
    ("drawn", "factor", "check"),
    [
        ("np.random.rand()", "1", "gives the same records twice"),
        ("0.5", "1 + self.calls / 100", "goes on from a step to the same records"),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(tmp_path: Path, drawn: str, factor: str, check: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text(f'''"""A model."""
import numpy as np
from torch import nn
from harness.api import Model


class Net(nn.Module):
    def __init__(self, inputs, tasks):
        super().__init__()
        self.out, self.calls, self.scale = nn.Linear(inputs, tasks), 0, {drawn}

    def forward(self, embedded):
        self.calls += self.training
        return self.out(embedded.flatten(1)) * self.scale * ({factor})


class Mine(Model):
    name = "mine"

    def width(self, tasks):
        return 4

    def network(self, fields, tasks):
        return Net(fields * 4, tasks)
''')
    failed = {v.check: v.reason for v in conformance(Registry(tmp_path), ["mine"]) if v.outcome == "failed"}
    assert failed[check]
    assert not {"learns", "maps [N, F, D] to [N, T]"} & failed.keys()


@pytest.mark.parametrize(
    ("drawn", "said"), [("", "different data from"), ("hash('text') % 2**32", "different data in another process")]
)
def test_a_data_set_that_builds_other_data_is_told(tmp_path: Path, drawn: str, said: str) -> None:
    """Other labels of valid alone."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mine.py").write_text(f'''"""A data set."""
import numpy as np
from harness.api import *


class Mine(Dataset):
    name = "mine"
    version = 1
    example = {{}}

    def build(self, rng):
        ids_NF, labels_NT = rng.integers(0, 9, (40, 1)), (np.arange(40) % 2)[:, None].astype(np.uint8)
        valid_NT = labels_NT.copy()
        valid_NT[2:] = np.random.default_rng({drawn}).integers(0, 2, (38, 1))
        parts = [Split(ids_NF, each) for each in (labels_NT, valid_NT, labels_NT)]
        return Data(("a",), ("click",), *parts)
''')
    failed = {v.check: v.reason for v in conformance(Registry(tmp_path), ["mine"]) if v.outcome == "failed"}
    assert list(failed) == ["builds the same twice"]
    assert said in failed["builds the same twice"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'hashing'"):
        list(conformance(Registry(), ["hasing"]))


def test_a_data_set_that_writes_over_its_pieces_is_told(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mine.py").write_text('''"""A data set."""
import numpy as np
from harness.api import *


class Mine(Dataset):
    name = "mine"
    version = 1
    example = {}

    def stream(self, rng):
        def pieces():
            ids_NF = np.empty((4, 1), np.int64)
            for part in ("train", "valid", "test"):
                ids_NF[:] = rng.integers(0, 9, (4, 1))
                yield part, Split(ids_NF, np.array([[0], [1]] * 2, np.uint8))

        return Stream(("a",), ("click",), pieces())
''')
    failed = {v.check: v.reason for v in conformance(Registry(tmp_path), ["mine"]) if v.outcome == "failed"}
    assert list(failed) == ["leaves its pieces as they are"]
    assert "a piece must have arrays of its own" in failed["leaves its pieces as they are"]

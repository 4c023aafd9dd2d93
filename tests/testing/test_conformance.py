"""The conformance check: the repository's plug-ins pass it, and broken ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.base.errors import UserError
from harness.plugins.registry import Registry
from harness.testing.conformance import Verdict, conformance

HEAD = '''"""A strategy."""
import random
import torch
from harness.api import *


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
    ],
)
def test_a_broken_strategy_is_told_what_is_wrong(tmp_path: Path, body: str, check: str) -> None:
    (tmp_path / "mine.py").write_text(HEAD + body)
    failed = {v.check: v.reason for v in conformance(Registry(tmp_path), ["mine"]) if v.outcome == "failed"}
    assert failed[check]


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

"""A model that does not fit the data is refused before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engine import TINY

from harness.api import UserError
from harness.execution.prepare import prepare
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ('name = "din"', "model 'din' attends to a sequence, and the data has none"),
        ('name = "esmm"\nparents = [-1, 0]', r"esmm: parents = \[-1, 0\] is of 2 tasks; the data has 3"),
    ],
)
def test_a_plan_whose_model_does_not_fit_trains_nothing(model: str, message: str, tmp_path: Path) -> None:
    values = "\n".join(f"{name} = {value}" for name, value in TINY.items())
    path = tmp_path / "plan.toml"
    path.write_text(
        f'strategies = ["none"]\nseeds = [1]\n[[dataset]]\nname = "powerlaw"\n{values}\n[[model]]\n{model}\n'
        "[train]\nepochs = 1\n"
    )
    with pytest.raises(UserError, match=message):
        prepare(load_plan(path), Registry(), tmp_path / "results")
    assert not (tmp_path / "results" / "runs").exists()


def test_a_model_that_fails_is_one_line_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text(
        '"""A model."""\nfrom harness.api import Model\n\n\nclass Mine(Model):\n    name = "mine"\n\n'
        "    def width(self, tasks):\n        return 4\n\n"
        "    def network(self, fields, tasks):\n        return [][fields]\n"
    )
    values = "\n".join(f"{name} = {value}" for name, value in TINY.items())
    plan = f'strategies = ["none"]\nseeds = [1]\n[[dataset]]\nname = "powerlaw"\n{values}\n[[model]]\nname = "mine"\n'
    (tmp_path / "plan.toml").write_text(plan)
    said = r"model 'mine' \(\) cannot be made for these data: IndexError at mine.py:12: list index out of range"
    with pytest.raises(UserError, match=said):
        prepare(load_plan(tmp_path / "plan.toml"), Registry(tmp_path), tmp_path / "results")

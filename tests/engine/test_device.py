"""The device of a run is there, or the user is told so in one line."""

from __future__ import annotations

import pytest
import torch

from harness.base.errors import UserError
from harness.engine.device import device_of


def test_the_cpu_is_always_there() -> None:
    assert device_of("cpu") == torch.device("cpu")


def test_a_missing_gpu_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"^train\.device = 'cuda': .*accepted: cpu$"):
        device_of("cuda")


def test_a_gpu_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of("cuda") == torch.device("cuda")

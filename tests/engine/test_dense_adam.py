"""The net's optimiser against torch's own."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.engine.dense_adam import DenseAdam

Step = tuple[float, list[bool]]
"""A learning rate, and which parameters have a gradient."""
WIDTHS = st.lists(st.integers(1, 40), min_size=2, max_size=5)
STEPS = st.lists(
    st.tuples(st.floats(1e-5, 1.0), st.lists(st.booleans(), min_size=8, max_size=8)), min_size=1, max_size=6
)


def _net(widths: list[int]) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))


def _gradients(net: nn.Module, has: list[bool], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    for parameter, asked in zip(net.parameters(), has, strict=False):
        grad = torch.randn(parameter.shape, generator=random)
        parameter.grad = grad if asked else None


def _bits(net: nn.Module) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in net.parameters())


@settings(max_examples=40, deadline=None)
@given(widths=WIDTHS, steps=STEPS)
def test_steps_are_those_of_torch_to_the_bit(widths: list[int], steps: list[Step]) -> None:
    """Whatever the shapes and the learning rates, with parameters that have no gradient in some steps."""
    ours, theirs = _net(widths), _net(widths)
    adam, reference = DenseAdam(ours, 0.1), torch.optim.Adam(theirs.parameters(), fused=True)
    for seed, (lr, has) in enumerate(steps):
        adam.lr = reference.param_groups[0]["lr"] = lr
        for net in (ours, theirs):
            _gradients(net, has, seed)
        adam.step()
        reference.step()
        assert _bits(ours) == _bits(theirs)


@pytest.mark.parametrize("through_disk", [False, True])
def test_state_carries_on_to_the_same_bits(through_disk: bool) -> None:
    straight, before, after = (_net([5, 7, 3]) for _ in range(3))
    every = [True] * 4
    adam, first, second = (DenseAdam(net, 1e-2) for net in (straight, before, after))
    for seed in range(6):
        net, stepped = (before, first) if seed < 3 else (after, second)
        if seed == 3:
            state = {"adam": first.state(), "net": before.state_dict()}
            if through_disk:
                torch.save(state, file := io.BytesIO())
                file.seek(0)
                state = torch.load(file, weights_only=True)
            after.load_state_dict(state["net"])
            second.restore(state["adam"])
        for each, optimizer in ((straight, adam), (net, stepped)):
            _gradients(each, every, seed)
            optimizer.step()
    assert _bits(straight) == _bits(after)


def test_zero_grad_leaves_no_gradient() -> None:
    net = _net([3, 2])
    _gradients(net, [True, True], seed=0)
    adam = DenseAdam(net, 1.0)
    adam.zero_grad()
    before = _bits(net)
    adam.step()
    assert _bits(net) == before

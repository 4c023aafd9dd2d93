"""Whatever hooks return trains to the same numbers on both paths, or is one line; never garbage, never a crash."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_mapping, random_rows
from torch import Tensor

from harness.api import RowStep, Strategy, TableSpec, UserError
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables

Answer = Callable[[RowStep], Any]
MAPPING = make_mapping([30, 7, 12])


class Says(Strategy):
    """Answers `on_rows` or `perturb` as it is told."""

    name = "says"


def trained(answer: Answer, hook: str, *, compiled: bool) -> Tensor:
    """The table after three steps under a strategy whose hook answers so."""

    def method(self: Strategy, step: RowStep) -> Any:
        return answer(step)

    class Told(Says):
        name = "told"

    setattr(Told, hook, method)
    tables = EmbeddingTables(MAPPING, TableSpec(lr=0.1), 4, [Told()], 0, compiled=compiled)
    rng, find = np.random.default_rng(0), DistinctFinder(MAPPING.num_rows)
    for step in range(3):
        lookup = tables.lookup(find(random_rows(rng, MAPPING, 16)))
        grad_BFD = torch.from_numpy(np.random.default_rng(step).standard_normal((16, 3, 4), np.float32))
        if hook == "perturb":
            lookup = tables.displaced(lookup, grad_BFD) or lookup
        tables.update(lookup, grad_BFD)
    return tables.weight_RD.clone()


def outcome(answer: Answer, hook: str, *, compiled: bool) -> Tensor | str:
    try:
        return trained(answer, hook, compiled=compiled)
    except UserError as error:
        return str(error)


def same_on_both_paths(answer: Answer, hook: str = "on_rows") -> Tensor | str:
    compiled, plain = (outcome(answer, hook, compiled=path) for path in (True, False))
    if isinstance(compiled, str) or isinstance(plain, str):
        assert compiled == plain
        assert isinstance(compiled, str)
        assert "\n" not in compiled
        assert compiled.startswith("strategy 'told', ")
    else:
        assert torch.allclose(compiled, plain, rtol=1e-5, atol=1e-6, equal_nan=True)
    return compiled


SHAPES: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "K": lambda k, d: (k,), "K1": lambda k, d: (k, 1), "1": lambda k, d: (1,), "scalar": lambda k, d: (),
    "1K": lambda k, d: (1, k), "KD": lambda k, d: (k, d), "D": lambda k, d: (d,), "1D": lambda k, d: (1, d),
    "short": lambda k, d: (k - 1,), "long": lambda k, d: (k + 1,), "short D": lambda k, d: (k - 1, d),
    "none": lambda k, d: (0,), "KDD": lambda k, d: (k, d, d),
}  # fmt: skip
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.bool]
CHANGES: dict[str, Callable[[RowStep, Any], Any]] = {
    "scale_lr": lambda step, value: dataclasses.replace(step, lr_scale_K=value),
    "decay": lambda step, value: dataclasses.replace(step, decay_K=value),
    "grad": lambda step, value: dataclasses.replace(step, grad_KD=value),
}


@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(DTYPES), st.sampled_from(sorted(CHANGES)))
def test_any_shape_and_type_trains_alike_or_is_one_line(shape: str, dtype: torch.dtype, change: str) -> None:
    def answer(step: RowStep) -> Any:
        return CHANGES[change](step, torch.full(SHAPES[shape](*step.grad_KD.shape), 0.5).to(dtype))

    same_on_both_paths(answer)


@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(DTYPES))
def test_any_displacement_is_taken_alike_or_is_one_line(shape: str, dtype: torch.dtype) -> None:
    same_on_both_paths(lambda step: torch.full(SHAPES[shape](*step.grad_KD.shape), 0.1).to(dtype), "perturb")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("value", [0.5, "half", [0.5], np.ones(3), math.nan, True])
def test_what_is_no_tensor_is_one_line(change: str, value: Any) -> None:
    found = same_on_both_paths(lambda step: CHANGES[change](step, value))
    assert isinstance(found, str)
    assert "accepted: float32 [" in found


@pytest.mark.parametrize("value", [None, 1, torch.ones(2), "step"])
def test_on_rows_that_returns_no_step_is_one_line(value: Any) -> None:
    assert "accepted: a RowStep" in str(same_on_both_paths(lambda step: value))


TENSORS = [field.name for field in dataclasses.fields(RowStep) if field.type == "Tensor"]
ONE = ("seen_K", "train_count_K", "last_step_K")
"""They lie in one tensor, so that the first of them is named."""


@pytest.mark.parametrize("name", [name for name in TENSORS if name != "grad_KD"])
def test_an_edit_in_place_of_what_may_only_be_read_is_one_line(name: str) -> None:
    def answer(step: RowStep) -> RowStep:
        getattr(step, name).mul_(2)
        return step

    said = ONE[0] if name in ONE else name
    assert f"on_rows: changes {said} in place; accepted: a changed copy" in str(same_on_both_paths(answer))


@pytest.mark.parametrize("name", TENSORS)
def test_a_displacement_that_edits_what_it_is_shown_is_one_line(name: str) -> None:
    """Another strategy is shown the same, the gradient included."""

    def answer(step: RowStep) -> Tensor:
        getattr(step, name).mul_(2)
        return torch.zeros_like(step.weight_KD)

    said = ONE[0] if name in ONE else name
    assert f"perturb: changes {said} in place; accepted: a new tensor" in str(same_on_both_paths(answer, "perturb"))


def test_counts_that_a_strategy_edits_are_a_copy() -> None:
    tables = EmbeddingTables(MAPPING, TableSpec(lr=0.1), 4, [], 0)
    for field in MAPPING.fields:
        before = tables.train_count(field)
        tables.train_count(field).add_(7)
        assert torch.equal(tables.train_count(field), before)


def test_a_gradient_may_be_edited_in_place() -> None:
    def in_place(step: RowStep) -> RowStep:
        step.grad_KD.mul_(-1)
        return step

    found = same_on_both_paths(in_place)
    assert isinstance(found, Tensor)
    assert torch.equal(found, trained(lambda step: step.with_grad(-step.grad_KD), "on_rows", compiled=True))


def test_other_rows_are_refused() -> None:
    found = same_on_both_paths(lambda step: dataclasses.replace(step, rows_K=step.rows_K + 1000))
    assert "replaces rows_K" in str(found)


def test_a_number_for_all_rows_is_that_for_each() -> None:
    one = same_on_both_paths(lambda step: step.scale_lr(torch.tensor([0.5])))
    each = trained(lambda step: step.scale_lr(torch.full((len(step.rows_K),), 0.5)), "on_rows", compiled=True)
    assert isinstance(one, Tensor)
    assert torch.equal(one, each)


def test_nan_stays_nan_and_touches_its_rows_alone() -> None:
    found = same_on_both_paths(lambda step: step.with_grad(step.grad_KD * math.nan))
    assert isinstance(found, Tensor)
    assert found.isnan().any()
    assert not found.isnan().all()

"""Whatever hooks return, checked before it is used: the kernels index memory by it and check nothing themselves.

What torch would broadcast is broadcast, and other floating types become float32; the rest is refused in one line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from harness.api import RowStep, Strategy, UserError

T = TypeVar("T")
READ_ALONE = (
    "rows_K", "field_K", "weight_KD", "batch_count_K", "seen_K", "train_count_K", "last_step_K", "seen_max_F",
    "train_max_F",
)  # fmt: skip
"""Fields of a RowStep that hooks may not write into: it would go nowhere, or to every other strategy."""


def instance(answer: Any, kind: type[T], strategy: Strategy, hook: str) -> T:
    """The answer, if it is of this kind.

    Raises:
        UserError: it is not; the hook may have forgotten to return.
    """
    if not isinstance(answer, kind):
        raise _refused(strategy, hook, f"returns {_said(answer)}", f"a {kind.__name__}")
    return answer


def tensor_like(answer: Any, like: Tensor, strategy: Strategy, hook: str, what: str) -> Tensor:
    """The answer as float32 in the shape of another tensor, on its device.

    Raises:
        UserError: it is no floating tensor, does not broadcast to this shape, or lies elsewhere.
    """
    accepted = f"float32 {list(like.shape)} on {like.device}, or what broadcasts to it"
    if not isinstance(answer, Tensor):
        raise _refused(strategy, hook, f"{what} is {_said(answer)}", accepted)
    if answer.shape == like.shape and answer.dtype == like.dtype and answer.device == like.device:
        return answer
    if not answer.is_floating_point() or answer.device != like.device:
        raise _refused(strategy, hook, f"{what} is {_said(answer)}", accepted)
    try:
        return answer.to(torch.float32).broadcast_to(like.shape)
    except RuntimeError:
        raise _refused(strategy, hook, f"{what} is {_said(answer)}", accepted) from None


def scalar(answer: Any, strategy: Strategy, hook: str) -> Tensor:
    """The answer, if it is one number of a tensor that the loss can be added to.

    Raises:
        UserError: it is not.
    """
    if not isinstance(answer, Tensor) or answer.numel() != 1 or not answer.is_floating_point():
        raise _refused(strategy, hook, f"returns {_said(answer)}", "a scalar tensor, or None")
    if not answer.requires_grad:
        raise _refused(
            strategy, hook, "returns a number that moves nothing", "one worked out of the embedding, or None"
        )
    return answer.reshape(())


def row_step(answer: Any, asked: RowStep, versions: tuple[int, ...], strategy: Strategy) -> RowStep:
    """What `on_rows` returned, its tensors in the shapes that the kernels index.

    asked: what it was given; versions: `versions_of` it, taken before.

    Raises:
        UserError: it is no RowStep, a tensor does not fit, or it changed in place what it may only read.
    """
    step = instance(answer, RowStep, strategy, "on_rows")
    ensure_unchanged(asked, READ_ALONE, versions, strategy, "on_rows", "a changed copy of the step, returned")
    for name in READ_ALONE:
        if getattr(step, name) is not getattr(asked, name):
            raise _refused(strategy, "on_rows", f"replaces {name}", "other grad_KD, lr_scale_K and decay_K")
    like_K = asked.grad_KD[:, 0]
    changes: dict[str, Any] = {}
    for name, like in (("grad_KD", asked.grad_KD), ("lr_scale_K", like_K), ("decay_K", like_K)):
        value = getattr(step, name)
        if value is None and name != "grad_KD":
            continue
        if (fitted := tensor_like(value, like, strategy, "on_rows", name)) is not value:
            changes[name] = fitted
    return dataclasses.replace(step, **changes) if changes else step


def ensure_unchanged(
    asked: RowStep, names: Sequence[str], versions: tuple[int, ...], strategy: Strategy, hook: str, accepted: str
) -> None:
    """Raises: UserError: a hook wrote into one of these tensors. versions: `versions_of` them, taken before."""
    for name, before, after in zip(names, versions, versions_of(asked, names), strict=True):
        if before != after:
            raise _refused(strategy, hook, f"changes {name} in place", accepted)


def versions_of(step: RowStep, names: Sequence[str]) -> tuple[int, ...]:
    """How often each of these tensors was written to."""
    return tuple(getattr(step, name)._version for name in names)


def _said(answer: Any) -> str:
    if isinstance(answer, Tensor):
        return f"{str(answer.dtype).removeprefix('torch.')} {list(answer.shape)} on {answer.device}"
    return repr(answer)[:60]


def _refused(strategy: Strategy, hook: str, found: str, accepted: str) -> UserError:
    return UserError(f"strategy '{strategy.name}', {hook}: {found}; accepted: {accepted}")

"""Which library multiplies float32 matrices on the CPU: oneDNN, where that is faster and proved to be float32.

torch asks MKL, which uses AVX-512 on Intel's processors alone. A permission to round to bfloat16 sends the products to
oneDNN instead. Whether that then rounds depends on the processor and on the shape: on one with AMX small products stay
float32 and large ones do not. So known products of many shapes are multiplied first, and where any is rounded the
permission is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

PROCESSOR = Path("/proc/cpuinfo")
LAYERS = ((256, 64, 64), (4096, 160, 128), (4096, 512, 256), (16384, 64, 3))
"""Examples, inputs and outputs of layers that are multiplied for proof, from small ones to those of training."""
LARGEST = 3e-5
"""Relative error of a product that counts as float32: about 3e-7 is usual there, 3e-4 in TF32, 2e-3 in bfloat16."""


@lru_cache(maxsize=1)
def torch_version() -> str:
    """The version of torch, and how it multiplies where that is not its own way: other products, other numbers."""
    return version("torch") + (", products by oneDNN" if use_onednn() else "")


@lru_cache(maxsize=1)
def use_onednn() -> bool:
    """Have this process multiply float32 matrices by oneDNN where that is faster and exact, and say whether it does.

    Leaves torch as it is, and does not import it, where the processor gains nothing.
    """
    return _gains() and _granted()


def _gains() -> bool:
    try:
        words = set(PROCESSOR.read_text().split())
    except OSError:
        return False
    return "avx512f" in words and "GenuineIntel" not in words


def _granted() -> bool:
    """Grant the permission for good if every product stays float32 under it."""
    import torch

    matmul: Any = getattr(torch.backends.mkldnn, "matmul", None)
    if not hasattr(matmul, "fp32_precision"):  # before torch 2.9
        return False
    before, matmul.fp32_precision = matmul.fp32_precision, "bf16"
    if all(_error(a, b) < LARGEST for a, b in _products()):
        return True
    matmul.fp32_precision = before
    return False


def _products() -> Iterator[tuple[Tensor, Tensor]]:
    """The three products of each layer: its outputs, and the gradients of its inputs and of its weights."""
    import torch

    random = torch.Generator().manual_seed(0)
    for examples, inputs, outputs in LAYERS:
        shapes = ((examples, inputs), (outputs, inputs), (examples, outputs))
        x, weight, grad = (torch.randn(shape, generator=random) for shape in shapes)
        yield from ((x, weight.T), (grad, weight), (grad.T, x))


def _error(a: Tensor, b: Tensor) -> float:
    """The relative error of a product, of every 61st of its rows."""
    exact = a[::61].double() @ b.double()
    return float(((a @ b)[::61] - exact).norm() / exact.norm())

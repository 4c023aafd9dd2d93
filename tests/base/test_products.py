"""oneDNN multiplies only where that stays float32; stubs stand for processors and for torch's permission."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from harness.base import products
from harness.base.environment import environment
from harness.base.products import torch_version, use_onednn

ZEN = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"
MULTIPLY = torch.Tensor.__matmul__


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    answers = (use_onednn, torch_version, environment)
    (tmp_path / "cpuinfo").write_text(ZEN)
    monkeypatch.setattr(products, "PROCESSOR", tmp_path / "cpuinfo")
    for answer in answers:
        answer.cache_clear()
    yield
    for answer in answers:
        answer.cache_clear()


def permission(monkeypatch: pytest.MonkeyPatch, rounded_from: float) -> SimpleNamespace:
    """A stub of torch's; under it, products of so many multiplications or more round to bfloat16, as with AMX."""
    stub = SimpleNamespace(fp32_precision="none")

    def multiply(a: Tensor, b: Tensor) -> Tensor:
        if stub.fp32_precision == "bf16" and a.dtype == torch.float32 and len(a) * b.numel() >= rounded_from:
            a, b = a.bfloat16().float(), b.bfloat16().float()
        return MULTIPLY(a, b)

    monkeypatch.setattr(torch.Tensor, "__matmul__", multiply)
    monkeypatch.setattr(torch.backends, "mkldnn", SimpleNamespace(matmul=stub))
    return stub


def test_a_permission_under_which_products_stay_float32_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = permission(monkeypatch, rounded_from=float("inf"))
    assert use_onednn()
    assert stub.fp32_precision == "bf16"
    assert environment()["torch"] == torch_version() == f"{version('torch')}, products by oneDNN"


@pytest.mark.parametrize("rounded_from", [0, 2**22, 2**28], ids=["all", "most", "the largest"])
def test_a_permission_under_which_a_product_rounds_is_withdrawn(
    rounded_from: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = permission(monkeypatch, rounded_from)
    assert not use_onednn()
    assert stub.fp32_precision == "none"
    assert environment()["torch"] == torch_version() == version("torch")


def test_a_torch_without_the_permission_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends, "mkldnn", SimpleNamespace())
    assert not use_onednn()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2\n",
        "vendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f amx_bf16\n",
    ],
    ids=["unknown", "AVX2", "Intel"],
)
def test_a_processor_that_gains_nothing_is_not_asked(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = permission(monkeypatch, rounded_from=float("inf"))
    monkeypatch.setattr(products, "_granted", lambda: pytest.fail("asked"))
    products.PROCESSOR.unlink() if text is None else products.PROCESSOR.write_text(text)
    assert not use_onednn()
    assert stub.fp32_precision == "none"


def test_products_of_float32_pass_the_proof_with_room_and_rounded_ones_fail_it() -> None:
    for a, b in products._products():
        assert products._error(a, b) < products.LARGEST / 10
        rounded = a.bfloat16().float() @ b.bfloat16().float()
        assert (rounded - a @ b).norm() / (a @ b).norm() > 10 * products.LARGEST

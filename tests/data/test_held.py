"""What building holds is known before it starts, never more than it comes to, and refused where it is not free."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import UserError
from harness.data import build, indexed
from harness.data.build import build_data, data_folder
from harness.data.synthetic.held import distinct, held_bytes
from harness.data.synthetic.presets import load_population
from harness.data.vocabulary import BYTES_PER_ID
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry

REGISTRY = Registry()


@given(rows=st.integers(1, 10**7), ids=st.integers(2, 50_000), exponent=st.floats(0, 3), shift=st.floats(0, 100))
def test_distinct_ids_are_those_of_a_sum_over_all_ranks(rows: int, ids: int, exponent: float, shift: float) -> None:
    mass = (np.arange(1, ids + 1) + shift) ** -exponent
    exact = -np.expm1(-rows * mass / mass.sum()).sum()
    assert distinct(rows, ids, exponent, shift) == pytest.approx(exact, rel=0.02)


def test_a_population_of_any_size_is_estimated_at_once() -> None:
    huge = load_population("tiny", {"rows": 10**12, "fields": {"user": {"ids": 10**12, "exponent": 0.5}}})
    assert BYTES_PER_ID * 10**11 < held_bytes(huge) < BYTES_PER_ID * 1.1 * 10**12


def test_the_generator_is_not_said_to_hold_more_ids_than_there_are(tmp_path: Path) -> None:
    key = build_data(PluginSpec(name="powerlaw", params={"preset": "tiny"}), 0, REGISTRY, tmp_path)
    ids = sum(map(len, indexed.load(data_folder(tmp_path, key)).ids_V))
    assert 0.5 * ids < held_bytes(load_population("tiny")) / BYTES_PER_ID < 1.02 * ids


def test_data_that_memory_cannot_hold_is_refused_before_any_of_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = REGISTRY.datasets["powerlaw"].cls
    monkeypatch.setattr(entry, "stream", lambda *_: pytest.fail("it was made"))
    monkeypatch.setattr(build, "free_memory", lambda: 10_000)
    message = (
        r"^data set 'powerlaw': building it takes at least [\d.]+ MiB of memory; 0.0 MiB is free; accepted: fewer rows"
    )
    with pytest.raises(UserError, match=message):
        build_data(PluginSpec(name="powerlaw", params={"preset": "tiny"}), 0, REGISTRY, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {".locks"}

"""Rows of presets as they were when they were stored: what a published table was made from can be made again.

Write them anew, where they are meant to change: ROWS=write pytest tests/data/synthetic/test_rows_stay.py
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Rows, Sampler

STORED = Path(__file__).with_name("rows.json")
PRESETS = {
    "ads": 300_000, "avazu_like": 50_000, "avazu_tied": 50_000, "feed": 50_000, "random-7": 50_000, "tiny": 12_000,
}  # fmt: skip
"""Preset -> rows: what a population can be is in one of them."""


def digest(rows: Rows) -> str:
    """Of what is whole numbers: that truth draws the labels, and so is in it, without its last bits."""
    found = hashlib.sha256()
    for part in (rows.ids_NF, rows.labels_NT, rows.delay_NT, rows.time_N, rows.length_NG, rows.listed_NW):
        found.update(part.tobytes())
    return found.hexdigest()[:20]


@pytest.mark.parametrize("preset", PRESETS)
def test_rows_of_a_preset_are_as_they_were(preset: str) -> None:
    now = digest(Sampler(load_population(preset, {"rows": PRESETS[preset]}), 3).rows(0, 10_000))
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    if os.environ.get("ROWS") == "write":
        STORED.write_text(json.dumps(stored | {preset: now}, indent=1, sort_keys=True) + "\n")
        return
    assert now == stored[preset]

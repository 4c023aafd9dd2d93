"""A plan's result says of every strategy what its parts do."""

from __future__ import annotations

from pathlib import Path

from harness.experiment.plan_file import load_plan
from harness.search.arm import about_strategies
from perf.schedule import arms_of


def test_every_part_of_a_strategy_is_explained(tmp_path: Path) -> None:
    both = "hashing(hashes=2)+reinit"
    found = about_strategies(arms_of(load_plan("quick", [f"strategies=['none', '{both}']"]), tmp_path))
    assert found.keys() == {"none", both}
    assert list(found[both]) == ["hashing", "reinit"]
    for part in ("Redraw the embeddings", "Source: Liu et al. 2023, arXiv 2305.19531", "every = 1.0, start = 1"):
        assert part in found[both]["reinit"]
    assert "Source" not in found["none"]["none"]

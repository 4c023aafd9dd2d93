"""A generated log read from its file shows what the generator shows a plan: what is known of one is of the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.data.profile.inputs import indexed_datasets
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler
from perf import generated_log


@pytest.mark.parametrize("preset", ["random-4", "random-5", "feed", "tiny"])
def test_a_log_shows_all_that_its_population_does(preset: str, tmp_path: Path) -> None:
    """random-4 has a list and random-5 a sequence; a log without them is of an easier or a harder population."""
    rows = 50_000 if preset.startswith("random") else 12_000
    written = generated_log.write(preset, rows, tmp_path / "log")
    _, log = next(iter(indexed_datasets(written.source, tmp_path / "results", None, schema=written.schema)))
    sampler = Sampler.drawn(load_population(preset, {"rows": rows}), 0)
    train = sampler.rows(0, sampler.population.edges()[0])
    assert log.tasks == sampler.tasks
    assert [number.name for number in log.kinds.numbers] == [number.name for number in sampler.kinds.numbers]
    assert log.kinds.lists == sampler.kinds.lists
    assert log.kinds.shares == sampler.kinds.shares
    assert np.array_equal(np.asarray(log.train.labels_NT), train.labels_NT)
    for f, name in enumerate(sampler.fields):
        seen = log.codes(log.train, log.fields.index(name))
        assert np.array_equal(np.unique(seen, return_inverse=True)[1], _ranks(seen, train.ids_NF[:, f])), name
    for g in range(len(sampler.kinds.lists)):
        lengths_N = np.asarray(log.train.length_NG)[:, g]
        assert np.array_equal(lengths_N, np.maximum(train.length_NG[:, g], 1)), "an empty one has an id of its own"


def _ranks(code_N: npt.NDArray[np.int32], id_N: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ids in the order of the codes that stand for them, one for one."""
    first = {int(i): int(c) for i, c in zip(id_N, code_N, strict=True)}
    assert len(set(first.values())) == len(first)
    order = {c: r for r, c in enumerate(sorted(first.values()))}
    return np.array([order[first[int(i)]] for i in id_N])

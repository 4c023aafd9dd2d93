"""The compiled generator against plain numpy: two programs of one model must give the same statistics."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.base.places import ROOT
from harness.data.profile.statistics import delong
from harness.data.profile.zipf_fit import frequencies
from harness.data.synthetic.population import Population
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler

ROWS, SEEDS = 30_000, 12


def reference(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("generator_numpy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def statistics(p: Population, made: dict[str, npt.NDArray[Any]]) -> dict[str, float]:
    """What a data set looks like, in numbers that do not depend on which id is which."""
    train, _, _ = p.edges()
    out: dict[str, float] = {}
    for f, name in enumerate(p.fields):
        ids_U, count_U = np.unique(made["ids_NF"][:train, f], return_counts=True)
        shares = frequencies(count_U)
        out |= {f"{name} {share}": getattr(shares, share) for share in ("ids", "singletons", "ten", "top_1", "top_10")}
        out[f"{name} unseen"] = float((~np.isin(made["ids_NF"][p.edges()[1] :, f], ids_U)).mean())
    for t, (name, task) in enumerate(p.tasks.items()):
        label_N, truth_N = made["labels_NT"][:, t], made["truth_NT"][:, t].astype(np.float64)
        out[f"{name} rate"] = float(label_N.mean())
        out[f"{name} oracle"] = delong(truth_N, label_N).value
        out[f"{name} spread"] = float(np.log(truth_N).std())
        for other, under in list(p.tasks.items())[:t]:
            truth = made["truth_NT"][:, list(p.tasks).index(other)]
            out[f"{name} with {other}"] = float(np.corrcoef(np.log(truth), np.log(truth_N))[0, 1])
            assert under.rate != task.rate
        if task.delay:
            out[f"{name} delay"] = float(np.log(made["delay_NT"][label_N == 1, t] + 1).mean())
    hour_N = made["time_N"] // 3600 % 24
    out["day"] = float(((hour_N >= 8) & (hour_N < 20)).mean())
    out["weekend"] = float((made["time_N"] // 86_400 % 7 >= 5).mean())
    return out


@pytest.fixture(scope="module")
def population() -> Population:
    return load_population("tiny", {"rows": ROWS})


def test_two_programs_of_one_model_agree(population: Population) -> None:
    """Means over seeds differ by less than five standard errors, of each of some eighty statistics."""
    numpy = reference(ROOT / "perf" / "generator_numpy.py")
    plain = [statistics(population, numpy.generate(population, ROWS, seed)) for seed in range(SEEDS)]
    compiled = [statistics(population, vars(Sampler(population, seed).rows(0, ROWS))) for seed in range(SEEDS)]
    assert len(plain[0]) > 70
    for name in plain[0]:
        a, b = (np.array([found[name] for found in runs]) for runs in (plain, compiled))
        error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / SEEDS)
        assert abs(a.mean() - b.mean()) <= 5 * error + 1e-9, (name, a.mean(), b.mean(), error)

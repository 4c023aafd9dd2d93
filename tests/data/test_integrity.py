"""A built data set that was damaged is noticed, said and built again, whatever the damage."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.base.errors import UserError
from harness.data import indexed, meter
from harness.data.build import build_data, data_folder
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry

REGISTRY = Registry()
TINY = PluginSpec(name="powerlaw", params={"preset": "tiny", "rows": 2000})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    results = tmp_path_factory.mktemp("built")
    return results, build_data(TINY, 0, REGISTRY, results)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def harm(folder: Path, rng: np.random.Generator) -> str:
    """One random damage: a flipped bit, a cut, an empty, a deleted, a new or two swapped files."""
    files = sorted(folder.iterdir())
    path, other = (files[i] for i in rng.choice(len(files), 2, replace=False))
    data, kind = bytearray(path.read_bytes()), rng.choice(["flip", "cut", "empty", "delete", "new", "swap"])
    if kind == "flip":
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
    elif kind == "cut":
        path.write_bytes(data[: rng.integers(len(data))])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "delete":
        path.unlink()
    elif kind == "new":
        shutil.copy(path, folder / "test_extra_N.npy")
    else:
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    return f"{kind} {path.name}"


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_is_ever_used(built: tuple[Path, str], tmp_path: Path, seed: int) -> None:
    results, key = built
    shutil.copytree(data_folder(results, key), folder := data_folder(tmp_path, key))
    before = contents(folder)
    said = harm(folder, np.random.default_rng(seed))
    if contents(folder) == before:
        pytest.skip(f"{said} changed nothing")
    problem = indexed.damage(folder)
    manifest = folder / "manifest.json"
    if not problem:  # what the manifest says is the same, written otherwise
        assert json.loads(manifest.read_text()) == json.loads(before["manifest.json"])
        assert contents(folder) | {"manifest.json": b""} == before | {"manifest.json": b""}


def test_what_is_damaged_is_built_again_to_the_same_bytes(
    built: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results, key = built
    shutil.copytree(data_folder(results, key), folder := data_folder(tmp_path, key))
    before = contents(folder)
    labels = bytearray((folder / "train_labels_NT.npy").read_bytes())
    labels[-1] ^= 1
    (folder / "train_labels_NT.npy").write_bytes(labels)
    with caplog.at_level(logging.WARNING):
        assert build_data(TINY, 0, REGISTRY, tmp_path) == key
    assert contents(folder) == before
    (record,) = caplog.records
    assert "train_labels_NT.npy is not what was once written; it is built again" in record.getMessage()
    build_data(TINY, 0, REGISTRY, tmp_path)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", ["test_truth_NT.npy", "train_group_N.npy", "ids_0.npy", "meta.json"])
def test_a_worker_that_opens_it_misses_no_file(built: tuple[Path, str], tmp_path: Path, name: str) -> None:
    results, key = built
    shutil.copytree(data_folder(results, key), folder := data_folder(tmp_path, key))
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"is damaged: {name} is missing"):
        indexed.load(folder)


def test_data_larger_than_the_disk_is_refused_before_it_is_made(tmp_path: Path) -> None:
    huge = PluginSpec(name="powerlaw", params={"preset": "tiny", "rows": 10**12})
    with pytest.raises(UserError, match=r"1,000,000,000,000 rows take at least [\d,.]+ GiB; .* free"):
        build_data(huge, 0, REGISTRY, tmp_path)
    assert not (tmp_path / "data").exists()


def test_how_far_a_data_set_is_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "EVERY", 0.0)
    said: list[str] = []
    build_data(TINY, 0, REGISTRY, tmp_path, said.append)
    done = [re.fullmatch(r"data set 'powerlaw': ([\d,]+) of ([\d,]+) rows, [\d,]+ a second", text) for text in said]
    assert done
    assert done[-1] is not None
    assert done[-1][1] == done[-1][2]

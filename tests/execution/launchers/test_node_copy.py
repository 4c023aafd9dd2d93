"""What reaches a node that does not see the folders of the machine that launches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from support.plans import PLAN, plan_of

from harness.base.errors import UserError
from harness.data import indexed
from harness.data.build import data_folder
from harness.execution.launchers import node_copy
from harness.execution.launchers.node_copy import manifest_of, read_chunk, results_here
from harness.execution.prepare import prepare
from harness.plugins.registry import Registry
from harness.results.keys import RunRole
from harness.search.job import Job


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Job]:
    """A results folder with a data set, and a run on it."""
    folder = tmp_path_factory.mktemp("built")
    arm = prepare(plan_of(folder, PLAN, "search.trials=0", "seeds=[1]"), Registry(), folder / "results")[0]
    return folder / "results", arm.job({}, RunRole.SEED, 1, 1)


@pytest.fixture
def unseen(built: tuple[Path, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, bytes]:
    """A results folder that is not there, the key of its data set and its manifest; `read` finds it all the same."""
    monkeypatch.setenv(node_copy.CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(node_copy, "CHUNK", 10_000)
    results, job = built
    return tmp_path / "elsewhere", job.data, manifest_of(results, job.data)


def from_home(results: Path, reads: list[Path] | None = None) -> node_copy.Read:
    def read(path: Path, offset: int) -> bytes:
        if reads is not None:
            reads.append(path)
        return read_chunk(results / "data" / path.parent.name / path.name, offset)

    return read


def test_nothing_is_copied_to_a_node_that_sees_the_folder(built: tuple[Path, Job]) -> None:
    results, job = built
    reads: list[Path] = []
    manifest = manifest_of(results, job.data)
    assert results_here(results, job.data, manifest, from_home(results, reads)) == results
    assert reads == []


def test_data_are_copied_once_by_all_processes_of_a_node(
    built: tuple[Path, Job], unseen: tuple[Path, str, bytes]
) -> None:
    reads: list[Path] = []
    threads = [Thread(target=results_here, args=(*unseen, from_home(built[0], reads))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = data_folder(node_copy.cache(), unseen[1])
    assert indexed.damage(there) == ""
    sizes = [path.stat().st_size for path in there.iterdir() if path.name != "manifest.json"]
    assert len(reads) == sum(-(-size // 10_000) for size in sizes)
    assert max(sizes) > 20_000, "in several pieces"


def test_a_damaged_copy_is_made_anew(built: tuple[Path, Job], unseen: tuple[Path, str, bytes]) -> None:
    read = from_home(built[0])
    folder = data_folder(results_here(*unseen, read), unseen[1])
    file = next(folder.glob("*.npy"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    results_here(*unseen, read)
    assert indexed.damage(folder) == ""


def test_what_changed_on_the_way_is_refused_and_nothing_of_it_stays(
    built: tuple[Path, Job], unseen: tuple[Path, str, bytes]
) -> None:
    read = from_home(built[0])
    with pytest.raises(UserError, match=r"did not reach this node whole: .* is not what was once written"):
        results_here(*unseen, lambda path, offset: bytes(len(read(path, offset))))
    assert not data_folder(node_copy.cache(), unseen[1]).exists()


def test_a_run_that_keeps_its_state_needs_a_folder_that_all_see(built: tuple[Path, Job], tmp_path: Path) -> None:
    results, job = built
    keeping = replace(job, spec=job.spec.model_copy(update={"train": job.spec.train.model_copy(update={"keep": True})}))
    node_copy.ensure_seen(keeping, results, results)
    node_copy.ensure_seen(job, results, tmp_path)
    with pytest.raises(UserError, match=r"^train\.keep: node '.*' does not see '"):
        node_copy.ensure_seen(keeping, results, tmp_path)


def test_plugins_and_their_helpers_reach_a_node_and_no_old_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(node_copy.CACHE, str(tmp_path / "cache"))
    home = tmp_path / "plugins" / "strategies"
    home.mkdir(parents=True)
    (home / "_helper.py").write_text("LEVEL = 1\n")
    own = "from harness.api import Strategy\nfrom ._helper import LEVEL\n\n\nclass Own(Strategy):\n    name = 'own'\n"
    (home / "own.py").write_text(own)
    first = node_copy.plugins_here(node_copy.sources(tmp_path / "plugins"))
    assert Registry(first).strategies["own"].meaning == Registry(tmp_path / "plugins").strategies["own"].meaning
    (home / "own.py").rename(home / "other.py")
    (home / "other.py").write_text(own.replace("own", "other"))
    second = node_copy.plugins_here(node_copy.sources(tmp_path / "plugins"))
    assert second != first
    assert "own" not in Registry(second).strategies
    assert node_copy.plugins_here(node_copy.sources(None)) is None

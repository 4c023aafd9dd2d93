"""What is half built is deleted once nobody builds it, and never before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.base.files import BUILDING, whole

BUILDER = """
import sys, time
from pathlib import Path
from harness.base.files import whole
with whole(Path(sys.argv[1])) as partial:
    (partial / "half").write_text("x")
    print("building", flush=True)
    time.sleep(60)
"""


def builder(folder: Path) -> subprocess.Popen[str]:
    """A process that is in the middle of building a folder."""
    process = subprocess.Popen([sys.executable, "-c", BUILDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    return process


def test_what_another_process_still_builds_is_left_alone(tmp_path: Path) -> None:
    with builder(tmp_path / "slow") as process:
        with whole(tmp_path / "quick") as partial:
            (partial / "done").touch()
        halves = [path for path in tmp_path.glob(f"{BUILDING}*") if path.is_dir()]
        assert [(half / "half").read_text() for half in halves] == ["x"]
        process.kill()
    with whole(tmp_path / "third"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quick", "third"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    try:
        with whole(tmp_path / "broken") as partial:
            (partial / "half").touch()
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_stays(tmp_path: Path) -> None:
    with whole(tmp_path / "same") as mine:
        (mine / "mine").touch()
        with whole(tmp_path / "same") as other:
            (other / "other").touch()
    assert [path.name for path in tmp_path.glob("same/*")] == ["other"]
    assert [path.name for path in tmp_path.iterdir()] == ["same"]

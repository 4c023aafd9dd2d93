"""Another split of a log: what it is, and whether a verdict holds there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.simulated import Bench, analysed

from harness.analysis.analysis import GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.data.tabular.schema import read_schema
from harness.diagnose import second_split
from harness.diagnose.again import Again
from harness.diagnose.collapse import Collapse, of_task

FALLS, RISES, FLAT = (0.67, 0.65, 0.63, 0.61), (0.67, 0.675, 0.68, 0.685), (0.67, 0.67, 0.67, 0.67)


def there(folder: Path, **curves: tuple[float, ...]) -> GroupAnalysis:
    return analysed(Bench(folder, curves=curves, seeds=(1, 2, 3, 4, 5), own=0.0005).group())


def told(folder: Path, **curves: tuple[float, ...]) -> tuple[Collapse, ArmComparison]:
    """Plain training, and reinit."""
    found = there(folder, **curves)
    plain = of_task(found, "click")
    assert plain is not None
    return plain, next(row for row in found.ranked if row.arm.label == "reinit")


def schema(folder: Path, split: str) -> dict[str, Any]:
    path = folder / "schema.toml"
    path.write_text(f'fields = ["user"]\ntime = "ts"\n[labels]\nclick = "y"\n[split]\n{split}')
    return {"name": "table_file", "schema": str(path), "path": "log.csv", "labels": [], "label": "log"}


def test_by_time_it_is_an_earlier_cut_and_else_another_draw(tmp_path: Path) -> None:
    found = second_split.split_of(schema(tmp_path, 'by = "time"\ngap = "1d"\n'), tmp_path)
    assert isinstance(found, Again)
    cut = read_schema(found.dataset["schema"], ()).split
    assert (cut.rolling, cut.gap, found.dataset["origin"], found.data_seed) == (2, "1d", 0, 0)
    drawn = second_split.split_of(schema(tmp_path, 'by = "row"\n'), tmp_path)
    assert isinstance(drawn, Again)
    assert (drawn.data_seed, drawn.dataset["schema"]) == (1, str(tmp_path / "schema.toml"))


@pytest.mark.parametrize(
    ("split", "why"),
    [
        ('by = "column"\ncolumn = "part"\n', "says how it is split"),
        ('by = "time"\nrolling = 3\n', "origins of their own"),
        ('by = "time"\nvalid = 0.2\ntest = 0.4\n', "too few rows"),
    ],
)
def test_where_there_is_no_other_split_it_says_why(split: str, why: str, tmp_path: Path) -> None:
    found = second_split.split_of(schema(tmp_path, split), tmp_path)
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize(
    ("curves", "holds", "said"),
    [
        ({"none": FALLS, "reinit": RISES}, True, "The verdict holds there."),
        ({"none": RISES, "reinit": RISES}, False, "It does not hold there."),
        ({"none": FALLS, "reinit": FALLS}, None, "Too close to call there."),
        ({"none": FALLS, "reinit": (0.6, 0.61, 0.62, 0.63)}, False, "otherwise than here"),
    ],
)
def test_what_the_verdict_rests_on_is_asked_again(
    curves: dict[str, tuple[float, ...]], holds: bool | None, said: str, tmp_path: Path
) -> None:
    plain, lead = told(tmp_path / "here", none=FALLS, reinit=RISES)
    found = second_split.judged("an earlier cut in time", there(tmp_path / "there", **curves), [plain], lead)
    assert found.holds is holds
    assert said in found.text


def test_every_label_that_falls_is_asked_again(tmp_path: Path) -> None:
    here, _ = told(tmp_path / "here", none=FALLS, reinit=RISES)
    other = there(tmp_path / "there", none=FALLS, reinit=RISES)
    steady = analysed(replace(other.group, tasks=("click", "buy")))
    both = [here, replace(here, task="buy")]
    found = second_split.judged("another draw", steady, both, None)
    assert found.text.count("plain training ends") == 2


def test_where_nothing_was_shown_there_is_nothing_to_bear_out(tmp_path: Path) -> None:
    plain, _ = told(tmp_path / "here", none=FALLS, reinit=RISES)
    other = there(tmp_path / "there", none=FALLS, reinit=RISES)
    open_ = replace(plain, signs=(0, 0))
    found = second_split.judged("another draw", other, [open_], None)
    assert found.text == "Not tried: nothing was shown on the first split that another could bear out."


def test_nothing_that_was_trained_is_nothing_that_holds(tmp_path: Path) -> None:
    plain, lead = told(tmp_path / "here", none=FALLS, reinit=RISES)
    other = there(tmp_path / "there", none=FALLS, hashing=FLAT)
    empty = GroupAnalysis(replace(other.group, baseline=None, arms=()), other.plan)
    found = second_split.judged("an earlier cut in time", empty, [plain], lead)
    assert (found.holds, found.text) == (None, "Not tried: no repetition of it was done in time.")


def test_a_fall_that_its_interval_does_not_show_there_is_told_by_what_shows_it(tmp_path: Path) -> None:
    plain, _ = told(tmp_path / "here", none=FALLS, reinit=RISES)
    other = there(tmp_path / "there", none=FALLS, reinit=RISES)
    end = of_task(other, "click")
    assert end is not None
    assert end.auc is not None
    wide = replace(end.auc, values=(-0.001, -0.002, -0.001, -0.002, -0.9))
    open_there = replace(end, auc=wide, signs=(-1, -1))
    assert wide.sign == 0
    assert open_there.falls
    assert "lower in 5 of 5 seeds" in open_there.end
    found = second_split.judged("an earlier cut in time", other, [plain], None)
    assert end.end in found.text
    assert "its logloss is worse by" in found.text

"""Two results folders: the same runs are told from changed ones, and what may not be compared says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from support.plans import PLAN, go, plan_of
from support.simulated import CURVES, Bench

from harness.analysis.load import load, plans
from harness.base.digests import digest_of
from harness.base.errors import UserError
from harness.report.comparable import Verdict
from harness.report.compare import Pair, compare, table
from harness.report.tables.costs import machines_of
from harness.report.tables.details import environments
from harness.results.influences import influences_file
from harness.results.plan_results import read_plan_result, write_plan_result


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A results folder and its copy."""
    Bench(tmp_path / "a", tasks=("click",), own=0.0005).write()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    return tmp_path / "a", tmp_path / "b"


def rewrite(results: Path, file: str, change: Callable[[dict[str, Any]], object], runs: str = "reinit") -> None:
    """Edit a JSON file of every run of a strategy."""
    for path in (results / "runs").glob(f"bench-{runs}-*/{file}"):
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))
        sign(path.parent)


def sign(run: Path) -> None:
    """Make an edited run look as if it had ended so."""
    done = json.loads((run / "done").read_text())
    done["digests"] = {name: digest_of(run / name) for name in done["digests"]}
    (run / "done").write_text(json.dumps(done))


def rename(results: Path, strategy: str) -> None:
    """Give every run of a strategy a key of its own."""
    path = results / "plans" / "bench.json"
    path.write_text(path.read_text().replace(f'"bench-{strategy}-', f'"new-{strategy}-'))
    for folder in list((results / "runs").glob(f"bench-{strategy}-*")):
        folder.rename(folder.with_name(folder.name.replace("bench-", "new-")))


def of(pairs: list[Pair], arm: str) -> Pair:
    (found,) = [pair for pair in pairs if pair.arm == arm]
    return found


def test_a_copy_is_the_same_runs(folders: tuple[Path, Path]) -> None:
    pairs = compare(*folders)
    assert {pair.arm for pair in pairs} == {*CURVES, "one epoch"}
    for pair in pairs:
        assert pair.verdict is Verdict.SAME
        assert pair.why == "3 seeds, records equal byte by byte"
        assert pair.difference is not None
        assert pair.difference.identical


def test_a_seed_that_one_folder_lost_is_named(folders: tuple[Path, Path]) -> None:
    records = folders[1] / "runs" / "bench-reinit-2" / "records.jsonl"
    records.write_text(records.read_text().replace("0.6", "0.7", 1))
    shutil.rmtree(folders[0] / "runs" / "bench-reinit-3")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.SAME
    assert pair.why.startswith("1 seed, records equal byte by byte; seed 3 left out, as in the first it is ")
    assert "seed 2 left out, as in the second it is" in pair.why
    assert "digest" in pair.why or "damaged" in pair.why


def test_other_numbers_under_the_same_key_are_a_fault(folders: tuple[Path, Path]) -> None:
    records = folders[1] / "runs" / "bench-reinit-2" / "records.jsonl"
    records.write_text(records.read_text().replace("0.6", "0.7", 1))
    sign(records.parent)
    rewrite(folders[1], "env.json", lambda env: env.update(machine="another"))
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.BROKEN
    assert pair.why == "1 of 3 seeds; machine test bench against another"
    assert pair.difference is None
    assert of(compare(*folders), "none").verdict is Verdict.SAME


def test_what_two_machines_made_is_not_one_machines(folders: tuple[Path, Path]) -> None:
    records = folders[1] / "runs" / "bench-reinit-2" / "records.jsonl"
    records.write_text(records.read_text().replace("0.6", "0.7", 1))
    sign(records.parent)
    rewrite(folders[1], "env.json", lambda env: env.update(before=[env | {"machine": "another"}]))
    assert of(compare(*folders), "reinit").why == "1 of 3 seeds; machine test bench against another then test bench"
    found = load(folders[1], plans(folders[1])[0])
    assert machines_of(found.runs).startswith("another, 2 cores; test bench, 2 cores")
    assert [(runs, text.count("; then ")) for runs, text in environments(found) if "another, 2" in text] == [
        ("3 runs", 1)
    ]


@pytest.mark.parametrize(("name", "value"), [("engine", 3), ("torch", "2.14"), ("numpy", "2.5")])
def test_other_versions_do_not_compare(folders: tuple[Path, Path], name: str, value: object) -> None:
    rewrite(folders[1], "env.json", lambda env: env.update({name: value}))
    rename(folders[1], "reinit")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.NOT
    assert f"{name} " in pair.why
    assert f"against {value}" in pair.why
    assert pair.difference is None


def test_another_data_set_or_evaluation_does_not_compare(folders: tuple[Path, Path]) -> None:
    rewrite(folders[1], "spec.json", lambda spec: spec.update(data_seed=3, evaluation={"sample": 5}))
    rename(folders[1], "reinit")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.NOT
    assert set(pair.why.split(" and ")) == {"other data_seed", "other evaluation.sample"}


def test_a_changed_source_is_inferred_from_a_new_key_alone(folders: tuple[Path, Path]) -> None:
    rename(folders[1], "reinit")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.NOT
    assert "source of a plug-in changed" in pair.why


def faster(results: Path) -> None:
    """Give the runs of reinit another rate, and keys of their own."""
    rewrite(results, "spec.json", lambda spec: spec["train"].update(dense_lr=0.01))
    rename(results, "reinit")


def on_data(results: Path, key: str) -> None:
    """Let a plan say by which key its last draw was built."""
    write_plan_result(results, replace(read_plan_result(results, "bench"), data={"synthetic": key}))


@pytest.mark.parametrize(
    ("keys", "verdict", "why"),
    [
        (("x", "x"), Verdict.COMPARABLE, "same data, settings of the model, evaluation and versions; other train."),
        (("x", "y"), Verdict.NOT, "other data: the files changed that they are built of, or the code that builds them"),
        (("x", ""), Verdict.COMPARABLE, "same settings of data and model, evaluation and versions; other train."),
    ],
)
def test_other_knobs_are_on_the_same_data_as_far_as_both_folders_know(
    folders: tuple[Path, Path], keys: tuple[str, str], verdict: Verdict, why: str
) -> None:
    for folder, key in zip(folders, keys, strict=True):
        if key:
            on_data(folder, key)
    faster(folders[1])
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is verdict
    assert pair.why.startswith(why)
    assert (pair.difference is None) == (verdict is Verdict.NOT)
    assert of(compare(*folders), "none").verdict is Verdict.SAME


@pytest.mark.parametrize(("drawn", "verdict"), [(1, Verdict.COMPARABLE), (0, Verdict.NOT)])
def test_the_last_draws_of_other_numbers_of_seeds_tell_nothing_unless_they_are_one(
    tmp_path: Path, drawn: int, verdict: Verdict
) -> None:
    for name, seeds in (("a", (1, 2)), ("b", (1, 2, 3))):
        Bench(tmp_path / name, tasks=("click",), seeds=seeds).write()
        rewrite(tmp_path / name, "spec.json", lambda spec: spec.update(data_seed=drawn * spec["seed"]), "*")
        on_data(tmp_path / name, str(seeds))
    faster(tmp_path / "b")
    pair = of(compare(tmp_path / "a", tmp_path / "b"), "reinit")
    assert pair.verdict is verdict
    assert ("the data's files and the source of plug-ins are not compared" in pair.why) == bool(drawn)


@pytest.mark.parametrize("changed", ["rows", "nothing"])
def test_a_log_that_changed_at_its_path_is_other_data_whatever_knob_is_another_too(
    tmp_path: Path, changed: str
) -> None:
    random, rows = np.random.default_rng(0), 1500
    frame = pl.DataFrame({"user": random.integers(0, 50, rows), "y": random.integers(0, 2, rows)})
    (tmp_path / "schema.toml").write_text('fields = ["user"]\n[labels]\nclick = "y"\n[split]\nby = "row"\n')
    table = f'name = "table_file"\nschema = "{tmp_path}/schema.toml"\npath = "{tmp_path}/log.csv"\n[[model]]'
    text = PLAN.split('name = "powerlaw"')[0] + table + PLAN.partition("[[model]]")[2]
    for name, rate in (("a", 0.001), ("b", 0.002)):
        frame.write_csv(tmp_path / "log.csv")
        go(plan_of(tmp_path, text, "search.trials=0", f"train.table_lr={rate}"), tmp_path / name)
        frame = frame.with_columns(y=1 - pl.col("y")) if changed == "rows" else frame
    pairs = compare(tmp_path / "a", tmp_path / "b")
    assert {pair.verdict for pair in pairs} == {Verdict.NOT if changed == "rows" else Verdict.COMPARABLE}
    said = "other data: the files" if changed == "rows" else "same data, settings of the model, evaluation"
    assert all(pair.why.startswith(said) for pair in pairs)


def test_a_mean_over_windows_is_compared_with_no_other_measure(folders: tuple[Path, Path]) -> None:
    def continual(results: Path, windows: int, start: str) -> None:
        asked = {"windows": windows, "start": start}
        rewrite(results, "spec.json", lambda spec: spec["train"].update(continual=asked))

    continual(folders[1], 8, "warm")
    rename(folders[1], "reinit")
    one_split = of(compare(*folders), "reinit")
    assert one_split.verdict is Verdict.NOT
    assert one_split.why == "other train.continual.windows"
    continual(folders[0], 4, "warm")
    other_windows = of(compare(*folders), "reinit")
    assert other_windows.verdict is Verdict.NOT
    assert other_windows.why == "other train.continual.windows"
    continual(folders[0], 8, "fresh")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.COMPARABLE, "the same windows are tested"
    assert "other train.continual.start;" in pair.why


def test_what_differs_in_any_seed_counts(folders: tuple[Path, Path]) -> None:
    rewrite(folders[1], "spec.json", lambda spec: spec.update(data_seed=9 * (spec["seed"] == 3)))
    rewrite(folders[0], "spec.json", lambda spec: spec.update(data_seed=0))
    faster(folders[1])
    assert of(compare(*folders), "reinit").why == "other data_seed"


def test_a_setting_that_enters_no_key_explains_no_other_key(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        on_data(folder, "x")
    rewrite(folders[1], "spec.json", lambda spec: spec["train"].update(keep=True))
    rename(folders[1], "reinit")
    pair = of(compare(*folders), "reinit")
    assert pair.verdict is Verdict.NOT
    assert pair.why == "no setting or version explains the other key, so the source of a plug-in changed"


def test_other_knobs_on_the_same_data_compare_paired_by_seed(tmp_path: Path) -> None:
    for name, last, seed in (("a", 0.685, 1), ("b", 0.695, 1)):
        curves = CURVES | {"reinit": (*CURVES["reinit"][:3], last)}
        rng = np.random.default_rng(seed)
        Bench(tmp_path / name, curves=curves, tasks=("click",), shared=0.02, rng=rng).write()
    rewrite(tmp_path / "b", "spec.json", lambda spec: spec["train"].update(dense_lr=0.01))
    rename(tmp_path / "b", "reinit")
    pair = of(compare(tmp_path / "a", tmp_path / "b"), "reinit")
    assert pair.verdict is Verdict.COMPARABLE
    assert "other train.dense_lr" in pair.why
    assert pair.difference is not None
    assert pair.difference.mean == pytest.approx(0.01)
    assert pair.difference.deviation == pytest.approx(0, abs=1e-12)
    assert pair.why.endswith("; the interval of their difference is of other seeds alone, not of other test rows")
    moved = {}
    for name, scale in (("a", 0.001), ("b", 0.003)):
        for run in (tmp_path / name / "runs").glob("*-reinit-?"):
            moved[name, run.name[-1]] = scale * rng.normal(size=50).astype(np.float32)
            np.savez(influences_file(run, 4), allow_pickle=False, **{"test/auc/click": moved[name, run.name[-1]]})
    pair = of(compare(tmp_path / "a", tmp_path / "b"), "reinit")
    means = [np.mean([value for (of_, _), value in moved.items() if of_ == name], axis=0) for name in ("a", "b")]
    assert pair.difference is not None
    assert pair.difference.test_error == pytest.approx(np.linalg.norm(means[1] - means[0]), rel=1e-5)
    assert "alone" not in pair.why
    for run in (tmp_path / "b" / "runs").glob("*-reinit-?"):
        np.savez(influences_file(run, 4), allow_pickle=False, **{"test/auc/click": np.zeros(40, np.float32)})
    pairs = compare(tmp_path / "a", tmp_path / "b")
    odd = of(pairs, "reinit")
    assert (odd.verdict, odd.difference) == (Verdict.NOT, None)
    first, second = (next((tmp_path / name / "runs").glob("*-reinit-1")) for name in ("a", "b"))
    assert odd.why.startswith(f"tested on 40 (reinit, '{second}') and 50 (reinit, '{first}') rows or groups")
    assert {pair.arm for pair in pairs if pair.difference is not None} == {*CURVES, "one epoch"} - {"reinit"}


def test_arms_of_one_folder_alone_are_left_out_and_nothing_shared_is_refused(tmp_path: Path) -> None:
    Bench(tmp_path / "a").write()
    Bench(tmp_path / "b", curves={"none": CURVES["none"]}).write()
    assert {pair.arm for pair in compare(tmp_path / "a", tmp_path / "b")} == {"none", "one epoch"}
    Bench(tmp_path / "c", name="other").write()
    with pytest.raises(UserError, match=r"'.*a' has bench; '.*c' has other"):
        compare(tmp_path / "a", tmp_path / "c")
    assert read_plan_result(tmp_path / "c", "other").complete


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_shows_verdict_and_reason(folders: tuple[Path, Path], width: int) -> None:
    rename(folders[1], "hashing")
    console = Console(width=width, record=True, file=(folders[0] / "terminal").open("w"))
    console.print(table(*folders))
    console.file.close()
    text = console.export_text()
    assert text.count("the same runs") == 3
    assert "not comparable" in text

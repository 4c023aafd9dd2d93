"""A submission is made of a finished plan, and whatever is changed in it is noticed before anything of it is run."""

from __future__ import annotations

import json
import math
import random
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from support.command_line import multiepoch
from support.plans import PLAN, go

import harness.commands.submission as commands
from harness.base.digests import digest_of
from harness.base.errors import UserError
from harness.base.files import write_json
from harness.base.owner import PRIVATE
from harness.base.places import ROOT
from harness.experiment.keys import Versions, data_key, run_key
from harness.experiment.plan import Plan
from harness.experiment.plan_file import load_plan
from harness.experiment.specs import RunSpec
from harness.plugins.registry import Entry, Registry
from harness.results.keys import MetricKey, Status
from harness.results.records import Record, Run
from harness.results.run_reader import read
from harness.results.run_writer import SEALED
from harness.submission import checks, protocol, rerun
from harness.submission.packed import ABOUT, FORMAT, Submission, pack, unpacked
from harness.submission.reading import foreign
from harness.submission.table import markdown, verdict_file

SHIPPED = ROOT / "results" / "submissions"

TRACK = "protocol_tuned"
MINE = '''"""Shrinks rows between epochs."""

from __future__ import annotations

from harness.api import Strategy, Tables, tuned

from ._mine import SHARE


class Mine(Strategy):
    name = "mine"
    share: float = tuned(SHARE_HERE, 0.1, 1.0, neutral=1.0)

    def on_epoch_end(self, epoch: int, tables: Tables) -> None:
        for field in tables.fields:
            tables.weight(field).mul_(SHARE * self.share)
'''.replace("SHARE_HERE", "0.5")
Change = Callable[[Path], Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A submission with a strategy of its own, and the plan of its track."""
    folder = tmp_path_factory.mktemp("submission")
    (folder / "mine").mkdir()
    (folder / "mine" / "mine.py").write_text(MINE)
    (folder / "mine" / "_mine.py").write_text("SHARE = 1.0\n")
    (folder / f"{TRACK}.toml").write_text(PLAN)
    track = load_plan(folder / f"{TRACK}.toml")
    plan = track.model_copy(update={"strategies": ("none", "mine")})
    go(plan, folder / "results", plugins=folder / "mine")
    pack(folder / "results", TRACK, "somebody", Registry(folder / "mine"), folder / "mine.zip")
    return folder / "mine.zip", track


@pytest.fixture
def packed(made: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The submission, where its track is the tiny plan that it was made with."""
    monkeypatch.setattr(protocol, "load_plan", lambda name: made[1])
    return made[0]


def changed(packed: Path, folder: Path, *changes: Change, sealed: bool = True) -> Submission:
    """The submission with these changes. sealed: as by somebody who also makes every digest anew."""
    submission = unpacked(packed, folder)
    for change in changes:
        change(folder)
    if not sealed:
        return submission
    for run in folder.glob("runs/*"):
        done = json.loads((run / "done").read_text())
        done["digests"] = {name: digest_of(run / name) for name in SEALED}
        (run / "done").write_text(json.dumps(done))
    there = (path for path in folder.rglob("*") if path.is_file() and path.name != ABOUT)
    submission.about["files"] = {str(path.relative_to(folder)): digest_of(path) for path in there}
    return submission


def edited(path: str, old: str, new: str) -> Change:
    """Replaces text in the first file of that pattern, which must hold it."""

    def change(folder: Path) -> None:
        file = sorted(folder.glob(path))[0]
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


def plan_with(change: Callable[[dict[str, Any]], object]) -> Change:
    """Changes the result file of the plan."""

    def written(folder: Path) -> None:
        path = folder / "plans" / f"{TRACK}.json"
        result = json.loads(path.read_text())
        change(result)
        path.write_text(json.dumps(result))

    return written


def repacked(submission: Submission, file: Path) -> Path:
    """The file of a submission that was changed."""
    (submission.folder / ABOUT).write_text(json.dumps(submission.about))
    with zipfile.ZipFile(file, "w") as packed:
        for path in sorted(submission.folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(submission.folder))
    return file


def mine(result: dict[str, Any]) -> dict[str, Any]:
    return next(arm for arm in result["arms"] if arm["strategy"] == "mine")


def poisoned(folder: Path) -> None:
    """A value of the test split that is no number, in a reporting run."""
    result = json.loads((folder / "plans" / f"{TRACK}.json").read_text())
    path = folder / "runs" / mine(result)["runs"]["1"] / "records.jsonl"
    *first, last = path.read_text().splitlines()
    record = json.loads(last)
    record["metrics"]["test/auc/click"] = math.nan
    path.write_text("\n".join([*first, json.dumps(record)]) + "\n")


def without_a_run(folder: Path) -> None:
    result = json.loads((folder / "plans" / f"{TRACK}.json").read_text())
    shutil.rmtree(folder / "runs" / mine(result)["runs"]["2"])


def narrower(submission: Submission) -> None:
    submission.about["spaces"]["powerlaw/dnn/mine"]["mine.share"]["high"] = 0.9


def test_a_submission_as_it_was_made_has_no_problem(packed: Path, tmp_path: Path) -> None:
    submission = unpacked(packed, tmp_path)
    assert checks.problems(submission) == []
    assert [path.name for path in foreign(submission)] == ["mine.py", "_mine.py"]
    assert submission.about["spaces"]["powerlaw/dnn/mine"]["mine.share"]["default"] == 0.5


def test_nobody_publishes_the_name_of_a_user_or_a_host_unasked(packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed.parent / "results", tmp_path / "results")
    path = next(tmp_path.glob("results/runs/*/env.json"))
    path.write_text(json.dumps((kept := json.loads(path.read_text())) | {"before": [kept]}))
    pack(tmp_path / "results", TRACK, "somebody", Registry(packed.parent / "mine"), tmp_path / "mine.zip")
    unpacked(tmp_path / "mine.zip", tmp_path / "into")
    published = json.loads((tmp_path / "into" / "runs" / path.parent.name / "env.json").read_text())
    assert kept.keys() - published["before"][0].keys() == set(PRIVATE)
    assert published.keys().isdisjoint(PRIVATE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited("runs/*/records.jsonl", '"epoch": 1', '"epoch": 1 '), "records.jsonl is not what was packed"),
        (edited("strategies/mine.py", "0.5", "0.6"), "strategies/mine.py is not what was packed"),
        (lambda folder: (folder / "strategies" / "more.py").write_text(""), "more.py is not of what was packed"),
        (without_a_run, "is missing"),
    ],
)
def test_damage_is_noticed(packed: Path, change: Change, said: str, tmp_path: Path) -> None:
    found = checks.problems(changed(packed, tmp_path, change, sealed=False))
    assert said in found[0]
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited("strategies/mine.py", "0.1, 1.0", "0.2, 1.0"), "another range was searched: powerlaw/dnn/mine.mine"),
        (edited("strategies/mine.py", "SHARE * ", ""), "its key is not that of its spec, data, strategies' source"),
        (edited("strategies/_mine.py", "1.0", "1.1"), "its key is not that of"),
        (edited("strategies/mine.py", "0.5", "open('x').read()"), "does not tell its name and knobs without being run"),
        (edited("strategies/none.py", "class", "X = 1\nclass"), "is not the 'none' that comes with this multiepoch"),
        (lambda folder: (folder / "strategies" / "mine.py").unlink(), "strategy 'mine' is used, and its source"),
        (plan_with(lambda r: r["plan"]["search"].update(trials=3)), "search.trials = 3; accepted: 2"),
        (plan_with(lambda r: r["plan"]["search"].update(table_lr=[3e-4, 1.0])), "search.table_lr[1] = 1.0; accepted"),
        (plan_with(lambda r: r["plan"].update(name="smoke")), "name = 'smoke'; accepted: 'protocol_tuned'"),
        (plan_with(lambda r: r["plan"]["train"].update(epochs=9)), "train.epochs = 9; accepted: 2"),
        (plan_with(lambda r: r["plan"].update(strategies=["mine"])), "accepted: 'none', and one more at least"),
        (plan_with(lambda r: r["arms"].remove(mine(r))), "powerlaw/dnn/mine is missing"),
        (plan_with(lambda r: r["arms"].insert(0, mine(r))), "powerlaw/dnn/mine is there 2 times; accepted: once"),
        (plan_with(lambda r: r["arms"].append(r["arms"][1])), "powerlaw/dnn/one_epoch is there 2 times"),
        (plan_with(lambda r: mine(r)["trials"].append(mine(r)["trials"][1])), "its search has 3 trials; accepted: 2"),
        (plan_with(lambda r: mine(r)["runs"].pop("2")), "powerlaw/dnn/mine: seed 2 is missing"),
        (plan_with(lambda r: mine(r)["runs"].update({"2": mine(r)["runs"]["1"]})), "its spec is not the plan's: seed"),
        (plan_with(lambda r: mine(r)["trials"].pop()), "its search has 1 trial; accepted: 2"),
        (plan_with(lambda r: mine(r)["trials"][1].update(value=0.9)), "its value is 0.9, and its records say"),
        (plan_with(lambda r: mine(r)["trials"][0]["params"].update(table_lr=0.01)), "train.table_lr = 0.001; accepted"),
        (plan_with(lambda r: mine(r).update(select="final_epoch")), "select is 'final_epoch'; by its trials and"),
        (poisoned, "its records hold test/auc/click = nan"),
        (without_a_run, "seed 2: no run"),
    ],
)
def test_what_is_not_the_protocols_is_noticed_though_every_digest_fits(
    packed: Path, change: Change, said: str, tmp_path: Path
) -> None:
    found = checks.problems(changed(packed, tmp_path, change))
    assert said in found[0]
    assert "\n" not in found[0]


def rows_by_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator was edited, as by a new knob: keys of data sets are others."""
    monkeypatch.setattr(Registry().datasets["powerlaw"].cls, "fingerprint", lambda data: {"code": "edited"})


def another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator makes other rows."""
    monkeypatch.setattr(Registry().datasets["powerlaw"].cls, "version", 9)


def before_the_knob(name: str) -> Change:
    """As every run is of a version whose data set had no such knob."""

    def change(folder: Path) -> None:
        for path in folder.glob("runs/*/spec.json"):
            spec = json.loads(path.read_text())
            del spec["dataset"]["params"][name]
            path.write_text(json.dumps(spec))

    return change


def test_a_new_knob_of_the_generator_and_its_code_void_nothing(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_by_other_code(monkeypatch)
    old = changed(packed, tmp_path / "old", before_the_knob("number_bias"), before_the_knob("lists"))
    spec = protocol.arms_of(old.plan, Registry())[old.result.arms[0].id].draws[0].dataset
    assert data_key(spec, 0, Registry()) not in old.about["data"]["powerlaw"]["draws"]
    assert checks.problems(old) == []
    cell = next(cell for cell in rerun.cells(old) if cell.arm.name == "mine")
    assert rerun.rerun(old, cell, 3).agrees
    given = changed(packed, tmp_path / "given", before_the_knob("labels"))
    assert "dataset.params.labels = None; accepted: 'final'" in checks.problems(given)[0]


def test_other_data_are_noticed(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = unpacked(packed, tmp_path)
    submission.about["data"]["powerlaw"]["draws"].pop()
    assert "powerlaw.draws = 2; accepted: 3" in checks.problems(submission)[0]
    submission.about["data"]["powerlaw"]["draws"].append("another")
    assert "its key is not that of" in checks.problems(submission)[0]
    another_version(monkeypatch)
    assert "its data sets are not the protocol's: powerlaw.version = 2; accepted: 9" in checks.problems(submission)[0]


def test_one_draw_that_is_stated_for_several_is_noticed_though_every_run_has_the_key_of_its_data(
    tmp_path: Path,
) -> None:
    """So that nobody reports a lucky draw in place of others."""

    def lucky(folder: Path) -> None:
        path = folder / "plans" / "protocol_defaults.json"
        text = path.read_text()
        for run in (read(folder / "runs", each.name) for each in sorted(folder.glob("runs/*"))):
            spec = RunSpec.model_validate(run.spec)
            if (spec.dataset.params["preset"], spec.seed) == ("avazu_like", 3):
                by = Versions(run.env["torch"], run.env["numpy"], run.env["engine"])
                key = run_key(spec, draws[2], Registry(), by)
                text = text.replace(run.key, key)
                (folder / "runs" / run.key).rename(folder / "runs" / key)
        path.write_text(text)

    with zipfile.ZipFile(SHIPPED / "ours_defaults.zip") as file:
        draws = json.loads(file.read(ABOUT))["data"]["avazu_like"]["draws"]
    submission = changed(SHIPPED / "ours_defaults.zip", tmp_path, lucky)
    submission.about["data"]["avazu_like"]["draws"][3] = draws[2]
    (found,) = checks.problems(submission)
    said = f"avazu_like.draws[3] = '{draws[2]}' is stated of avazu_like.draws[2] too; accepted: a key of its own"
    assert found.startswith(said)


def test_the_table_says_what_an_earlier_version_verified_and_this_one_refuses(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.zip"
    shutil.copy(packed, file)
    assert markdown([file]).endswith("| no |\n")
    gains = markdown([file]).splitlines()[-1].split(" | ")[:4]
    assert gains[2][:1] in "+-"
    assert len(gains[2]) > 10
    assert markdown([verified(file)]).endswith("| by multiepoch 0.9: the same bytes (--choice 7) |\n")
    whole = verdict_file(file).read_text()
    for damaged in ("{", "[]", "{}", whole.replace("outcome", "outcomf")):
        verdict_file(file).write_text(damaged)
        assert markdown([file]).endswith("| no: mine.verified.json is damaged |\n")
    verdict_file(file).write_text(whole)
    another_version(monkeypatch)
    line = markdown([file]).splitlines()[-1]
    assert "(--choice 7); not by this version: its data sets are not the protocol's: powerlaw" in line
    assert line.split(" | ")[:4] == gains
    verdict_file(file).write_text("{")
    assert "| no: mine.verified.json is damaged; not by this version: its data sets" in markdown([file])
    verdict_file(file).unlink()
    assert "| `mine` | - | - | somebody | - | not by this version: its data sets are not" in markdown([file])


def verified(file: Path) -> Path:
    """A submission with the mark of an earlier version."""
    about = {"digest": digest_of(file), "choice": 7, "outcome": "the same bytes"}
    write_json(verdict_file(file), about | {"environment": {"multiepoch": "0.9"}})
    return file


@pytest.mark.parametrize(
    ("change", "strategy", "said"),
    [
        (plan_with(lambda r: r["arms"].remove(mine(r))), "`mine`", "powerlaw/dnn/mine is missing"),
        (plan_with(lambda r: r["arms"].pop(1)), "`mine`", "powerlaw/dnn/one\\_epoch is missing"),
        (plan_with(lambda r: r["arms"].insert(0, mine(r))), "`mine`", "powerlaw/dnn/mine is there 2 times"),
        (plan_with(lambda r: mine(r).update(dataset="other")), "`mine`", "other/dnn/mine is no arm of the plan"),
        (plan_with(lambda r: r["plan"].update(seeds=[1, 2, 77])), "`mine`", "seeds = [1, 2, 77]; accepted: [1, 2]"),
        (plan_with(lambda r: r["plan"]["train"].update(gone=1)), "-", "was run by another version: train: unknown key"),
        (plan_with(lambda r: r.pop("arms")), "-", "'plans/protocol\\_tuned.json' is damaged, or of another version"),
        (lambda folder: (folder / "plans" / f"{TRACK}.json").unlink(), "-", "unknown plan 'protocol\\_tuned'"),
        (plan_with(lambda r: mine(r)["trials"][0].update(params=[])), "`mine`", "it holds what cannot be checked"),
        (plan_with(lambda r: mine(r)["trials"][1].update(value=0.9)), "`mine`", "its value is 0.9, and its records"),
    ],
)
def test_a_submission_that_fails_a_check_is_listed_with_the_reason_and_without_gains(
    packed: Path, change: Change, strategy: str, said: str, tmp_path: Path
) -> None:
    bad = repacked(changed(packed, tmp_path / "bad", change), tmp_path / "bad.zip")
    text = markdown([bad, packed])
    alone, whole = (line for line in text.splitlines() if line.startswith(("| bad |", "| mine |")))
    assert alone.startswith(f"| bad | {strategy} | - | - | somebody | - | not by this version: ")
    assert said in alone
    assert markdown([packed]).endswith(f"{whole}\n")
    assert tempfile.gettempdir() not in text


def test_a_mark_gives_no_gains_to_arms_that_are_not_the_tracks_each_once(packed: Path, tmp_path: Path) -> None:
    twice = plan_with(lambda result: result["arms"].insert(0, mine(result)))
    text = markdown([verified(repacked(changed(packed, tmp_path / "twice", twice), tmp_path / "twice.zip"))])
    assert "| twice | `mine` | - | - | somebody | - | by multiepoch 0.9: the same bytes (--choice 7); not by" in text


def test_a_file_that_is_no_submission_is_named_below_the_table(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("none")
    text = markdown([tmp_path / "notes.zip", packed])
    assert text.startswith(markdown([packed]))
    assert text.endswith("\n## Not read\n\n- 'notes.zip' is no submission: BadZipFile: File is not a zip file\n")


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.zip")), ids=lambda file: file.stem)
def test_a_submission_that_comes_with_multiepoch_passes_the_checks_of_this_version(file: Path, tmp_path: Path) -> None:
    assert checks.problems(unpacked(file, tmp_path)) == []


def test_the_published_table_is_that_of_the_submissions_there_are() -> None:
    published = (ROOT / "results" / "tables" / "submissions.md").read_text(encoding="utf-8")
    assert markdown(sorted(SHIPPED.glob("*.zip"))) == published


def test_gains_stand_below_their_data_set_in_whatever_order_arms_are(tmp_path: Path) -> None:
    def reordered(folder: Path) -> None:
        path = folder / "plans" / "protocol_defaults.json"
        result = json.loads(path.read_text())
        result["arms"].sort(key=lambda arm: (arm["dataset"], arm["strategy"]), reverse=True)
        path.write_text(json.dumps(result))

    other = changed(SHIPPED / "ours_defaults.zip", tmp_path / "other", reordered)
    assert list(dict.fromkeys(arm.dataset for arm in other.result.arms)) == [
        "pinterest_like",
        "criteo_like",
        "avazu_like",
    ]
    assert checks.problems(other) == []
    (tmp_path / "first").mkdir()
    first = Path(shutil.copy(SHIPPED / "ours_defaults.zip", tmp_path / "first" / "ours.zip"))
    second = repacked(other, tmp_path / "ours.zip")
    lines = [line for line in markdown([first, second]).splitlines() if line.startswith("| ours ")]
    assert len(lines) == 4
    assert lines[:2] == lines[2:]


def test_a_range_that_was_not_searched_is_noticed(packed: Path, tmp_path: Path) -> None:
    submission = unpacked(packed, tmp_path)
    narrower(submission)
    assert "mine.mine.share.high = 0.9; accepted: 1.0" in checks.problems(submission)[0]


def test_reading_a_submission_runs_nothing_of_it(packed: Path, tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for path in ("strategies/mine.py", "strategies/_mine.py"):
        folder = tmp_path / path.replace("/", "")
        checks.problems(changed(packed, folder, edited(path, "SHARE = 1.0" if "_" in path else "class Mine", trap)))
    knob = "[c for c in ().__class__.__base__.__subclasses__()][0] and 0.5"
    checks.problems(changed(packed, tmp_path / "knob", edited("strategies/mine.py", "0.5", knob)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["../evil.py", "strategies/a/b.py", "/etc/x", "runs/x/records.jsonl"])
def test_a_file_that_holds_other_names_is_no_submission(packed: Path, name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.zip"
    shutil.copy(packed, copy)
    with zipfile.ZipFile(copy, "a") as file:
        file.writestr(name, "x")
    with pytest.raises(UserError, match="is no submission"):
        unpacked(copy, tmp_path / "into")


def test_a_file_that_is_there_twice_is_no_submission(packed: Path, tmp_path: Path) -> None:
    """Who reads the first would not read what is run."""
    copy = tmp_path / "copy.zip"
    shutil.copy(packed, copy)
    with zipfile.ZipFile(copy, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("strategies/mine.py", MINE)
    with pytest.raises(UserError, match=r"it holds 'strategies/mine\.py' 2 times"):
        unpacked(copy, tmp_path / "into")


def test_a_submission_with_a_bit_flipped_is_one_line_or_whole(tmp_path: Path) -> None:
    about = {"format": FORMAT, "track": TRACK, "by": "A", "data": {}, "spaces": {}, "files": {}}
    whole, draw = tmp_path / "whole.zip", random.Random(1)
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(ABOUT, json.dumps(about))
        file.writestr(f"runs/{0:020x}/records.jsonl", str([draw.random() for _ in range(100)]))
    said = []
    for bit in range(3, 8 * whole.stat().st_size, 101):
        content = bytearray(whole.read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        (tmp_path / "flipped.zip").write_bytes(content)
        try:
            unpacked(tmp_path / "flipped.zip", tmp_path / "into")
        except UserError as error:
            said.append(str(error))
    assert len(said) > 50
    assert all("is no submission" in line for line in said)


def test_a_strategy_that_imports_more_than_helpers_is_not_packed(made: tuple[Path, Plan], tmp_path: Path) -> None:
    package = tmp_path / "their_package"
    shutil.copytree(made[0].with_name("mine"), package)
    (package / "__init__.py").touch()
    (package / "mine.py").write_text(MINE.replace("from ._mine", "from their_package._mine"))
    registry = Registry()
    registry.strategies["mine"] = Entry("Strategy", package / "mine.py")
    with pytest.raises(UserError, match=r"strategy 'mine' imports '.*__init__\.py'; accepted: helpers"):
        pack(made[0].with_name("results"), TRACK, "A. Name", registry, tmp_path / "mine.zip")


def test_the_same_choice_draws_the_same_run_of_each_strategy_and_choices_reach_all(
    packed: Path, tmp_path: Path
) -> None:
    submission = unpacked(packed, tmp_path)
    drawn = [rerun.chosen(submission, choice) for choice in range(200)]
    assert drawn == [rerun.chosen(submission, choice) for choice in range(200)]
    assert {tuple(cell.arm.name for cell in cells) for cells in drawn} == {("mine", "none", "one_epoch")}
    assert {cell for cells in drawn for cell in cells} == set(rerun.cells(submission))
    assert len(rerun.cells(submission)) == 6, "two arms and the baseline, two seeds each"


def forged(key: str, value: Callable[[float], float], run: str) -> Change:
    """Another value of this metric in all records of a run."""

    def change(folder: Path) -> None:
        path = folder / "runs" / run / "records.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        for record in records:
            record["metrics"].update({k: value(v) for k, v in record["metrics"].items() if k == key})
        path.write_text("".join(json.dumps(record) + "\n" for record in records))

    return change


def test_a_rerun_gives_the_same_bytes_and_a_forged_record_does_not(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = unpacked(packed, tmp_path / "honest")
    cell = next(cell for cell in rerun.cells(honest) if cell.arm.name == "mine")
    outcome = rerun.rerun(honest, cell, 3)
    assert (outcome.agrees, outcome.same) == (True, True)
    better = changed(packed, tmp_path / "forged", forged("test/truth_auc/click", lambda _: 0.99, cell.key))
    assert checks.problems(better) == [], "nothing but a rerun can tell"
    outcome = rerun.rerun(better, cell, 3)
    assert not outcome.agrees
    assert "test/truth_auc/click at epoch 1 is" in outcome.text
    env = better.folder / "runs" / cell.key / "env.json"
    env.write_text(json.dumps((here := json.loads(env.read_text())) | {"before": [here | {"machine": "another"}]}))
    outcome = rerun.rerun(better, cell, 3)
    assert not outcome.agrees, "two machines made it"
    assert "test/truth_auc/click at epoch" in outcome.text
    assert "from the mean of 10 seeds here; accepted: " in outcome.text
    monkeypatch.setattr(rerun, "environment", lambda: {"machine": "another"})
    outcome = rerun.rerun(honest, cell, 3)
    assert (outcome.same, outcome.text) == (True, "the same bytes, on another")


JUDGED = tuple(map(MetricKey.parse, ("test/truth_auc/click", "test/auc/click", "valid/auc/click")))


def ends(random: np.random.Generator, better: str = "", by: float = 0.0) -> Run:
    """A run of two epochs whose metrics vary by .001 from seed to seed. better: the metric that is higher, by `by`."""
    metrics = ({key: 0.65 + 1e-3 * random.normal() + by * (str(key) == better) for key in JUDGED} for _ in range(2))
    records = tuple(Record(n, n, float(n), True, values) for n, values in enumerate(metrics, 1))
    return Run("key", {}, records, Status.FINISHED, "", {})


@pytest.mark.parametrize("key", JUDGED)
def test_all_that_a_submission_is_judged_by_is_compared_on_another_machine(key: MetricKey) -> None:
    random = np.random.default_rng(0)
    here = [ends(random) for _ in range(10)]
    assert rerun.within(JUDGED, ends(random), here, 1).agrees
    outcome = rerun.within(JUDGED, ends(random, str(key), 0.02), here, 1)
    assert not outcome.agrees
    assert str(key) in outcome.text


@pytest.mark.parametrize("drawn", [1, 26])
def test_an_honest_submission_from_another_machine_is_refused_once_in_a_hundred(drawn: int) -> None:
    """So that each of the runs drawn is refused that much less often."""
    random, n = np.random.default_rng(0), 1000
    passed = [rerun.within(JUDGED, ends(random), [ends(random) for _ in range(10)], drawn).agrees for _ in range(n)]
    low, high = stats.binom.interval(0.999, n, 1 - (1 - rerun.LEVEL / (6 * drawn)) ** 6)
    assert low <= n - sum(passed) <= high


def test_a_metric_that_is_compared_may_be_left_out_of_no_run(packed: Path, tmp_path: Path) -> None:
    """Reports leave out seeds without a value."""
    cell = next(cell for cell in rerun.cells(unpacked(packed, tmp_path / "all")) if cell.arm.name == "mine")
    left_out = f"runs/{cell.key}/records.jsonl"
    found = checks.problems(changed(packed, tmp_path / "x", edited(left_out, "test/truth_auc/click", "test/x/click")))
    assert found == [f"{cell}: its records have no test/truth_auc/click".replace(",", "")]


def test_the_tolerance_holds_what_other_seeds_would_do() -> None:
    random = np.random.default_rng(0)
    refused = []
    for _ in range(3000):
        value_S = 0.65 + 1e-3 * random.normal(size=10)
        one_more = 0.65 + 1e-3 * random.normal()
        refused.append(abs(one_more - value_S.mean()) > rerun.tolerance(value_S, 0.05))
    low, high = stats.binom.interval(0.999, 3000, 0.05)
    assert low <= sum(refused) <= high


def test_the_commands_make_verify_and_list(made: tuple[Path, Plan], packed: Path, tmp_path: Path) -> None:
    results, plugins = packed.parent / "results", packed.parent / "mine"
    asked = ("submission", "make", TRACK, "--results", str(results), "--plugins", str(plugins), "--by", "somebody")
    file = tmp_path / "mine.zip"
    assert multiepoch(*asked, "--out", str(file), cwd=tmp_path).returncode == 0
    assert file.read_bytes() == packed.read_bytes(), "one submission is one sequence of bytes"
    unread = multiepoch("submission", "verify", str(file), cwd=tmp_path)
    assert unread.returncode == 1
    assert "its own code, which can do on this machine all that you can: strategies/mine.py" in unread.stdout
    out = ("--out", str(tmp_path / "table.md"))
    assert multiepoch("submission", "table", str(tmp_path), *out, cwd=tmp_path).returncode == 0
    assert (tmp_path / "table.md").read_text().rstrip().endswith("| no |")
    verified = multiepoch("submission", "verify", str(file), "--choice", "7", "--run-its-code", cwd=tmp_path)
    assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, f"{file}: verified: the same bytes")
    assert multiepoch("submission", "table", str(tmp_path), *out, cwd=tmp_path).returncode == 0
    assert "by multiepoch" in (tmp_path / "table.md").read_text()
    assert ": the same bytes (--choice 7) |" in (tmp_path / "table.md").read_text()
    assert (
        multiepoch(
            "submission", "make", "quick", "--by", "x", "--out", str(tmp_path / "q.zip"), cwd=tmp_path
        ).returncode
        == 2
    )


def test_a_run_that_does_not_agree_takes_the_mark_away(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.zip"
    shutil.copy(packed, file)
    for outcome, status in [(rerun.Outcome(True, False, ""), 0), (rerun.Outcome(False, False, ""), 1)]:
        again = MagicMock(return_value=outcome)
        monkeypatch.setattr(commands, "rerun", again)
        assert commands.verify(Console(), file, 7, run_its_code=True) == status
        assert {call.args[2] for call in again.call_args_list} == {3}, "all that are drawn, however many are tried"
        assert verdict_file(file).exists() == outcome.agrees
        assert (f"{rerun.NEAR} (--choice 7)" in markdown([file])) == outcome.agrees


def test_the_tracks_are_plans_in_which_one_trial_budget_differs() -> None:
    defaults, searched = map(load_plan, protocol.TRACKS)
    assert defaults.datasets == searched.datasets
    assert (defaults.search.trials, searched.search.plain) == (0, True)
    assert searched.search.trials >= 12

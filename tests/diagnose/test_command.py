"""`multiepoch diagnose` on a table file, from nothing to a verdict, and again."""

from __future__ import annotations

import json
import re
import tomllib
from functools import partialmethod
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from support.command_line import multiepoch

from harness.api import Data
from harness.base.errors import UserError
from harness.base.notice import Notice
from harness.commands import diagnose
from harness.commands.diagnose import Options
from harness.commands.diagnose_plan import Planned
from harness.commands.schema import schema_at
from harness.data import indexed
from harness.data.guess.asked import Asked
from harness.data.guess.guess import guess
from harness.diagnose import asked, sizing, subsample, tails
from harness.diagnose.asked import Question
from harness.diagnose.sizing import SIZES


@pytest.fixture(scope="module")
def log(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of a small power-law data set in a CSV file, three times over so that an epoch has steps."""
    frames = []
    for part in (data.train, data.valid, data.test):
        columns = {name: part.ids_NF[:, f] for f, name in enumerate(data.fields)}
        frames.append(pl.DataFrame(columns | {t: part.labels_NT[:, i] for i, t in enumerate(data.tasks)}))
    path = tmp_path_factory.mktemp("log") / "clicks.csv"
    pl.concat(frames).write_csv(path)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest comparison, however fast the machine is."""
    monkeypatch.setattr(sizing, "SIZES", SIZES[:1])
    monkeypatch.setattr(asked, "MOST", 6)


def test_a_verdict_from_a_csv_file_which_time_cuts_short_and_a_second_run_completes(
    log: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("diagnose", str(log), "--labels", "click", "--budget", "9h", "--workers", "2", "--no-mlflow")
    folder, given = tmp_path / "diagnosis", Notice.given

    def over(notice: Notice, runs: int = 16) -> bool:
        if len(list((folder / "runs").glob("*/done"))) >= runs:
            notice.until = 0.0
        return given(notice)

    monkeypatch.setattr(Notice, "given", partialmethod(over, runs=1))
    cut = multiepoch(*command, cwd=tmp_path)
    assert (cut.returncode, "Cannot tell: no arm was done within 9h" in cut.stdout) == (3, True), cut.stderr
    assert "plan: none (plain training), " in cut.stdout
    monkeypatch.setattr(Notice, "given", over)
    cut = multiepoch(*command, cwd=tmp_path)
    assert cut.returncode in (0, 3), cut.stdout + cut.stderr
    assert "time is up" in cut.stdout
    assert not json.loads((folder / "verdict.json").read_text())["complete"]
    monkeypatch.undo()
    done = multiepoch(*command, cwd=tmp_path)
    told = json.loads((folder / "verdict.json").read_text())
    assert told["complete"]
    assert done.returncode == (0 if told["answered"] else 3)
    assert "going on with 1 mitigation" in done.stdout
    assert told["headline"] in done.stdout
    assert list(told["collapse"]) == ["click"]
    assert told["headline"] in (folder / "verdict.html").read_text()
    assert "left out: an outcome that was not asked for" in (folder / "schema.toml").read_text()
    assert {path.name for path in folder.iterdir()} >= {"report.html", "junit.xml", "verdict.md", "plan.json"}
    with (folder / "schema.toml").open("a") as corrected:
        corrected.write("# corrected by hand\n")
    assert told["second_split"]["what"].startswith("another draw of the split by")
    compared, damage = list[Path](), indexed.damage

    def counted(folder: Path) -> str:
        compared.append(folder)
        return damage(folder)

    monkeypatch.setattr(indexed, "damage", counted)
    again = multiepoch(*command, "--fail-on", "undecided", cwd=tmp_path)
    assert len(compared) == len(set(compared)) == 2, "of the log and of its other split, each content once"
    assert "corrected by hand" in (folder / "schema.toml").read_text()
    assert again.returncode == int(not told["answered"])
    assert "AUC by epoch" not in again.stdout
    assert json.loads((folder / "verdict.json").read_text()) == told


def test_a_log_that_is_too_large_is_sampled_and_its_parts_say_whether_to_believe_it(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only test that goes all the way, for which it trains some forty small runs."""
    monkeypatch.setattr(asked, "MOST", 5)
    monkeypatch.setattr(sizing, "fitting", lambda *_: None)
    monkeypatch.setattr(subsample, "fitting", lambda *_: (0.5, SIZES[0]))
    command = ("diagnose", str(log), "--labels", "click", "--budget", "9h", "--workers", "2", "--no-mlflow")
    done = multiepoch(*command, cwd=tmp_path)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    told = json.loads((tmp_path / "diagnosis" / "verdict.json").read_text())
    sample = told["sample"]
    drawn = tomllib.loads((tmp_path / "diagnosis" / "sample.toml").read_text())["sample"]
    assert drawn == {"by": sample["by"], "keep": 0.5}
    assert sample["rows"] < sample["whole"]
    assert all(after < before for name, (before, after) in sample["per_id"].items() if name != drawn["by"])
    assert sample["smallest"][1] > sample["smallest"][0]
    assert sample["ladder"]["lines"][0]["shares"] == [0.5, 0.25, 0.125]
    assert told["headline"].split(", on a sample")[1] in ("", " that may not speak for the log")
    assert told["answered"] <= sample["ladder"]["believed"]
    assert f"Sample: 50% of {drawn['by']}, " in done.stdout
    unlike = not sample["ladder"]["believed"]
    assert told["lines"]["Next"].startswith("Give more time, as this sample may not speak") == unlike
    assert ("exit status 3: this is no answer" in done.stdout) == (done.returncode == 3)
    assert multiepoch(*command, cwd=tmp_path).returncode == done.returncode
    assert json.loads((tmp_path / "diagnosis" / "verdict.json").read_text()) == told


def test_too_little_time_is_refused_with_the_time_it_takes(log: Path, tmp_path: Path) -> None:
    done = multiepoch("diagnose", str(log), "--budget", "11s", "--no-mlflow", cwd=tmp_path)
    assert done.returncode == 2
    assert "--budget 11s: even 1 mitigation, " in done.stderr
    assert not (tmp_path / "diagnosis" / "plan.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--budget", "soon"), "--budget: 'soon' is no time; accepted: a number and a unit"),
        (("--labels", "clik"), "--labels: unknown column 'clik'; did you mean 'click'?"),
        (("--time", "usr"), "--time: unknown column of times 'usr'; did you mean 'user'?"),
        (("--labels", "user"), "--labels 'user': the column has "),
        (("--model", "dnnn"), "unknown model 'dnnn'; did you mean 'dnn'?"),
        (("--out", "/dev/null"), "/dev/null"),
    ],
)
def test_what_is_not_there_is_refused_before_any_work(
    log: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = multiepoch("diagnose", str(log), *arguments, "--no-mlflow", cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list((tmp_path / "diagnosis").glob("*"))


def test_a_schema_in_the_place_of_a_table_is_refused(tmp_path: Path) -> None:
    done = multiepoch("diagnose", "my_schema.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "'my_schema.toml' is no table; accepted: a table file" in done.stderr


def test_labels_and_time_that_are_named_take_the_place_of_guesses() -> None:
    frame = pl.DataFrame(
        {"shop": ["a", "a", "b", "c"] * 25, "seen": range(100), "paid": [0, 1] * 50, "click": [1, 0, 0, 1] * 25}
    )
    found = guess(frame, True, Asked(("paid",), "seen"))
    kinds = {each.column: each.what for each in found.columns}
    assert kinds == {"shop": "id", "seen": "time", "paid": "label", "click": "left out"}
    with pytest.raises(UserError, match="--labels: unknown column 'payd'; did you mean 'paid'"):
        guess(frame, True, Asked(("payd",)))


def test_a_label_may_have_a_name_that_labels_of_a_schema_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n, trained = range(1000), list[str]()
    log = pl.DataFrame({"user": [i % 7 for i in n], "a/b": [i % 3 // 2 for i in n], "ev.click": [i % 2 for i in n]})
    log.write_csv(tmp_path / "log.csv")

    def stop(_: object, options: Options, plan: Planned, *rest: object) -> None:
        trained.extend((*options.labels, plan.log.task))
        raise UserError("it would train now")

    monkeypatch.setattr(diagnose, "_train", stop)
    for _ in range(2):  # by a guess, then by what it left
        asked_for = ("--labels", "a/b,ev.click", "--budget", "9h", "--no-mlflow")
        assert "it would train now" in multiepoch("diagnose", "log.csv", *asked_for, cwd=tmp_path).stderr
    assert trained == ["a_b", "ev.click", "a_b"] * 2


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(
    ("time", "column", "said"),
    [
        ('time = "ts"', "ts", ""),
        ('time = \'strptime("sent at", "%Y")\'', "sent at", ""),
        ("time = 'event.\"at\" / 1000'", "event.at", ""),
        ('time = "server_ts"', "ts", "has time = 'server_ts'"),
        ('time = "ts2 / 2"', "ts", "has time = 'ts2 / 2'"),
        ("", "ts", "has no time"),
    ],
)
def test_a_schema_that_goes_before_guesses_has_the_time_that_is_asked_for(
    kept: bool, time: str, column: str, said: str, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.toml"
    schema.write_text(f'fields = ["user"]\n{time}\n[labels]\nclick = "y"\n[split]\nby = "row"\n')
    given, stands = (None, schema) if kept else (schema, tmp_path / "none.toml")

    def found() -> Path:
        return schema_at(Console(quiet=True), given, stands, "log.csv", Asked(time=column))

    if not said:
        assert found() == schema
        return
    with pytest.raises(
        UserError, match=re.escape(f"--time {column}: schema '{schema}' goes before guesses, and {said}")
    ):
        found()


def test_a_plan_is_gone_on_with_for_the_same_question_alone(tmp_path: Path) -> None:
    question = Question("log.csv", "abc", "schema.toml", (), "dnn", 600.0, 2)
    plan = asked.plan_of(question, SIZES[2], tails.WITH_A_TAIL, 512, "click")
    path = tmp_path / "plan.json"
    assert asked.planned(path, question) is None
    asked.write(path, question, SIZES[2], plan, 100.0)
    assert asked.planned(path, question) == (SIZES[2], plan)
    assert asked.planned(path, Question("log.csv", "abc", "schema.toml", (), "deepfm", 600.0, 2)) is None
    path.write_text(path.read_text()[:-30])
    assert asked.planned(path, question) is None


@pytest.mark.parametrize(("rolling", "said"), [(1, 0), (2, 1), (4, 1), (5, 0)])
def test_a_plan_that_can_give_no_verdict_says_so_before_it_trains(
    rolling: int, said: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.csv"
    n = range(1000)
    pl.DataFrame({"ts": n, "user": [i % 7 for i in n], "y": [int(i % 3 == 0) for i in n]}).write_csv(log)
    schema = tmp_path / "schema.toml"
    split = f'[split]\nby = "time"\nvalid = 0.1\ntest = 0.1\nrolling = {rolling}\n'
    schema.write_text(f'fields = ["user"]\ntime = "ts"\n[labels]\nclick = "y"\n{split}')

    def stop(*_: object) -> None:
        raise UserError("it would train now")

    monkeypatch.setattr(diagnose, "_train", stop)
    done = multiepoch("diagnose", str(log), "--schema", str(schema), "--budget", "9h", "--no-mlflow", cwd=tmp_path)
    assert done.stdout.count("no verdict can come of this: the split has") == said, done.stdout + done.stderr
    assert done.stdout.count("write rolling = 5 or more under [split] of the schema") == said


@pytest.mark.parametrize(("rows", "batch"), [(1000, 256), (51_199, 256), (102_400, 512), (10**6, 4096), (10**9, 4096)])
def test_the_batch_to_start_with_gives_an_epoch_enough_steps(rows: int, batch: int) -> None:
    assert asked.batch_size(rows) == batch

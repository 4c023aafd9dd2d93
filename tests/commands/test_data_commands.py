"""The data commands, and data in pieces: what is written is whole or not there, and describes itself."""

from __future__ import annotations

import dataclasses
import multiprocessing
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from support.command_line import multiepoch
from support.engine import make_split
from support.markdown import HOSTILE, elements, words
from support.synthetic import write_endlessly

from harness.api import Split, Stream, UserError
from harness.base.seeds import generator
from harness.commands import data_table
from harness.data import indexed
from harness.data.profile.preset_targets import Line
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler
from harness.execution.fork_server import warm_up
from harness.plugins.registry import Registry, build

SCHEMA = """
fields = ["segment", "user", "product", "category"]
time = "time"
[labels]
click = "click"
checkout = "checkout"
[split]
by = "time"
"""


ONE_FIELD = SCHEMA.replace('"segment", "user", "product", "category"', '"segment"')
"""Where fields are not the point: to fit a law to each takes seconds."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    done = multiepoch("data", "write", "tiny", "--out", "tiny", "--rows", "40000", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_parquet_holds_the_rows_of_the_plan_with_truth_delay_and_what_was_seen(written: Path) -> None:
    population = load_population("tiny", {"rows": 40_000})
    frame = pl.concat([pl.read_parquet(written / "tiny" / f"{part}.parquet") for part in ("train", "valid", "test")])
    rows = Sampler.drawn(population, 0).rows(0, 40_000)
    assert np.array_equal(frame.select(list(population.fields)).to_numpy(), rows.ids_NF)
    assert np.array_equal(frame["checkout"].to_numpy(), rows.labels_NT[:, -1])
    assert np.array_equal(frame["click_truth"].to_numpy(), rows.truth_NT[:, list(population.tasks).index("click")])
    assert frame["checkout_delay"].is_not_null().sum() == frame["checkout"].sum()
    train = frame.head(32_000)
    assert 0 < train["checkout_seen"].sum() < train["checkout"].sum()
    values = {"preset": "tiny", "rows": 40_000}
    built = build(Registry().datasets, "data set", "powerlaw", values).build(generator(0, "data", "powerlaw"))
    assert np.array_equal(built.train.ids_NF, rows.ids_NF[:32_000])


def test_a_slice_alone_is_the_slice_of_the_whole(written: Path) -> None:
    done = multiepoch("data", "write", "tiny", "--out", "part", "--rows", "40000", "--slice", "500:900", cwd=written)
    assert done.returncode == 0, done.stderr
    whole = pl.read_parquet(written / "tiny" / "train.parquet")
    assert pl.read_parquet(written / "part" / "rows.parquet").equals(whole[500:900])


def test_what_was_made_of_times_is_said_when_they_are_read_and_whenever_they_are_described(
    written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = pl.read_parquet(written / "tiny" / "train.parquet").head(20_000)
    frame.with_columns(hour=14_102_100 + pl.int_range(pl.len()) // 1000).write_parquet(written / "hours.parquet")
    command = ["data", "describe", "hours.parquet", "--schema", "hours.toml"]
    told = "times are read as yymmddhh, time = 'hour': 14102100 is 2014-10-21 00:00:00 in UTC"
    for unit, logged, said in [("", True, True), ("", False, True), ('\ntime_unit = "yymmddhh"', False, False)]:
        (written / "hours.toml").write_text(ONE_FIELD.replace('time = "time"', f'time = "hour"{unit}'))
        caplog.clear()
        done = multiepoch(*command, cwd=written)
        assert re.search("train +16,000 +2014-10-21 00:00 +2014-10-21 15:00", done.stdout)
        assert (told in caplog.text, told in done.stdout) == (logged, said)


def test_every_split_is_described_with_its_rows_dates_and_positives(written: Path) -> None:
    day = pl.int_range(pl.len()) // 500
    frame = pl.read_parquet(written / "tiny" / "train.parquet").head(20_000)
    frame = frame.with_columns(ts=1_600_000_000 + 86_400 * day, w=1 + day % 3)
    frame.write_parquet(written / "days.parquet")
    schema = ONE_FIELD.replace('time = "time"', 'time = "ts"\nweight = "w"') + 'gap = "5d"\n'
    schema += '[observed]\ncheckout = "w < 3"\n[kept]\nclick = "0.25 of negatives"\n'
    (written / "days.toml").write_text(schema)
    done = multiepoch("data", "describe", "days.parquet", "--schema", "days.toml", cwd=written)
    assert done.returncode == 0, done.stderr
    parts = {"train": frame.head(13_500), "valid": frame[16_000:18_000], "test": frame[18_000:]}
    dates = {"train": "2020-09-13 12:26  2020-10-09", "valid": "2020-10-15 12:26  2020-10-18", "test": "2020-10-19"}
    clicks, checkouts, full = [], [], []
    for part, rows in parts.items():
        columns = {name: rows[name].to_numpy() for name in ("click", "checkout", "w")}
        weights = rf"1 +{columns['w'].mean():.4g} +3"
        assert re.search(rf"{part} +{len(rows):,}  {dates[part]}.*{weights}", done.stdout), part
        click_N, known_M = columns["click"], columns["checkout"][columns["w"] < 3]
        clicks.append(f"{click_N.sum():,} ({click_N.mean():.2%})")
        checkouts.append(f"{known_M.sum():,} of {len(known_M):,} ({known_M.mean():.2%})")
        full.append(f"{click_N.sum() / (click_N.sum() + (1 - click_N).sum() / 0.25):.3%}")
    for label, cells in {"click": clicks, "checkout": checkouts, "of the full log": full}.items():
        assert re.search(" +".join(map(re.escape, [label, *cells])), done.stdout), label
    assert (
        "cut: valid begins at 2020-10-15 12:26, 6 days after the last row of train; test at 2020-10-19" in done.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["write", "tinny", "--out", "x"], "unknown preset 'tinny'; did you mean 'tiny'?"),
        (["write", "tiny", "--out", "."], "--out '.' exists; accepted: a folder that does not"),
        (["write", "tiny", "--out", "x", "--slice", "9:2"], "--slice '9:2' is no slice; accepted: first:last"),
        (["write", "tiny", "--out", "x", "--slice", "0:99999"], "last <= 12,000"),
        (["describe", "tinny"], "unknown preset, plan or file 'tinny'; did you mean 'tiny'?"),
        (["describe", "smok"], "unknown preset, plan or file 'smok'; did you mean 'smoke'?"),
        (["describe", "no.parquet"], "the file does not exist"),
        (["describe", "tiny", "--page", "x.pdf"], "--page 'x.pdf' is not drawn; accepted: a file named *.html, *.htm"),
        (["describe", "tiny", "--png", "x.gif"], "--png 'x.gif' is not drawn; accepted: a file named *.png, *.svg"),
        (["match", "no.parquet", "--out", "x.toml"], "'no.parquet' needs --schema"),
        (["match", "tiny", "--out", "x.txt"], "--out 'x.txt' is not named *.toml"),
        (["random", "--out", "x.txt"], "--out 'x.txt' is not named *.toml"),
        (["random", "--out", "x.toml", "--rows", "10"], "of 10 rows is not accepted; accepted: 50,000 rows or more"),
        (["table", "tinny"], "unknown preset 'tinny'; did you mean 'tiny'?"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    found = multiepoch("data", *arguments, cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1), found.stderr
    assert message in found.stderr
    assert not list(tmp_path.glob("x*"))


def test_a_file_and_a_preset_are_described_and_drawn(written: Path) -> None:
    preset = multiepoch("data", "describe", "tiny", "--png", "all.png", "--page", "data.html", cwd=written)
    assert preset.returncode == 0, preset.stderr
    assert "best AUC" in preset.stdout
    assert re.search(r"product \+ category +field, field +1.00", preset.stdout)
    assert (written / "all.png").read_bytes()[:4] == b"\x89PNG"
    assert (written / "data.html").read_text().count("<svg") >= 5
    command = ("data", "describe", "tiny/train.parquet", "--png", "tails.png", "--page", "tails.html")
    table = multiepoch(*command, cwd=written)
    assert table.returncode == 0, table.stderr
    assert (written / "tails.png").exists()
    assert (written / "tails.html").read_text().count("<svg") == 1
    assert "without a schema no row is held out" in table.stdout
    user = next(line.split() for line in table.stdout.splitlines() if line.startswith(" user"))
    ids = pl.read_parquet(written / "tiny" / "train.parquet")["user"].n_unique()
    assert user[1] == f"{ids:,}"


def test_a_preset_matched_to_a_file_looks_like_it(written: Path) -> None:
    """The generator's own rows, read as a stranger's: users' law is found again, and labels nest."""
    (written / "mine.toml").write_text(SCHEMA)
    files = [pl.read_parquet(written / "tiny" / f"{part}.parquet") for part in ("train", "valid", "test")]
    pl.concat(files).write_parquet(written / "mine.parquet")
    done = multiepoch("data", "match", "mine.parquet", "--schema", "mine.toml", "--out", "like.toml", cwd=written)
    assert done.returncode == 0, done.stderr
    assert all(f" {column}: " in done.stdout for column in ("file, produced", "score", "N(>=10) / N(>=2)"))
    assert re.search(r"^ mean of \d+ scores of two columns +0\.\d+ *$", done.stdout, flags=re.MULTILINE)
    like = load_population(str(written / "like.toml"))
    assert like.rows == 40_000
    assert like.fields["user"].exponent == pytest.approx(0.6, abs=0.08)
    assert like.fields["user"].ids == pytest.approx(2000, rel=0.1)
    assert like.fields["product"].life > 0, "products come and go, and the match says so"
    assert like.tasks["checkout"].under == "click"
    assert like.tasks["click"].rate == pytest.approx(0.3, abs=0.02)


def test_a_population_drawn_at_random_is_a_preset(tmp_path: Path) -> None:
    done = multiepoch("data", "random", "--seed", "7", "--rows", "50000", "--out", "drawn.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, 'drawn.toml: use it as preset = "drawn.toml"\n'), done.stderr
    written = multiepoch("data", "write", "drawn.toml", "--out", "rows", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert len(pl.read_parquet(tmp_path / "rows" / "train.parquet")) == 40_000


def test_a_kill_in_mid_write_leaves_no_data_and_the_next_write_starts_clean(tmp_path: Path) -> None:
    warm_up()
    process = multiprocessing.get_context("forkserver").Process(target=write_endlessly, args=(tmp_path / "big",))
    process.start()
    while not any(path.stat().st_size > 1000 for path in tmp_path.glob(".building-*/*.parquet")):
        assert process.is_alive()
        time.sleep(0.02)
    process.kill()
    process.join()
    assert not (tmp_path / "big").exists()
    assert multiepoch("data", "write", "tiny", "--out", "big", cwd=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["big"]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """A limit on the size of files stands for a disk that is full. Python ignores the signal that comes with it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("command", ["data write tiny --rows 200000 --out out", "data describe criteo_like"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, command: str) -> None:
    done = multiepoch(*command.split(), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert re.search("cannot be written.*File too large", done.stderr.splitlines()[-1])
    assert not list(tmp_path.glob("out*"))
    assert not list(tmp_path.glob("results/data/*"))
    assert not list(tmp_path.rglob(".building-*"))


STREAMED = '''"""Rows in pieces."""
import numpy as np
from harness.api import Dataset, Split, Stream

class Mine(Dataset):
    name = "mine"
    version = 1
    example = {}

    def stream(self, rng):
        def pieces():
            for part in ("train", "valid", "test"):
                for piece in range(3):
                    ids = rng.integers(0, 5, (20, 2))
                    yield part, Split(ids_NF=ids, labels_NT=np.resize(np.array([0, 1], np.uint8), (20, 1)))
        return Stream(("a", "b"), ("t",), pieces())
'''


def test_a_data_set_of_ones_own_may_come_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mine.py").write_text(STREAMED)
    dataset = Registry(tmp_path).datasets["mine"].cls()
    indexed.save(dataset.stream(generator(0, "x")), tmp_path / "data")
    built, stored = dataset.build(generator(0, "x")), indexed.load(tmp_path / "data")
    assert len(stored.train) == len(built.train.ids_NF) == 60
    assert np.array_equal(np.concatenate(stored.ids_V)[stored.train.codes_NF], built.train.ids_NF)


def test_pieces_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    split = make_split(np.random.default_rng(0), [[1, 2], [3, 4]])
    timed = dataclasses.replace(split, time_N=np.array([1, 2]))
    empty = Split(ids_NF=split.ids_NF[:0], labels_NT=split.labels_NT[:0])
    for pieces, message in [
        ([("train", split), ("train", timed)], "train split: time_N is given in some pieces and not in others"),
        ([("trian", split)], "split 'trian' is unknown; accepted: train, valid, test"),
        ([("train", split), ("valid", split)], "test split: 0 rows"),
        ([("train", empty)], "train split: 0 rows"),
    ]:
        with pytest.raises(UserError, match=message):
            indexed.save(Stream(("a", "b"), ("click", "buy"), pieces), tmp_path / "data", "mine")
        assert list(tmp_path.iterdir()) == []


def test_texts_of_a_preset_stay_text_in_the_table_of_the_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = load_population("tiny").model_copy(update={"description": HOSTILE})
    monkeypatch.setattr(data_table, "load_population", lambda name: preset)
    monkeypatch.setattr(data_table, "statistics", lambda name, scratch: iter([Line(HOSTILE, None, 1.0)]))
    assert data_table.write_table(Console(quiet=True), ["tiny"], tmp_path / "out.md") == 0
    page = (tmp_path / "out.md").read_text()
    assert elements(page) == {"h1", "h2", "p", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert words(page).count(" ".join(HOSTILE.split())) == 2

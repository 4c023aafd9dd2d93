"""What is planted is found, what is clean stays silent, and no data is too small or too bare to be checked."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine import make_data, store

from harness.api import Doubt, UserError
from harness.base import seeds
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.data.leaks.checks import findings, findings_of
from harness.plugins.registry import Registry, build
from harness.results.findings import Finding, Severity
from perf.leaks import PRESETS, alarms, coded, found_in, found_in_preset
from perf.leaky_logs.faulty import PLANTED
from perf.leaky_logs.honest import CLEAN, of_shape
from perf.leaky_logs.log import clean, data_of


def of(found: tuple[Finding, ...], check: str) -> Finding:
    (only,) = [finding for finding in found if finding.check == check]
    return only


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found_and_nothing_else(kind: str) -> None:
    make, check = PLANTED[kind]
    for seed in range(2):
        found = found_in(make, seed)
        assert check in {finding.check for finding in found}
        assert not alarms(found, check)


@pytest.mark.parametrize("kind", CLEAN)
def test_a_clean_log_is_silent(kind: str) -> None:
    for seed in range(2):
        assert not alarms(found_in(CLEAN[kind], seed))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_of_the_generator_is_silent(preset: str) -> None:
    assert not alarms(found_in_preset(preset, 0))


@pytest.mark.parametrize(
    ("kind", "severity", "seen"),
    [
        (
            "a copy of the label, 1 % wrong",
            Severity.STOP,
            "Field 'status' alone tells label 'click': the mean training",
        ),
        ("a field that the label moves, AUC .86", Severity.LOOK, "Field 'dwell' alone tells label 'click'"),
        (
            "a field that is 0 but after a quarter of the clicks",
            Severity.LOOK,
            "Field 'bought' has another value than its usual one only where label 'click' is 1: in ",
        ),
        (
            "an event id",
            Severity.LOOK,
            "Ids of field 'event' hardly return: 1.00 distinct ids per training row, and 100.0%",
        ),
        (
            "one row of a session is 0, split by row",
            Severity.STOP,
            "Rows with one id of 'user' differ in label 'click'",
        ),
        ("a label of the session on each row, split by row", Severity.STOP, "in all rows of one id of 'group'"),
        ("whether the user comes again, no gap", Severity.STOP, "it is 1 in 100.0% of those whose id of 'user' comes"),
        ("rows logged twice, split by row", Severity.STOP, "correlate by 1.00, of rows that differ in one field by ."),
        ("one row of twenty logged twice", Severity.LOOK, "of the held-out rows seem to be copies of training rows"),
        (
            "rows logged twice, split by time",
            Severity.LOOK,
            "50.0% of the training rows seem to be copies of earlier ones: labels of rows with the same fields and the "
            "same time correlate by 1.00, of rows that differ in one of these by up to ",
        ),
        ("a label of .3 %", Severity.LOOK, "Label 'click' is 1 in only"),
    ],
)
def test_a_finding_says_what_was_seen(kind: str, severity: Severity, seen: str) -> None:
    make, check = PLANTED[kind]
    finding = of(found_in(make, 0), check)
    assert finding.severity == severity
    assert seen in finding.seen
    assert str(finding) == f"{severity} ({check}; {severity.meaning}): {finding.seen} {finding.advice}"


def test_labels_that_depend_on_each_other_are_only_looked_at_where_the_split_keeps_them_together(
    tmp_path: Path,
) -> None:
    """A label of the session on each of its rows, in order of time: no session is torn but those at the cuts."""
    make, check = PLANTED["a label of the session on each row, split by row"]
    rng = np.random.default_rng(0)
    data = coded(data_of(replace(make(rng), by_row=False), rng), tmp_path / "data")
    assert of(findings(data), check).severity == Severity.LOOK


def test_rows_with_the_same_fields_at_another_time_are_no_copies(tmp_path: Path) -> None:
    """In order of time, those of one are on one side of the split, but for those at the cuts."""
    make, _ = PLANTED["rows logged twice, split by time"]
    rng = np.random.default_rng(0)
    log = make(rng)
    data = data_of(replace(log, time_N=np.arange(len(log.label_N))), rng)
    assert findings(coded(data, tmp_path / "data")) == ()


def test_rows_logged_twice_are_seen_without_a_time_too_where_the_split_keeps_them_together(tmp_path: Path) -> None:
    make, check = PLANTED["rows logged twice, split by time"]
    rng = np.random.default_rng(0)
    data = data_of(make(rng), rng)
    train, valid, test = (replace(part, time_N=None) for part in (data.train, data.valid, data.test))
    found = of(findings(coded(replace(data, train=train, valid=valid, test=test), tmp_path / "data")), check)
    assert "labels of rows with the same fields correlate by 1.00" in found.seen


def test_what_keeps_one_of_each_row_ends_the_finding(tmp_path: Path) -> None:
    make, check = PLANTED["rows logged twice, split by time"]
    log = make(np.random.default_rng(0))
    table = pl.DataFrame(log.fields | {"time": log.time_N, "click": log.label_N})
    table.write_parquet(tmp_path / "log.parquet")
    told = f'fields = {[*log.fields]}\ntime = "time"\nlabels = {{ click = "click" }}\nsplit = {{ by = "time" }}\n'
    (tmp_path / "twice.toml").write_text(told)
    (tmp_path / "once.toml").write_text(f'query = "SELECT DISTINCT * FROM data"\n{told}')
    seen = {}
    for name in ("twice", "once"):
        params = {"schema": str(tmp_path / f"{name}.toml"), "path": str(tmp_path / "log.parquet")}
        dataset = build(Registry().datasets, "data set", "table_file", params)
        indexed.save(dataset.stream(seeds.generator(0, "data")), tmp_path / name)
        seen[name] = [finding.check for finding in findings(indexed.load(tmp_path / name))]
    assert seen == {"twice": [check], "once": []}


def test_a_gap_before_the_cut_ends_the_finding(tmp_path: Path) -> None:
    make, check = PLANTED["whether the user comes again, no gap"]
    rng = np.random.default_rng(0)
    data = data_of(make(rng), rng)
    known_N = np.arange(len(data.train.labels_NT)) < 15_000
    gap = replace(data, train=replace(data.train, observed_NT=known_N[:, None]))
    assert check in {finding.check for finding in findings(coded(data, tmp_path / "without"))}
    assert findings(coded(gap, tmp_path / "with")) == ()


def test_the_gravest_come_first_and_are_made_once_of_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    log = clean(rng, base=0.03)
    fields = log.fields | {"event": np.arange(len(log.label_N)), "copy": 5 - log.label_N}
    coded(data_of(replace(log, fields=fields), rng), tmp_path / "data")
    found = findings_of(tmp_path / "data")
    assert [finding.severity for finding in found] == [Severity.STOP, Severity.LOOK, Severity.LOOK]
    assert findings_of(tmp_path / "data") is found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(30, 6000),
    fields=st.lists(st.tuples(st.integers(2, 3000), st.floats(0, 1.5)), min_size=1, max_size=4),
    effect=st.floats(0, 0.7),
    base=st.floats(0.05, 0.95),
    by_row=st.booleans(),
)
def test_no_random_table_is_stopped(
    seed: int, rows: int, fields: list[tuple[int, float]], effect: float, base: float, by_row: bool
) -> None:
    """Ids of any law, an effect of each on an honest label, and any split."""
    rng = np.random.default_rng(seed)
    log = of_shape(rng, rows, fields, effect, base, by_row)
    data = data_of(log, rng)
    if any(len(set(part.labels_NT[:, 0].tolist())) < 2 for part in (data.train, data.valid, data.test)):
        return
    with tempfile.TemporaryDirectory() as folder:
        found = findings(coded(data, Path(folder) / "data"))
    assert [finding for finding in found if finding.severity == Severity.STOP] == []


@pytest.mark.parametrize("rows", [2, 3, 50])
def test_the_smallest_data_without_time_and_groups_is_checked(rows: int, tmp_path: Path) -> None:
    ids_NF = np.arange(2 * rows).reshape(rows, 2) % 5
    found = findings(store(make_data(ids_NF, ids_NF[:2]), tmp_path / "data"))
    assert {finding.check for finding in found} == {"few_labels"}


def test_the_doubts_of_an_author_are_found(tmp_path: Path) -> None:
    """After pieces, indexing and a file, each as it was told."""
    rng = np.random.default_rng(0)
    doubts = Doubt("seen_twice", "Rows were logged twice.", "Keep one."), Doubt("made_up", "It is.", "Do not.")
    found = findings(coded(replace(data_of(clean(rng), rng), doubts=doubts).stream().gather(), tmp_path / "data"))
    assert found == tuple(Finding(doubt.name, Severity.LOOK, doubt.message, doubt.advice) for doubt in doubts)


@pytest.mark.parametrize("name", ["", "seen twice", "a/b"])
def test_a_doubt_has_a_word_for_a_name(name: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"doubt: name = {name!r} is not accepted; accepted: letters")):
        Doubt(name, "So it is.", "Do this.")


def test_one_row_of_one_class_is_checked() -> None:
    def split(rows: int) -> IndexedSplit:
        codes_NF, label_NT = np.zeros((rows, 1), np.int32), np.ones((rows, 1), np.uint8)
        return IndexedSplit(codes_NF, label_NT, None, np.arange(rows), np.arange(rows), None)

    one, ids = split(1), (np.array([7]),)
    found = findings(IndexedDataset(("a",), ("x",), ids, (np.array([1]),), one, one, one))
    assert [finding.seen for finding in found] == [
        "Label 'x' is 0 in only 0 of 1 rows of valid and 0 of 1 rows of test: chance alone moves an AUC there by .82."
    ]

"""The report recovers known effects from records, hides nothing, and is one page that needs only itself."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from scipy import stats as scipy_stats
from support.html import Page
from support.markdown import HOSTILE, addresses, elements, words
from support.simulated import CURVES, DIP, ENV, Bench, analysed, compared
from support.tracking import AUC, arm_of, plan_of, records_of, spec_of

from harness.analysis.analysis import Analysis, GroupAnalysis
from harness.analysis.comparisons import ArmComparison
from harness.analysis.estimates import estimate
from harness.analysis.groups import ArmRuns, Group
from harness.analysis.load import load
from harness.base.errors import UserError
from harness.figures.style import FADED
from harness.figures.svg import STANDALONE_STYLE
from harness.metrics.catalog import BUCKETS
from harness.report import pages
from harness.report.figures.arm_styles import arm_styles
from harness.report.figures.curves import points_of, published
from harness.report.format import digits_for, interval, number, show
from harness.report.pages.answer import answer
from harness.report.pages.first_screen import facts
from harness.report.pages.templates import breakable, typeset
from harness.report.tables.costs import spent
from harness.report.tables.details import failures, knobs, plan_toml, run_list
from harness.report.tables.printed import terminal
from harness.report.write import analyse, write_report
from harness.results.keys import ArmRole, MetricKey, Status
from harness.results.plan_results import Arm, PlanResult, read_plan_result, write_plan_result
from harness.results.records import Record, Run
from harness.results.run_writer import RunWriter, write_crash

ROOT = Path(__file__).resolve().parents[2]


def by_name(found: list[ArmComparison]) -> dict[str, ArmComparison]:
    return {row.arm.label: row for row in found}


def mean(row: ArmComparison, quantity: str) -> float:
    value = row.value(quantity)
    assert value is not None
    return value.mean


def page_of(report: Path) -> Page:
    """The page beside the one script that is ours, so that any other is seen."""
    script = f"<script>\n{(ROOT / 'harness/report/pages/report.js').read_text().strip()}</script>\n"
    before, after = report.read_text().split(script)
    return Page(before + after)


def printed(bench: Bench, width: int = 160) -> str:
    console = Console(width=width, record=True, file=(bench.results / "terminal").open("w"))
    console.print(terminal(analyse(bench.results, bench.name)))
    console.file.close()
    return console.export_text()


# Statistics


@pytest.mark.parametrize("file", ["costs.jsonl", "influences-3.npz"])
def test_a_damaged_file_beside_records_costs_no_other_plan_its_report(tmp_path: Path, file: str) -> None:
    plan, rng = plan_of(evaluation={"test_error": True}), np.random.default_rng(0)
    for key, seed in (("a1", 1), ("a2", 2), ("b1", 1), ("b2", 2)):
        writer = RunWriter(tmp_path / "runs", key, spec_of(seed), {"cpu": "any"})
        for record in records_of(AUC[seed]):
            told = {each: rng.normal(size=50).astype(np.float32) for each in record.metrics if each.split == "test"}
            writer.append(replace(record, influences=told) if record.boundary else record)
        writer.finish(Status.FINISHED)
    for name in "ab":
        arm = arm_of({1: f"{name}1", 2: f"{name}2"})
        one = plan.model_copy(update={"name": name}).model_dump(mode="json", by_alias=True)
        write_plan_result(tmp_path, PlanResult(name, one, (arm,), True))
    path = tmp_path / "runs" / "a1" / file
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0x80
    path.write_bytes(damaged)
    write_report(tmp_path, None)
    assert (tmp_path / "report" / "b.md").exists()
    assert (tmp_path / "report.html").exists()
    if file.startswith("influences"):
        (tmp_path / "plans" / "b.json").unlink()
        before = (tmp_path / "report.html").read_text()
        with pytest.raises(UserError, match=r"no plan of results folder .* can be read; the lines above say why"):
            write_report(tmp_path, None)
        assert (tmp_path / "report.html").read_text() == before


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_is_student_t_over_seeds(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    found = estimate(values)
    low, high = scipy_stats.t.interval(0.95, n - 1, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(n))
    assert found is not None
    assert found.n == n
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_the_interval_covers_the_true_gain_of_simulated_records_in_95_of_100(tmp_path: Path) -> None:
    """Every run has noise of its own, every seed some that its arms share; the bound is 5 sigma of a binomial."""
    tries, hits = 400, 0
    bench = Bench(tmp_path, tasks=("click",), select="final_epoch")
    for _ in range(tries):
        luck = {seed: bench.rng.normal(0, 0.05) for seed in bench.seeds}
        arms = [
            _in_memory(bench, role, curve, luck)
            for role, curve in ((ArmRole.ARM, (0.6, 0.62)), (ArmRole.ONE_EPOCH, (0.6,)))
        ]
        group = Group("synthetic", "dnn", "click", "auc", ("click",), (arms[0],), arms[1], ())
        gain = by_name(compared(group, "click", "auc"))["reinit"].value("gain")
        assert gain is not None
        assert gain.low is not None
        assert gain.high is not None
        hits += gain.low <= 0.02 <= gain.high
    assert abs(hits - 0.95 * tries) < 5 * math.sqrt(tries * 0.95 * 0.05)


def _in_memory(bench: Bench, role: ArmRole, curve: Sequence[float], luck: Mapping[int, float]) -> ArmRuns:
    arm = Arm("synthetic", "dnn", "reinit", role, "click", bench.select, False, {}, (), {})
    records = {s: tuple(bench._records(curve, luck[s] + bench.rng.normal(0, 0.01))) for s in bench.seeds}
    return ArmRuns(arm, {s: Run(f"{role}-{s}", {}, r, Status.FINISHED, "", ENV) for s, r in records.items()}, {}, True)


def test_known_effects_are_recovered_and_ranked(tmp_path: Path) -> None:
    found = compared(Bench(tmp_path).group(), "click", "auc")
    assert [row.arm.label for row in found] == ["reinit", "none", "one epoch", "hashing"]
    reinit, none = by_name(found)["reinit"], by_name(found)["none"]
    assert reinit.epochs == (4, 4, 4)
    assert none.epochs == (1, 1, 1)
    assert mean(reinit, "best") == pytest.approx(0.68)
    assert mean(reinit, "gain") == pytest.approx(0.015)
    assert mean(none, "gain") == 0
    assert mean(none, "final_epoch_gain") == pytest.approx(-0.06)
    assert mean(none, "second_epoch_change") == pytest.approx(-0.02)
    assert mean(none, "jump") == pytest.approx(DIP)
    assert mean(none, "first") == pytest.approx(0.665)
    assert mean(none, "last") == pytest.approx(0.605)
    difference = reinit.contrasts["last"].against_none
    assert difference is not None
    assert difference.mean == pytest.approx(0.075)


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    group = Bench(tmp_path, shared=0.05, own=0.0005, seeds=(1, 2, 3, 4, 5)).group()
    reinit = by_name(compared(group, "click", "auc"))["reinit"]
    best, gain, lead = (
        reinit.value("best"),
        reinit.value("gain"),
        analysed(group).against(reinit.arm, group.arms[0]),
    )
    assert best is not None
    assert gain is not None
    assert lead is not None
    assert best.high is not None
    assert gain.high is not None
    assert best.high - best.mean > 20 * (gain.high - gain.mean)
    assert lead.sign == 1


def test_pairs_are_the_seeds_that_both_arms_finished(tmp_path: Path) -> None:
    bench = Bench(tmp_path, shared=0.05, status={("none", 1): "failed", ("reinit", 3): "failed"})
    reinit = by_name(compared(bench.group(), "click", "auc"))["reinit"]
    gain, best = reinit.value("gain"), reinit.value("best")
    assert gain is not None
    assert best is not None
    assert (gain.n, best.n) == (1, 2)
    assert gain.mean == pytest.approx(0.015)


def test_the_epoch_is_chosen_on_valid_and_read_on_test(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": (0.6, 0.7, 0.5)}, test_shift=lambda epoch: 0.2 if epoch == 3 else -0.1)
    none = by_name(compared(bench.group(), "click", "auc"))["none"]
    assert none.epochs == (2, 2, 2)
    assert mean(none, "best") == pytest.approx(0.6)


def test_without_test_values_valid_is_reported_and_said_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, test_shift=None)
    assert mean(by_name(compared(bench.group(), "click", "auc"))["reinit"], "best") == pytest.approx(0.685)
    text = " ".join(printed(bench).split())
    assert "valid click AUC" in text
    assert "gains are optimistic" in text


def test_where_less_is_better_gains_are_still_positive_when_better(tmp_path: Path) -> None:
    group = Bench(tmp_path, metric="logloss").group()
    found = compared(group, "click", "logloss")
    assert found[0].arm.label == "reinit"
    assert mean(found[0], "gain") == pytest.approx(0.015)
    assert mean(by_name(found)["none"], "second_epoch_change") == pytest.approx(0.02)
    assert "logloss in nats (positive is less)" in answer(analysed(group)).text


def test_bucket_gains_are_against_the_same_bucket_of_the_baseline(tmp_path: Path) -> None:
    group = Bench(tmp_path, shared=0.02).group()
    for last, expected in ((False, 0.0), (True, -0.06)):
        found = analysed(group).bucket_gains(group.arms[0], last=last)
        assert {b: round(e.mean, 10) for b, e in found.items()} == {b: expected for b, _ in BUCKETS}


# What is printed


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ((0.677, 0.6788, 0.6806), 4, "0.6788 [.6743, .6833]"),
        ((0.0101, 0.0123, 0.0145), 4, "+0.0123 [.0068, .0178]"),
        ((-0.02, 0.0, 0.02), 4, "+0.0000 [-.0497, .0497]"),
        ((-1.2, -1.3), 2, "-1.25 [-1.89, -.61]"),
        ((0.5,), 4, "0.5000 (1 seed, no interval)"),
        ((), 4, "-"),
    ],
)
def test_an_estimate_is_printed_with_its_interval(values: tuple[float, ...], digits: int, text: str) -> None:
    assert show(estimate(values), digits, signed=text[0] in "+-") == text


def test_seeds_that_are_too_few_for_an_always_valid_interval_are_counted() -> None:
    assert show(estimate((0.1, 0.2, 0.15), stopped=True), 4) == "0.1500 (3 seeds, no interval)"


def test_a_vanishing_negative_has_no_sign_and_minus_is_typeset_before_numbers_only() -> None:
    assert number(-0.00001, 4, signed=True) == "+0.0000"
    assert typeset("-0.1 [-.2, .3] a-1 2 - 1") == "\u22120.1\u00a0[\u2212.2,\u00a0.3] a-1 2 \u2212 1"


def test_small_losses_get_more_decimals(tmp_path: Path) -> None:
    found = compared(Bench(tmp_path, curves={"none": (0.9954, 0.9953)}).group(), "click", "logloss")
    assert digits_for(found) == 6
    best = found[0].value("best")
    assert best is not None
    assert interval(best, digits_for(found)).startswith("[.009")


def test_one_seed_has_no_interval_and_settles_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seeds=(1,))
    bench.write()
    page = write_report(tmp_path, None).read_text()
    for text in (page, printed(bench), (tmp_path / "report" / "bench.md").read_text()):
        assert "1 seed, no interval" in text
        assert "One seed: not settled" in text
        assert "[." not in text
    facts = pl.read_csv(tmp_path / "report" / "bench.csv")
    assert facts["low"].null_count() == len(facts)


def test_failed_missing_and_pending_runs_are_shown(tmp_path: Path) -> None:
    lost = {("reinit", 2): "failed", ("hashing", 1): "failed", ("hashing", 2): "killed", ("hashing", 3): "absent"}
    bench = Bench(tmp_path, status=lost)
    bench.write(complete=False, pending=("l2",))
    page = write_report(tmp_path, ["bench", "bench"]).read_text()
    markdown = (tmp_path / "report" / "bench.md").read_text()
    for text in (page, markdown, printed(bench)):
        assert "2 of 3 seeds" in text
        assert "0 of 3 seeds" in text
        assert "l2" in text
    for text in (page, markdown):
        assert "not complete" in text
        assert "the loss is not a finite number in epoch 1" in text
        assert "has not reached its end" in text
        assert "not started" in text
    table = pl.read_csv(tmp_path / "report" / "bench.csv")
    left = table.filter((pl.col("strategy") == "reinit") & (pl.col("quantity") == "gain"))
    assert left["mean"].null_count() == 0
    tests = [name for name in table.columns if re.fullmatch(r"(against_none_)?(p|sign_flip_p)(_holm)?", name)]
    assert [left[name].null_count() for name in tests] == [len(left)] * 8, "what is left is not chance: it has no p"
    facts = table.filter(pl.col("strategy") == "hashing")
    assert facts["finished_seeds"].unique().to_list() == [0]
    assert facts["mean"].null_count() == len(facts)


def test_a_plan_without_any_finished_run_still_has_a_page(tmp_path: Path) -> None:
    bench = Bench(tmp_path, status={(s, n): "failed" for s in CURVES for n in (1, 2, 3)})
    bench.write()
    assert "No answer yet" in write_report(tmp_path, None).read_text()
    assert "No answer yet" in printed(bench)


def test_a_plan_without_none_says_what_it_lacks(tmp_path: Path) -> None:
    group = Bench(tmp_path, curves={"reinit": CURVES["reinit"]}).group()
    assert "no strategy 'none'" in answer(analysed(group)).text
    assert "no strategy &#39;none&#39;" in write_report(tmp_path, None).read_text()


def test_untuned_rows_say_so_and_tuned_ones_show_their_knobs(tmp_path: Path) -> None:
    untuned = Bench(tmp_path)
    untuned.write()
    assert printed(untuned).count("untuned") >= len(CURVES) + 1
    tuned = Bench(tmp_path, trials=4)
    tuned.write()
    assert "untuned" not in printed(tuned)
    page = write_report(tmp_path, None).read_text()
    assert "table_lr = 0.004" in page.replace("\u00a0", " ")
    assert "0.6030" in page


def test_at_80_columns_nothing_is_cut_and_names_break_at_their_joints(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves=CURVES | {"sparse_optimizer+frequency_adaptive_lr": (0.66, 0.68, 0.6, 0.6)})
    bench.write()
    text = printed(bench, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "\u2026" not in text
    words = set(text.split())
    assert {"sparse_optimizer+", "frequency_", "adaptive_lr"} <= words
    assert "sparse_optimizer+frequency_adaptive_lr" in printed(bench, width=120).split()


def test_a_wide_terminal_shows_further_columns_and_none_is_cut(tmp_path: Path) -> None:
    Bench(tmp_path).write()
    heads = []
    for width in (80, 110, 140, 220):
        text = printed(Bench(tmp_path), width)
        assert max(map(len, text.splitlines())) <= width
        assert "\u2026" not in text
        heads.append([word for word in ("Holm", "nats") if word in text.split("\u2500")[0]])
    assert heads[0] == []
    assert heads[-1] == ["Holm", "nats"]
    assert [len(each) for each in heads] == sorted(len(each) for each in heads)


def test_the_answer_names_the_strategy_and_the_danger(tmp_path: Path) -> None:
    bench = Bench(tmp_path, own=0.0005, trials=2)
    bench.write()
    text = " ".join(printed(bench).split())
    assert "More than one epoch pays with reinit" in text
    assert "over one tuned epoch, read at epoch 4" in text
    assert "it is not safe" in text


def test_the_first_screen_says_what_plain_training_and_what_the_best_arm_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path, own=0.001, shared=0.01)
    bench.write()
    (found,) = analyse(tmp_path, bench.name).groups
    plain, best, further = facts(found)
    rows = by_name(list(found.ranked))
    assert plain.what == "Plain training to epoch 4"
    assert plain.value == number(mean(rows["none"], "final_epoch_gain"), 4, signed=True)
    assert plain.sign == -1
    assert best.what == "reinit"
    assert best.value == number(mean(rows["reinit"], "gain"), 4, signed=True)
    assert best.sign == 1
    assert "test click AUC against one" in best.note
    assert further.what == "What its further epochs add"
    assert further.value == number(mean(rows["reinit"], "gain_after_own_first"), 4, signed=True)
    assert further.note == "test click AUC against its own first epoch, at the same knobs"
    page = (write_report(tmp_path, None)).read_text()
    shown = [typeset(each) for fact in (plain, best, further) for each in (fact.value, fact.interval)]
    assert [page.index(text) for text in shown] == sorted(page.index(text) for text in shown)
    assert page.index("</svg>") < page.index("<table")


@pytest.mark.parametrize(("select", "by_validation"), [("best_epoch", 2), ("final_epoch", 0), ("one_epoch", 0)])
def test_validation_is_named_only_where_it_picks_the_epoch(select: str, by_validation: int, tmp_path: Path) -> None:
    bench = Bench(tmp_path, seeds=(1, 2, 3, 4, 5), own=0.0005, select=select)
    (found,) = analyse_after(bench)
    assert answer(found).text.count("Validation would stop") == by_validation / 2
    assert sum("validation" in fact.note for fact in facts(found)) == by_validation
    alone = Bench(tmp_path, curves={"none": CURVES["none"]}, select=select, name="alone")
    (found,) = analyse_after(alone)
    picks = {"best_epoch": "validation picks the first", "one_epoch": "the plan reads the first"}
    assert picks.get(select, "ends -0.0600") in answer(found).text


def analyse_after(bench: Bench) -> tuple[GroupAnalysis, ...]:
    bench.write()
    return analyse(bench.results, bench.name).groups


def test_the_name_of_a_strategy_opens_what_it_does(tmp_path: Path) -> None:
    Bench(tmp_path).write()
    result = read_plan_result(tmp_path, "bench")
    write_plan_result(tmp_path, replace(result, about={"reinit": {"reinit": "Redraws rows. Liu et al. <2023>"}}))
    page = write_report(tmp_path, None).read_text()
    (opened,) = re.findall(r'<button type="button" popovertarget="([^"]+)"><span>reinit</span>', page)
    assert f'id="{opened}"><dt>reinit</dt><dd>Redraws rows. Liu et al. &lt;2023&gt;</dd>' in page


def test_a_lead_at_epoch_one_is_not_called_multi_epoch(tmp_path: Path) -> None:
    bench = Bench(tmp_path, curves={"none": (0.67, 0.65), "l2": (0.68, 0.66)}, own=0.0001)
    bench.write()
    assert "l2 gains, but that it takes more than one epoch is not shown" in printed(bench)


# The page


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("results"), own=0.001, shared=0.01, trials=2)
    bench.write()
    write_report(bench.results, None)
    return bench


def test_the_page_parses_and_loads_nothing(bench: Bench) -> None:
    text, page = (bench.results / "report.html").read_text(), page_of(bench.results / "report.html")
    assert not page.open
    assert all(re.fullmatch("#.*|(?s:runs/.+/)", load) for load in page.loads)
    assert not page.tags & {"script", "link", "iframe", "img"}
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[^\"'\s<)]+", text)) == {"http://www.w3.org/2000/svg"}


def test_references_inside_figures_resolve(bench: Bench) -> None:
    text = (bench.results / "report.html").read_text()
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    assert used <= ids
    assert used


def figures_of(text: str) -> list[str]:
    return re.findall(r"<svg xmlns.*?</svg>", text, flags=re.DOTALL)


def arms_in(figure: str) -> set[str]:
    return {name for found in re.findall(r'class="([^"]+)"', figure) for name in found.split() if name[:4] == "arm-"}


def test_a_metric_of_whole_groups_is_drawn_at_the_ends_of_epochs(tmp_path: Path) -> None:
    """GAUC is not recorded of the sample."""
    Bench(tmp_path, metric="gauc", tasks=("click",)).write()
    write_report(tmp_path, None)
    first = figures_of((tmp_path / "report.html").read_text())[0]
    assert arms_in(first) == {"arm-0", "arm-1", "arm-2"}
    assert "valid click GAUC" in first


def test_seeds_of_other_numbers_of_batches_make_one_curve(tmp_path: Path) -> None:
    """A quarter of 137 batches is not a quarter of 150: each place is a mean over all seeds, not one of each."""
    group = Bench(tmp_path, tasks=("click",), own=0.01).group()
    plain = group.arms[0]

    def apart(seed: int, record: Record) -> Record:
        return record if record.boundary else replace(record, position=record.position + 0.001 * seed)

    runs = {s: replace(r, records=tuple(apart(s, each) for each in r.records)) for s, r in plain.runs.items()}
    key = MetricKey("sample", "auc", "click")
    together, moved = points_of(group, plain, key), points_of(group, replace(plain, runs=runs), key)
    assert [value for _, value in moved] == [value for _, value in together]
    assert [place for place, _ in moved] == pytest.approx([0.502, 1, 1.502, 2, 2.502, 3, 3.502, 4])
    assert [place for place, _ in together] == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]


def test_where_runs_decided_their_number_what_is_drawn_is_always_valid(tmp_path: Path) -> None:
    """Else a curve's band and a point's whiskers promise what a look after every seed does not keep."""
    fixed = Bench(tmp_path, tasks=("click",), own=0.01, seeds=(1, 2, 3, 4, 5, 6)).group()
    key, drawn = MetricKey("valid", "auc", "click"), []
    for group in (fixed, replace(fixed, stopped=True)):
        analysis, arm = analysed(group), group.arms[0]
        points = [value for _, value in points_of(group, arm, MetricKey("sample", "auc", "click"))]
        drawn.append([*points, analysis.gain_at(arm, key, last=True), *analysis.bucket_gains(arm, last=True).values()])
    told = 0
    for usual, always in zip(*drawn, strict=True):
        assert usual
        assert always
        assert usual.mean == always.mean
        if usual.deviation:
            told += 1
            assert always.low < usual.low < usual.high < always.high
    assert told > len(drawn[0]) / 2


@pytest.mark.parametrize(("draws", "said"), [(1, 1), (3, 0)])
def test_figures_of_validation_rows_say_what_their_intervals_are_of(
    draws: int, said: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Group, "draws", draws)
    Bench(tmp_path, tasks=("click",)).write()
    page = write_report(tmp_path, None).read_text()
    alone = "Intervals are of other seeds alone, not of other rows."
    assert page.count(f"fixed sample of the validation split. {alone}") == page.count(f"in training. {alone}") == said


def test_every_arm_is_drawn_in_every_figure_and_can_be_faded(bench: Bench) -> None:
    text = (bench.results / "report.html").read_text()
    at_a_glance, curves, by_frequency, by_cost, over_tasks = 1, 2 * 2, 2, 3, 1
    figures = figures_of(text)
    assert len(figures) == at_a_glance + curves + by_frequency + by_cost + over_tasks
    for figure in figures[:-1]:
        assert arms_in(figure) == {f"arm-{i}" for i in range(len(CURVES))}
    assert len(re.findall(r'type="checkbox" checked data-arm', text)) == len(CURVES)
    parts = set(re.findall(r'class="arm-0 (\w+)"', text))
    assert parts == {"band", "line", "ends", "span", "dots", "key"}
    for i in range(len(CURVES)):
        for part in parts:
            assert f'[data-arm="{i}"]:not(:checked)) .arm-{i}.{part}' in text


def test_of_many_arms_the_plain_one_and_the_leaders_stand_out(tmp_path: Path) -> None:
    many = {f"arm{i:02}": (0.66, 0.67 + 0.001 * i) for i in range(23)} | {"none": (0.67, 0.6)}
    Bench(tmp_path, curves=many, tasks=("click",)).write()
    text = write_report(tmp_path, None).read_text()
    lit = re.findall(r'type="checkbox" checked data-arm="(\d+)"', text)
    assert lit == ["18", "19", "20", "21", "22", "23"]
    assert text.index('data-arm="23"><svg') < text.index('data-arm="0"><svg')
    (styles,) = arm_styles(Analysis(load(tmp_path, "bench")))
    assert len({styles[int(i)].pen.color for i in lit}) == len(lit)
    assert len({(s.pen.color, s.pen.marker, s.pen.dash) for s in styles}) == len(many)
    svg = (tmp_path / "report" / "bench-1.svg").read_text()
    assert arms_in(svg) == {f"arm-{i}" for i in lit}
    assert "18 others" in svg


def test_of_many_rows_ten_are_shown_at_first_with_the_reference_and_the_plain_arm(tmp_path: Path) -> None:
    arms = {f"hashing(ratio={k / 100})": (0.67, 0.68, 0.68 + k / 1000, 0.68) for k in range(1, 16)}
    found = {}
    for name, curves in {"few": CURVES, "many": CURVES | arms}.items():
        Bench(tmp_path / name, curves=curves).write()
        found[name] = write_report(tmp_path / name, None).read_text()
    assert "data-fold>" not in found["few"]
    assert "data-fold> all 19 rows</label>" in found["many"]
    rows = found["many"].split("<tbody>")[1].split("</tbody>")[0].split("<tr")[1:]
    kept = [row for row in rows if "kept" in row.partition(">")[0]]
    assert [re.findall("<span>(none|one epoch)</span>", row) for row in kept] == [["none"], ["one epoch"]]


@pytest.mark.parametrize("title", ["Cost", "Knobs"])
def test_the_first_line_of_every_table_of_arms_is_the_leader(title: str, tmp_path: Path) -> None:
    """A long one is folded: in the plan's order the arm to use would be out of sight."""
    Bench(tmp_path, curves=CURVES | {"hashing": (0.67, 0.7, 0.71, 0.72)}).write()
    text = write_report(tmp_path, None).read_text()
    body = text.split(f'aria-label="{title}"')[1].split("<tbody>")[1]
    assert re.findall("<span>(.*?)</span>", body)[0] == "hashing"


def test_without_a_script_nothing_is_offered_that_needs_one(tmp_path: Path) -> None:
    """Pages of data and of a verdict have none, and show the same tables: the script itself shows what it fills."""
    names = ("hashing", "frequency_dropout", "low_frequency_filter", "weight_decay", "embedding_dropout", "a", "b", "c")
    Bench(tmp_path, curves=CURVES | dict.fromkeys(names, (0.67, 0.66, 0.65, 0.64))).write()
    labels = re.findall(r'<label class="filter[^>]*>', write_report(tmp_path, None).read_text())
    assert labels
    assert all(label.endswith(" hidden>") for label in labels)
    assert "input.parentElement.hidden = false" in (Path(pages.__file__).parent / "report.js").read_text()


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("running_mean+reinit", "running_mean+<wbr>reinit"),
        ("frequency_adaptive_lr", "frequency_<wbr>adaptive_<wbr>lr"),
        ("l2(form='by_count')", "l2(<wbr>form=&#39;by_<wbr>count&#39;)"),
        ("a_b = 1, c = 2", "a_b\u00a0=\u00a01, c\u00a0=\u00a02"),
    ],
)
def test_names_break_at_their_joints(name: str, broken: str) -> None:
    assert breakable(name) == broken


def test_grey_lines_are_quiet_on_a_dark_ground_too() -> None:
    assert f'[stroke="{FADED}"]' in STANDALONE_STYLE
    assert f'[stroke="{FADED}"]' in (Path(pages.__file__).parent / "report.css").read_text()


def test_a_strategy_looks_the_same_on_every_data_set(tmp_path: Path) -> None:
    for name, step in (("one", 0.001), ("two", -0.001)):
        curves = {f"arm{i:02}": (0.66, 0.67 + step * i) for i in range(12)} | {"none": (0.67, 0.6)}
        Bench(tmp_path, name=name, dataset=name, curves=curves, tasks=("click",)).write()
    found = [read_plan_result(tmp_path, name) for name in ("one", "two")]
    arms = tuple(arm for result in found for arm in result.arms)
    write_plan_result(tmp_path, PlanResult("both", found[0].plan, arms, True))
    first, second = arm_styles(Analysis(load(tmp_path, "both")))
    assert [style.pen for style in first] == [style.pen for style in second]
    assert [style.highlighted for style in first] != [style.highlighted for style in second]


def test_calibration_and_regret_are_drawn_where_they_were_recorded(tmp_path: Path) -> None:
    class Calibrated(Bench):
        def _metrics(self, split: str, auc: float, more_loss: float = 0.0) -> dict[str, float]:
            more = {f"{split}/calibration/{task}": 1.5 - auc for task in self.tasks}
            return super()._metrics(split, auc, more_loss) | more

    Calibrated(tmp_path).write()
    text = write_report(tmp_path, None).read_text()
    titles = re.findall(r'aria-label="([^"]*by epoch)"', text)
    assert "synthetic / dnn: click calibration by epoch" in titles
    assert not any("regret" in title for title in titles)
    (figure,) = (f for f in figures_of(text) if "click calibration by epoch" in f)
    for arm in range(len(CURVES)):
        (spans,) = re.findall(rf'<path class="arm-{arm} span".*? d="(.*?)"', figure)
        assert spans.count("M") == len(CURVES["none"]), "an interval after each epoch"


def test_the_oracle_of_several_draws_is_their_mean_as_curves_are(tmp_path: Path) -> None:
    group = Bench(tmp_path, {"none": (0.67, 0.65)}, seeds=(1, 2)).group()
    oracle, auc, share = {1: 0.75, 2: 0.79}, *(MetricKey("sample", name, "click") for name in ("auc", "oracle_share"))

    def drawn(arm: ArmRuns) -> ArmRuns:
        runs = {}
        for seed, run in arm.runs.items():
            reached = [(r, (r.metrics[auc] - 0.5) / (oracle[seed] - 0.5)) for r in run.records]
            records = tuple(replace(r, metrics=r.metrics | {share: value}) for r, value in reached)
            runs[seed] = replace(run, records=records)
        return replace(arm, runs=runs)

    found = replace(group, arms=tuple(map(drawn, group.arms)))
    (styles,) = arm_styles(Analysis(load(tmp_path, "bench")))
    assert "oracle 0.7700" in published(found, styles)


def test_the_oracle_is_named(bench: Bench) -> None:
    assert "oracle 0.9000" in (bench.results / "report.html").read_text()


def test_the_page_says_how_to_reproduce_it(bench: Bench) -> None:
    text = (bench.results / "report.html").read_text()
    assert "multiepoch benchmark bench.toml" in text
    assert "Python 3.11, torch 2.13, NumPy 2.4, test bench, 2 cores" in text
    assert "report/bench.csv" in text


def test_every_run_and_every_trial_is_named_by_its_key(bench: Bench) -> None:
    text = (bench.results / "report.html").read_text()
    for arm in read_plan_result(bench.results, "bench").arms:
        for key in (*arm.runs.values(), *(trial.key for trial in arm.trials)):
            assert f">{key}<" in text


def test_the_knobs_beside_a_run_are_its_own_where_seeds_take_turns(tmp_path: Path) -> None:
    group = Bench(tmp_path, trials=2).group()
    plain = group.arms[0]
    rates = {1: 0.002, 2: 0.001, 3: 0.002}
    runs = {s: replace(run, spec={"train": {"table_lr": rates[s]}}) for s, run in plain.runs.items()}
    lines = run_list(replace(group, arms=(replace(plain, runs=runs),), baseline=None)).lines
    assert [line[5].text for line in lines[:3]] == [f"table_lr = {rates[s]:g}" for s in (1, 2, 3)]


def test_a_failed_trial_of_the_baseline_is_listed_with_its_reason(tmp_path: Path) -> None:
    Bench(tmp_path, trials=2).write()
    result = read_plan_result(tmp_path, "bench")
    lost = [replace(a, trials=(replace(a.trials[0], value=None), a.trials[1])) for a in result.arms if a.role != "arm"]
    write_plan_result(tmp_path, replace(result, arms=(*(a for a in result.arms if a.role == "arm"), *lost)))
    write_crash(tmp_path / "runs", lost[0].trials[0].key, "out of memory")
    (group,) = load(tmp_path, "bench").groups
    (line,) = failures(group).lines
    assert [cell.text for cell in line] == ["one epoch", "trial 0", "missing", "out of memory", lost[0].trials[0].key]
    assert knobs(group).lines[-1][2].text == "0.6010"


def test_knobs_stand_beside_what_they_reached_in_whichever_search(tmp_path: Path) -> None:
    """Shared knobs of a start-up trial are those of `none` too, and its value is the arm's own all the same."""
    group = Bench(tmp_path, trials=3).group()
    plain, mixed, own = group.arms
    trials = tuple(replace(trial, value=0.5) for trial in own.arm.trials)
    taken = replace(mixed.arm, trials=trials, chosen={"table_lr": 0.002, "l2.strength": 0.0})
    tied = ({"table_lr": 0.003, "l2.strength": 0.0}, {"table_lr": 0.002, "l2.strength": 0.1})
    group = replace(
        group,
        arms=(plain, replace(mixed, arm=replace(taken, tied=tied)), replace(own, arm=replace(own.arm, trials=trials))),
    )
    shown = {line[0].text: line for line in knobs(group).lines}
    assert [(line[2].text, line[2].note) for line in shown.values()] == [
        ("0.6020", ""), ("0.6010", "of none"), ("0.5000", ""), ("0.6020", ""),
    ]  # fmt: skip
    assert shown[mixed.label][1].note == "in turn with table_lr = 0.003; l2.strength = 0.1"
    untried = replace(plain.arm, trials=(), chosen={})
    assert knobs(replace(group, arms=(replace(plain, arm=untried),))).lines[0][2].text == "-"


def test_only_runs_with_records_are_counted_and_a_core_each_only_where_it_was_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, status={("reinit", 1): "absent", ("reinit", 2): "absent"})
    bench.write()
    assert spent(load(tmp_path, "bench")).startswith("7 reporting runs and 0 trials trained and evaluated for ")
    assert "each on one core" in spent(load(tmp_path, "bench"))
    for path in tmp_path.glob("runs/*/spec.json"):
        path.write_text(path.read_text().replace('"dense_lr"', '"threads": 2, "dense_lr"'))
    assert "each on one core" not in spent(load(tmp_path, "bench"))


def test_the_same_records_give_the_same_files(bench: Bench) -> None:
    files = [p for p in (bench.results / "report.html", *(bench.results / "report").iterdir()) if p.is_file()]
    assert {p.suffix for p in files} == {".html", ".md", ".csv", ".parquet", ".svg"}
    before = {p: p.read_bytes() for p in files}
    write_report(bench.results, ["bench"])
    assert {p: p.read_bytes() for p in files} == before


def test_the_csv_holds_what_the_statistics_say(bench: Bench) -> None:
    facts = pl.read_csv(bench.results / "report" / "bench.csv")
    row = facts.filter(
        (pl.col("strategy") == "reinit")
        & (pl.col("task") == "click")
        & (pl.col("metric") == "auc")
        & (pl.col("quantity") == "gain")
    )
    (group,) = load(bench.results, "bench").groups
    gain = by_name(compared(group, "click", "auc"))["reinit"].value("gain")
    assert gain is not None
    assert row["mean"].to_list() == [pytest.approx(gain.mean)]
    assert row["high"].to_list() == [pytest.approx(gain.high)]
    assert facts.select("strategy", "role", "task", "metric", "quantity").is_unique().all()


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>[bold]|*"
    bench = Bench(tmp_path, curves={**CURVES, "bad[bold]<i>&": (0.6, 0.6, 0.6, 0.6)}, tasks=(bad, "$x_1$"), dataset=bad)
    bench.write()
    page = page_of(write_report(tmp_path, None))
    assert not page.open
    assert not page.tags & {"script", "i"}
    assert "bad[bold]<i>&" in printed(bench)
    markdown = (tmp_path / "report" / "bench.md").read_text()
    assert "<script>" not in markdown
    assert "<i>" not in markdown


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a plan whose every text tries to be more than text; names of tasks are as the data may have them."""
    results = tmp_path_factory.mktemp("hostile")
    curves = {"none": CURVES["none"], "<img src=x>": CURVES["reinit"], "![i](//evil/x)": CURVES["hashing"]}
    tasks = ("x<img src=q onerror=alert(1)>", "b*c*&lt;i&gt;")
    Bench(results, curves=curves, tasks=tasks, dataset=HOSTILE, trials=2).write(pending=(HOSTILE,))
    plan = results / "plans" / "bench.json"
    plan.write_text(plan.read_text().replace('"What is known."', json.dumps(f"{HOSTILE} It is known.")))
    write_report(results, None)
    return results


def test_only_our_own_links_are_links_in_the_published_page(hostile: Path) -> None:
    text = (hostile / "report" / "bench.md").read_text()
    assert addresses(text) == {"bench-1.svg", "bench-ranks.svg", "../README.md"}
    headings, table = {"h1", "h2", "h3"}, {"table", "thead", "tbody", "tr", "th", "td"}
    assert elements(text) == {"a", "img", "p", "strong"} | headings | table
    assert " ".join(f"{HOSTILE} It is known.".split()) in words(text)


def test_no_text_becomes_an_element_of_the_html_page(hostile: Path) -> None:
    text, page = (hostile / "report.html").read_text(), page_of(hostile / "report.html")
    assert not page.open
    assert not page.tags & {"script", "img", "i", "iframe"}
    assert all(re.fullmatch("#.*|(?s:runs/.+/)", load) for load in page.loads)
    assert "onerror=alert(1)&gt;" in text
    assert not [name for name in page.attributes if name.startswith("on")]


def test_the_embedded_plan_can_be_run_again() -> None:
    plan: dict[str, Any] = {
        "name": "p",
        "seeds": [1, 2],
        "strategies": ["none", "a, [1]\n]"],
        "odd": [[1, 2], [], [True, 1e-300, float("inf")]],
        "search": {"trials": 4, "task": None, "dense_lr": [3e-4, 3e-3]},
        "dataset": [{"name": "powerlaw", "deep": True}, {"name": 'a "quoted" \\ name'}],
    }
    expected = {**plan, "search": {"trials": 4, "dense_lr": [3e-4, 3e-3]}}
    assert tomllib.loads(plan_toml(plan)) == expected
    assert "seeds = [1, 2]\n" in plan_toml(plan), "forty seeds are a line, not forty"


def test_a_plan_without_an_answer_says_why_where_plans_are_listed(tmp_path: Path) -> None:
    Bench(tmp_path, name="first").write()
    Bench(tmp_path, name="second", curves={"hashing": CURVES["none"]}).write()
    index = write_report(tmp_path, None).read_text()
    why = "No answer yet: The plan has no strategy &#39;none&#39;, so there is no one-epoch baseline to compare with."
    assert index.count(why) == 1
    assert index.count("No answer yet") == 1


def test_several_plans_have_a_page_each_and_one_that_leads_to_them(tmp_path: Path) -> None:
    for name, day in (("first", 86_400), ("second", 3 * 86_400)):
        Bench(tmp_path, name=name, dataset=f"data-of-{name}").write()
        os.utime(tmp_path / "plans" / f"{name}.json", (day, day))
    index = write_report(tmp_path, None).read_text()
    assert [index.count(f"data-of-{name} / dnn") for name in ("first", "second")] == [1, 1]
    assert index.index("1970-01-04") < index.index("1970-01-02"), "the last one stands first"
    assert index.count("9 reporting runs and 0 trials") == 2
    assert "//" not in re.sub(r"<style>.*?</style>", "", index, flags=re.DOTALL)
    for name, other in (("first", "second"), ("second", "first")):
        link = f"report-{name}.html#group-1"
        assert f'href="{link}"' in index
        text = (tmp_path / f"report-{name}.html").read_text()
        assert 'id="group-1"' in text
        assert 'href="report.html"' in text
        assert f"data-of-{name}" in text
        assert f"data-of-{other}" not in text
        answered = re.search(r'class="headline">(.*?)</p>', text)
        assert answered is not None
        assert answered[1] in index


def test_of_one_plan_the_report_is_its_page(tmp_path: Path) -> None:
    for name in ("first", "second"):
        Bench(tmp_path, name=name, dataset=f"data-of-{name}").write()
    write_report(tmp_path, None)
    page = write_report(tmp_path, ["second"]).read_text()
    assert "data-of-second" in page
    assert "data-of-first" not in page
    assert "report.html" not in page
    assert [path.name for path in sorted(tmp_path.glob("report*.html"))] == ["report-first.html", "report.html"], (
        "no older page of the same plan"
    )


def test_every_row_of_figures_has_a_legend_for_paper(bench: Bench) -> None:
    text = (bench.results / "report.html").read_text()
    rows = text.count('<div class="figures')
    assert rows == text.count('<p class="keys"') > 3
    assert len(re.findall(r'class="arm-\d+ key"', text)) == rows * len(CURVES)


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no plan was ever run"):
        write_report(tmp_path, None)
    Bench(tmp_path).write()
    with pytest.raises(UserError, match="did you mean 'bench'"):
        write_report(tmp_path, ["bunch"])
    with pytest.raises(UserError, match="unknown plan 'other'"):
        analyse(tmp_path, "other")


def test_the_report_needs_no_torch() -> None:
    code = "import sys, harness.report; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What the report says of its own certainty: corrections, cautions, and the price of a difference in seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from support.simulated import Bench, analysed, compared, failing

from harness.analysis.analysis import Analysis
from harness.analysis.comparisons import family
from harness.analysis.groups import Group
from harness.analysis.inference import holm
from harness.analysis.load import load
from harness.analysis.sampling import SamplingErrors
from harness.report.cautions import cautions
from harness.report.format import NOTHING, number, p_is, probability
from harness.report.pages.answer import answer
from harness.report.pages.first_screen import facts
from harness.report.tables.certainty import certainty, sensitivity
from harness.report.write import write_report
from harness.results.records import Record

FLAT = (0.67, 0.67)


def plan(folder: Path, noise: float, gains: Sequence[float], seeds: int = 5) -> Group:
    """`none` loses in epoch 2; arm i gains as given; every run has noise of its own."""
    curves = {"none": (0.67, 0.65)} | {f"arm{i}": (0.66, 0.67 + gain) for i, gain in enumerate(gains)}
    bench = Bench(folder, curves=curves, own=noise, seeds=tuple(range(seeds)), tasks=("click",), select="final_epoch")
    return bench.group()


def test_p_values_are_corrected_over_the_arms_and_not_the_baseline(tmp_path: Path) -> None:
    group = plan(tmp_path, 0.002, (0.001, 0.002, 0.004))
    analysis = analysed(group)
    arms = [row for row in analysis.ranked if not row.arm.is_baseline]
    values = [row.contrasts["gain"].value for row in arms]
    raw = [value.p_value for value in values if value is not None and value.p_value is not None]
    assert [row.contrasts["gain"].p for row in arms] == pytest.approx(holm(raw))
    assert len(raw) == 4
    flips = analysis.sign_flips("click", "auc", "gain")
    adjusted = [p for p in flips.values() if p is not None]
    assert adjusted == pytest.approx(holm([v.sign_flip for v in values if v and v.sign_flip]))
    assert all(row.contrasts["best"].p is None for row in arms)
    baseline = next(row for row in compared(group, "click", "auc") if row.arm.is_baseline)
    assert baseline.contrasts["gain"].p is None


def test_p_is_corrected_over_all_groups_of_a_plan(tmp_path: Path) -> None:
    """Their tables are read as one page; a group alone has a smaller family."""
    for name, gains in (("a", (0.001, 0.002)), ("b", (0.004,))):
        plan(tmp_path / name, 0.002, gains)
    whole, other = load(tmp_path / "a", "bench"), load(tmp_path / "b", "bench")
    analyses = Analysis(replace(whole, groups=whole.groups + other.groups)).groups
    rows = [row for each in analyses for row in each.ranked if not row.arm.is_baseline]
    raw = [p for row in rows if (gain := row.value("gain")) and (p := gain.p_value) is not None]
    assert [row.p("gain") for row in rows] == pytest.approx(holm(raw))
    assert {family(each.ranked, "gain") for each in analyses} == {5}
    assert family(analysed(whole.groups[0]).ranked, "gain") == 3
    assert "corrected for 5 arms" in sensitivity(analyses[1])


def test_plans_without_an_effect_rarely_claim_one(tmp_path: Path) -> None:
    """20 plans of 24 arms without effect: at most 5 % claim a gain or a loss, but for one chance in a million. The arms
    share the seeds of `none`, so that uncorrected at least half of the plans would claim one."""
    claims, uncorrected = 0, 0
    rng = np.random.default_rng(11)
    for i in range(20):
        bench = Bench(tmp_path, curves={f"s{k}": FLAT for k in range(24)} | {"none": FLAT}, own=0.01, rng=rng)
        bench.tasks, bench.select, bench.name = ("click",), "final_epoch", f"plan{i}"
        found = [row for row in compared(bench.group(), "click", "auc") if not row.arm.is_baseline]
        claims += any(row.shown("gain", against_none=True) for row in found)
        uncorrected += any(d.sign for row in found if (d := row.contrasts["gain"].against_none) is not None)
    assert claims <= stats.binom.isf(1e-6, 20, 0.05) < uncorrected


def test_a_gain_that_does_not_survive_correction_is_not_a_headline(tmp_path: Path) -> None:
    for scale in (1, 1.5, 2, 3, 5):
        group = plan(tmp_path, 0.002, [0.001 * scale, *[0.0] * 8])
        found = compared(group, "click", "auc")
        lead, text = found[0], answer(analysed(group))
        gain = lead.value("gain")
        assert gain is not None
        if gain.sign > 0 and not lead.shown("gain"):
            assert text.headline == "More than one epoch may pay with arm0: not settled"
            said = f"could be chance ({p_is(lead.p('gain'))} corrected for 10 arms)"
            assert f"with arm0 comes to {number(gain.mean, 4, signed=True)}" in text.text
            assert f", which {said}" in text.text
            assert facts(analysed(group))[1].note.endswith(f"; {said}")
            assert f"not once corrected for 10 arms compared: {lead.arm.label}." in cautions(analysed(group))[-1]
            return
    pytest.fail("no scale gave an interval without zero that correction undoes")


def test_a_gain_within_epoch_1_is_not_one_of_further_epochs(tmp_path: Path) -> None:
    """The best arm gains by what it learns at once; the second by its second epoch."""
    bench = Bench(tmp_path, seeds=tuple(range(5)), own=0.0001, tasks=("click",))
    bench.curves = {"none": (0.67, 0.65), "at_once": (0.69, 0.68), "later": (0.67, 0.68), "idle": (0.67, 0.66)}
    group = bench.group()
    found = compared(group, "click", "auc")
    assert [row.arm.label for row in found][:2] == ["at_once", "later"]
    assert [row.shown("gain_after_own_first") for row in found][:2] == [0, 1]
    said = answer(analysed(group))
    assert said.headline == "More than one epoch pays with later"
    assert "over its own first epoch, at the same knobs" in said.text
    assert "Ranked above it, but not shown to pay: at_once." in said.text


class PlainVaries(Bench):
    """Plain training gains much in every third seed, and nothing in the others."""

    written = 0

    def _records(self, curve: Sequence[float], luck: float) -> list[Record]:
        if curve is self.curves["none"]:
            self.written += 1
            curve = (curve[0], curve[0] + 0.06 * (self.written % 3 == 0))
        return super()._records(curve, luck)


def test_a_mitigation_is_no_headline_alone_where_plain_training_gains_as_much(tmp_path: Path) -> None:
    bench = PlainVaries(tmp_path, seeds=tuple(range(6)), own=0.0001, tasks=("click",))
    bench.curves = {"none": (0.67, 0.67), "reinit": (0.67, 0.68)}
    found = analysed(bench.group())
    shown = {row.arm.label: row.shown("gain") for row in found.ranked if not row.arm.is_baseline}
    assert shown == {"none": 0, "reinit": 1}
    assert answer(found).headline == "More than one epoch pays with reinit, and may without a mitigation"


def test_an_arm_with_a_failed_seed_claims_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seeds=tuple(range(5)), own=0.0001, tasks=("click",))
    bench.status = {("reinit", 4): "failed"}
    group = bench.group()
    found = compared(group, "click", "auc")
    assert found[0].arm.label == "reinit"
    assert (value := found[0].value("gain")) is not None
    assert value.sign == 1
    assert (found[0].shown("gain"), found[0].p("gain")) == (0, None)
    lines = certainty(analysed(group), against_none=False).lines
    (of_reinit,) = [[cell.text for cell in line[2:]] for line in lines if line[0].text == "reinit"]
    assert set(of_reinit) == {NOTHING}
    said = answer(analysed(group))
    assert said.headline == "More than one epoch is not shown to pay"
    assert "gains" not in said.text
    assert "reinit (1 of 5 seeds)" in cautions(analysed(group))[0]


def test_against_plain_training_with_a_failed_seed_nothing_is_shown(tmp_path: Path) -> None:
    """The tuned epoch has all its seeds, so that gains over it are shown."""
    group = Bench(tmp_path, seeds=tuple(range(1, 6)), own=0.0001, tasks=("click",)).group()
    for each, shown in ((group, 1), (failing(group, "none", (3,)), 0)):
        row = next(row for row in compared(each, "click", "auc") if row.arm.label == "reinit")
        assert (row.shown("gain"), row.shown("gain", against_none=True)) == (1, shown)


def test_of_a_gain_over_an_epoch_with_a_failed_seed_chance_is_not_the_trouble(tmp_path: Path) -> None:
    group = Bench(tmp_path, seeds=tuple(range(1, 6)), own=0.0001, tasks=("click",)).group()
    said = answer(analysed(failing(group, "one epoch", (3,))))
    assert said.headline == "More than one epoch is not shown to pay"
    assert "it is not safe" not in said.text
    assert "nothing is claimed of it, as seeds failed" in said.text
    assert not any("not once corrected" in line for line in cautions(analysed(failing(group, "one epoch", (3,)))))


def test_a_seed_that_never_ended_counts_as_failed_once_the_plan_is_complete(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seeds=tuple(range(5)), own=0.0001, tasks=("click",))
    bench.status = {("reinit", 4): "killed", ("hashing", 1): "absent"}
    bench.write(complete=False)
    (under_way,) = load(tmp_path, "bench").groups
    assert [arm.failed for arm in under_way.arms] == [(), (), ()]
    group = bench.group()
    assert {arm.label: arm.failed for arm in group.arms} == {"none": (), "reinit": (4,), "hashing": (1,)}
    assert not any(row.shown("gain") for row in compared(group, "click", "auc") if row.arm.label != "none")


def test_what_correction_undoes_is_not_called_unsafe(tmp_path: Path) -> None:
    """Plain training loses a little, in an interval that excludes zero and a p that correction takes above .05."""
    rng = np.random.default_rng(3)
    for loss in (0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.006):
        curves = {"none": (0.67, 0.67 - loss)} | {f"arm{i}": (0.66, 0.67) for i in range(9)}
        bench = Bench(tmp_path, curves=curves, seeds=tuple(range(5)), tasks=("click",))
        bench.test_shift = lambda epoch: rng.normal(0, 0.002)
        group = bench.group()
        found = compared(group, "click", "auc")
        plain = next(row for row in found if row.arm is group.plain)
        end = plain.value("final_epoch_gain")
        assert end is not None
        if end.sign < 0 and not plain.shown("final_epoch_gain"):
            text = answer(analysed(group)).text
            assert "it looks unsafe, which its AUC does not show once corrected" in text
            assert "it is not safe" not in text
            return
    pytest.fail("no loss gave an interval without zero that correction undoes")


def test_a_gain_that_comes_before_the_second_epoch_is_not_one_of_more_epochs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, seeds=tuple(range(5)), own=0.0001, tasks=("click",), select="final_epoch")
    bench.curves = {"none": (0.67, 0.65), "at_once": (0.69, 0.68)}
    group = bench.group()
    headline = answer(analysed(group)).headline
    assert headline == "at_once gains, but that it takes more than one epoch is not shown"


def test_a_leader_whose_interval_includes_zero_is_warned_of(tmp_path: Path) -> None:
    (first, second) = cautions(analysed(plan(tmp_path, 0.01, (0.001, 0.0))))
    assert "Ranked first is arm0, but the interval of its gain includes zero" in first
    assert second.startswith("Too close to the reference to tell which is better")
    assert cautions(analysed(plan(tmp_path, 0.00001, (0.01, 0.02)))) == []


def test_the_report_says_what_its_seeds_cannot_show(tmp_path: Path) -> None:
    group = plan(tmp_path, 0.002, (0.001, 0.0))
    text = sensitivity(analysed(group))
    assert "With 5 seeds" in text
    assert "cannot give less than 0.062 with 5 seeds (0.19 corrected for 3 arms)" in text
    more = plan(tmp_path, 0.002, (0.001, 0.0), seeds=10)
    assert "cannot give less" not in sensitivity(analysed(more))


def test_a_smaller_difference_takes_more_seeds(tmp_path: Path) -> None:
    group = plan(tmp_path, 0.002, (0.001,))
    grids = [certainty(analysed(group), against_none=False, difference=d) for d in (0.01, 0.005, 0.002)]
    prices = [int(grid.lines[0][-1].text) for grid in grids]
    assert prices == sorted(prices)
    assert prices[0] < prices[-1]
    lines = certainty(analysed(group), against_none=True).lines
    assert [line[0].text for line in lines] == ["arm0"]


@pytest.mark.parametrize(("error", "price", "said"), [
    (0.0, None, "it would take about"),
    (0.0002, None, "it would take about"),
    (0.0014, "no number", "No number of seeds would show 0.001 as often: the test rows alone hide it."),
])  # fmt: skip
def test_the_price_of_a_difference_knows_of_the_test_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: float, price: str | None, said: str
) -> None:
    monkeypatch.setattr(SamplingErrors, "of", lambda self, ends, seeds: error)
    analysis = analysed(plan(tmp_path, 0.0005, (0.001,)))
    text, (line, _) = sensitivity(analysis), certainty(analysis, against_none=False).lines
    assert said in text
    assert line[-1].text == price if price else int(line[-1].text) > 2
    assert ("intervals are of other seeds alone" in text) == (not error)


def test_a_dropped_arm_has_no_price_and_does_not_enter_the_median(tmp_path: Path) -> None:
    group = plan(tmp_path, 0.002, (0.001, 0.002))
    dropped = tuple(replace(a, arm=replace(a.arm, settled="surely below")) for a in group.arms)
    one = analysed(replace(group, arms=(dropped[0], *group.arms[1:])))
    by_name = {line[0].text: [cell.text for cell in line[-2:]] for line in certainty(one, against_none=False).lines}
    assert by_name.pop(dropped[0].label) == ["-", "-"]
    assert all("±0.0000" not in cells for cells in by_name.values())
    assert "the median arm would show" in sensitivity(one)
    assert "Repeated no further once settled: plain training. Their intervals and p are always" in sensitivity(one)
    flips = {line[0].text: [cell.text for cell in line[4:6]] for line in certainty(one, against_none=False).lines}
    assert flips[dropped[0].label] == ["-", "-"], "which hold for a number of seeds that was set before"
    assert flips[group.arms[1].label] != ["-", "-"]
    assert "settled: arm0, arm1" in sensitivity(analysed(replace(group, arms=dropped)))


def test_parquet_holds_what_the_csv_holds(tmp_path: Path) -> None:
    plan(tmp_path, 0.002, (0.001,), seeds=20)
    write_report(tmp_path, None, difference=0.005)
    table = pl.read_parquet(tmp_path / "report" / "bench.parquet")
    text = pl.read_csv(tmp_path / "report" / "bench.csv")
    assert table.columns == text.columns
    assert table["p_holm"].to_list() == pytest.approx(text["p_holm"].to_list(), nan_ok=True)
    is_gain = (pl.col("strategy") == "arm0") & (pl.col("quantity") == "gain") & (pl.col("metric") == "auc")
    gain = table.row(by_predicate=is_gain, named=True)
    assert gain["low"] < gain["bootstrap_low"] < gain["mean"] < gain["bootstrap_high"] < gain["high"]
    assert gain["p"] <= gain["p_holm"]
    levels = table.filter(pl.col("quantity") == "best")
    assert levels["p"].null_count() == len(levels)
    assert "to detect 0.005" in (tmp_path / "report" / "bench.md").read_text()


@pytest.mark.parametrize(
    ("p", "text"), [(None, "-"), (0.0002, "< .001"), (0.012, ".012"), (0.9995, "1"), (1.0, "1"), (0.0625, ".062")]
)
def test_a_probability_is_printed_in_three_digits(p: float | None, text: str) -> None:
    assert probability(p) == text

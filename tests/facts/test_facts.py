"""The facts: what an expression reads, what a verdict takes, and a sheet run twice."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import spearmanr
from support.markdown import HOSTILE, addresses, elements, words
from support.simulated import typed

from harness.analysis.estimates import estimate
from harness.api import UserError
from harness.base.places import ROOT
from harness.execution.launchers.where import Where
from harness.experiment.instantiate import plugin_specs
from harness.experiment.plan import Plan
from harness.facts.expression import check, is_difference
from harness.facts.page import markdown
from harness.facts.readings import NamedRuns, Readings
from harness.facts.run import run_facts
from harness.facts.sheet import Claim, load_sheet
from harness.facts.verdict import Finding, Measured, corrected
from harness.plugins.registry import Registry
from harness.results.keys import Status
from harness.results.records import Record, Run, mean_over_windows

FACTS, DENSE = ROOT / "plans" / "facts.toml", ROOT / "plans" / "facts_dense.toml"
SHEET = """
seeds = [1, 2, 3, 4, 5]

[datasets]
tiny = { name = "powerlaw", preset = "tiny", rows = 3000 }
mine = { name = "table_file", path = "$MULTIEPOCH_TEST_UNSET", schema = "x.toml" }

[models]
dnn = { name = "dnn", dim = 2, hidden = [4] }

[train]
epochs = 2
batch_size = 256

[evaluation]
points = [0.5]

[[fact]]
name = "F1"
says = "A redrawn table starts again."
literature = "of course"
evidence = "I"
datasets = ["tiny"]
strategies = { plain = "none", again = "reinit" }
figure = { y = "AUC", lines = { plain = "sample_auc(plain)", again = "sample_auc(again) - sample_auc(plain, 1)" } }

[[fact.claim]]
says = "the first epoch is the same"
measure = "auc(again, 1) - auc(plain, 1)"
holds = "< 0.000001"

[[fact]]
name = "F2"
says = "Real data is real."
literature = "of course"
evidence = "I"
datasets = ["mine"]
strategies = { plain = "none" }
figure = { y = "click AUC", lines = { plain = "sample_auc(plain)" } }

[[fact.claim]]
says = "one"
measure = "auc(plain, 1)"
holds = "> 0.5"
"""


def a_run(seed: int, valid: list[float], test: list[float], sample: dict[float, float]) -> Run:
    """Boundaries with these AUC of task t on valid and test, and loss of a sample within epochs."""
    within = [
        Record(math.ceil(p), int(100 * p), p, False, typed({"sample/logloss/t": v, "probe/row_norm/2-4": 3 * v}))
        for p, v in sample.items()
    ]
    ends = [
        Record(e, 100 * e, float(e), True, typed({"valid/auc/t": v, "test/auc/t": t, "test/auc/u": t / 2}))
        for e, (v, t) in enumerate(zip(valid, test, strict=True), 1)
    ]
    return Run(f"k{seed}", {}, (*within, *ends), Status.FINISHED, "", {})


@pytest.fixture
def readings() -> Readings:
    def arm(dataset: str, model: str, strategy: str, shift: float) -> NamedRuns:
        runs = {s: a_run(s, [0.6, 0.8, 0.7], [0.5, 0.7 + shift + s / 100, 0.9], {0.5: 0.25, 1.255: s}) for s in (1, 2)}
        return NamedRuns(dataset, model, strategy, runs)

    return Readings([arm("d", "m", "plain", 0.0), arm("d", "m", "other", 0.1), arm("d", "n", "plain", 0.2)], "t")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("auc(m, plain, 2)", [0.71, 0.72]),
        ("auc(plain, 2, m)", [0.71, 0.72]),
        ("auc(other, best)", [0.81, 0.82]),
        ("auc(other, last, u)", [0.45, 0.45]),
        ("valid_auc(n, best)", [0.8, 0.8]),
        ("sample_logloss(other, 1.25)", [1, 2]),
        ("probe_row_norm(other, '2-4', 0.5) / 3", [0.25, 0.25]),
        ("during(1, sample_logloss(plain, m)) + during(2, sample_logloss(plain, m))", [1.25, 2.25]),
        ("during(2, auc(n) - auc(n, 1))", [0.41, 0.42]),
        ("(auc(n, 2) - auc(n, 1)) / -auc(n, 1) * 2 + 1", [1 - 2 * (0.41 / 0.5), 1 - 2 * (0.42 / 0.5)]),
    ],
)
def test_an_expression_is_taken_seed_by_seed(readings: Readings, expression: str, expected: list[float]) -> None:
    assert readings.by_seed(expression) == pytest.approx({1: expected[0], 2: expected[1]})


def test_a_window_is_read_alone_and_all_else_is_the_mean_of_them() -> None:
    ends = [
        Record(e, 10 * e, float(e), True, typed({"valid/auc/t": v, "test/auc/t": v}), window=w)
        for e, w, v in [(1, 1, 0.5), (1, 2, 0.6), (2, 1, 0.7), (2, 2, 0.9)]
    ]
    run = Run("k", {}, mean_over_windows(ends), Status.FINISHED, "", {}, windows=tuple(ends))
    readings = Readings([NamedRuns("d", "m", "plain", {1: run})], "t")
    for expression, expected in (
        ("auc(plain, 2) - auc(plain, 1)", 0.25),
        ("window(1, auc(plain, 2) - auc(plain, 1))", 0.2),
        ("window(2, auc(plain, 2)) - window(1, auc(plain, last))", 0.2),
    ):
        check(expression, placed=True)
        assert readings.by_seed(expression) == pytest.approx({1: expected})
    assert readings.by_seed("window(3, auc(plain, best))") == {}


def test_a_line_has_a_value_where_all_of_it_was_recorded(readings: Readings) -> None:
    line = "sample_logloss(other) - sample_logloss(other, 0.5)"
    found = {p: readings.by_seed(line, p) for p in readings.positions()}
    assert found == {0.5: {1: 0, 2: 0}, 1.0: {}, 1.255: {1: 0.75, 2: 1.75}, 2.0: {}, 3.0: {}}


@pytest.mark.parametrize(("expression", "arms"), [("auc(plain, 2)", 2), ("auc(n, other, 2)", 0), ("auc(d, 2)", 3)])
def test_a_reading_must_fit_one_arm(readings: Readings, expression: str, arms: int) -> None:
    with pytest.raises(UserError, match=f"fits {arms} arms; accepted: one of"):
        readings.by_seed(expression)


def test_a_mean_over_an_epoch_counts_every_evaluation_once() -> None:
    """Also where runs beside it, of another number of batches, have one of theirs a little apart."""
    found = {"plain": {0.2: 0.1, 0.7: 0.3}, "other": {0.205: 0.5, 0.7: 0.5}}
    arms = [NamedRuns("d", "m", strategy, {1: a_run(1, [0.6], [0.5], sample)}) for strategy, sample in found.items()]
    assert Readings(arms, "t").by_seed("during(1, sample_logloss(plain))") == pytest.approx({1: 0.2})


def test_only_seeds_that_every_arm_finished_count(readings: Readings) -> None:
    short = NamedRuns("d", "o", "plain", {1: a_run(1, [0.5], [0.5], {})})
    assert Readings([*readings.arms, short], "t").by_seed("auc(n, 1)").keys() == {1}


def test_what_is_no_number_is_no_value(readings: Readings) -> None:
    assert readings.by_seed("auc(n, 1) / (auc(n, 1) - auc(n, 1))") == {}
    assert readings.by_seed("auc(n, 1) / 0") == {}
    alike = [NamedRuns(d, "m", s, {1: a_run(1, [0.6], [0.5], {})}) for d in ("x", "y") for s in ("a", "b", "c")]
    assert Readings(alike, "t").by_seed("rank_correlation(x, y, 1)") == {}


def test_rank_correlation_is_spearmans_over_strategies() -> None:
    random, strategies = np.random.default_rng(0), "abcdefg"
    auc = {d: random.uniform(0.5, 0.9, (2, len(strategies))) for d in ("x", "y")}
    arms = [
        NamedRuns(d, "m", s, {seed: a_run(seed, [0.6], [auc[d][seed, i]], {}) for seed in (0, 1)})
        for d in auc
        for i, s in enumerate(strategies)
    ]
    found = Readings(arms, "t").by_seed("rank_correlation(x, y, 1)")
    assert found == pytest.approx({s: spearmanr(auc["x"][s], auc["y"][s]).statistic for s in (0, 1)})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("auc(plain)", "does not say when"),
        ("during(auc(plain), 2)", "during"),
        ("during(2, ac(plain))", "metric 'ac'.*auc"),
        ("window(auc(plain, 2), 2)", r"accepted: window\(number, readings\)"),
        ("window(2, auc(plain))", "does not say when"),
        ("ac(plain, 1)", "metric 'ac'.*auc"),
        ("auc(plain, 1", "cannot be read"),
        ("auc(plain, 1) ** 2", "Pow is not accepted"),
        ("__import__('os').system('true')", "is no reading"),
        ("[auc(plain, 1)]", "List is not accepted"),
        ("auc(1 + 1)", "not accepted as an argument"),
        ("auc(x=1)", "keyword is not accepted"),
    ],
)
def test_what_is_no_arithmetic_over_readings_is_refused(expression: str, reason: str) -> None:
    with pytest.raises((ValueError, UserError), match=reason):
        check(expression, placed=True)


@pytest.mark.parametrize(
    ("values", "holds", "verdict"),
    [
        ([0.1, 0.2, 0.3], "> 0", "inconclusive"),
        ([0.1, 0.1, 0.1], "> 0", "reproduced"),
        ([0.1, 0.1, 0.1], "> 0.1", "inconclusive"),
        ([0.1, 0.11, 0.12], "> 0", "reproduced"),
        ([0.1, 0.11, 0.12], "> 0.5", "not reproduced"),
        ([0.1, 0.11, 0.12], "< 0.5", "reproduced"),
        ([-0.1, -0.11, -0.12], "> -0.05", "not reproduced"),
        ([0.1], "> 0", "inconclusive"),
        ([], "> 0", "inconclusive"),
    ],
)
def test_a_claim_alone_is_decided_by_its_whole_interval(values: list[float], holds: str, verdict: str) -> None:
    claim, value = Claim(says="", measure="auc(a, 1)", holds=holds), estimate(values)
    alone = Measured(claim, value, len(values), Measured(claim, value, len(values)).p_value)
    assert alone.verdict == verdict
    if value is not None and value.low is not None and value.high is not None and value.low < value.high:
        inside = claim.within(value.low) + claim.within(value.high)
        assert verdict == ("not reproduced", "inconclusive", "reproduced")[inside]


def test_claims_of_all_facts_are_corrected_together(readings: Readings) -> None:
    """One of p .02 stands alone, and beside nineteen of p near 1 it does not; one of p 1e-9 does."""
    (fact, *_) = load_sheet(FACTS).facts
    claim = Claim(says="", measure="auc(a, 1)", holds="> 0")
    weak, strong = (Measured(claim, estimate([m - 1, m, m + 1]), 3) for m in (4.1, 1e5))
    nothing = Measured(claim, estimate([-1.0, 0.001, 1.0]), 3)
    assert weak.p_value == pytest.approx(0.02, abs=0.003)

    def verdicts(*facts: tuple[Measured, ...]) -> list[list[str]]:
        return [[m.verdict for m in each.measured] for each in corrected([Finding(fact, f, readings) for f in facts])]

    assert verdicts((weak,)) == [["reproduced"]]
    assert verdicts((weak, strong), (nothing,) * 19) == [["inconclusive", "reproduced"], ["inconclusive"] * 19]
    assert verdicts((strong, Measured(claim, None, 3))) == [["reproduced", "inconclusive"]]
    assert verdicts((strong, replace(strong, seeds=4))) == [["reproduced", "inconclusive"]]


def test_a_verdict_hangs_on_a_facts_own_claims_alone(readings: Readings) -> None:
    (fact, *_) = load_sheet(ROOT / "plans" / "facts.toml").facts

    def measured(low: float, *, added: bool) -> Measured:
        claim = Claim(says="", measure="auc(a, 1)", holds="> 0", added=added)
        return Measured(claim, estimate([low, low + 0.01, low + 0.02]), 3, p_holm=0.01)

    found = Finding(fact, (measured(0.1, added=False), measured(-0.1, added=True), measured(0.1, added=True)), readings)
    assert (found.verdict, found.of_claims) == ("reproduced", "1 of 1 claims, 1 of 2 added")
    against = Finding(fact, (measured(-0.1, added=False), measured(0.1, added=True)), readings)
    assert (against.verdict, against.of_claims) == ("not reproduced", "0 of 1 claims, 1 of 1 added")


@pytest.mark.parametrize(
    ("measure", "difference"),
    [
        ("auc(a, 2) - auc(a, 1)", True),
        ("(auc(a, 2) - auc(a, 1)) - (auc(b, 2) - auc(b, 1))", True),
        ("auc(a, 2) / auc(b, 1) - 1", True),
        ("(auc(a, 2) - auc(a, 1)) / (auc(b, 2) - auc(b, 1))", False),
        ("during(2, auc(a))", False),
    ],
)
def test_a_difference_has_a_sign_and_a_ratio_none(measure: str, difference: bool) -> None:
    assert is_difference(measure) == difference


def test_every_fact_of_the_sheet_is_a_plan_of_known_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBO_CLICKS", "clicks.parquet")
    sheet, dense, registry = load_sheet(FACTS), load_sheet(DENSE), Registry()
    assert [fact.name for fact in sheet.facts] == [f"F{n}" for n in range(1, 20)]
    for asked, fact in [(each, fact) for each in (sheet, dense) for fact in each.facts]:
        plugin_specs(asked.plan(fact), registry)
        names = [*fact.datasets, *fact.models, *fact.strategies]
        assert len(set(names)) == len(names), f"{fact.name}: one name for two things"


def test_the_sheet_of_dense_adam_asks_what_the_other_asks() -> None:
    sheet, dense = load_sheet(FACTS), load_sheet(DENSE)
    assert dense.train == {**sheet.train, "table_optimizer": "adam_dense"}
    for fact in dense.facts:
        (other,) = sheet.select([fact.name])
        own, others = ([c.model_dump(exclude={"measure"}) for c in f.claims] for f in (fact, other))
        assert own[: len(others)] == others
        assert {name: dense.datasets[name] for name in fact.datasets} == {
            name: sheet.datasets[name] for name in other.datasets
        }


def test_sheets_have_pages_and_plans_of_their_own() -> None:
    sheets = [load_sheet(FACTS), load_sheet(DENSE)]
    assert [sheet.stem for sheet in sheets] == ["facts", "facts-dense"]
    assert [sheet.plan(sheet.facts[0]).name for sheet in sheets] == ["facts-F1", "facts-dense-F1"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('holds = "> 0.5"', 'holds = ">= 0.5"', r"holds = '>= 0.5' is not accepted"),
        ('says = "one"', 'say = "one"', r"unknown key 'say'.*says"),
        ('measure = "auc(plain, 1)"', 'measure = "auk(plain, 1)"', "metric 'auk'"),
        ("seeds = [1, 2, 3, 4, 5]", "seeds = [1, 2, 3, 4]", "seeds"),
        ('holds = "> 0.5"', 'holds = "> 0.5"\nadded = true', "every claim is added"),
        ('datasets = ["tiny"]', 'datasets = ["tini"]', "data set 'tini'.*tiny"),
    ],
)
def test_a_sheet_that_is_wrong_is_refused_with_place_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in SHEET
    (tmp_path / "sheet.toml").write_text(SHEET.replace(old, new))
    with pytest.raises(UserError, match=reason):
        _plans(tmp_path / "sheet.toml")


def _plans(path: Path) -> list[Plan]:
    sheet = load_sheet(path)
    return [sheet.plan(fact) for fact in sheet.facts]


def test_facts_run_once_and_leave_page_and_figure(tmp_path: Path) -> None:
    (tmp_path / "sheet.toml").write_text(SHEET)
    out = tmp_path / "results" / "report"

    def go(names: list[str]) -> str:
        console = Console(record=True, width=200, quiet=True)
        assert (
            run_facts(console, str(tmp_path / "sheet.toml"), names, tmp_path / "results", Where(workers=1), None) == 0
        )
        return (out / "facts.md").read_text()

    page = go([])
    assert re.search(r"\| \[F1\]\(#f1\) .* \| \+0\.0000 \[\.0000, \.0000\] \| reproduced \(1 of 1 claims\) \|", page)
    assert re.search(r"\| \[F2\]\(#f2\) .* \| not run \|", page)
    assert "<svg" in (out / "facts-F1.svg").read_text()
    runs = {p: p.stat().st_mtime_ns for p in (tmp_path / "results" / "runs").glob("*/done")}
    assert len(runs) == 10
    assert go(["F1"]) == page
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "results" / "runs").glob("*/done")} == runs
    (tmp_path / "sheet.toml").write_text(SHEET.replace("epochs = 2", "epochs = 1"))
    stale = go(["F2"])
    assert re.search(r"\| \[F1\]\(#f1\) .* \| not run \|", stale)


def test_texts_of_a_sheet_stay_text_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "sheet.toml").write_text(SHEET)
    sheet = load_sheet(tmp_path / "sheet.toml")
    first, second = sheet.facts
    claims = tuple(claim.model_copy(update={"says": HOSTILE}) for claim in first.claims)
    texts = {"says": HOSTILE, "literature": HOSTILE, "evidence": HOSTILE, "datasets": (HOSTILE,), "models": (HOSTILE,)}
    fact = first.model_copy(update={**texts, "claims": claims, "strategies": {HOSTILE: "none", "a": HOSTILE}})
    measured = tuple(Measured(claim, None, 5) for claim in claims)
    found = Finding(fact, measured, Readings([], "click"))
    page = markdown(sheet.model_copy(update={"facts": (fact, second)}), {fact.name: found})
    assert addresses(page) == {"#f1", "#f2", "facts-F1.svg"}
    table = {"table", "thead", "tbody", "tr", "th", "td"}
    assert elements(page) - table == {"h1", "h2", "p", "a", "img", "code"}
    assert words(page).count(" ".join(HOSTILE.split())) == 11


def test_an_unknown_fact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fact 'F99'"):
        load_sheet(FACTS).select(["F99"])

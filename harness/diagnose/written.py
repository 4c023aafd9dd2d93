"""A verdict as files: JSON for programs, Markdown for people, and JUnit for pipelines."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.analysis.estimates import Estimate
from harness.base.files import write_text
from harness.base.markdown import code, literal
from harness.diagnose.subsample import Sampled
from harness.diagnose.verdict import VERSION, Verdict
from harness.results.findings import Finding, Severity

FILES = ("verdict.json", "verdict.md", "junit.xml", "verdict.html")
"""Of a verdict."""


def as_json(verdict: Verdict, plan: dict[str, Any]) -> dict[str, Any]:
    """plan: what `plan.json` holds."""
    lead = verdict.lead
    gain = None if lead is None else lead.value("gain")
    return {
        "schema_version": VERSION,
        "state": verdict.state,
        "headline": verdict.headline,
        "answered": verdict.answered,
        "trusted": verdict.trusted,
        "complete": verdict.complete,
        "lines": verdict.lines,
        "collapse": {
            task: {"falls": f.falls, "from_epoch": f.epoch, "diverged": f.diverged, **_interval("auc", f.auc)}
            for task, f in verdict.falls.items()
        },
        "use": None if lead is None or gain is None else {
            "strategy": lead.arm.label, "knobs": lead.arm.arm.chosen, "epochs": list(lead.epochs),
            **_interval("gain", gain),
        },
        "race": {
            "seeds": verdict.race.seeds,
            "dropped": [vars(each) for each in verdict.race.dropped],
            "open": list(verdict.race.open),
        },
        "second_split": vars(verdict.second),
        "sample": None if verdict.sampled is None else _sample(verdict.sampled),
        "audits": [vars(audit) for audit in verdict.audits],
        "plan": {name: value for name, value in plan.items() if name != "plan"},
    }  # fmt: skip


def _interval(name: str, value: Estimate | None) -> dict[str, float | None]:
    found = (None, None, None) if value is None else (value.mean, value.low, value.high)
    return dict(zip((name, "low", "high"), found, strict=True))


def _sample(sampled: Sampled) -> dict[str, Any]:
    lines = [
        {
            "what": line.what, "shares": line.shares, "means": [value.mean for value in line.values],
            "whole": line.whole if len(line.shares) > 1 else None, "doubt": line.doubt,
        }
        for line in sampled.ladder.lines
    ]  # fmt: skip
    ladder = {"believed": sampled.ladder.believed, "why": sampled.ladder.why, "lines": lines}
    return {**{k: v for k, v in vars(sampled).items() if k != "ladder"}, "ladder": ladder}


def as_markdown(verdict: Verdict) -> str:
    lines = [f"# {literal(verdict.headline)}", ""]
    for title in verdict.lines:
        text, command = verdict.parts(title)
        lines.append(f"- **{title}**: {literal(text)}{f' {code(command)}' if command else ''}")
    lines += ["", "| question | passed | why |", "| :-- | :-- | :-- |"]
    for audit in verdict.audits:
        cells = (audit.title, f"{_word(audit.passed)} {audit.shown}", audit.why)
        lines.append(f"| {' | '.join(map(literal, cells))} |")
    return "\n".join(lines) + "\n"


def as_junit(verdict: Verdict) -> str:
    """A test case for every audit: it fails where something is wrong, and is skipped where nothing is told."""
    suite = ElementTree.Element("testsuite", name="multiepoch diagnose", tests=str(len(verdict.audits)))
    failed = skipped = 0
    for audit in verdict.audits:
        case = ElementTree.SubElement(suite, "testcase", classname="multiepoch", name=f"{audit.id}: {audit.title}")
        if audit.passed is None or (audit.id.startswith("gain-") and not audit.passed):
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=f"{audit.shown} {audit.why}")
        elif not audit.passed:
            failed += 1
            ElementTree.SubElement(case, "failure", message=f"{audit.shown} {audit.why}")
    suite.set("failures", str(failed))
    suite.set("skipped", str(skipped))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def write(verdict: Verdict, plan: dict[str, Any], folder: Path) -> None:
    """All but the page."""
    write_text(folder / "verdict.json", json.dumps(as_json(verdict, plan), indent=1) + "\n")
    write_text(folder / "verdict.md", as_markdown(verdict))
    write_text(folder / "junit.xml", as_junit(verdict))


def met(verdict: Verdict, asked: str) -> bool:
    """Whether a condition of `--fail-on` is met."""
    return {
        "collapse": any(each.falls for each in verdict.falls.values()),
        "leak": any(a.id.startswith("data-") and a.shown == Severity.STOP for a in verdict.audits),
        "undecided": not verdict.answered,
    }[asked]


def met_by_none(findings: Iterable[Finding], asked: Collection[str]) -> bool:
    """Whether a condition of `--fail-on` is met where there is no verdict yet."""
    leak = any(finding.severity == Severity.STOP for finding in findings)
    return "undecided" in asked or ("leak" in asked and leak)


def clear(folder: Path) -> None:
    """Delete the files of a verdict that was of another question, or of less."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def _word(passed: bool | None) -> str:
    return {True: "yes", False: "no", None: "open"}[passed]

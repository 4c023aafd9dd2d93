"""What in a coded data set would make the numbers of any model mislead, found before one is trained.

Every rule is an effect size on held-out rows with a minimum of rows, most with a margin of four standard errors, no
p-value: a large clean log must stay silent. docs/your-data.md lists the rules; `python -m perf.leaks` measures how
often each finds what was planted, and how often a clean table is alarmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from harness.data import indexed
from harness.data.estimate import Estimate
from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.evidence import HELD_OUT, Evidence, evidence, telling
from harness.data.leaks.fields import ERRORS, of_fields, short
from harness.data.leaks.listed import tellings
from harness.data.leaks.repeats import repeats
from harness.data.leaks.tallies import MOST_ROWS, What, tallies
from harness.data.leaks.twins import Twins, twins
from harness.results.findings import Finding, Severity

MANY_ROWS, UNIQUE, UNSEEN = 1000, 0.95, 0.99
"""Training rows from which ids should return; distinct ids per training row, and share of test rows with an id unseen
in training, above which they do not."""
MANY_IDS = 1000
"""Ids with two labels or more from which a column shows how labels of one id go together."""
TORN = 0.1
"""Share of held-out labels whose id has labels in training, from which the split tears ids apart."""
COPIED, PURE, EXCLUDES = 0.9, 0.99, -0.05
"""Intra-class correlation of labels that are copies, their share of ids of one class; of labels that exclude others."""
OPPOSITE = 0.48
"""AUC of the ids' training means at or below which they tell the opposite."""
AHEAD_OF_CUT, AND_OF_EARLIER, CERTAIN, EDGE_ROWS = 0.5, 0.3, 0.99, 100
"""Difference of shares from which labels depend on rows past the cut, by itself and above that of earlier rows; share
from which, or from whose opposite, they are made of them; rows it takes."""
COPIES, MANY_COPIES, MOSTLY = 0.01, 0.1, 0.5
"""Share of rows that are copies of training rows, from which that is to be known; of held-out ones, from which
memorising pays; share of copies that the rows with twins must have at least."""
FEW_LABELS = 100
"""Labels of a class in a held-out split below which it can decide little."""


@cache
def findings_of(folder: Path) -> tuple[Finding, ...]:
    """`findings` of built data, whose folder is named by its content; made once in a process."""
    return findings(indexed.load(folder))


def findings(data: IndexedDataset) -> tuple[Finding, ...]:
    """Everything found, the gravest first."""
    told = [evidence(tally) if tally.what.is_ids else telling(tally) for tally in tallies(data)]
    told += tellings(data)
    fields = [[each for each in told if each.what != What.GROUPS and each.task == task] for task in data.tasks]
    found = [finding for of_task in fields for finding in of_fields(of_task)]
    known = [each for each in told if isinstance(each, Evidence)]
    found += [finding for check in (_copies, _excludes, _foretold) for e in known for finding in check(e)]
    found += [*(list(_copied_rows(data)) or _repeated_rows(data)), *_doubts(data), *_unique(data), *_few(data)]
    return tuple(sorted(found, key=lambda finding: finding.severity != Severity.STOP))


def _copies(e: Evidence) -> Iterator[Finding]:
    """Labels that are the same in all rows of an id."""
    if e.repeated >= MANY_IDS and e.likeness.value >= COPIED and e.pure >= PURE:
        yield Finding(
            "label_copied",
            _if_torn(e),
            f"Label '{e.task}' is the same in all rows of one id of '{e.column}': intra-class correlation "
            f"{short(e.likeness.value)}, and {e.pure:.1%} of the ids with several rows have one class.",
            "Count it once per id, the others unknown by [observed]; or split by that id.",
        )


def _excludes(e: Evidence) -> Iterator[Finding]:
    """Labels that tell the opposite of others of the same id."""
    if e.repeated < MANY_IDS:
        return
    opposite = max(e.auc.values(), key=lambda auc: auc.value, default=Estimate(0.5, 0.0))
    below = opposite.value + ERRORS * opposite.error < 0.5 and opposite.value <= OPPOSITE
    apart = e.likeness.value + ERRORS * e.likeness.error < 0 and e.likeness.value <= EXCLUDES
    if apart or below:
        also = f"; the mean training label has AUC {short(opposite.value)} on held-out rows" if below else ""
        yield Finding(
            "label_excludes_others",
            _if_torn(e) if apart else Severity.LOOK,
            f"Rows with one id of '{e.column}' differ in label '{e.task}' more often than by chance: intra-class "
            f"correlation {short(e.likeness.value)}{also}.",
            "Keep one of the rows whose labels depend on each other, or split by what they share.",
        )


def _foretold(e: Evidence) -> Iterator[Finding]:
    """Labels of training that are made of validation rows."""
    found = e.returning
    if found is None or found.rows < EDGE_ROWS:
        return
    size, margin = abs(found.difference.value), ERRORS * found.difference.error
    if size - margin >= AHEAD_OF_CUT and abs(found.difference.value - found.earlier) - margin >= AND_OF_EARLIER:
        certain = max(found.again, 1 - found.again) >= CERTAIN
        yield Finding(
            "label_looks_ahead",
            Severity.STOP if certain else Severity.LOOK,
            f"Label '{e.task}' of the last training rows depends on validation rows: it is 1 in {found.again:.1%} of "
            f"those whose id of '{e.column}' comes again just after the cut, and in {found.others:.1%} of the others.",
            "Leave a gap: by [observed], make it unknown in training rows that look past the cut.",
        )


def _copied_rows(data: IndexedDataset) -> Iterator[Finding]:
    """Held-out rows that are in training as well."""
    found = twins(data, COPIES)
    if found is not None and (share := _copied(found)) >= COPIES:
        yield Finding(
            "copied_rows",
            Severity.STOP if share >= MANY_COPIES else Severity.LOOK,
            f"{share:.1%} of the held-out rows seem to be copies of training rows: labels of rows with the same fields "
            f"correlate by {short(found.alike.value)}, of rows that differ in one field by {short(found.apart)}.",
            "Keep one of each, by `query`; or split by something that copies have in common.",
        )


def _repeated_rows(data: IndexedDataset) -> Iterator[Finding]:
    """Rows that are in training several times. What keeps one of each row of the other finding mends this too."""
    found = repeats(data, COPIES)
    if found is not None and (share := _copied(found)) >= COPIES:
        time = " and the same time" if data.train.time_N is not None else ""
        yield Finding(
            "repeated_rows",
            Severity.LOOK,
            f"{share:.1%} of the training rows seem to be copies of earlier ones: labels of rows with the same "
            f"fields{time} correlate by {short(found.alike.value)}, of rows that differ in one of these by up to "
            f"{short(found.apart)}.",
            "Keep one of each, by `query`, as SELECT DISTINCT does: one epoch that reads copies too is several.",
        )


def _copied(found: Twins) -> float:
    """The share of rows that are copies; 0 where too few of those with the same fields are to tell."""
    sure = found.copies.value - ERRORS * found.copies.error >= MOSTLY
    return found.share * min(found.copies.value, 1) if sure else 0.0


def _doubts(data: IndexedDataset) -> Iterator[Finding]:
    """What the author of the data set says."""
    for doubt in data.doubts:
        yield Finding(doubt.name, Severity.LOOK, doubt.message, doubt.advice)


def _if_torn(e: Evidence) -> Severity:
    return Severity.STOP if e.torn >= TORN else Severity.LOOK


def _unique(data: IndexedDataset) -> Iterator[Finding]:
    """Fields whose ids do not come again."""
    test = data.test.take(slice(MOST_ROWS))
    for f in range(len(data.fields)):
        count_V = data.counts(f)
        rows, unseen = int(count_V.sum()), float((count_V[data.codes(test, f)] == 0).mean())
        distinct = np.count_nonzero(count_V) / max(rows, 1)
        if min(rows, 10 * len(test)) >= MANY_ROWS and (distinct > UNIQUE or unseen > UNSEEN):
            yield Finding(
                "ids_never_return",
                Severity.LOOK,
                f"Ids of field '{data.fields[f]}' hardly return: {distinct:.2f} distinct ids per training row, and "
                f"{unseen:.1%} of the test rows have one that training never saw.",
                "What is learnt of them is not tested here: leave the field out, or split so that they return.",
            )


def _few(data: IndexedDataset) -> Iterator[Finding]:
    """Labels with so few of a class that a held-out split says little."""
    for t, task in enumerate(data.tasks):
        scarce = {part: count for part in HELD_OUT if min(count := _classes(data, part, t)) < FEW_LABELS}
        if scarce:
            told = " and ".join(f"{min(count):,} of {sum(count):,} rows of {part}" for part, count in scarce.items())
            rare = int(np.argmin(next(iter(scarce.values()))))
            error = max(np.sqrt((a + b + 1) / (12 * max(a, 1) * max(b, 1))) for a, b in scarce.values())
            yield Finding(
                "few_labels",
                Severity.LOOK,
                f"Label '{task}' is {rare} in only {told}: chance alone moves an AUC there by {short(2 * error)}.",
                "Compare strategies by another label, or on more rows.",
            )


def _classes(data: IndexedDataset, part: str, task: int) -> tuple[int, int]:
    """How many known labels are 0 and 1."""
    split = data.split(part)
    zeros, ones = np.bincount(split.labels_NT[split.known(task), task], minlength=2)
    return int(zeros), int(ones)

"""The description of a data set: all that is shown of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from harness.data import indexed
from harness.data.build import data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.data.leaks.checks import findings, findings_of
from harness.data.meter import Say, silent
from harness.data.profile import periods
from harness.data.profile.inputs import Counts, indexed_datasets, is_table, plain_table
from harness.data.profile.lasting import by_label
from harness.data.profile.rates import rates
from harness.data.profile.statistics import Profile, profile
from harness.data.profile.tables import in_time, lasts, of_one_id, pairs, tables
from harness.data.profile.tails import tail
from harness.data.profile.timeline import timeline
from harness.data.profile.times import cuts
from harness.data.profile.together import together
from harness.results.description import Description, Periods, TextTable, Together, keep, kept
from harness.results.findings import Finding

LOG = logging.getLogger("multiepoch")


def described(
    source: str,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None,
    schema: str | None,
    say: Say = silent,
) -> Iterator[Description]:
    """Each data set of a source, built if it is not on disk.

    Raises:
        UserError: it is nothing of the kind, or cannot be read.
    """
    if is_table(source) and schema is None:
        yield describe_table(*plain_table(source))
        return
    for name, data in indexed_datasets(source, results, plugins, overrides, schema, say):
        yield describe(name, data, findings(data))


def describe(name: str, data: IndexedDataset, misleading: tuple[Finding, ...]) -> Description:
    """Of a coded data set. misleading: what in it would mislead."""
    found, cut = profile(data), periods.cut(data)
    fields, labels, pairwise = timeline(data, cut), rates(data, cut), together(data)
    spans = [split.span for split in found.splits.values() if split.span is not None]
    shown = Periods(cut.unit, cut.starts, cut.dated, cut.until, _rows(data, cut))
    listed = pairs(pairwise)
    of_labels = (of_one_id(found), lasts(by_label(data), data.fields), listed)
    return Description(
        name=name,
        tables=(*tables(found), *in_time(shown, fields, labels), *(table for table in of_labels if table)),
        cut=cuts(spans),
        notes=(*found.notes, *_notes(data, shown, pairwise, listed)),
        findings=misleading,
        tails=tuple(tail(each.name, data.counts(f), each.law) for f, each in enumerate(found.fields)),
        periods=shown,
        fields=fields,
        rates=labels,
        together=pairwise,
    )


def describe_table(name: str, counts: Counts, found: Profile) -> Description:
    """Of a plain table, whose columns have no kinds."""
    missing = "without a schema no row is held out and no column is a label or a time: tails alone are described"
    tails = tuple(tail(each.name, counts[each.name], each.law) for each in found.fields)
    return Description(name, tuple(tables(found)), notes=(missing,), tails=tails)


def keep_descriptions(keys: dict[str, str], results: Path) -> None:
    """Describe built data sets that have no description yet. keys: by label.

    Whatever goes wrong is a warning: a description keeps nobody from the results.
    """
    for label, key in keys.items():
        if kept(results, key) is None:
            folder = data_folder(results, key)
            try:
                keep(results, key, describe(label, indexed.load(folder), findings_of(folder)))
            except Exception as error:
                LOG.warning("data set '%s' is not described: %s: %s", label, type(error).__name__, error)


def _rows(data: IndexedDataset, cut: periods.Cut) -> tuple[int, ...]:
    return tuple(periods.rows(data, cut).tolist())


def _notes(data: IndexedDataset, shown: Periods, found: Together, listed: TextTable | None) -> Iterator[str]:
    """What is missing, and how to read what is not as it seems."""
    if not shown.timed:
        yield f"rows have no times: periods are {len(shown.rows)} equal parts of them, in the order train, valid, test"
    elif shown.cut is None:
        yield "splits do not follow each other in time: unseen shares by period are of held-out rows of the same times"
    if any(split.weight_N is not None for split in (data.train, data.valid, data.test)):
        yield "base rates by period count rows by their weights; all else counts rows alike"
    if data.kept:
        yield f"base rates by period are of the full log, before rows were dropped: {', '.join(data.kept)}"
    if found.rows < found.of_rows:
        yield f"what goes together is read off {found.rows:,} of {found.of_rows:,} training rows, drawn at random"
    if found.left_out:
        yield f"not among the columns that go together: {', '.join(found.left_out)} (beyond the first 40)"
    if lists := [name for name in data.kinds.list_names if name in found.names]:
        yield f"of a list, what goes together is read off one id of each row, drawn at random: {', '.join(lists)}"
    if listed is None:
        yield f"what goes together cannot be told: too few of {found.rows:,} training rows have an id that returns"

"""What a profile tells, as tables of text: for a terminal, a page and the report alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.data.estimate import Estimate
from harness.data.profile.intraclass import Intraclass
from harness.data.profile.lasting import Lasting
from harness.data.profile.statistics import Profile, TaskProfile
from harness.data.profile.times import moments
from harness.data.profile.together import strongest
from harness.data.profile.words import (
    BEST,
    FIELDS,
    LABELS,
    LASTS,
    LISTS,
    NUMBERS,
    OF_ONE_ID,
    TESTED,
    TIMES,
    TOGETHER,
    WEIGHTS,
    moving,
    rate,
)
from harness.data.profile.zipf_fit import Frequencies
from harness.data.validation import SPLITS
from harness.results.description import FieldInTime, Periods, RateInTime, TextTable, Together, Values

MOST_PAIRS, MOST_WITH_LABELS = 5, 6
"""Pairs of fields that are listed, and of fields with labels, each of which has one at least."""


def tables(found: Profile) -> Iterator[TextTable]:
    """Splits, labels, fields, numbers and lists, as far as there are any."""
    yield _splits(found)
    if found.tasks:
        yield _tasks(found)
    yield _fields(found)
    if found.numbers:
        rows = ((n.name, f"{n.missing_train:.1%}", f"{n.missing_test:.1%}", f"{n.moved:+.2f}") for n in found.numbers)
        yield _table("Numbers", NUMBERS, rows)
    if found.lists:
        lists = ((e.name, e.table, f"{e.ids:,}", f"{e.mean_length:.1f}", f"{e.unseen:.1%}") for e in found.lists)
        yield _table("Lists", LISTS, lists)


def in_time(periods: Periods, fields: tuple[FieldInTime, ...], rates: tuple[RateInTime, ...]) -> Iterator[TextTable]:
    """The first and the last periods of fields and of labels."""
    rows = (
        (
            field.name,
            _share(field.fresh[1] if len(field.fresh) > 1 else None),
            _share(_last(field.fresh)),
            _share(next((value for value in field.unseen if value is not None), None)),
            _share(_last(field.unseen)),
            "-" if (moved := _last(field.drift)) is None else f"{moved:.3f}",
        )
        for field in fields
    )
    yield _table("In time", moving(periods.unit), rows)
    yield _table("Base rates", rate(periods.unit), map(_ends, rates))


def of_one_id(found: Profile) -> TextTable | None:
    """By field and label, how the labels of two rows of one id correlate; none where that is not told from chance."""
    if not found.of_one_id:
        return None

    def cell(one: Intraclass | None) -> str:
        return "-" if one is None else f"{one.value:.4f}" if one.told else "none"

    columns = {"field, by label": OF_ONE_ID} | dict.fromkeys(found.of_one_id, "")
    names = (field.name for field in found.fields)
    return _table(
        "Labels of one id",
        columns,
        ((name, *(cell(each.get(name)) for each in found.of_one_id.values())) for name in names),
    )


def lasts(found: Mapping[str, Mapping[str, Lasting]], fields: Sequence[str]) -> TextTable | None:
    """By field and label, how much of what ids say holds later; None where that is told of none.

    found: by label and field.
    """
    told = {label: {name: str(one) for name, one in each.items() if one.told} for label, each in found.items()}
    names = [name for name in fields if any(name in each for each in told.values())]
    if not names:
        return None
    columns = {"lasts, by label": LASTS} | dict.fromkeys(told, "")
    return _table("What lasts", columns, ((n, *(each.get(n, "-") for each in told.values())) for n in names))


def pairs(found: Together) -> TextTable | None:
    """The strongest pairs of fields, then the fields that tell most of each label."""
    chosen = [("field, field", *pair) for pair in strongest(found)[:MOST_PAIRS]]
    each = max(1, MOST_WITH_LABELS // max(found.labels, 1))
    chosen += [("field, label", *pair) for t in range(found.labels) for pair in strongest(found, t)[:each]]
    rows = tuple((f"{one} + {other}", kind, f"{value:.2f}") for kind, one, other, value in chosen)
    return _table("Go together", TOGETHER, rows) if rows else None


def _table(title: str, columns: Mapping[str, str], rows: Iterable[tuple[str, ...]]) -> TextTable:
    """columns: each with what it tells."""
    return TextTable(title, tuple(columns), tuple(rows), tuple(columns.values()))


def _ends(label: RateInTime) -> tuple[str, ...]:
    known = [p for p, rate in enumerate(label.rate) if rate is not None]
    if not known:
        return (label.name, *("-",) * 4)
    cells = [
        text
        for p in (known[0], known[-1])
        for text in (_rate(label.rate[p]), f"{_rate(label.low[p])} to {_rate(label.high[p])}")
    ]
    return (label.name, *cells)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _last(values: Values) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _splits(found: Profile) -> TextTable:
    timed = any(split.span is not None for split in found.splits.values())
    weighed = any(split.weights is not None for split in found.splits.values())
    columns = {"split": "", "rows": ""} | (TIMES if timed else {}) | (WEIGHTS if weighed else {})
    rows = (
        (part, f"{split.rows:,}", *moments(*(split.span or ())), *(f"{weight:.4g}" for weight in split.weights or ()))
        for part, split in found.splits.items()
    )
    return _table("Rows", columns, rows)


def _tasks(found: Profile) -> TextTable:
    """Positives of each label by split, and what the truth would reach, if it is known."""
    judged = any(task.auc is not None for task in found.tasks)
    columns = LABELS | (BEST if judged else {})
    rows: list[tuple[str, ...]] = []
    for task in found.tasks:
        reached = (_estimate(task.auc), _estimate(task.logloss)) if judged else ()
        rows.append((task.name, *(_positives(found, task, part) for part in SPLITS), *reached))
        if task.full is not None:
            full = (f"{task.full[part]:.3%}" for part in SPLITS)
            rows.append(("  of the full log", *full, *("",) * len(reached)))
    return _table("Labels", columns, rows)


def _positives(found: Profile, task: TaskProfile, part: str) -> str:
    known = task.known[part]
    of_known = "" if known == found.rows[part] else f" of {known:,}"
    return f"{task.positives[part]:,}{of_known} ({task.rates[part]:.2%})"


def _fields(found: Profile) -> TextTable:
    rows: list[tuple[str, ...]] = []
    for field in found.fields:
        law, tested = field.law, (field.unseen, field.once) if found.tasks else ()
        fitted = (
            ("-", "") if law is None else (f"{law.exponent:.3f}±{(law.high - law.low) / 2:.3f}", f"{law.shift:.1f}")
        )
        rows.append((field.name, *_frequencies(field.frequencies), *fitted, *(f"{share:.1%}" for share in tested)))
    tested = (found.rarest_unseen, found.rarest_once) if found.tasks else ()
    rows.append(("all", *_frequencies(found.everything), "", "", *(f"{share:.1%}" for share in tested)))
    return _table("Fields", FIELDS | (TESTED if found.tasks else {}), rows)


def _frequencies(f: Frequencies) -> tuple[str, ...]:
    return f"{f.ids:,}", *(f"{share:.1%}" for share in (f.singletons, f.ten, f.top_1, f.top_10))


def _estimate(value: Estimate | None) -> str:
    return "unknown" if value is None else f"{value.value:.4f}±{value.error:.4f}"

"""Which of several moments is the time of a row, and which one follows it."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import polars as pl

from harness.data.guess.columns import Guess, Table
from harness.data.guess.times import LEAST, NUMBERS, Moment, falls, moments, of_numbers
from harness.data.guess.whose import WIDE, owners
from harness.data.guess.words import ITEMS, MADE, USERS

MISSING = 0.05
"""The share of the rows that may have no time, and are left out."""
NEAR = 0.9
"""Of the distinct times of the finest: others that have as many may be the time of a row as well."""
UNITS = (86_400, 3_600, 60)


class Choice:
    """Of the moments that every row has, and of those so named that nearly every row has, which are of the rows
    themselves. foreign: those that are of something else, and why."""

    def __init__(self, table: Table, found: Sequence[Moment]) -> None:
        self.known = [moment for moment in found if _is_complete(moment) or (moment.named and _is_nearly(moment))]
        times = {name for moment in found for name in (moment.column.name, *moment.parts)}
        rest = [column for column in table if column.name not in times]
        owned = owners(rest, [moment.seconds for moment in self.known])
        said = {moment: _said(moment, owned.get(place, "")) for place, moment in enumerate(self.known)}
        self.foreign = {moment: why for moment, why in said.items() if why}

    def own(self, among: Sequence[Moment]) -> list[Moment]:
        """Those of the rows themselves; where no moment is, all."""
        return [moment for moment in among if moment not in self.foreign or len(self.foreign) == len(self.known)]

    def best(self, among: Sequence[Moment]) -> Moment:
        """The finest of the rows' own. Of several as fine, the one that does not follow another, and is read more
        simply."""
        near = _as_fine(self.own(among))
        return min(near, key=lambda each: (*map(bool, _behind(each, near)), *map(operator.neg, _fineness(each))))

    def why(self, best: Moment) -> str:
        """What speaks for it, or against those that are finer; empty: there is no other."""
        finer = [moment for moment in self.known if _fineness(moment) > _fineness(best)]
        near = _as_fine(self.own(self.known))
        against = [(each, self.foreign.get(each) or next(filter(None, _behind(each, near)), "")) for each in finer]
        several = len([moment for moment in self.known if _is_complete(moment)])
        said = f", the finest of {several} times" if several > 1 and not finer else ""
        said += "".join(f"; not {each.column.name}, which is {why}" for each, why in against if why)
        return f"{said}; look: it is {self.foreign[best]}" if best in self.foreign else said


def time_of(table: Table, found: Sequence[Moment]) -> Guess | None:
    """The moment that is the time of each row, if there is one."""
    choice = Choice(table, found)
    if not choice.known:
        return None
    best = choice.best(choice.known)
    why = f"{best.read.name}{_span(best)}{choice.why(best)}{_missing(best)}"
    return Guess(best.column.name, "time", best.entries, why)


def event(table: Table) -> tuple[Moment, Moment] | None:
    """The time of a row, and a moment that comes in some rows alone and never before it: what happened later.

    In a table without names they may be any whole numbers, of which the first never fall and the second seldom lie far
    behind them.
    """
    if not table.named:
        whole = [of_numbers(column, False) for column in table if column.is_whole]
        begun = [moment for moment in whole if moment.column.distinct >= LEAST and falls(moment.column) == 0]
        return next(((a, b) for a in begun for b in whole if _follows(a, b) and _is_near(a, b)), None)
    found = moments(table)
    named = [moment for moment in found if moment.named]
    later = {a: b for a in named for b in reversed(named) if _follows(a, b)}
    choice = Choice(table, found) if later else None
    if choice is None or not choice.own(list(later)):
        return None
    first = choice.best(list(later))
    return first, later[first]


def _follows(first: Moment, later: Moment) -> bool:
    delay = (later.seconds - first.seconds).drop_nulls()
    return not first.seconds.null_count() and LEAST <= len(delay) < len(later.seconds) and bool((delay >= 0).all())


def _is_near(first: Moment, later: Moment) -> bool:
    both = pl.DataFrame({"first": first.seconds, "later": later.seconds}).drop_nulls()
    return both["first"].n_unique() > 1 and float(both.corr()["first"][1]) > 0.5


def _is_complete(moment: Moment) -> bool:
    return not moment.seconds.null_count()


def _is_nearly(moment: Moment) -> bool:
    return moment.seconds.null_count() <= MISSING * len(moment.seconds)


def _said(moment: Moment, owner: str) -> str:
    """Of what else a moment is than of its row, in words that follow its name; empty: of nothing that is known."""
    thing = moment.column.last(USERS | ITEMS) if moment.column.has(MADE) else ""
    return f"one for each {owner}" if owner else f"by its name a time of the {thing}" if thing else ""


def _fineness(moment: Moment) -> tuple[int, int, int, int]:
    """Grows with it, after whether all rows have it and its name says so; and with how simply it is read."""
    return _is_complete(moment), moment.named, moment.seconds.n_unique(), -moment.rank


def _as_fine(among: Sequence[Moment]) -> list[Moment]:
    """The finest, and those that may be as well the time of a row."""
    finest = max(among, key=_fineness)
    *kind, most, _ = _fineness(finest)
    near = [each for each in among if [*_fineness(each)[:2]] == kind and _fineness(each)[2] >= NEAR * most]
    return [each for each in near if _unit(each) <= _unit(finest)]


def _unit(moment: Moment) -> int:
    """The largest of which all its times are multiples, in seconds."""
    return next((unit for unit in UNITS if (moment.seconds.drop_nulls() % unit == 0).all()), 1)


def _behind(moment: Moment, others: Sequence[Moment]) -> tuple[str, str]:
    """Why a moment may be later than its row, by its values and by its name, in words that follow; empty: it is not."""
    earlier = next((other.column.name for other in others if _lags(moment, other)), "")
    by_values = f"never earlier than {earlier} and sometimes later" if earlier else ""
    return by_values, "named as when something was made or changed" if moment.column.has(MADE) else ""


def _lags(moment: Moment, other: Moment) -> bool:
    """Whether it is never earlier, and later in some rows by less than what tells two events apart."""
    delay = (moment.seconds - other.seconds).drop_nulls()
    whole = float(str(other.seconds.max())) - float(str(other.seconds.min()))
    return len(delay) > 0 and bool((delay >= 0).all()) and 0 < float(str(delay.mean())) < WIDE * whole


def _missing(moment: Moment) -> str:
    nulls = moment.seconds.null_count()
    return f"; {nulls:,} of {len(moment.seconds):,} rows have none, and are left out" if nulls else ""


def _span(moment: Moment) -> str:
    if moment.read.name == NUMBERS:
        return ""
    first, last = (
        pl.Series([value]).cast(pl.Int64) * 1_000_000 for value in (moment.seconds.min(), moment.seconds.max())
    )
    dates = [value.cast(pl.Datetime("us"))[0].date().isoformat() for value in (first, last)]
    return f", {dates[0]} to {dates[1]}"

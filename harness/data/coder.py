"""Codes for the ids of pieces, made in threads a few pieces ahead of the one that is taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.api import Kinds, ListField, Lists, Split, UserError
from harness.base.threads import Lanes, mapped
from harness.data.vocabulary import Codes, Ints, Vocabulary

Found = tuple[Ints, Ints, Codes]
"""What `Vocabulary.finish` returns."""
MOST, ROWS = 4, 1 << 19
"""Pieces, and rows of them, that are in memory at once; of a piece of more rows, it alone."""


def tables_of(fields: tuple[str, ...], kinds: Kinds) -> tuple[str, ...]:
    """The fields that have a table of ids of their own, those of single ids first."""
    return tuple(f for f in (*fields, *kinds.list_names) if f not in kinds.shares)


@dataclass(frozen=True)
class Coded:
    """A piece of a split, and the codes of its ids."""

    part: str
    split: Split
    lists: dict[str, Lists]
    """By field; the ids that count."""
    codes: dict[str, Codes]
    """By field, once they are made: of each row, or of each value of its lists."""


class Coder:
    """A vocabulary for each table. Each goes through the pieces in their order, none waits for another."""

    def __init__(self, fields: tuple[str, ...], kinds: Kinds) -> None:
        self._fields, self._kinds, self._lanes = fields, kinds, Lanes()
        self._vocabulary = {name: Vocabulary() for name in tables_of(fields, kinds)}

    def __enter__(self) -> Coder:
        return self

    def __exit__(self, *error: object) -> None:
        self._lanes.__exit__(*error)

    def coded(self, pieces: Iterable[tuple[str, Split]]) -> Iterator[Coded]:
        """The pieces in their order, each with its codes. Those after it are read and coded meanwhile.

        Raises:
            UserError: more ids than int32 can number.
        """
        coming, rows = deque[tuple[Coded, list[Future[dict[str, Codes]]]]](), 0
        for part, split in pieces:
            coming.append(self._begun(part, split))
            rows += len(split.ids_NF)
            while len(coming) == MOST or rows > ROWS:
                rows -= len(coming[0][0].split.ids_NF)
                yield _whole(*coming.popleft())
        while coming:
            yield _whole(*coming.popleft())

    def finish(self) -> dict[str, Found]:
        """What each vocabulary has found, by table."""
        return dict(zip(self._vocabulary, mapped(Vocabulary.finish, self._vocabulary.values()), strict=True))

    def _begun(self, part: str, split: Split) -> tuple[Coded, list[Future[dict[str, Codes]]]]:
        """A piece, and its codes of each table, which are to come."""
        clipped = [_clipped(f, lists) for f, lists in zip(self._kinds.lists, split.lists, strict=True)]
        piece = Coded(part, split, dict(zip(self._kinds.list_names, clipped, strict=True)), {})
        return piece, [self._lanes.submit(table, partial(self._codes, table, piece)) for table in self._vocabulary]

    def _codes(self, table: str, piece: Coded) -> dict[str, Codes]:
        """Codes of every field that looks up a table; occurrences in training are counted."""
        vocabulary, table_of, training = self._vocabulary[table], self._kinds.table_of, piece.part == "train"
        codes = {}
        for f, name in enumerate(self._fields):
            if table_of(name) == table:
                codes[name] = vocabulary.code(piece.split.ids_of(f), training=training)
        for name, each in piece.lists.items():
            if table_of(name) == table:
                codes[name] = vocabulary.code(np.ascontiguousarray(each.values_M), training=False)
                if training:
                    vocabulary.count(codes[name], each.begins(), each.length_N)
        return codes


def _whole(piece: Coded, codes: list[Future[dict[str, Codes]]]) -> Coded:
    """The piece, once its codes are made."""
    try:
        for found in codes:
            piece.codes.update(found.result())
    except OverflowError as error:
        raise UserError(str(error)) from error
    return piece


def _clipped(field: ListField, lists: Lists) -> Lists:
    """The ids that count, of every list."""
    begin_N = lists.begins()
    length_N = np.minimum(lists.length_N, field.longest)
    begin_N = begin_N + lists.length_N - length_N if field.ordered else begin_N
    return replace(lists, begin_N=begin_N.astype(np.int64), length_N=length_N.astype(np.int64))

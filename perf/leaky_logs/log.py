"""A small synthetic log, and how it becomes data to train on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from harness.api import Data, Generator, Ints, Kinds, NumberField, Split

ROWS = 20_000


@dataclass(frozen=True)
class Log:
    """A log in order of time. session_N: what labels may depend on within. by_row: whether it is split at random.
    time_N: where it is not the number of the row."""

    fields: dict[str, Ints]
    label_N: Ints
    session_N: Ints
    by_row: bool = False
    numbers: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    time_N: Ints | None = None


def clean(rng: Generator, effect: float = 0.5, base: float = 0.2, rows: int = ROWS) -> Log:
    """Users, items, a context and a field of no meaning; users and items move the label. effect: on its logit."""
    user_N, item_N = zipf(rng, rows, rows // 4, 0.6), zipf(rng, rows, rows // 10, 1.1)
    logit_N = np.log(base / (1 - base)) + effect * (rng.normal(size=rows)[user_N] + rng.normal(size=rows)[item_N])
    fields = {"user": user_N, "item": item_N, "hour": np.arange(rows) * 24 * 7 // rows % 24}
    fields["noise"] = rng.integers(0, rows // 20, rows)
    return Log(fields, labels(rng, logit_N), user_N)


def labels(rng: Generator, logit_N: npt.NDArray[np.float64]) -> Ints:
    return (rng.random(len(logit_N)) < 1 / (1 + np.exp(-logit_N))).astype(np.int64)


def zipf(rng: Generator, rows: int, ids: int, exponent: float) -> Ints:
    p = np.arange(1, ids + 1) ** -exponent
    return rng.choice(ids, rows, p=p / p.sum())


def with_field(log: Log, name: str, id_N: Ints) -> Log:
    return replace(log, fields=log.fields | {name: id_N})


def rows_of(log: Log, at_M: Ints) -> Log:
    """These rows of a log, some of them perhaps twice, each with its own time."""
    columns = {name: id_N[at_M] for name, id_N in log.fields.items()}
    return replace(log, fields=columns, label_N=log.label_N[at_M], session_N=log.session_N[at_M], time_N=at_M)


def data_of(log: Log, rng: Generator) -> Data:
    """A log split 80 : 10 : 10."""
    rows = len(log.label_N)
    time_N = np.arange(rows) if log.time_N is None else log.time_N
    order = rng.permutation(rows) if log.by_row else np.arange(rows)
    ids_NF = np.column_stack(list(log.fields.values())).astype(np.int64)
    number_NP = np.column_stack(list(log.numbers.values())).astype(np.float32) if log.numbers else None
    parts = [
        Split(
            ids_NF=ids_NF[at],
            labels_NT=log.label_N[at, None].astype(np.uint8),
            group_N=log.session_N[at].astype(np.int64),
            time_N=time_N[at].astype(np.int64),
            numbers_NP=None if number_NP is None else number_NP[at],
        )
        for at in map(np.sort, np.split(order, [rows * 8 // 10, rows * 9 // 10]))
    ]
    return Data(tuple(log.fields), ("click",), *parts, kinds=Kinds(tuple(map(NumberField, log.numbers))))

"""Numbers, lists, sequences, crosses and histories of a table, as a schema asks for them."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.api import Data, Lists, NumberField, UserError
from harness.base import seeds
from harness.data.tabular.conversion import NULL, exact_ids
from harness.data.tabular.history import NEVER, History
from harness.data.tabular.listed import lists_of
from harness.plugins.registry import Registry, build

REST = """
[labels]
y = "y"
[split]
by = "row"
valid = 0.2
test = 0.2
"""


def load(folder: Path, fields: str, frame: pl.DataFrame, rest: str = REST) -> Data:
    """The data that a schema of these fields makes of a table."""
    frame.write_parquet(folder / "log.parquet")
    (folder / "schema.toml").write_text(f"{fields}\n{rest}")
    params = {"schema": str(folder / "schema.toml"), "path": str(folder / "log.parquet")}
    data: Data = build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))
    return data


def rows(count: int = 60, **columns: Any) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    plain = {"y": np.arange(count) % 2, "user": rng.integers(0, 9, count), "item": rng.integers(0, 7, count)}
    return pl.DataFrame(plain | columns)


def held(lists: Lists) -> list[list[int]]:
    """Every list by itself."""
    return [lists.values_M[at : at + n].tolist() for at, n in zip(lists.begins(), lists.length_N.tolist(), strict=True)]


def ids(values: list[Any]) -> list[int]:
    return [int(i) for i in exact_ids(pl.Series(values))]


@pytest.mark.parametrize(
    ("column", "separator", "expected"),
    [
        (["a|b", "c", "", None], "|", [["a", "b"], ["c"], None, None]),
        (["a, b", "c"], ", ", [["a", "b"], ["c"]]),
        (["Action, Comedy", "Comedy ,Action", " , "], ",", [["Action", "Comedy"], ["Comedy", "Action"], ["", ""]]),
        (['[" a", "a"]', "a | b"], "|", [[" a", "a"], ["a", "b"]]),
        (['["a", "b|c"]', "[]", "a|b"], "|", [["a", "b|c"], None, ["a", "b"]]),
        (["[1, 2]", "[3]"], "|", [["1", "2"], ["3"]]),
        ([["a", "b"], [], None, ["c"]], "|", [["a", "b"], None, None, ["c"]]),
        ([[1, 2], [3], []], "|", [[1, 2], [3], None]),
        ([[1, None], [3, 4]], "|", [[1, None], [3, 4]]),
    ],
)
def test_lists_are_read_as_they_are_written(column: list[Any], separator: str, expected: list[Any]) -> None:
    """None: the one id of an empty list."""
    found = held(lists_of(pl.Series(column), separator, None, "here", whole=False))
    wanted = [
        [NULL] if e is None else [NULL if i is None else exact_ids(pl.Series([i]))[0] for i in e] for e in expected
    ]
    assert found == wanted


def test_ids_of_text_are_whole_numbers_where_the_table_is_of_whole_numbers() -> None:
    found = held(lists_of(pl.Series(["3|1", "[7]", ""]), "|", None, "here", whole=True))
    assert found == [[3, 1], [7], [NULL]]
    with pytest.raises(UserError, match="here has the id 'x' in a list; accepted: whole numbers"):
        lists_of(pl.Series(["3|x"]), "|", None, "here", whole=True)


def test_weights_are_as_many_as_ids() -> None:
    column, weights = pl.Series([["a", "b"], [], ["c"]]), pl.Series([[0.5, 1.5], [], [2.0]])
    found = lists_of(column, "|", weights, "here", whole=False)
    assert found.weight_M is not None
    assert found.weight_M.tolist() == [0.5, 1.5, 1.0, 2.0]
    with pytest.raises(UserError, match="a list of 1 id has 2 weights"):
        lists_of(column, "|", pl.Series([[0.5, 1.5], [], [2.0, 1.0]]), "here", whole=False)


def test_json_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"the text '\[1, ' is no list of JSON|is no list of JSON"):
        lists_of(pl.Series(["[1, }]"]), "|", None, "here", whole=False)


def test_every_kind_comes_out_of_a_table(tmp_path: Path) -> None:
    n = 60
    frame = rows(
        n,
        price=[None if i % 10 == 0 else i + 0.5 for i in range(n)],
        tags=["|".join("abc"[: i % 4]) for i in range(n)],
        words=[[f"w{i % 3}", "x"] for i in range(n)],
        recent=[json.dumps(list(range(i % 3))) for i in range(n)],
    )
    fields = """
    [fields]
    user = "user"
    item = { id = "item" }
    pair = { cross = ["user", "item"] }
    price = "price"
    age = { number = "user + 30", buckets = 2 }
    paid = { number = "price", scale = "log1p", mean = 2, deviation = 0.5 }
    stars = { number = "item", edges = [1, 2.5] }
    tags = { list = "tags", pool = "sum", longest = 2 }
    words = "words"
    recent = { sequence = "recent", longest = 5, shares = "item" }
    """
    data = load(tmp_path, fields, frame)
    assert data.fields == ("user", "item", "pair")
    assert data.kinds.numbers == (
        NumberField("price"),
        NumberField("age", buckets=2),
        NumberField("paid", "log1p", mean=2.0, deviation=0.5),
        NumberField("stars", edges=(1.0, 2.5)),
    )
    told = [(f.name, f.longest, f.pool, f.ordered) for f in data.kinds.lists]
    assert told == [("tags", 2, "sum", False), ("words", 50, "mean", False), ("recent", 5, "mean", True)]
    assert data.kinds.shares == {"recent": "item"}
    pairs: dict[int, tuple[int, int]] = {}
    splits = (data.train, data.valid, data.test)
    for split in splits:
        for row, (user, item, pair) in enumerate(split.ids_NF.tolist()):
            assert pairs.setdefault(pair, (user, item)) == (user, item)
            assert split.lists[2].length_N[row] >= 1
    assert len(pairs) == frame.select("user", "item").n_unique()
    assert len(set(pairs.values())) == len(pairs)
    every = np.concatenate(
        [s.numbers_NP[:, 0] for s in (data.train, data.valid, data.test) if s.numbers_NP is not None]
    )
    assert np.isnan(every).sum() == 6
    values = {tuple(sequence) for s in splits for sequence in held(s.lists[2])}
    assert values == {(NULL,), (0,), (0, 1)}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 9), st.booleans())),
    st.integers(1, 4),
    st.integers(0, 14),
    st.sampled_from([0, NEVER + 1, 2**63 - 13]),
)
def test_a_history_holds_strictly_earlier_rows_of_the_same_user_alone(
    events: list[tuple[int, int, int, bool]], last: int, after: int, begin: int
) -> None:
    """Against the definition, whatever the batches: no row sees itself, another of its time, the future, or what is
    less than `after` before it."""
    events = sorted(events, key=lambda event: event[1])
    columns = list(zip(*events, strict=True)) or [(), (), (), ()]
    user_N, time_N, id_N = (np.array(column, np.int64) for column in columns[:3])
    time_N += begin
    counts_N = np.array(columns[3], np.bool_)
    expected = [
        [i for u, t, i, counts in events if counts and u == user and t < time and t + after <= time][-last:]
        for user, time, _, _ in events
    ]
    for cut in (len(events), len(events) // 2, 1):
        history, found = History(last, after), list[list[int]]()
        for at in range(0, len(events), max(cut, 1)):
            part = slice(at, at + max(cut, 1))
            found += history(user_N[part], time_N[part], id_N[part], counts_N[part]).to_list()
        assert found == expected


BY_TIME = """
[labels]
y = "y"
[split]
by = "time"
valid = 0.2
test = 0.2
"""


@pytest.mark.parametrize("after", [0, 20])
def test_a_history_of_a_table_is_of_earlier_rows_in_any_split(tmp_path: Path, after: int) -> None:
    rng = np.random.default_rng(3)
    frame = rows(200, ts=rng.permutation(np.repeat(np.arange(100), 2)), clicked=rng.integers(0, 2, 200))
    fields = """
    time = "ts"
    [fields]
    user = "user"
    item = "item"
    seen = { history = { of = "item", by = "user", where = "clicked = 1", last = 3AFTER } }
    """.replace("AFTER", f', after = "{after}s"' if after else "")
    data = load(tmp_path, fields, frame, BY_TIME + 'gap = "5s"')
    assert data.kinds.shares == {"seen": "item"}
    log = frame.sort("ts", maintain_order=True)
    seen = 0
    for split in (data.train, data.valid, data.test):
        assert split.time_N is not None
        lists = held(split.lists[0])
        for (user, _), time, found in zip(split.ids_NF.tolist(), split.time_N.tolist(), lists, strict=True):
            early = pl.col("ts") <= time - max(after, 1)
            before = log.filter((pl.col("user") == user) & early & (pl.col("clicked") == 1))
            assert found == (before["item"].tail(3).to_list() or [NULL])
            seen += found != [NULL]
    assert seen > 50


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            '"-7d"',
            r"fields.seen.history.after = '-7d' is not accepted: '-7d' is no time; accepted: a number and a unit",
        ),
        ('"7 days"', "'7 days' is no time; accepted: a number and a unit, as 90d"),
        ("7", "after = 7 is not accepted: '7' is no time; accepted: a number and a unit"),
        ('"100s"', r"after = '100s' leaves no row that is early enough for another, as all are within .* days"),
    ],
)
def test_a_span_that_cannot_be_is_refused(tmp_path: Path, after: str, message: str) -> None:
    """Rows are 99 seconds apart at most."""
    fields = 'time = "ts"\n[fields]\nitem = "item"\nseen = {{ history = {{ of = "item", by = "user", after = {} }} }}'
    load(tmp_path, fields.format('"99s"'), rows(100, ts=range(100)), BY_TIME)
    with pytest.raises(UserError, match=message):
        load(tmp_path, fields.format(after), rows(100, ts=range(100)), BY_TIME)


@pytest.mark.parametrize(
    ("where", "labels"),
    [
        ("sold = 1", "'sale' and 'dear'"),
        ("price * sold > 5", "'sale' and 'dear'"),
        ("shown = 1", ""),
        ("price > 5", ""),
        ("user <> 3", ""),
    ],
)
def test_a_history_of_rows_that_a_label_tells_is_known(tmp_path: Path, where: str, labels: str) -> None:
    """Of what is among the fields, it is told when it is known: with its row."""
    frame = rows(60, ts=range(60), price=np.arange(60) % 9 + 0.5, shown=1).with_columns(sold="y")
    fields = 'time = "ts"\n[fields]\nitem = "item"\nprice = "price"\nseen = {{ history = {{ {} }} }}'
    history = f'of = "item", by = "user", where = "{where}"'
    rest = BY_TIME.replace('y = "y"', 'sale = "sold"\ndear = "sold = 1 AND price > 5"\nother = "user > 3"')
    found = load(tmp_path, fields.format(history), frame, rest).doubts
    assert [doubt.name for doubt in found] == (["history_looks_ahead"] if labels else [])
    said = f"History 'seen' holds earlier rows by what tells label {labels}, and nothing"
    assert all(doubt.message.startswith(said) for doubt in found)
    assert load(tmp_path, fields.format(f'{history}, after = "0s"'), frame, rest).doubts == ()


def test_rows_of_nobody_are_no_history_of_each_other(tmp_path: Path) -> None:
    frame = rows(6, user=[7, None, None, 7, None, None], item=[0, 1, 2, 3, 4, 5], ts=[0, 1, 2, 3, 4, 5])
    fields = """
    time = "ts"
    [fields]
    item = "item"
    seen = { history = { of = "item", by = "user" } }
    """
    data = load(tmp_path, fields, frame, BY_TIME)
    found = [ids for split in (data.train, data.valid, data.test) for ids in held(split.lists[0])]
    assert found == [[NULL], [NULL], [NULL], [0], [NULL], [NULL]]


def test_a_history_holds_rows_whose_id_is_null(tmp_path: Path) -> None:
    frame = rows(60, ts=range(60)).with_columns(user=1, item=pl.when(pl.col("y") == 0).then(pl.col("item")))
    fields = 'time = "ts"\n[fields]\nitem = "item"\nseen = { history = { of = "item", by = "user", last = 2 } }'
    data = load(tmp_path, fields, frame, REST.replace('"row"', '"time"'))
    item = [NULL if value is None else value for value in frame["item"].to_list()]
    lists = [found for split in (data.train, data.valid, data.test) for found in held(split.lists[0])]
    assert lists == [[NULL], *(item[max(0, row - 2) : row] for row in range(1, 60))]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('x = { number = "price", longest = 3 }', r"fields.x .*longest does not belong to a field of kind number"),
        ('x = { number = "price", list = "tags" }', "number and list tells what the field is; accepted: one of"),
        ("x = { shares = 'user' }", "nothing tells what the field is"),
        ('x = { numbr = "price" }', "unknown key 'numbr'; did you mean 'number'"),
        ('x = { number = "price", scale = "log" }', "unknown scale 'log'; did you mean 'log1p'"),
        ('x = { number = "price", mean = 3 }', "field 'x': mean = 3.0, deviation = None; accepted: both"),
        ('x = { id = "user", edges = [3] }', "edges does not belong to a field of kind id; accepted: shares"),
        ('x = { list = "tags", shares = "usr" }', "field 'x' shares: unknown table 'usr'; did you mean 'user'"),
        ('x = { history = { of = "itm", by = "user" } }', "unknown field 'itm'|needs `time`"),
        ('x = { history = { of = "item", by = "user" } }', "is made of earlier rows, and needs `time`"),
        (
            'p = { cross = ["user", "item"] }\nx = { history = { of = "p", by = "user" } }',
            "fields.x: of = 'p' is a cross; accepted: fields of one column's ids: user, item|needs `time`",
        ),
        ('x = { number = "y" }', "is the label 'y' itself"),
        ('x = { history = { of = "item", by = "y" } }', "fields.x = 'y' is the label 'y' itself"),
        ('x = { number = "tags" }', "fields.x = 'tags' is of type String; accepted: a number, as CAST"),
        ('x = { list = "price" }', "fields.x = 'price' is of type Float64; accepted: a list of"),
        ('x = { list = "words", weights = "words" }', "fields.x = 'words' is of type .*; accepted: a list of numbers"),
        ('x = "whole"', r'holds whole numbers, as ids may; accepted: x = { number = "whole" }, or x = { id = "CAST'),
        ('x = { cross = ["user"] }', "at least 2|too short"),
        (
            'x = { cross = ["user", "price"] }',
            "fields.x = 'price' is of type Float64; accepted: whole numbers or text",
        ),
    ],
)
def test_fields_that_cannot_be_are_refused_with_their_place(field: str, message: str, tmp_path: Path) -> None:
    frame = rows(60, price=np.arange(60) + 0.5, whole=np.arange(60.0), tags=["a"] * 60, words=[["a"]] * 60)
    with pytest.raises(UserError, match=message):
        load(tmp_path, f'[fields]\nuser = "user"\nitem = "item"\n{field}', frame)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ('p = { cross = ["user", "item"] }', "cross"),
        ('p = "words"', "list"),
        ('p = "price"', "number"),
        ('p = { history = { of = "item", by = "user" } }', "history"),
    ],
)
def test_a_history_is_of_one_columns_ids_alone(tmp_path: Path, field: str, kind: str) -> None:
    fields = f'time = "ts"\n[fields]\nuser = "user"\nitem = "item"\n{field}\n'
    seen = 'seen = { history = { of = "p", by = "user" } }'
    frame = rows(60, ts=range(60), words=[["a"]] * 60, price=np.arange(60) + 0.5)
    with pytest.raises(UserError, match=rf"of = 'p' is a {kind}; accepted: fields of one column's ids: user, item$"):
        load(tmp_path, fields + seen, frame)
    if kind in ("cross", "history"):
        seen = 'seen = { history = { of = "item", by = "p" } }'
        with pytest.raises(UserError, match=f"by = 'p' is a {kind}; accepted: a field of one column, or SQL"):
            load(tmp_path, fields + seen, frame)


DAYS = pl.Series([datetime(2024, 1, 1 + n % 20) for n in range(60)])
VALUES: dict[str, pl.Series] = {
    "whole": pl.Series([20_240_101 + n % 20 for n in range(60)]),
    "small": pl.Series([20_240_101 + n % 20 for n in range(60)], dtype=pl.UInt32),
    "text": DAYS.dt.strftime("%Y%m%d"),
    "words": DAYS.dt.strftime("%Y%m%d").cast(pl.Categorical),
    "date": DAYS.cast(pl.Date),
    **{unit: DAYS.cast(pl.Datetime(unit)) for unit in ("ms", "us", "ns")},
}
"""The same days."""
CLOCKS = {"date", "ms", "us", "ns"}
SHARED = [
    ("whole", "id", "small", ""),
    ("whole", "id", "text", "CAST(x AS BIGINT) instead of x in fields.x"),
    ("whole", "id", "words", "CAST(o AS VARCHAR) instead of o in fields.o"),
    ("whole", "id", "date", "CAST(x AS BIGINT) instead of x in fields.x"),
    ("text", "id", "words", ""),
    ("text", "id", "whole", "CAST(x AS VARCHAR) instead of x in fields.x"),
    ("words", "id", "us", "CAST(x AS VARCHAR) instead of x in fields.x"),
    ("date", "id", "text", "CAST(o AS VARCHAR) instead of o in fields.o"),
    ("date", "id", "us", "CAST(x AS DATE) instead of x in fields.x"),
    ("ms", "id", "us", "CAST(x AS TIMESTAMP(3)) instead of x in fields.x"),
    ("us", "id", "date", "CAST(x AS TIMESTAMP(6)) instead of x in fields.x"),
    ("ns", "id", "ms", "CAST(x AS TIMESTAMP(9)) instead of x in fields.x"),
    ("whole", "list", "text", ""),
    ("text", "list", "small", "CAST(x AS VARCHAR[]) instead of x in fields.x"),
    ("us", "list", "ns", "CAST(x AS TIMESTAMP(6)[]) instead of x in fields.x"),
    ("ms", "list", "text", "CAST(o AS VARCHAR) instead of o in fields.o"),
    ("whole", "cut", "text", ""),
    ("text", "cut", "text", ""),
    ("date", "cut", "text", "CAST(o AS VARCHAR) instead of o in fields.o"),
]


@pytest.mark.parametrize(("owner", "kind", "other", "better"), SHARED)
def test_fields_share_a_table_if_their_values_are_of_one_kind(
    tmp_path: Path, owner: str, kind: str, other: str, better: str
) -> None:
    """What is refused says what to write instead, and that is accepted. cut: text that is a list of one."""
    column = VALUES[other].to_frame("x").select(pl.concat_list("x", "x") if kind == "list" else "x")
    frame, sql = rows(60, o=VALUES[owner], x=column["x"]), {"o": "o", "x": "x"}
    fields = '[fields]\no = {{ id = "{o}" }}\nx = {{ %s = "{x}", shares = "o" }}' % ("id" if kind == "id" else "list")
    if better:
        with pytest.raises(UserError, match=r"fields\.x shares the table of 'o', but 'x' holds") as refused:
            load(tmp_path, fields.format(**sql), frame)
        assert str(refused.value).endswith(f"which have no id in common; accepted: {better}")
        sql[better[-1]] = better.partition(" instead")[0]
    train = load(tmp_path, fields.format(**sql), frame).train
    of_x = train.ids_NF[:, 1] if kind == "id" else train.lists[0].values_M
    if (owner in CLOCKS) == (other in CLOCKS):
        assert set(of_x.tolist()) & set(train.ids_NF[:, 0].tolist())


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ('["y + 1", "user"]', ""),
        ('["word", "user"]', r"but 'word' holds text and 'item' whole numbers.*CAST\(word AS BIGINT\) instead of word"),
        ('["y + 1", "user", "item"]', "a cross of columns has no id in common with one of other columns"),
    ],
)
def test_crosses_share_a_table_if_all_their_columns_do(tmp_path: Path, shared: str, message: str) -> None:
    fields = f'[fields]\na = {{ cross = ["item", "user"] }}\nb = {{ cross = {shared}, shares = "a" }}'
    with pytest.raises(UserError, match=message) if message else nullcontext():
        load(tmp_path, fields, rows(60, word=["a"] * 60))


def test_decimals_with_a_fraction_are_numbers_unless_all_are_whole(tmp_path: Path) -> None:
    fields = '[fields]\nuser = "user"\nx = "x"\n'
    halves = load(tmp_path, fields, rows(60, x=pl.Series([f"{n}.50" for n in range(60)]).cast(pl.Decimal(12, 2))))
    assert [field.name for field in halves.kinds.numbers] == ["x"]
    with pytest.raises(UserError, match=r"x = 'x' is of type Decimal.* holds whole numbers, as ids may; accepted: x ="):
        load(tmp_path, fields, rows(60, x=pl.Series([f"{n}.00" for n in range(60)]).cast(pl.Decimal(12, 2))))


@pytest.mark.parametrize("dtype", [pl.Float64(), pl.Decimal(12, 2)])
def test_what_a_hint_proposes_is_accepted(tmp_path: Path, dtype: pl.DataType) -> None:
    frame = rows(60, whole=pl.Series(range(60)).cast(dtype))
    for accepted in ('{ number = "whole" }', '{ id = "CAST(whole AS BIGINT)" }'):
        load(tmp_path, f'[fields]\nuser = "user"\nx = {accepted}', frame)


@pytest.mark.parametrize(("dtype", "most"), [(pl.Float64, 2**53), (pl.Float32, 2**24)])
@pytest.mark.parametrize(
    "fields", ['[fields]\nx = { id = "CAST(x AS BIGINT)" }', 'fields = ["user"]\ngroup = "CAST(x AS BIGINT)"']
)
def test_ids_that_numbers_with_a_point_do_not_tell_apart_are_refused(
    fields: str, dtype: type[pl.DataType], most: int, tmp_path: Path
) -> None:
    """As of a column of pandas in which some are missing: of 60 ids that follow each other, 30 are left."""
    for first, refused in ((most - 60, False), (most, True), (-most - 60, True)):
        told = [None, *range(first + 1, first + 60)]
        frame = rows(x=pl.Series(told, dtype=pl.Int64).cast(dtype))
        if refused:
            with pytest.raises(UserError, match=rf"has the id .*above {most:,} are not told from the next"):
                load(tmp_path, fields, frame)
        else:
            load(tmp_path, fields, frame)


def test_ids_beside_or_made_of_smaller_numbers_are_not_refused(tmp_path: Path) -> None:
    """Whole numbers of any size beside a column of fractions, and what is left of a large one."""
    frame = rows(x=[1.7e18 + n for n in range(60)], large=[2**60 + n for n in range(60)])
    hour = '[fields]\nhour = { id = "CAST(x / 3.6e12 AS BIGINT)" }\nboth = { id = "large + CAST(x / 1e18 AS BIGINT)" }'
    data = load(tmp_path, hour, frame)
    assert len({int(n) for split in (data.train, data.valid, data.test) for n in split.ids_NF[:, 1]}) == 60

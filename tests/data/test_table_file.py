"""table_file: exact ids, splits that never leak, and one line of error for every kind of bad input."""

from __future__ import annotations

import gzip
import inspect
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.api import Data, Kept, UserError
from harness.base import seeds
from harness.base.places import ROOT
from harness.data import indexed
from harness.data.tabular.conversion import NULL
from harness.data.validation import SPLITS
from harness.experiment.plan_file import load_plan
from harness.plugins.registry import Registry, build

DATASETS = Registry().datasets
BY_ROW = '[labels]\ny = "row % 2 = 0"\n[split]\nby = "group"\ncolumn = "row"\n'
INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(2**53, 2**53 + 4)  # neighbours that a float cannot tell apart
COLUMNS = st.one_of(
    st.tuples(st.just(pl.Int64), st.lists(st.none() | INT64 | NEAR, min_size=1)),
    st.tuples(st.just(pl.Int64), st.lists(st.none() | st.sampled_from([-(2**63), 2**63 - 1, 0]), min_size=1)),
    st.tuples(st.just(pl.UInt64), st.lists(st.none() | st.integers(0, 2**64 - 1) | NEAR, min_size=1)),
    st.tuples(st.just(pl.Int128), st.lists(st.none() | st.integers(-(2**90), 2**90), min_size=1)),
    st.tuples(st.just(pl.Int8), st.lists(st.none() | st.integers(-128, 127), min_size=1)),
    st.tuples(st.just(pl.Int32), st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1)),
    st.tuples(st.just(pl.UInt32), st.lists(st.none() | st.integers(0, 2**32 - 1), min_size=1)),
    st.tuples(st.just(pl.String), st.lists(st.none() | st.text(max_size=3), min_size=1)),
    st.tuples(st.just(pl.Categorical), st.lists(st.none() | st.sampled_from("abc"), min_size=1)),
    st.tuples(st.just(pl.Boolean), st.lists(st.none() | st.booleans(), min_size=1)),
    st.tuples(st.just(pl.Date), st.lists(st.none() | st.dates(), min_size=1)),
)


def make(folder: Path, frame: pl.DataFrame | bytes, schema: str, name: str = "data.parquet") -> dict[str, Any]:
    """Parameters of a data set written to `folder`."""
    if isinstance(frame, bytes):
        (folder / name).write_bytes(frame)
    elif name.endswith(".csv"):
        frame.write_csv(folder / name)
    else:
        frame.write_parquet(folder / name)
    (folder / "schema.toml").write_text(schema)
    return {"schema": str(folder / "schema.toml"), "path": str(folder / name)}


def load(params: dict[str, Any], seed: int = 0) -> Data:
    return build(DATASETS, "data set", "table_file", params).build(seeds.generator(seed, "data"))


def flat(data: Data) -> list[bytes]:
    """Every array of the three splits, as bytes."""
    return [pickle.dumps(getattr(data, part)) for part in SPLITS]


def clicks(rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Sessions of clicks with all that a schema can name."""
    rng = np.random.default_rng(seed)
    session = rng.integers(0, rows // 4, rows)
    return pl.DataFrame(
        {
            "row": np.arange(rows),
            "session": [f"s{s}" for s in session],
            "user": (session // 3).astype(np.uint64) + np.uint64(2**64 - 1000),
            "item": [None if i == 7 else f"item {i}" for i in rng.integers(0, 50, rows)],
            "ts": 1_500_000_000 + rng.integers(0, 90, rows) * 3600,
            "price": rng.random(rows),
            "clicked": [None if c == 2 else int(c) for c in rng.integers(0, 3, rows)],
        }
    )


SCHEMA = """
fields = ["user", "item"]
group = "user"
time = "ts"
where = "row >= 20"
[labels]
click = "clicked"
dear = "price > 0.5"
[observed]
dear = "row % 5 <> 0"
[split]
"""
GROUP = SCHEMA + 'by = "group"\ncolumn = "session"\nvalid = 0.2\ntest = 0.3\n'
TIME = SCHEMA + 'by = "time"\nvalid = 0.2\ntest = 0.3\n'


@settings(max_examples=150, deadline=None)
@given(COLUMNS)
def test_ids_are_equal_exactly_where_the_raw_values_are(
    tmp_path_factory: pytest.TempPathFactory, column: tuple[Any, list[Any]]
) -> None:
    dtype, raw = column
    frame = pl.DataFrame({"row": np.arange(len(raw)), "id": pl.Series(raw, dtype=dtype)})
    params = make(tmp_path_factory.mktemp("ids"), frame, 'fields = ["row", "id"]\n' + BY_ROW)
    if any(value in (NULL, NULL + 2**64) for value in raw):
        with pytest.raises(UserError, match=r"fields.id has the value .*, whose id is that of null"):
            load(params)
        return
    data = load(params)
    ids_NF = np.concatenate([getattr(data, part).ids_NF for part in SPLITS])
    assert ids_NF.dtype == np.int64
    pairs = {(raw[row], code) for row, code in ids_NF.tolist()}
    assert len(ids_NF) == len(raw)
    assert len(pairs) == len({value for value, _ in pairs}) == len({code for _, code in pairs})
    if dtype in (pl.Int64, pl.Int8, pl.Int32, pl.UInt32):
        assert all(value is None or value == code for value, code in pairs)


def test_a_split_by_group_tears_no_group_and_meets_the_shares(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row": np.arange(20_000), "session": np.arange(20_000) // 2})
    schema = '[fields]\nsession = "session"\n[labels]\ny = "row % 2 = 0"\n[split]\nby = "group"\ncolumn = "session"\n'
    data = load(make(tmp_path, frame, schema + "valid = 0.2\ntest = 0.3\n"))
    sessions = [set(getattr(data, part).ids_NF[:, 0].tolist()) for part in SPLITS]
    assert sum(map(len, sessions)) == len(set.union(*sessions)) == 10_000
    assert [len(s) / 10_000 for s in sessions] == pytest.approx([0.5, 0.2, 0.3], abs=0.02)


def test_a_split_by_time_is_ordered_and_never_divides_one_time(tmp_path: Path) -> None:
    data = load(make(tmp_path, clicks(), TIME))
    times = [getattr(data, part).time_N for part in SPLITS]
    assert all((np.diff(t) >= 0).all() for t in times)
    assert times[0].max() < times[1].min() <= times[1].max() < times[2].min()
    assert [len(t) / 380 for t in times] == pytest.approx([0.5, 0.2, 0.3], abs=0.05)


def test_labels_are_unknown_where_null_or_not_observed(tmp_path: Path) -> None:
    schema = GROUP.replace('fields = ["user", "item"]', 'fields = ["row"]')
    data = load(make(tmp_path, clicks(), schema))
    raw = clicks()
    for part in SPLITS:
        split = getattr(data, part)
        rows = raw[split.ids_NF[:, 0].tolist()]
        assert split.observed_NT[:, 0].tolist() == rows["clicked"].is_not_null().to_list()
        assert split.observed_NT[:, 1].tolist() == (rows["row"] % 5 != 0).to_list()
        assert split.labels_NT[:, 0].tolist() == rows["clicked"].fill_null(0).to_list()
        assert split.labels_NT[:, 1].tolist() == ((rows["price"] > 0.5) & (rows["row"] % 5 != 0)).to_list()
        assert rows["row"].min() >= 20
    indexed.check(data, "clicks")


@pytest.mark.parametrize("schema", [GROUP, TIME, "query = 'SELECT * FROM data'\n" + GROUP])
def test_csv_and_parquet_and_a_second_reading_give_the_same_data(tmp_path: Path, schema: str) -> None:
    parquet = flat(load(make(tmp_path, clicks(), schema)))
    assert flat(load(make(tmp_path, clicks(), schema))) == parquet
    assert flat(load(make(tmp_path, clicks(), schema, "data.csv"))) == parquet
    assert (flat(load(make(tmp_path, clicks(), schema), seed=1)) == parquet) == (schema == TIME)


def test_columns_of_a_csv_declared_text_keep_their_leading_zeros(tmp_path: Path) -> None:
    raw = b"row,zip\n0,7\n1,07\n2,007\n3,7\n"
    data = load(make(tmp_path, raw, 'fields = ["zip"]\ntext = ["zip"]\n' + BY_ROW, "zips.csv"))
    assert len(np.unique(np.concatenate([getattr(data, p).ids_NF for p in SPLITS]))) == 3


def test_weights_stay_with_their_rows_and_what_was_kept_is_of_its_label(tmp_path: Path) -> None:
    more = 'weight = "price * 2"\n'
    kept = '[kept]\nclick = ".25 of positives"\ndear = "1e-3 of negatives"\n[split]'
    params = make(tmp_path, clicks(), more + GROUP.replace('["user", "item"]', '["row"]').replace("[split]", kept))
    data = load(params)
    assert data.kept == {"click": Kept(0.25, 1), "dear": Kept(0.001, 0)}
    assert load(params | {"labels": ["dear"]}).kept == {"dear": Kept(0.001, 0)}
    for part in SPLITS:
        split = getattr(data, part)
        wanted = clicks()["price"].to_numpy()[split.ids_NF[:, 0]] * 2
        assert split.weight_N.dtype == np.float32
        assert np.array_equal(split.weight_N, wanted.astype(np.float32))


def test_labels_may_be_chosen_by_name(tmp_path: Path) -> None:
    params = make(tmp_path, clicks(), GROUP)
    both, one = load(params), load(params | {"labels": ["dear"]})
    assert one.tasks == ("dear",)
    assert (one.train.labels_NT[:, 0] == both.train.labels_NT[:, 1]).all()
    prints = [build(DATASETS, "data set", "table_file", params | {"labels": n}).fingerprint() for n in ([], ["dear"])]
    assert prints[0] != prints[1]


def test_a_label_that_is_not_observed_may_have_any_value(tmp_path: Path) -> None:
    frame = clicks().with_columns(clicked=pl.col("clicked").fill_null(-1))
    schema = GROUP.replace("[observed]", '[observed]\nclick = "clicked <> -1"')
    assert flat(load(make(tmp_path, frame, schema))) == flat(load(make(tmp_path, clicks(), GROUP)))


def test_the_example_in_the_documentation_is_a_schema(tmp_path: Path) -> None:
    documentation = inspect.cleandoc(str(DATASETS["table_file"].cls.__doc__))
    example = "\n".join(line[4:] for line in documentation.splitlines() if line.startswith(" " * 4))
    params = make(tmp_path, clicks(), example)
    assert "session_id" in build(DATASETS, "data set", "table_file", params).fingerprint()["schema"]


def test_windows_of_a_query_see_rows_that_where_drops(tmp_path: Path) -> None:
    query = "query = 'SELECT *, LEAD(row) OVER (ORDER BY row) AS following FROM data'\nwhere = 'row < 50'\n"
    schema = "fields = ['following']\n" + query + BY_ROW
    data = load(make(tmp_path, clicks(), schema))
    assert sorted(i for p in SPLITS for i in getattr(data, p).ids_NF[:, 0].tolist()) == list(range(1, 51))


def test_the_fingerprint_is_of_content_not_of_place(tmp_path: Path) -> None:
    def fingerprint(params: dict[str, Any]) -> dict[str, Any]:
        return build(DATASETS, "data set", "table_file", params).fingerprint()

    first = fingerprint(make(tmp_path, clicks(), GROUP))
    (tmp_path / "moved").mkdir()
    moved = make(tmp_path / "moved", clicks(), f'# a remark\npath = "{tmp_path}"\n' + GROUP, "other.parquet")
    assert fingerprint(moved) == first
    assert fingerprint(make(tmp_path, clicks(), GROUP.replace("0.2", "0.1"))) != first
    assert fingerprint(make(tmp_path, clicks(), GROUP.replace('"user", "item"', '"item", "user"'))) != first
    assert fingerprint(make(tmp_path, clicks(seed=1), GROUP)) != first


BAD_SCHEMA = [
    ("fields = [", "fields = [[", "cannot be read as TOML"),
    ("group =", "gruop =", "unknown key 'gruop'; did you mean 'group'?"),
    ("valid =", "vlaid =", "split: unknown key 'vlaid'; did you mean 'valid'?"),
    ('by = "group"', 'by = "groups"', "unknown split 'groups'; did you mean 'group'?"),
    ('by = "group"', 'by = "time"', 'by = "time" takes no column'),
    ('column = "session"\n', "", 'by = "group" needs a column'),
    ("valid = 0.2", "valid = 0.7", "valid + test = 1 leaves no rows"),
    ("valid = 0.2", "valid = 0", "split.valid = 0 is not accepted"),
    ("valid = 0.2", 'valid = "0.2"', "split.valid = '0.2' is not accepted"),
    ("[observed]\ndear", "[observed]\ndeer", "unknown label 'deer'; did you mean 'dear'?"),
    ('["user", "item"]', '["user", "itm"]', "unknown column 'itm'; did you mean 'item'?"),
    ('["user", "item"]', "[]", "fields = [] is not accepted: there is none; accepted: one at least"),
    ('["user", "item"]', "[1]", "fields = [1] is not accepted: a list holds names of columns"),
    ('["user", "item"]', '["price"]', "no field has single ids; accepted: at least one"),
    ('click = "clicked"', 'click = "clicked +"', "labels.click = 'clicked +' is not accepted: "),
    ('click = "clicked"', 'click = "clickd = 1"', "unknown column 'clickd'; did you mean 'clicked'?"),
    ('click = "clicked"', 'click = "row"', "; accepted: 0, 1, true, false, null"),
    ('click = "clicked"', 'click = "item || item"', "has the text 'item "),
    ('click = "clicked"', "click = \"DATE '2024-05-01'\"", "is of type Date; accepted: 0, 1, true, false or null"),
    ('click = "clicked"', 'click = "item > 3"', "cannot compare string with numeric type"),
    ('where = "row >= 20"', 'where = "row"', "where = 'row' is of type Int64; accepted: a condition"),
    ('where = "row >= 20"', 'where = "row > 900"', "0 rows are left by where = 'row > 900'"),
    ('time = "ts"', 'time = "clicked"', "time = 'clicked' is null or not finite in"),
    ('time = "ts"', 'time = "item"', "has the text 'item 15'; accepted: dates as"),
    ('time = "ts"', 'time = "ts"\ntime_unit = "sec"', "time_unit = 'sec' is not accepted: unknown unit 'sec'"),
    ('time = "ts"', 'time_unit = "ms"', 'time_unit = "ms" needs `time`'),
    ('time = "ts"', 'time = "ts"\ntime_unit = "yyyymmdd"', "which is no yyyymmdd"),
    ('time = "ts"', 'weight = "price - 0.9"', "weight = 'price - 0.9' has the value -0."),
    ('time = "ts"', 'weight = "clicked"', "weight = 'clicked' has the value null; accepted: finite numbers, 0 or more"),
    ('time = "ts"', 'weight = "item"', "weight = 'item' is of type String; accepted: a number, 0 or more"),
    (
        "[observed]",
        '[kept]\nclick = "0.1"\n[observed]',
        "'0.1' is no share of a class; accepted: as \"0.1 of negatives\"",
    ),
    ("[observed]", "[kept]\nclick = 0.1\n[observed]", "kept.click = 0.1 is not accepted"),
    ("[observed]", '[kept]\nclick = "2 of positives"\n[observed]', "share = 2 is not accepted; accepted: above 0"),
    (
        "[observed]",
        '[kept]\nclick = "0.1 of negative"\n[observed]',
        "unknown class 'negative'; did you mean 'negatives'?",
    ),
    ("[observed]", '[kept]\nclik = "0.1 of negatives"\n[observed]', "unknown label 'clik'; did you mean 'click'?"),
    ('time = "ts"', 'query = "SELEC"', "query: sql parser error"),
    ('time = "ts"', 'query = "SELECT nope FROM data"', 'query: unable to find column "nope"'),
    ('time = "ts"', 'text = ["usr"]', "text: unknown column 'usr'; did you mean 'user'?"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_SCHEMA)
def test_a_bad_schema_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GROUP
    params = make(tmp_path, clicks(), GROUP.replace(old, new))
    with pytest.raises(UserError, match=re.escape(message)) as error:
        load(params)
    assert "\n" not in str(error.value)
    assert "schema.toml" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv' is empty"),
        ("header.csv", b"user,item,session,ts,row,clicked,price\n", "header.csv' has 0 rows"),
        ("data.txt", b"user,item\n1,2\n", "unknown column 'row'; accepted: item, user"),
        ("data.bin", b"\x00\x01", "data.bin' is binary and neither Parquet nor Arrow"),
        (
            "latin.csv",
            b"user,item\n1,2\n3,caf\xe9\n",
            "latin.csv': line 3 is not UTF-8, at the byte 0xe9, but",
        ),
        ("cut.csv.gz", gzip.compress(b"user,item\n" * 1000, mtime=0)[:40], "the compressed data is damaged"),
        ("broken.parquet", b"PAR1 and no more", "broken.parquet' cannot be read: parquet: "),
        ("ragged.csv", b"user,item,session,ts,row,clicked,price\n1,2,3,4,30,1,.5,8\n", "ragged.csv"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    params = make(tmp_path, content, GROUP, name)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        load(params)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "$CLIKS_OF_TEST"}, "$CLIKS_OF_TEST is not set; did you mean 'CLICKS_OF_TEST'?"),
        ({"path": "dcs"}, "does not exist; a file is needed"),
        ({"path": "FOLDER/*.nothing"}, "no file is named so"),
        ({"schema": "FOLDER"}, "this is a folder; a file is needed"),
        ({"path": "FOLDER/data.parqet"}, "does not exist; did you mean 'data.parquet'?"),
        ({"path": ""}, "path = '' is not given"),
        ({"labels": ("deer",)}, "unknown label 'deer'; did you mean 'dear'?"),
        ({"schema": ""}, "schema = '' is not given"),
        ({"schema": "datasets/glbo.toml"}, "does not exist; did you mean 'globo.toml'?"),
    ],
)
def test_a_missing_file_or_label_is_refused_with_its_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("CLICKS_OF_TEST", "x")
    monkeypatch.chdir(tmp_path)  # whose files are near, and not those of the harness, as docs
    params = make(tmp_path, clicks(), GROUP) | {
        k: v.replace("FOLDER", str(tmp_path)) if isinstance(v, str) else v for k, v in change.items()
    }
    for use in (load, lambda p: build(DATASETS, "data set", "table_file", p).fingerprint()):
        with pytest.raises(UserError, match=re.escape(message)):
            use(params)


def test_the_path_may_stand_in_the_schema_and_name_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = make(tmp_path, clicks(), 'path = "${CLICKS_OF_TEST}/data.parquet"\n' + GROUP)
    monkeypatch.setenv("CLICKS_OF_TEST", str(tmp_path))
    assert flat(load(params | {"path": ""})) == flat(load(params))


def needs(variable: str) -> str:
    if not os.environ.get(variable):
        pytest.skip(f"set {variable} to the Parquet file to run this test")
    return os.environ[variable]


def test_the_schema_of_globo_makes_sessions_that_no_split_tears() -> None:
    plan = load_plan(ROOT / "plans" / "real_splits.toml")
    (globo,) = (each for each in plan.datasets if each["label"] == "globo by session")
    data = load({"schema": globo["schema"], "path": needs("GLOBO_CLICKS")})
    indexed.check(data, "globo")
    assert data.tasks == ("continue", "long_session", "return_24h")
    assert sum(len(getattr(data, part).ids_NF) for part in SPLITS) == 1_540_958
    labels_NT, observed_NT = data.train.labels_NT, data.train.observed_NT
    assert observed_NT is not None
    rates = [labels_NT[observed_NT[:, t], t].mean() for t in range(3)]
    assert rates == pytest.approx([0.590, 0.097, 0.32], abs=0.01)
    sessions = sum(int(getattr(data, part).observed_NT[:, 1].sum()) for part in SPLITS)
    raw = pl.scan_parquet(os.environ["GLOBO_CLICKS"]).filter(pl.col("session_start_ms") < 1_507_518_000_000)
    assert sessions == raw.select(pl.col("session_id").n_unique()).collect().item()


def test_a_long_tail_is_split_by_time(tmp_path: Path) -> None:
    path = needs("TAOBAO_BEHAVIOR")
    schema = """fields = ["user_id", "item_id", "category_id"]\ngroup = "user_id"\ntime = "ts"
    [labels]\ncart = "behavior = 'cart'"\nbuy = "behavior = 'buy'"\n[split]\nby = "time"\n"""
    (tmp_path / "taobao.toml").write_text(schema)
    data = load({"schema": str(tmp_path / "taobao.toml"), "path": path})
    indexed.check(data, "taobao")
    assert data.train.time_N is not None
    assert data.test.time_N is not None
    assert data.train.time_N.max() < data.test.time_N.min()

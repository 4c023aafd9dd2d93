"""Frames of pandas: dates that are the index are the time, and of a frame that cannot be read the column is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from support.plans import Trained

import multiepoch as me

ROWS = 400
DATES = pd.date_range("2024-05-01", periods=ROWS, freq="h")


def frame(**columns: Any) -> pd.DataFrame:
    k = np.arange(ROWS)
    return pd.DataFrame({"user": k % 37, "item": k % 11, "click": k * k % 7 % 2} | columns)


def guessed(folder: Path, data: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """The schema that a frame is read by."""
    with pytest.raises(Trained):
        me.benchmark(data, "click", ["none"], epochs=1, seeds=1, progress=False, **more)
    (path,) = (folder / "results" / "inputs").glob("*.toml")
    return tomllib.loads(path.read_text())


K = range(ROWS)
ODD: dict[str, Any] = {
    "numbers and text": [k if k % 2 else str(k) for k in K],
    "numbers, and text far down": [k if k < 300 else "NA" for k in K],
    "fractions and text": [k / 2 if k < 300 else "NA" for k in K],
    "dates and text": [DATES[k] if k % 2 else "x" for k in K],
    "pairs of two types": [(k, "a") for k in K],
    "complex numbers": np.arange(ROWS) * 1j,
    "too large": pd.Series([2**63 if k else -1 for k in K], dtype=object),
    "sparse": pd.arrays.SparseArray(np.arange(ROWS) % 5),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_column_that_cannot_be_read_is_named_and_what_is_offered_works(untrained: Path, kind: str) -> None:
    data = frame(**{"some col": ODD[kind]})
    with pytest.raises(
        me.UserError, match=r"^data: column 'some col' cannot be read: .*; accepted: values of"
    ) as error:
        me.benchmark(data, "click", ["none"], progress=False)
    (offer,) = re.findall(r"as (data\['some col'\]\.\S+) makes$", str(error.value))
    made = data.assign(**{"some col": eval(offer, {"data": data})})
    assert guessed(untrained, made)["labels"] == {"click": "click"}


def test_an_index_that_cannot_be_read_is_named(untrained: Path) -> None:
    data = frame().set_index(pd.Index([k if k % 2 else str(k) for k in K], name="page", dtype=object))
    said = r"^data: column 'page' cannot be read: .*, as data.reset_index\(\)\['page'\].astype\('string'\) makes$"
    with pytest.raises(me.UserError, match=said):
        me.benchmark(data, "click", ["none"], progress=False)


def test_objects_in_a_frame_of_polars_are_named(untrained: Path) -> None:
    data = pl.from_pandas(frame()).with_columns(pl.Series("odd", [object()] * ROWS, dtype=pl.Object))
    with pytest.raises(
        me.UserError, match=r"^data: column 'odd' holds objects of Python; accepted: numbers, text, dates"
    ):
        me.benchmark(data, "click", ["none"], progress=False)


def test_names_that_come_twice_are_named_with_the_way_out(untrained: Path) -> None:
    both = r"^data: the index and a column are both named 'user'; accepted: data.reset_index\(drop=True\), or another"
    for data in (frame().set_index("user", drop=False), frame().rename_axis("user")):
        with pytest.raises(me.UserError, match=both):
            me.benchmark(data, "click", ["none"], progress=False)
    data = frame().set_index("user", drop=False).reset_index(drop=True)
    assert guessed(untrained, data)["fields"] == {"user": "user", "item": "item"}
    for other in (frame().iloc[:, [0, 0, 1, 2]], frame().set_axis([7, "7", "click"], axis=1)):
        with pytest.raises(me.UserError, match=r"^data: two columns are named '(user|7)'; accepted: a name for each$"):
            me.benchmark(other, "click", ["none"], progress=False)


INDICES = {
    "dates": DATES,
    "dates of a zone": DATES.tz_localize("Europe/Berlin"),
    "periods": pd.period_range("2024-05-01", periods=ROWS, freq="D"),
    "one of two": pd.MultiIndex.from_arrays([np.arange(ROWS) % 3, DATES]),
    "beside one with a name": pd.MultiIndex.from_arrays([np.arange(ROWS) % 3, DATES], names=["page", None]),
}


@pytest.mark.filterwarnings("ignore:.*drops timezone information")  # of pandas, in what Polars does
@pytest.mark.parametrize("kind", INDICES)
def test_dates_that_are_an_index_without_a_name_are_the_time(untrained: Path, kind: str) -> None:
    schema = guessed(untrained, frame().set_index(INDICES[kind]))
    assert (schema["time"], schema["split"]["by"]) == ("time", "time")
    assert schema["fields"].keys() == {"user", "item"} | ({"page"} if kind.startswith("beside") else set())


def test_they_are_not_where_something_else_is_named_so(untrained: Path) -> None:
    schema = guessed(untrained, frame(time=np.arange(ROWS) + 1_714_500_000).set_index(DATES))
    (path,) = (untrained / "results" / "inputs").glob("*.parquet")
    assert schema["time"] == "time"
    assert pl.read_parquet(path).schema["time"] == pl.Int64


@pytest.mark.parametrize("index", [pd.RangeIndex(ROWS), pd.Index(np.arange(ROWS) * 7), pd.Index(list("ab") * 200)])
def test_any_other_index_without_a_name_is_left_out(untrained: Path, index: pd.Index) -> None:
    assert guessed(untrained, frame().set_index(index))["split"]["by"] == "row"
    (path,) = (untrained / "results" / "inputs").glob("*.parquet")
    assert pl.read_parquet(path).columns == ["user", "item", "click"]

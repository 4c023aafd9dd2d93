"""The schemas that come with the harness read small logs in the published formats, and mean what they say."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from support.published import PUBLISHED
from support.published.values import ROWS

from harness.api import Data, UserError
from harness.base import seeds
from harness.base.places import DATASETS
from harness.data import indexed
from harness.data.tabular.schema import read_schema
from harness.data.validation import SPLITS
from harness.engine.run import run
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from harness.results.keys import MetricKey

READY = sorted(path.stem for path in DATASETS.glob("*.toml"))


def load(folder: Path, name: str) -> Data:
    params: dict[str, Any] = {"schema": name, "path": str(PUBLISHED[name](folder))}
    return build(Registry().datasets, "data set", "table_file", params).build(seeds.generator(0, "data"))


def joined(data: Data, what: str) -> Any:
    return np.concatenate([getattr(getattr(data, part), what) for part in SPLITS])


def column(data: Data, name: str) -> Any:
    return joined(data, "ids_NF")[:, data.fields.index(name)]


def test_every_schema_has_a_log_to_be_tried_on() -> None:
    assert sorted(PUBLISHED) == READY


@pytest.mark.parametrize("name", READY)
def test_it_is_built_by_its_bare_name(tmp_path: Path, name: str) -> None:
    data = load(tmp_path, name)
    indexed.check(data, name)
    schema = read_schema(name, ())
    assert {*data.fields, *data.kinds.names} == set(schema.fields)
    assert data.tasks == tuple(schema.labels)
    observed_NT = np.concatenate([_observed(getattr(data, part)) for part in SPLITS])
    for task, name_ in enumerate(data.tasks):
        known_N = observed_NT[:, task]
        assert 0 < joined(data, "labels_NT")[known_N, task].mean() < 1, name_
    for part in SPLITS:
        assert len(getattr(data, part).ids_NF) > 20


@pytest.mark.parametrize("name", ["criteo_display", "criteo_search", "online_retail", "kuairand", "movielens_dat"])
def test_it_is_trained_on_for_an_epoch(tmp_path: Path, name: str) -> None:
    """Numbers, a list, a crossed id, many labels, and a log of two ids."""
    indexed.save(load(tmp_path, name).stream(), tmp_path / "data", name)
    data, registry = indexed.load(tmp_path / "data"), Registry()
    model = build(registry.models, "model", "dnn", {"dim": 4, "hidden": (8,)})
    plain = build(registry.strategies, "strategy", "none", {})
    train = TrainSpec(epochs=1, batch_size=128)
    *_, last = run(data, model, [plain], train, EvalSpec(points=(), test=True), seed=1)
    losses = [last.metrics[MetricKey("test", "logloss", task)] for task in data.tasks]
    assert all(0 < loss < 2 for loss in losses)


def _observed(split: Any) -> Any:
    return np.ones(split.labels_NT.shape, bool) if split.observed_NT is None else split.observed_NT


@pytest.mark.parametrize("name", READY)
def test_it_says_where_the_data_comes_from_under_which_licence_and_what_is_a_trap(name: str) -> None:
    text = (DATASETS / f"{name}.toml").read_text()
    head = text[: re.search(r"^[^#]", text, re.MULTILINE).start()]  # type: ignore[union-attr]
    if name == "globo_hours":
        assert "globo.toml, which has the address, the licence and the traps" in " ".join(head.split())
        return
    for word in ("Address: http", "Licence: ", "Traps"):
        assert word in head
    assert max(map(len, text.splitlines())) <= 120


def test_the_page_lists_every_schema() -> None:
    page = (DATASETS.parent / "docs" / "your-data.md").read_text()
    section = page.partition("## Schemas that are ready\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(lines))) == READY


def test_a_name_that_no_schema_has_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"schema = 'avazo': the file does not exist; did you mean 'avazu.toml'\?"):
        read_schema("avazo", ())


def test_two_colons_are_refused_with_what_reads_them(tmp_path: Path) -> None:
    text = (DATASETS / "movielens_dat.toml").read_text()
    for given, accepted in (
        ("::", "accepted: ':', and a name for each of the empty columns between"),
        ("=>", "accepted: one"),
    ):
        (tmp_path / "mine.toml").write_text(text.replace('separator = ":"', f'separator = "{given}"'))
        with pytest.raises(
            UserError, match=f"csv.separator = '{given}' is not accepted: one byte separates; {accepted}"
        ):
            read_schema(str(tmp_path / "mine.toml"), ())


def test_globo_reads_the_same_from_the_hourly_files(tmp_path: Path) -> None:
    one, many = load(tmp_path, "globo"), load(tmp_path, "globo_hours")
    for part in SPLITS:
        for what in ("ids_NF", "labels_NT", "observed_NT", "group_N", "time_N"):
            assert np.array_equal(getattr(getattr(one, part), what), getattr(getattr(many, part), what)), (part, what)


def test_globo_knows_whether_a_session_continues_at_one_click_of_each(tmp_path: Path) -> None:
    data = load(tmp_path, "globo")
    assert joined(data, "observed_NT")[:, 0].sum() == ROWS // 3
    assert joined(data, "observed_NT")[:, 1].sum() == ROWS // 3


def test_avazus_hours_are_times(tmp_path: Path) -> None:
    data = load(tmp_path, "avazu")
    time_N = joined(data, "time_N")
    assert datetime.fromtimestamp(int(time_N.min()), UTC).date().isoformat() == "2014-10-21"
    assert set(np.diff(np.unique(time_N)) % 3600) == {0}
    assert time_N.max() - time_N.min() < 10 * 86_400


def test_a_sale_of_criteo_counts_once(tmp_path: Path) -> None:
    data = load(tmp_path, "criteo_attribution")
    raw = pl.read_csv(tmp_path / "criteo_attribution_dataset.tsv.gz", separator="\t")
    last = raw.filter((pl.col("attribution") == 1) & (pl.col("click_pos") == pl.col("click_nb") - 1))
    gap = 5 * 86_400
    cut = data.valid.time_N.min()  # type: ignore[union-attr]
    kept = last.filter((pl.col("timestamp") < cut - gap) | (pl.col("timestamp") >= cut))
    assert joined(data, "labels_NT")[:, 1].sum() == len(kept)
    assert last["conversion_id"].is_unique().all()


def test_ali_ccp_takes_the_features_apart(tmp_path: Path) -> None:
    data = load(tmp_path, "ali_ccp")
    cells = [line.split(",")[5] for line in (tmp_path / "sample_skeleton_train.csv").read_text().splitlines()]
    held = [dict(part.split("\x02") for part in cell.split("\x01")) for cell in cells]
    for field, number in (("item", "205"), ("category", "206"), ("past_category", "508"), ("position", "301")):
        assert len(set(column(data, field))) == len({each.get(number) for each in held}), field


def test_online_retail_knows_what_is_bought_again_by_a_count_of_its_own(tmp_path: Path) -> None:
    data = load(tmp_path, "online_retail")
    raw = pl.read_csv(tmp_path / "online_retail_II.csv", infer_schema_length=None)
    raw = raw.filter(pl.col("Customer ID").is_not_null() & (pl.col("Quantity") > 0))
    days = [datetime.fromisoformat(text).date() for text in raw["InvoiceDate"]]
    bought: dict[tuple[float, str], set[int]] = {}
    pairs = list(zip(raw["Customer ID"], raw["StockCode"], strict=True))
    for pair, day in zip(pairs, days, strict=True):
        bought.setdefault(pair, set()).add(day.toordinal())
    again = [
        any(0 < other - day.toordinal() <= 90 for other in bought[pair]) for pair, day in zip(pairs, days, strict=True)
    ]
    known = [(max(days) - day).days >= 90 for day in days]
    held = [(data.valid.time_N.min(), data.test.time_N.max())]  # type: ignore[union-attr]
    seconds = [datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in raw["InvoiceDate"]]
    chosen = [y for y, k, t in zip(again, known, seconds, strict=True) if k and held[0][0] <= t <= held[0][1]]
    tested = np.concatenate([data.valid.labels_NT, data.test.labels_NT])
    assert (len(tested), int(tested.sum())) == (len(chosen), sum(chosen))
    assert data.train.time_N.max() < held[0][0] - 90 * 86_400  # type: ignore[union-attr]


def test_the_plans_name_schemas_that_are_there() -> None:
    for path in (DATASETS.parent / "plans").glob("*.toml"):
        for name in re.findall(r'schema = "([^"]+)"', path.read_text()):
            assert read_schema(name, ()).fields
            assert tomllib.loads((DATASETS.parent / name).read_text())

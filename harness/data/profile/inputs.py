"""What `multiepoch data` can be pointed at: a preset, a plan, a schema, a population, or a plain table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from harness.api import UserError
from harness.base.config import read_toml
from harness.base.errors import unknown
from harness.base.places import PLANS
from harness.data import indexed
from harness.data.build import build_data, data_folder
from harness.data.indexed_dataset import IndexedDataset
from harness.data.meter import Say, silent
from harness.data.profile.statistics import FieldProfile, Profile, SplitProfile
from harness.data.profile.zipf_fit import fit, frequencies
from harness.data.synthetic.presets import is_preset, presets
from harness.data.tabular.csv_form import Csv
from harness.data.tabular.files import PATTERN, data_files
from harness.data.tabular.formats import readable
from harness.data.tabular.places import is_id
from harness.data.tabular.scans import scan
from harness.data.tabular.stores import is_address
from harness.experiment.instantiate import plugin_specs
from harness.experiment.plan import labels
from harness.experiment.plan_file import load_plan
from harness.experiment.specs import PluginSpec
from harness.plugins.registry import Registry

Counts = dict[str, npt.NDArray[np.int64]]
KEYS = {"powerlaw": ("preset", "tasks"), "table_file": ("schema", "labels")}
"""Data set -> the parameter that a TOML file is for, and a key by which to tell such a file."""
TABLES = (".parquet", ".csv", ".tsv", ".jsonl", ".arrow")
"""How the names of table files mostly end."""


def indexed_datasets(
    source: str,
    results: Path,
    plugins: Path | None,
    overrides: list[str] | None = None,
    schema: str | None = None,
    say: Say = silent,
) -> Iterator[tuple[str, IndexedDataset]]:
    """Each data set of a preset, plan, schema, population, or table with a schema, built if it is not on disk.

    say: told how far it is.
    """
    registry = Registry(plugins)
    datasets, seed = _datasets(source, registry, overrides, schema)
    for name, dataset in datasets.items():
        key = build_data(dataset, seed, registry, results, say)
        yield name, indexed.load(data_folder(results, key))


def is_table(source: str) -> bool:
    path = Path(source)
    if is_preset(source) or path.suffix == ".toml":
        return False
    return is_address(source) or path.exists() or bool(PATTERN.search(source)) or path.suffix.lower() in TABLES


def _datasets(
    source: str, registry: Registry, overrides: list[str] | None, schema: str | None
) -> tuple[dict[str, PluginSpec], int]:
    """Data sets by label, and their seed."""
    if is_table(source):
        if schema is None:
            raise UserError(
                f"'{source}' needs --schema, the TOML file that says which of its columns are ids and labels"
            )
        return {Path(source).name: PluginSpec(name="table_file", params={"schema": schema, "path": source})}, 0
    if is_preset(source):
        return {source: PluginSpec(name="powerlaw", params={"preset": source})}, 0
    shipped = [file.stem for file in PLANS.glob("*.toml")]
    if source not in shipped and not source.endswith(".toml"):
        accepted = [*presets(), *shipped, "a *.toml", "a table file or folder"]
        raise unknown("preset, plan or file", source, accepted)
    keys = {} if source in shipped else read_toml(Path(source), f"'{Path(source)}' cannot be read as TOML")
    for name, (param, key) in KEYS.items():
        if key in keys:
            return {Path(source).stem: PluginSpec(name=name, params={param: source})}, 0
    plan = load_plan(source, overrides)
    return dict(zip(labels(plan.datasets), plugin_specs(plan, registry)[0], strict=True)), plan.data_seed


def plain_table(path: str) -> tuple[str, Counts, Profile]:
    """Every column of table files as a field of ids, all rows being training; floats and times left out."""
    files = data_files(path)
    frame = scan(files, Csv(), ()).frame
    types = frame.collect_schema()
    chosen = [name for name, dtype in types.items() if is_id(dtype) and not dtype.is_temporal()]
    with readable(files):
        counts = {name: _count(frame, name) for name in chosen}
    if not chosen or not next(iter(counts.values())).size:
        raise UserError(f"file '{path}' has no ids; accepted: columns of integers, text or booleans, and rows")
    fields = tuple(FieldProfile(n, frequencies(c), fit(c), float("nan"), float("nan")) for n, c in counts.items())
    pooled = frequencies(np.concatenate(list(counts.values())))
    rows = int(next(iter(counts.values())).sum())
    splits, nan = {"all": SplitProfile(rows)}, float("nan")
    return Path(path).name, counts, Profile(splits, fields, (), pooled, nan, nan)


def _count(frame: pl.LazyFrame, name: str) -> npt.NDArray[np.int64]:
    """How often each value of a column occurs, ascending."""
    counts = frame.group_by(name).len("rows").select(pl.col("rows").cast(pl.Int64).sort()).collect(engine="streaming")
    return np.asarray(counts["rows"].to_numpy(), np.int64)

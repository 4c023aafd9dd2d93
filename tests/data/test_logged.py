"""The folder of a table whose log says which of its files count is not read, however the path leads there."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from harness.api import UserError
from harness.data.tabular.files import data_files

UUID = "00000000-1111-2222-3333-444444444444"
LOGS = {
    "Delta": "_delta_log/00000000000000000001.json",
    "Delta, cleaned up": "_delta_log/00000000000000000010.checkpoint.parquet",
    "Iceberg of a catalog": f"metadata/00002-{UUID}.metadata.json",
    "Iceberg of Hadoop": "metadata/v3.metadata.json",
    "Iceberg, packed": "metadata/v3.gz.metadata.json",
    "Hudi": ".hoodie/hoodie.properties",
}
LOG = pl.DataFrame({"user": [1, 2, 3, 4], "click": [0, 1, 0, 1]})
OLD, NEW = "data/day=1/part-0-a.parquet", "data/day=1/part-0-b.parquet"


def table(folder: Path, log: str) -> None:
    """Rows that were written once more, as when small files are made one, beside those that they took the place of."""
    for name in (OLD, NEW):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        LOG.write_parquet(folder / name)
    (folder / log).parent.mkdir()
    (folder / log).write_text("{}")


PATHS = ["", "/logs", "/logs/data", "/logs/data/day=1", "/logs/data/*/*", "/logs/**/*.parquet", "/*/data/*/*.parquet"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", LOGS)
def test_a_table_with_a_log_is_named_by_every_path_to_its_files(tmp_path: Path, kind: str, path: str) -> None:
    table(tmp_path / "logs", LOGS[kind])
    with pytest.raises(
        UserError, match=rf"'{tmp_path}/logs' is an? {kind.split()[0].strip(',')} table: .* as `"
    ) as error:
        data_files(f"{tmp_path}{path}")
    assert str(error.value).startswith(f"table_file: path = '{tmp_path}{path}': ")
    assert f"'{tmp_path}/logs" in str(error.value).partition(" as `")[2]


def test_a_link_into_such_a_table_is_one_of_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(tmp_path / "logs", LOGS["Delta"])
    (tmp_path / "day").symlink_to("logs/data/day=1")
    monkeypatch.chdir(tmp_path / "logs" / "data")
    for path in (f"{tmp_path}/day", "day=1", "../data", "*/*.parquet"):
        with pytest.raises(UserError, match="is a Delta table"):
            data_files(path)


def test_files_named_one_by_one_are_read(tmp_path: Path) -> None:
    """As what lists the files that count does."""
    table(tmp_path / "logs", LOGS["Delta"])
    paths = [str(tmp_path / "logs" / name) for name in (NEW, OLD)]
    assert data_files(paths[0]) == (Path(paths[0]),)
    assert data_files(paths) == tuple(map(Path, paths))


OTHERS = ["metadata/part.csv-metadata.json", "metadata/click.metadata.json", "metadata/README.md", "delta_log/0.json"]


@pytest.mark.parametrize("other", [*OTHERS, "other/_delta_log/0.json"])
def test_other_folders_of_such_a_name_are_read(tmp_path: Path, other: str) -> None:
    LOG.write_parquet(tmp_path / "log.parquet")
    (tmp_path / other).parent.mkdir(parents=True)
    (tmp_path / other).write_text("{}")
    assert tmp_path / "log.parquet" in data_files(str(tmp_path))

"""Tables in an object store, against a server on this machine that speaks S3."""

from __future__ import annotations

import gzip
import io
import logging
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from harness.api import Data, UserError
from harness.base import seeds
from harness.data.guess.sample import sample
from harness.data.tabular import ordered, streaming
from harness.data.tabular.files import data_files
from harness.data.tabular.stores import is_address, stored_files
from harness.plugins.registry import Registry, build

obstore = pytest.importorskip("obstore", reason="needs pip install '.[stores]'")
moto = pytest.importorskip("moto.server", reason="needs pip install 'moto[s3]', a server that speaks S3")

SECRET = "a/very+secret=key"
SCHEMA = """
fields = ["user", "item", "day"]
time = "ts"
[labels]
y = "y"
[split]
by = "time"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    serving = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    serving.start()
    host, port = serving.get_host_and_port()
    yield f"http://{host}:{port}"
    serving.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, `logs`, of whose server and keys the environment tells."""
    variables = {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for path, method in (("/moto-api/reset", "POST"), ("/logs", "PUT")):
        urllib.request.urlopen(urllib.request.Request(server + path, method=method)).close()
    return obstore.store.from_url("s3://logs", client_options={"allow_http": True})


def log() -> pl.DataFrame:
    k = np.arange(200)
    return pl.DataFrame({"user": k % 17, "item": [f"i{n % 7}" for n in k], "y": k % 3 % 2, "ts": 1_600_000_000 + k})


def written(write: Callable[[pl.DataFrame, Any], Any]) -> Callable[[pl.DataFrame], bytes]:
    def content(frame: pl.DataFrame) -> bytes:
        file = io.BytesIO()
        write(frame, file)
        return file.getvalue()

    return content


FORMS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "parquet": written(pl.DataFrame.write_parquet),
    "arrow": written(pl.DataFrame.write_ipc),
    "csv": written(pl.DataFrame.write_csv),
    "csv.gz": lambda frame: gzip.compress(frame.write_csv().encode(), mtime=0),
    "jsonl": written(pl.DataFrame.write_ndjson),
}


def fill(bucket: Any, form: str = "parquet") -> None:
    """The log in four part files by day, with what other tools leave beside them."""
    for day, rows in enumerate(log().iter_slices(50)):
        obstore.put(bucket, f"clicks/day={day}/part-0.{form}", FORMS[form](rows))
    obstore.put(bucket, "clicks/_SUCCESS", b"")
    obstore.put(bucket, "clicks/.part.crc", b"x")


def table(folder: Path, path: str) -> Any:
    (folder / "schema.toml").write_text(SCHEMA)
    params = {"schema": str(folder / "schema.toml"), "path": path}
    return build(Registry().datasets, "data set", "table_file", params)


def load(folder: Path, path: str) -> Data:
    data: Data = table(folder, path).build(seeds.generator(0, "data"))
    return data


def rows(data: Data) -> list[Any]:
    return [(part.ids_NF.tolist(), part.labels_NT.tolist()) for part in (data.train, data.valid, data.test)]


def here(folder: Path, form: str = "parquet") -> list[Any]:
    """The rows of such a log on this machine."""
    for day, part in enumerate(log().iter_slices(50)):
        (folder / "here" / f"day={day}").mkdir(parents=True)
        (folder / "here" / f"day={day}" / f"part-0.{form}").write_bytes(FORMS[form](part))
    return rows(load(folder, str(folder / "here")))


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_in_a_store_gives_the_rows_of_one_here(tmp_path: Path, bucket: Any, form: str) -> None:
    fill(bucket, form)
    assert rows(load(tmp_path, "s3://logs/clicks")) == here(tmp_path, form)


@pytest.mark.parametrize("path", ["clicks/", "clicks/*/*.parquet", "clicks/day=[0-3]/part-?.parquet", ""])
def test_folders_and_patterns_mean_the_files_that_they_would_mean_here(tmp_path: Path, bucket: Any, path: str) -> None:
    fill(bucket)
    assert rows(load(tmp_path, f"s3://logs/{path}")) == here(tmp_path)


def test_a_pattern_stays_within_a_name_and_files_are_in_order(bucket: Any) -> None:
    for key in ("a/10/x", "a/9/x", "a/x", "ab/x", "a/_temporary/x"):
        obstore.put(bucket, key, b"1")
    assert [str(file) for file in stored_files("s3://logs/a/*")] == ["s3://logs/a/x"]
    assert [str(file) for file in stored_files("s3://logs/a")] == [f"s3://logs/a/{n}" for n in ("10/x", "9/x", "x")]
    assert [str(file) for file in stored_files("s3://logs/a/x")] == ["s3://logs/a/x"]


LOGS = {"Delta": "_delta_log/00.json", "Iceberg": "metadata/v3.metadata.json", "Hudi": ".hoodie/hoodie.properties"}


@pytest.mark.parametrize("path", ["", "/a", "/a/clicks/", "/a/clicks/day=2", "/a/*/day=2/*", "/a/clicks/*/*.parquet"])
@pytest.mark.parametrize("kind", LOGS)
def test_a_table_whose_log_says_which_files_count_is_refused(bucket: Any, kind: str, path: str) -> None:
    for key in ("clicks/day=2/part-0.parquet", "clicks/day=2/part-1.parquet", f"clicks/{LOGS[kind]}"):
        obstore.put(bucket, f"a/{key}", b"1")
    obstore.put(bucket, "b/part-0.parquet", b"1")
    with pytest.raises(UserError, match=rf"path = 's3://logs{re.escape(path)}': 's3://logs/a/clicks' is an? {kind} t"):
        data_files(f"s3://logs{path}")
    for other in ("a/clicks/day=2/part-1.parquet", "b", "b/*", "*/*.parquet"):
        assert len(data_files(f"s3://logs/{other}")) == 1


def test_the_fingerprint_follows_what_is_stored(tmp_path: Path, bucket: Any) -> None:
    fill(bucket)
    data = table(tmp_path, "s3://logs/clicks")
    first = data.fingerprint()
    fill(bucket)
    assert data.fingerprint() == first, "the same content again"
    obstore.put(bucket, "clicks/day=2/part-0.parquet", FORMS["parquet"](log()[3:53]))
    assert data.fingerprint() != first


@pytest.mark.parametrize("rows_now", [None, 40, 50])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch, rows_now: int | None
) -> None:
    """None: it is deleted. 50: of as many rows as before."""
    fill(bucket)

    def in_order(*args: Any) -> Any:
        yield from ordered.in_order(*args)
        if rows_now is None:
            obstore.delete(bucket, "clicks/day=2/part-0.parquet")
        else:
            obstore.put(bucket, "clicks/day=2/part-0.parquet", FORMS["parquet"](log()[3 : 3 + rows_now]))

    monkeypatch.setattr(streaming, "in_order", in_order)
    with pytest.raises(UserError, match=r"day=2/part-0.parquet' (changed while it was read|cannot be read: )"):
        load(tmp_path, "s3://logs/clicks")


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, bucket: Any) -> None:
    fill(bucket)
    for path in ("s3://logs/clicks/none.parquet", "s3://logs/none", "s3://logs/clicks/*.csv"):
        with pytest.raises(UserError, match="the store has no file of this name"):
            load(tmp_path, path)
    with pytest.raises(UserError, match=r"'s3://absent/x' cannot be read: .*404 Not Found"):
        load(tmp_path, "s3://absent/x")


def test_without_a_server_or_credentials_it_is_one_line_without_secrets(
    tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://me:hidden@127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(UserError, match=r"'s3://logs/clicks' cannot be read: .* AWS_ACCESS_KEY_ID") as refused:
            load(tmp_path, "s3://logs/clicks")
    assert not any(word in str(refused.value) for word in ("\n", "hidden", SECRET))
    with pytest.raises(UserError, match="has a password in it") as refused:
        load(tmp_path, "s3://me:hidden@logs/clicks")
    assert "hidden" not in str(refused.value)


def test_addresses_are_told_from_paths() -> None:
    assert all(map(is_address, ("s3://b", "s3://b/x", "gs://b/x*", "az://c/x", "abfss://c@a.dfs.core.windows.net/x")))
    assert not any(map(is_address, ("s3:/b", "logs/s3", "C:\\x", "$CLICKS", "http://x/y")))


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_is_guessed_for_a_file_of_a_store(bucket: Any, form: str) -> None:
    bucket.put("part", FORMS[form](log()))
    found = sample(data_files("s3://logs/part"))
    assert found.frame.equals(log())

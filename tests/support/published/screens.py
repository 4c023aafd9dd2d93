"""Logs of what was shown on screens: ads, videos, films and news."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from support.published.values import ROWS, flags, hashes, ids, lines_of, seconds, write


def avazu(folder: Path) -> Path:
    """CSV, gzip; `hour` is YYMMDDHH, `id` a number of up to 20 digits."""
    rng = np.random.default_rng(5)
    at = [datetime(2014, 10, 21) + timedelta(hours=int(h)) for h in np.sort(rng.integers(0, 240, ROWS))]
    columns: list[Any] = [rng.integers(10**18, 2**64 - 1, ROWS, dtype=np.uint64), flags(rng, 0.17)]
    columns += [[f"{t:%y%m%d%H}" for t in at], 1001 + ids(rng, 7), ids(rng, 7) - 1]
    columns += [hashes(rng, n) for n in (90, 80, 20, 70, 30, 15, 200, 600, 150)]
    columns += [ids(rng, 5) - 1, ids(rng, 4) - 1, 375 + ids(rng, 300), *(ids(rng, n) for n in (8, 9, 160, 4, 60))]
    columns += [np.where(flags(rng, 0.5), -1, 100_000 + ids(rng, 100)), ids(rng, 60)]
    names = "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,"
    names += "device_id,device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21"
    (folder / "train.gz").write_bytes(gzip.compress(lines_of(columns, ",", names).encode(), mtime=0))
    return folder / "train.gz"


def kuairand(folder: Path) -> Path:
    rng = np.random.default_rng(7)
    ms = seconds(rng, "2022-04-08", 14) * 1000 + rng.integers(0, 1000, ROWS)
    beijing = [datetime.fromtimestamp(int(t) // 1000 + 8 * 3600, UTC) for t in ms]
    click, duration = flags(rng, 0.4), rng.lognormal(10, 1, ROWS).astype(int)
    played = np.where(click, rng.integers(3000, 30_000, ROWS), rng.integers(0, 4000, ROWS))
    rare = [flags(rng, rate) for rate in (0.05, 0.04, 0.04, 0.03, 0.03)]
    columns: list[Any] = [
        ids(rng, 300),
        ids(rng, 400),
        [f"{t:%Y%m%d}" for t in beijing],
        [t.hour * 100 for t in beijing],
        ms,
    ]
    entered = flags(rng, 0.05)
    columns += [click, *rare, (played > 18_000).astype(int), played, duration, entered * rng.integers(1, 9000, ROWS)]
    columns += [rare[2] * rng.integers(1, 9000, ROWS), entered, flags(rng, 0.1), ids(rng, 15) - 1]
    names = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    names += "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
    return write(folder / "log_standard_4_08_to_4_21_1k.csv", lines_of(columns, ",", names))


def movielens(folder: Path) -> Path:
    """ratings.csv: half stars; sorted by user."""
    rng = np.random.default_rng(12)
    user = np.sort(ids(rng, 60))
    columns = [user, ids(rng, 400), rng.integers(1, 11, ROWS) / 2, rng.permutation(seconds(rng, "2009-01-01", 2000))]
    return write(folder / "ratings.csv", lines_of(columns, ",", "userId,movieId,rating,timestamp"))


def movielens_dat(folder: Path) -> Path:
    """ratings.dat: two colons, no header, whole stars."""
    rng = np.random.default_rng(13)
    columns = [
        np.sort(ids(rng, 60)),
        ids(rng, 400),
        rng.integers(1, 6, ROWS),
        rng.permutation(seconds(rng, "2000-04-25", 900)),
    ]
    return write(folder / "ratings.dat", lines_of(columns, "::"))


def _globo() -> pl.DataFrame:
    """Clicks in order of time, under the names of the published files."""
    rng, rows = np.random.default_rng(14), []
    for session in range(ROWS // 3):
        start, size = 1_506_826_800_000 + int(rng.integers(0, 8 * 86_400_000)), int(rng.integers(2, 8))
        user, context = int(rng.integers(0, 150)), rng.integers(1, (5, 4, 20, 12, 29, 8)).tolist()
        clicks = [(int(rng.zipf(1.4)) % 400, start + 60_000 * click) for click in range(size)]
        rows += [(user, session, start, size, *click, *context) for click in clicks]
    names = "user_id session_id session_start session_size click_article_id click_timestamp click_environment "
    names += "click_deviceGroup click_os click_country click_region click_referrer_type"
    return pl.DataFrame(rows, schema=names.split(), orient="row").sort("click_timestamp", "session_id")


def globo(folder: Path) -> Path:
    """The hourly files as one Parquet, with short names and the position of each click in its session."""
    renamed = {"session_start": "session_start_ms", "click_timestamp": "ts_ms"}
    frame = _globo().with_columns(pos_in_session=1 + pl.int_range(pl.len()).over("session_id"))
    frame = frame.rename({name: renamed.get(name, name.removeprefix("click_")) for name in frame.columns})
    frame.write_parquet(folder / "globo_clicks.parquet")
    return folder / "globo_clicks.parquet"


def globo_hours(folder: Path) -> Path:
    """A folder of CSV files with a header, one an hour."""
    (folder / "clicks").mkdir()
    hours = _globo().with_columns(hour=pl.col("click_timestamp") // 3_600_000).partition_by("hour", include_key=False)
    for hour, rows in enumerate(hours):
        rows.write_csv(folder / "clicks" / f"clicks_hour_{hour:03}.csv")
    return folder / "clicks"

"""Small logs in the formats of their publishers: the documented columns, in order, with made-up rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1200
Rng = np.random.Generator


def _hex(rng: Rng, ids: int, letters: int = 8) -> list[str]:
    """Hashes of long-tailed ids."""
    return [f"{(int(i) + 1) * 2654435761 % 16**letters:0{letters}x}" for i in _ids(rng, ids)]


def _ids(rng: Rng, ids: int) -> np.ndarray[Any, Any]:
    """Long-tailed ids from 1, spread over their range."""
    rank = np.minimum(rng.zipf(1.3, ROWS) - 1, ids - 1)
    return np.asarray(rng.permutation(ids)[rank] + 1)


def _counts(rng: Rng, scale: float, missing: float) -> list[str]:
    value = np.floor(rng.lognormal(0, 2, ROWS) * scale)
    return ["" if rng.random() < missing else str(int(v)) for v in value]


def _flags(rng: Rng, rate: float) -> np.ndarray[Any, Any]:
    return (rng.random(ROWS) < rate).astype(int)


def _seconds(rng: Rng, first: str, days: float) -> np.ndarray[Any, Any]:
    start = int(datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp())
    return np.sort(start + (rng.random(ROWS) * days * 86_400).astype(int))


def _lines(columns: Sequence[Iterable[Any]], separator: str, header: str = "") -> str:
    rows = [separator.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def criteo_display(folder: Path) -> Path:
    """Tabs, no header: label, 13 integers, 26 hashes of 32 bits; empty where missing."""
    rng = np.random.default_rng(1)
    numbers = [
        _counts(rng, scale, missing)
        for scale, missing in zip(
            (1, 4, 8, 6, 3000, 50, 8, 8, 50, 0.3, 2, 0.3, 8),
            (0.45, 0, 0.21, 0.22, 0.03, 0.22, 0.04, 0, 0.04, 0.45, 0.04, 0.77, 0.22),
            strict=True,
        )
    ]
    numbers[1] = [str(int(v) - 1) for v in numbers[1]]
    numbers[9] = ["" if v == "" else str(min(int(v), 4)) for v in numbers[9]]
    hashes = [_hex(rng, ids) for ids in rng.integers(3, 400, 26)]
    hashes = [["" if k % 3 == 2 and rng.random() < 0.1 else v for v in column] for k, column in enumerate(hashes)]
    return _write(folder / "train.txt", _lines([_flags(rng, 0.26), *numbers, *hashes], "\t"))


def criteo_attribution(folder: Path) -> Path:
    """Tabs and header, gzip; seconds from 0; -1 where there is no conversion or click."""
    rng = np.random.default_rng(2)
    time = np.sort(rng.integers(0, 30 * 86_400, ROWS))
    click, sold = _flags(rng, 0.36), _flags(rng, 0.15)
    conversion, attributed = sold * (click | (rng.random(ROWS) < 0.3)), sold * click
    clicks = rng.integers(1, 4, ROWS)
    columns: list[Any] = [time, _ids(rng, 500), _ids(rng, 40), conversion]
    columns += [np.where(conversion, time + rng.integers(60, 9 * 86_400, ROWS), -1)]
    columns += [np.where(conversion, rng.integers(1, 10**7, ROWS), -1), attributed, click]
    columns += [np.where(attributed, rng.integers(0, clicks), -1), np.where(attributed, clicks, -1)]
    columns += [rng.random(ROWS).round(6), np.where(attributed, rng.random(ROWS).round(6), 0)]
    columns += [np.where(rng.random(ROWS) < 0.5, rng.integers(1, 10**6, ROWS), -1)]
    columns += [_ids(rng, int(n)) for n in rng.integers(5, 90, 9)]
    names = "timestamp uid campaign conversion conversion_timestamp conversion_id attribution click click_pos click_nb"
    names += " cost cpo time_since_last_click " + " ".join(f"cat{k}" for k in range(1, 10))
    path = folder / "criteo_attribution_dataset.tsv.gz"
    path.write_bytes(gzip.compress(_lines(columns, "\t", names.replace(" ", "\t")).encode()))
    return path


def criteo_conversion(folder: Path) -> Path:
    """Tabs, no header: seconds of click and, if any, of conversion; 8 integers, 9 hashes."""
    rng = np.random.default_rng(3)
    click = np.sort(rng.integers(0, 60 * 86_400, ROWS))
    delay = np.minimum(rng.exponential(4 * 86_400, ROWS).astype(int), 30 * 86_400 - 1)
    converted = ["" if rng.random() > 0.23 else str(c + d) for c, d in zip(click, delay, strict=True)]
    numbers = [
        _counts(rng, scale, missing) for scale, missing in zip((1, 40, 5, 9, 300, 2, 7, 4), (0.3, 0.1) * 4, strict=True)
    ]
    return _write(
        folder / "data.txt", _lines([click, converted, *numbers, *(_hex(rng, 50 * k) for k in range(1, 10))], "\t")
    )


def criteo_search(folder: Path) -> Path:
    """Tabs, no header; -1 wherever something is missing; titles are hashes with blanks between."""
    rng = np.random.default_rng(4)
    sale = _flags(rng, 0.11)
    price = rng.lognormal(3, 1, ROWS).round(2)
    words = [
        " ".join(f"{int(i) * 7919**7 % 16**32:032X}" for i in rng.integers(1, 60, rng.integers(2, 6)))
        for _ in range(ROWS)
    ]
    columns: list[Any] = [sale, np.where(sale, price, -1.0), np.where(sale, rng.integers(60, 30 * 86_400, ROWS), -1)]
    columns += [
        rng.permutation(_seconds(rng, "2018-05-01", 90)),
        np.where(_flags(rng, 0.4), -1, rng.geometric(0.01, ROWS)),
    ]
    columns += [price, *(_hex(rng, ids, 32) for ids in (8, 3, 30, 4, 60, 9, 15, 25, 30, 12, 5)), ["-1"] * ROWS]
    columns += [_hex(rng, 15, 32), _hex(rng, 300, 32), words, _hex(rng, 40, 32), _hex(rng, 500, 32)]
    return _write(folder / "CriteoSearchData", _lines(columns, "\t"))


def avazu(folder: Path) -> Path:
    """CSV, gzip; `hour` is YYMMDDHH, `id` a number of up to 20 digits."""
    rng = np.random.default_rng(5)
    at = [datetime(2014, 10, 21) + timedelta(hours=int(h)) for h in np.sort(rng.integers(0, 240, ROWS))]
    columns: list[Any] = [rng.integers(10**18, 2**64 - 1, ROWS, dtype=np.uint64), _flags(rng, 0.17)]
    columns += [[f"{t:%y%m%d%H}" for t in at], 1001 + _ids(rng, 7), _ids(rng, 7) - 1]
    columns += [_hex(rng, ids) for ids in (90, 80, 20, 70, 30, 15, 200, 600, 150)]
    columns += [_ids(rng, 5) - 1, _ids(rng, 4) - 1, 375 + _ids(rng, 300), *(_ids(rng, n) for n in (8, 9, 160, 4, 60))]
    columns += [np.where(_flags(rng, 0.5), -1, 100_000 + _ids(rng, 100)), _ids(rng, 60)]
    names = "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,"
    names += "device_id,device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21"
    (folder / "train.gz").write_bytes(gzip.compress(_lines(columns, ",", names).encode()))
    return folder / "train.gz"


def ali_ccp(folder: Path) -> Path:
    """The skeleton: CSV without header; the last cell holds field\\x02id\\x03value, with \\x01 between."""
    rng = np.random.default_rng(6)
    click = _flags(rng, 0.3)
    ids = {
        name: _ids(rng, n) + 10_000 * k
        for k, (name, n) in enumerate(
            {"205": 300, "206": 40, "207": 90, "216": 70, "508": 30, "509": 60, "702": 50, "853": 20, "301": 3}.items(),
            1,
        )
    }
    cells = []
    for row in range(ROWS):
        held = [name for name in ids if name in ("205", "206", "207", "301") or rng.random() < 0.6]
        cells.append("\x01".join(f"{name}\x02{ids[name][row]}\x031.0" for name in held))
    columns: list[Any] = [np.arange(1, ROWS + 1), click, click * _flags(rng, 0.3), _hex(rng, 200, 16)]
    columns += [[cell.count("\x02") for cell in cells], cells]
    return _write(folder / "sample_skeleton_train.csv", _lines(columns, ","))


def kuairand(folder: Path) -> Path:
    rng = np.random.default_rng(7)
    ms = _seconds(rng, "2022-04-08", 14) * 1000 + rng.integers(0, 1000, ROWS)
    beijing = [datetime.fromtimestamp(int(t) // 1000 + 8 * 3600, UTC) for t in ms]
    click, duration = _flags(rng, 0.4), rng.lognormal(10, 1, ROWS).astype(int)
    played = np.where(click, rng.integers(3000, 30_000, ROWS), rng.integers(0, 4000, ROWS))
    rare = [_flags(rng, rate) for rate in (0.05, 0.04, 0.04, 0.03, 0.03)]
    columns: list[Any] = [
        _ids(rng, 300),
        _ids(rng, 400),
        [f"{t:%Y%m%d}" for t in beijing],
        [t.hour * 100 for t in beijing],
        ms,
    ]
    entered = _flags(rng, 0.05)
    columns += [click, *rare, (played > 18_000).astype(int), played, duration, entered * rng.integers(1, 9000, ROWS)]
    columns += [rare[2] * rng.integers(1, 9000, ROWS), entered, _flags(rng, 0.1), _ids(rng, 15) - 1]
    names = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    names += "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
    return _write(folder / "log_standard_4_08_to_4_21_1k.csv", _lines(columns, ",", names))


def taobao_behavior(folder: Path) -> Path:
    """CSV without header: user, item, category, pv/cart/fav/buy, seconds."""
    rng = np.random.default_rng(8)
    done = rng.choice(["pv", "cart", "fav", "buy"], ROWS, p=[0.8, 0.08, 0.07, 0.05])
    user = np.sort(_ids(rng, 300))
    time = rng.permutation(_seconds(rng, "2017-11-25", 9))
    return _write(folder / "UserBehavior.csv", _lines([user, _ids(rng, 500), _ids(rng, 90), done, time], ","))


def taobao_ad(folder: Path) -> Path:
    rng = np.random.default_rng(9)
    click = _flags(rng, 0.1)
    pid = rng.choice(["430548_1007", "430539_1007"], ROWS)
    time = rng.permutation(_seconds(rng, "2017-05-06", 8))
    columns = [_ids(rng, 400), time, _ids(rng, 300), pid, 1 - click, click]
    return _write(folder / "raw_sample.csv", _lines(columns, ",", "user,time_stamp,adgroup_id,pid,nonclk,clk"))


def _prose(rng: Rng) -> list[str]:
    said = "a good and very solid product that I would buy again for my house if the price were lower"
    return [" ".join(rng.choice(said.split(), rng.integers(8, 30))) for _ in range(ROWS)]


def amazon_reviews(folder: Path) -> Path:
    """JSON lines of 2018: keys differ by line."""
    rng = np.random.default_rng(10)
    stars, time, users, items, texts = (
        rng.integers(1, 6, ROWS),
        _seconds(rng, "2013-01-01", 2000),
        _ids(rng, 300),
        _ids(rng, 200),
        _prose(rng),
    )
    lines = []
    for k in range(ROWS):
        at = datetime.fromtimestamp(int(time[k]) // 86_400 * 86_400, UTC)
        line = {
            "overall": float(stars[k]),
            "verified": bool(rng.random() < 0.8),
            "reviewTime": f"{at:%m} {at.day}, {at:%Y}",
        }
        line |= {"reviewerID": f"A{users[k]:05d}X", "asin": f"{items[k]:010d}", "reviewerName": f"Reader {users[k]}"}
        line |= {
            "reviewText": texts[k],
            "summary": " ".join(texts[-k].split()[:4]),
            "unixReviewTime": int(at.timestamp()),
        }
        line |= {"vote": str(rng.integers(2, 40))} if rng.random() < 0.2 else {}
        line |= {"style": {"Format:": " Hardcover"}} if rng.random() < 0.5 else {}
        lines.append(json.dumps(line))
    path = folder / "Books_5.json.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def amazon_reviews_2023(folder: Path) -> Path:
    rng = np.random.default_rng(11)
    stars, time, users, items = (
        rng.integers(1, 6, ROWS),
        _seconds(rng, "2013-01-01", 3000),
        _ids(rng, 300),
        _ids(rng, 200),
    )
    texts, lines = _prose(rng), []
    for k in range(ROWS):
        line: dict[str, Any] = {"rating": float(stars[k]), "title": " ".join(texts[-k].split()[:4]), "text": texts[k]}
        line |= {"images": [{"small_image_url": "s.jpg"}] if rng.random() < 0.1 else [], "asin": f"B{items[k]:09d}"}
        line |= {
            "parent_asin": f"B{items[k] // 2:09d}",
            "user_id": f"AG{users[k]:06d}",
            "timestamp": int(time[k]) * 1000 + 417,
        }
        lines.append(
            json.dumps(
                line | {"helpful_vote": int(rng.geometric(0.6)) - 1, "verified_purchase": bool(rng.random() < 0.9)}
            )
        )
    return _write(folder / "All_Beauty.jsonl", "\n".join(lines) + "\n")


def movielens(folder: Path) -> Path:
    """ratings.csv: half stars; sorted by user."""
    rng = np.random.default_rng(12)
    user = np.sort(_ids(rng, 60))
    columns = [user, _ids(rng, 400), rng.integers(1, 11, ROWS) / 2, rng.permutation(_seconds(rng, "2009-01-01", 2000))]
    return _write(folder / "ratings.csv", _lines(columns, ",", "userId,movieId,rating,timestamp"))


def movielens_dat(folder: Path) -> Path:
    """ratings.dat: two colons, no header, whole stars."""
    rng = np.random.default_rng(13)
    columns = [
        np.sort(_ids(rng, 60)),
        _ids(rng, 400),
        rng.integers(1, 6, ROWS),
        rng.permutation(_seconds(rng, "2000-04-25", 900)),
    ]
    return _write(folder / "ratings.dat", _lines(columns, "::"))


def globo(folder: Path) -> Path:
    """The hourly files as one Parquet, with short names and the position of each click in its session."""
    rng = np.random.default_rng(14)
    import polars as pl

    rows = []
    for session in range(ROWS // 3):
        start = 1_506_826_800_000 + int(rng.integers(0, 8 * 86_400_000))
        size, user = int(rng.integers(2, 8)), int(rng.integers(0, 150))
        context = [int(value) for value in rng.integers(1, (5, 4, 20, 12, 29, 8))]
        clicks = [
            (user, session, int(rng.zipf(1.4)) % 400, start + 60_000 * k, start, size, *context, k + 1)
            for k in range(size)
        ]
        rows += clicks
    names = (
        "user_id session_id article_id ts_ms session_start_ms session_size environment deviceGroup os country region "
    )
    frame = pl.DataFrame(rows, schema=(names + "referrer_type pos_in_session").split(), orient="row").sort("ts_ms")
    frame.write_parquet(folder / "globo_clicks.parquet")
    return folder / "globo_clicks.parquet"


def online_retail(folder: Path) -> Path:
    """The two sheets of the workbook as one CSV: a row for each item of an invoice; some cancelled, some unknown."""
    rng = np.random.default_rng(15)
    lines = ["Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"]
    for invoice, second in enumerate(_seconds(rng, "2009-12-01", 730)[::3]):
        at = datetime.fromtimestamp(int(second) // 60 * 60, UTC)
        customer = "" if rng.random() < 0.2 else f"{12_346 + int(rng.zipf(1.5)) % 60}.0"
        cancelled = rng.random() < 0.05
        for item in rng.choice(40, rng.integers(1, 6), replace=False):
            number, code = f"{'C' if cancelled else ''}{489_434 + invoice}", f"{20_000 + item}{'B' if item % 5 else ''}"
            quantity = -1 if cancelled else rng.integers(1, 25)
            line = f'{number},{code},"ITEM {item}, RED",{quantity},{at:%Y-%m-%d %H:%M:%S},{item / 4 + 0.45:.2f},'
            lines.append(f"{line}{customer},{'United Kingdom' if invoice % 5 else 'France'}")
    return _write(folder / "online_retail_II.csv", "\n".join(lines) + "\n")


def tmall_repeat(folder: Path) -> Path:
    rng = np.random.default_rng(16)
    columns = [rng.permutation(2 * ROWS)[:ROWS] // 2 + 1, _ids(rng, 90), _flags(rng, 0.06)]
    return _write(folder / "train_format1.csv", _lines(columns, ",", "user_id,merchant_id,label"))


PUBLISHED: dict[str, Callable[[Path], Path]] = {
    writer.__name__: writer
    for writer in (
        criteo_display, criteo_attribution, criteo_conversion, criteo_search, avazu, ali_ccp, kuairand, taobao_behavior,
        taobao_ad, amazon_reviews, amazon_reviews_2023, movielens, movielens_dat, globo, online_retail, tmall_repeat,
    )
}  # fmt: skip
"""Name of the ready schema -> writes a log for it into a folder."""

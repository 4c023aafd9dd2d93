"""Logs of shops: Taobao and Tmall, a retailer, and reviews of Amazon."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from support.published.values import ROWS, flags, hashes, ids, lines_of, prose, seconds, write


def ali_ccp(folder: Path) -> Path:
    """The skeleton: CSV without header; the last cell holds field\\x02id\\x03value, with \\x01 between."""
    rng = np.random.default_rng(6)
    click = flags(rng, 0.3)
    features = {
        name: ids(rng, n) + 10_000 * k
        for k, (name, n) in enumerate(
            {"205": 300, "206": 40, "207": 90, "216": 70, "508": 30, "509": 60, "702": 50, "853": 20, "301": 3}.items(),
            1,
        )
    }
    cells = []
    for row in range(ROWS):
        held = [name for name in features if name in ("205", "206", "207", "301") or rng.random() < 0.6]
        cells.append("\x01".join(f"{name}\x02{features[name][row]}\x031.0" for name in held))
    columns: list[Any] = [np.arange(1, ROWS + 1), click, click * flags(rng, 0.3), hashes(rng, 200, 16)]
    columns += [[cell.count("\x02") for cell in cells], cells]
    return write(folder / "sample_skeleton_train.csv", lines_of(columns, ","))


def taobao_behavior(folder: Path) -> Path:
    """CSV without header: user, item, category, pv/cart/fav/buy, seconds."""
    rng = np.random.default_rng(8)
    done = rng.choice(["pv", "cart", "fav", "buy"], ROWS, p=[0.8, 0.08, 0.07, 0.05])
    user = np.sort(ids(rng, 300))
    time = rng.permutation(seconds(rng, "2017-11-25", 9))
    return write(folder / "UserBehavior.csv", lines_of([user, ids(rng, 500), ids(rng, 90), done, time], ","))


def taobao_ad(folder: Path) -> Path:
    rng = np.random.default_rng(9)
    click = flags(rng, 0.1)
    pid = rng.choice(["430548_1007", "430539_1007"], ROWS)
    time = rng.permutation(seconds(rng, "2017-05-06", 8))
    columns = [ids(rng, 400), time, ids(rng, 300), pid, 1 - click, click]
    return write(folder / "raw_sample.csv", lines_of(columns, ",", "user,time_stamp,adgroup_id,pid,nonclk,clk"))


def tmall_repeat(folder: Path) -> Path:
    rng = np.random.default_rng(16)
    columns = [rng.permutation(2 * ROWS)[:ROWS] // 2 + 1, ids(rng, 90), flags(rng, 0.06)]
    return write(folder / "train_format1.csv", lines_of(columns, ",", "user_id,merchant_id,label"))


def online_retail(folder: Path) -> Path:
    """The two sheets of the workbook as one CSV: a row for each item of an invoice; some cancelled, some unknown."""
    rng = np.random.default_rng(15)
    lines = ["Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"]
    for invoice, second in enumerate(seconds(rng, "2009-12-01", 730)[::3]):
        at = datetime.fromtimestamp(int(second) // 60 * 60, UTC)
        customer = "" if rng.random() < 0.2 else f"{12_346 + int(rng.zipf(1.5)) % 60}.0"
        cancelled = rng.random() < 0.05
        for item in rng.choice(40, rng.integers(1, 6), replace=False):
            number, code = f"{'C' if cancelled else ''}{489_434 + invoice}", f"{20_000 + item}{'B' if item % 5 else ''}"
            quantity = -1 if cancelled else rng.integers(1, 25)
            line = f'{number},{code},"ITEM {item}, RED",{quantity},{at:%Y-%m-%d %H:%M:%S},{item / 4 + 0.45:.2f},'
            lines.append(f"{line}{customer},{'United Kingdom' if invoice % 5 else 'France'}")
    return write(folder / "online_retail_II.csv", "\n".join(lines) + "\n")


def amazon_reviews(folder: Path) -> Path:
    """JSON lines of 2018: keys differ by line."""
    rng = np.random.default_rng(10)
    stars, time, users, items, texts = (
        rng.integers(1, 6, ROWS),
        seconds(rng, "2013-01-01", 2000),
        ids(rng, 300),
        ids(rng, 200),
        prose(rng),
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
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return path


def amazon_reviews_2023(folder: Path) -> Path:
    rng = np.random.default_rng(11)
    stars, time, users, items = (
        rng.integers(1, 6, ROWS),
        seconds(rng, "2013-01-01", 3000),
        ids(rng, 300),
        ids(rng, 200),
    )
    texts, lines = prose(rng), []
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
    return write(folder / "All_Beauty.jsonl", "\n".join(lines) + "\n")

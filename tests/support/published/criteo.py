"""Logs of Criteo: displays, attribution, conversions, and clicks of a search."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from support.published.values import ROWS, counts, flags, hashes, ids, lines_of, seconds, write


def criteo_display(folder: Path) -> Path:
    """Tabs, no header: label, 13 integers, 26 hashes of 32 bits; empty where missing."""
    rng = np.random.default_rng(1)
    numbers = [
        counts(rng, scale, missing)
        for scale, missing in zip(
            (1, 4, 8, 6, 3000, 50, 8, 8, 50, 0.3, 2, 0.3, 8),
            (0.45, 0, 0.21, 0.22, 0.03, 0.22, 0.04, 0, 0.04, 0.45, 0.04, 0.77, 0.22),
            strict=True,
        )
    ]
    numbers[1] = [str(int(v) - 1) for v in numbers[1]]
    numbers[9] = ["" if v == "" else str(min(int(v), 4)) for v in numbers[9]]
    codes = [hashes(rng, int(n)) for n in rng.integers(3, 400, 26)]
    codes = [["" if k % 3 == 2 and rng.random() < 0.1 else v for v in column] for k, column in enumerate(codes)]
    return write(folder / "train.txt", lines_of([flags(rng, 0.26), *numbers, *codes], "\t"))


def criteo_attribution(folder: Path) -> Path:
    """Tabs and header, gzip; seconds from 0; -1 where there is no conversion or click."""
    rng = np.random.default_rng(2)
    time = np.sort(rng.integers(0, 30 * 86_400, ROWS))
    click, sold = flags(rng, 0.36), flags(rng, 0.15)
    conversion, attributed = sold * (click | (rng.random(ROWS) < 0.3)), sold * click
    clicks = rng.integers(1, 4, ROWS)
    columns: list[Any] = [time, ids(rng, 500), ids(rng, 40), conversion]
    columns += [np.where(conversion, time + rng.integers(60, 9 * 86_400, ROWS), -1)]
    columns += [np.where(conversion, rng.integers(1, 10**7, ROWS), -1), attributed, click]
    columns += [np.where(attributed, rng.integers(0, clicks), -1), np.where(attributed, clicks, -1)]
    columns += [rng.random(ROWS).round(6), np.where(attributed, rng.random(ROWS).round(6), 0)]
    columns += [np.where(rng.random(ROWS) < 0.5, rng.integers(1, 10**6, ROWS), -1)]
    columns += [ids(rng, int(n)) for n in rng.integers(5, 90, 9)]
    names = "timestamp uid campaign conversion conversion_timestamp conversion_id attribution click click_pos click_nb"
    names += " cost cpo time_since_last_click " + " ".join(f"cat{k}" for k in range(1, 10))
    path = folder / "criteo_attribution_dataset.tsv.gz"
    path.write_bytes(gzip.compress(lines_of(columns, "\t", names.replace(" ", "\t")).encode()))
    return path


def criteo_conversion(folder: Path) -> Path:
    """Tabs, no header: seconds of click and, if any, of conversion; 8 integers, 9 hashes."""
    rng = np.random.default_rng(3)
    click = np.sort(rng.integers(0, 60 * 86_400, ROWS))
    delay = np.minimum(rng.exponential(4 * 86_400, ROWS).astype(int), 30 * 86_400 - 1)
    converted = ["" if rng.random() > 0.23 else str(c + d) for c, d in zip(click, delay, strict=True)]
    numbers = [
        counts(rng, scale, missing) for scale, missing in zip((1, 40, 5, 9, 300, 2, 7, 4), (0.3, 0.1) * 4, strict=True)
    ]
    return write(
        folder / "data.txt", lines_of([click, converted, *numbers, *(hashes(rng, 50 * k) for k in range(1, 10))], "\t")
    )


def criteo_search(folder: Path) -> Path:
    """Tabs, no header; -1 wherever something is missing; titles are hashes with blanks between."""
    rng = np.random.default_rng(4)
    sale = flags(rng, 0.11)
    price = rng.lognormal(3, 1, ROWS).round(2)
    words = [
        " ".join(f"{int(i) * 7919**7 % 16**32:032X}" for i in rng.integers(1, 60, rng.integers(2, 6)))
        for _ in range(ROWS)
    ]
    columns: list[Any] = [sale, np.where(sale, price, -1.0), np.where(sale, rng.integers(60, 30 * 86_400, ROWS), -1)]
    columns += [
        rng.permutation(seconds(rng, "2018-05-01", 90)),
        np.where(flags(rng, 0.4), -1, rng.geometric(0.01, ROWS)),
    ]
    columns += [price, *(hashes(rng, n, 32) for n in (8, 3, 30, 4, 60, 9, 15, 25, 30, 12, 5)), ["-1"] * ROWS]
    columns += [hashes(rng, 15, 32), hashes(rng, 300, 32), words, hashes(rng, 40, 32), hashes(rng, 500, 32)]
    return write(folder / "CriteoSearchData", lines_of(columns, "\t"))

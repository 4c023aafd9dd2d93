"""Made-up values that look like those of logs, and text files of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1200
Rng = np.random.Generator


def hashes(rng: Rng, distinct: int, letters: int = 8) -> list[str]:
    """Hashes of long-tailed ids."""
    return [f"{(int(i) + 1) * 2654435761 % 16**letters:0{letters}x}" for i in ids(rng, distinct)]


def ids(rng: Rng, distinct: int) -> np.ndarray[Any, Any]:
    """Long-tailed ids from 1, spread over their range."""
    rank = np.minimum(rng.zipf(1.3, ROWS) - 1, distinct - 1)
    return np.asarray(rng.permutation(distinct)[rank] + 1)


def counts(rng: Rng, scale: float, missing: float) -> list[str]:
    value = np.floor(rng.lognormal(0, 2, ROWS) * scale)
    return ["" if rng.random() < missing else str(int(v)) for v in value]


def flags(rng: Rng, rate: float) -> np.ndarray[Any, Any]:
    return (rng.random(ROWS) < rate).astype(int)


def seconds(rng: Rng, first: str, days: float) -> np.ndarray[Any, Any]:
    start = int(datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp())
    return np.sort(start + (rng.random(ROWS) * days * 86_400).astype(int))


def lines_of(columns: Sequence[Iterable[Any]], separator: str, header: str = "") -> str:
    rows = [separator.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([*([header] if header else []), *rows]) + "\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def prose(rng: Rng) -> list[str]:
    said = "a good and very solid product that I would buy again for my house if the price were lower"
    return [" ".join(rng.choice(said.split(), rng.integers(8, 30))) for _ in range(ROWS)]

"""Logs for `multiepoch diagnose` to judge: of populations, whose answer can be found out, and real ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.base.places import ROOT
from perf import generated_log


@dataclass(frozen=True)
class Log:
    """population: what generates it; empty: a real one. labels: that are asked for, the first to judge by. dataset: in
    `TABLE`, which has the answer of a real one; empty: there is none that was searched for as long."""

    name: str
    population: str = ""
    rows: int = 0
    source: str = ""
    schema: str = ""
    labels: tuple[str, ...] = ()
    dataset: str = ""

    def written(self, folder: Path) -> tuple[str, str]:
        """Paths of its rows and its schema."""
        if not self.population:
            return os.path.expandvars(self.source), str(ROOT / self.schema)
        if (folder / "schema.toml").exists():
            return str(folder / "log.parquet"), str(folder / "schema.toml")
        return generated_log.write(self.population, self.rows, folder)[:2]


TABLE = ROOT / "results/tables/real_splits.csv"
GLOBO, TMALL = "$LOGS/globo_clicks.parquet", "$LOGS/tmall_repeat.parquet"
RETAIL, TAOBAO = "$LOGS/online_retail.parquet", "$LOGS/taobao_userbehavior_115min.parquet"
LOGS = (
    *(Log(f"random-{k}", f"random-{k}", 400_000) for k in range(1, 6)),
    Log("avazu_like", "avazu_like", 1_000_000),
    Log("Globo.com by session", "", 0, GLOBO, "datasets/globo.toml", ("continue",), "globo by session"),
    Log("Tmall by row", "", 0, TMALL, "datasets/tmall_repeat.toml", ("repeat",), "tmall by row"),
    Log("Online Retail", "", 0, RETAIL, "plans/logs/retail.toml", ("rebuy_90d",)),
    Log("Online Retail with a gap", "", 0, RETAIL, "plans/logs/retail_gap.toml", ("rebuy_90d",)),
    Log("Taobao, 115 minutes", "", 0, TAOBAO, "plans/logs/taobao.toml"),
    Log("Tmall by user", "", 0, TMALL, "plans/logs/tmall_by_user.toml", ("repeat",), "tmall by user"),
)

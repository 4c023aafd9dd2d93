"""The generator beside real logs: every statistic of both, a shape score per column, a pair score per two columns.

LOGS=folder/of/the/files python -m perf.fidelity    # writes results/tables/fidelity.md
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from harness.base.environment import environment
from harness.base.markdown import literal
from harness.data.indexed_dataset import IndexedDataset
from harness.data.profile.fidelity import Compared, compared, means
from harness.data.profile.inputs import indexed_datasets
from harness.data.profile.statistics import profile
from harness.data.synthetic.presets import load_population

LOGS = {
    "globo_like": ("datasets/globo.toml", "globo_clicks.parquet"),
    "globo_once_like": ("plans/logs/globo_once.toml", "globo_clicks.parquet"),
    "retail_like": ("plans/logs/retail.toml", "online_retail.parquet"),
    "retail_gap_like": ("plans/logs/retail_origins.toml", "online_retail.parquet"),
}
"""Preset -> the schema and the file of the log that it stands for."""
KINDS = {
    "rate": "Rates",
    "session": "Sessions",
    "tail": "Tails, of the training split",
    "label": "Labels: correlation of those of two rows of one id, in training",
    "shape": "Columns: ids in training, and the shape score",
    "pair": "Pairs: normalised mutual information, and the pair score",
}
HEAD = """# The generator beside real logs

Written by `python -m perf.fidelity` from files of [docs/results.md](../../docs/results.md#real-logs-searched-alike).
Machine: {machine}.

Shape score: one less the total variation between the shares of ids, the most frequent of either against each other.
Pair score: one less the difference of dependence. 1 is agreement, as in SDMetrics' quality report. Presets were fitted
by `multiepoch data match` to the same files, so that this shows what the generator can take on, not what it foretells.
`globo_like` and `retail_like` were fitted before it knew of labels; `globo_once_like` and `retail_gap_like` have labels
that go with ids as those of the logs do, as far as parts that are drawn apart can.
"""


def section(preset: str, lines: list[Compared]) -> Iterator[str]:
    yield f"## {preset}\n\n{literal(load_population(preset).description)}.\n"
    yield from (f"- mean {kind} score of {count}: {value:.3f}" for kind, (count, value) in means(lines).items())
    for kind, title in KINDS.items():
        yield f"\n**{title}**\n\n| statistic | log | synthetic | score |\n|---|--:|--:|--:|"
        for line in lines:
            if line.kind == kind:
                score = "" if line.score is None else f"{line.score:.3f}"
                yield f"| {literal(line.statistic)} | {line.log:,.4g} | {line.made:,.4g} | {score} |"
    yield ""


def both(preset: str, schema: str, file: Path, results: Path) -> tuple[IndexedDataset, IndexedDataset]:
    """The log and the preset, coded."""
    _, log = next(iter(indexed_datasets(str(file), results, None, schema=schema)))
    _, made = next(iter(indexed_datasets(preset, results, None)))
    return log, made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("results/tables/fidelity.md"))
    chosen = parser.parse_args()
    text = [HEAD.format(machine=literal(str(environment()["machine"])))]
    for preset, (schema, file) in LOGS.items():
        log, made = both(preset, schema, Path(os.environ["LOGS"]) / file, chosen.results)
        text += section(preset, [*compared(log, made, profile(log))])
    chosen.out.write_text("\n".join(text))
    print(f"{chosen.out}: {len(LOGS)} logs")

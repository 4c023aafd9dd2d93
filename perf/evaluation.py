"""Where an evaluation spends its time: `python -m perf.evaluation`, milliseconds of a core per part, the least of some.

The data are as large as those of the plan `quick`, the net has layers of 128 and 64; all of valid, of test and a sample
of train are evaluated. With two threads the net's products are shared, and nothing else is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import process_time
from typing import Any

from harness.base import seeds
from harness.data import indexed
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import evaluator
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluator import Evaluator
from harness.engine.row_mapping import RowMapping
from harness.engine.trainer import Trainer
from harness.experiment.specs import EvalSpec, TrainSpec
from harness.plugins.registry import Registry, build
from perf.profile import timed

PARTS: list[tuple[str, Any, str]] = [
    ("ids become rows", RowMapping, "rows_of"),
    ("rows are read", EmbeddingTables, "read"),
    ("metrics", evaluator._Part, "metrics"),
]
DATA: dict[str, float] = {"users": 400_000, "products": 100_000, "campaigns": 10_000, "advertisers": 1_000}
DATA |= {"click": 0.1, "add_to_cart": 0.02, "checkout": 0.005}
REPEATS = 5


def data(rows: int) -> IndexedDataset:
    """Of so many rows; its arrays are read where their folder was."""
    made = build(Registry().datasets, "data set", "powerlaw", {"rows": rows} | DATA)
    with tempfile.TemporaryDirectory() as folder:
        indexed.save(made.stream(seeds.generator(0, "data")), Path(folder) / "data")
        return indexed.load(Path(folder) / "data")


def profile(dataset: IndexedDataset) -> dict[str, float]:
    """Part -> milliseconds of one thread; `whole` last."""
    model = build(Registry().models, "model", "dnn", {"dim": 16, "hidden": (128, 64)})
    trainer = Trainer(dataset, model, [], TrainSpec(threads=1), seed=0)
    evaluate, tried = Evaluator(dataset, trainer.mapping, EvalSpec()), list[dict[str, float]]()
    with timed([*PARTS, ("the net", trainer.net, "forward"), ("whole", Evaluator, "__call__")], process_time) as spent:
        for _ in range(REPEATS):
            spent.clear()
            evaluate(trainer.net, trainer.tables, full=True)
            tried.append({label: sum(found) for label, found in spent.items()})
    return {label: min(each[label] for each in tried) for label in tried[0]}


def main() -> None:
    for label, milliseconds in profile(data(1_000_000)).items():
        print(f"{label:<16} {milliseconds:6.0f} ms")


if __name__ == "__main__":
    main()

"""What numbers and sequences add to a training step: `python -m perf.kinds` writes the table."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator
from itertools import islice
from statistics import median

import numpy as np
import torch

from harness.api import Kinds, ListField, NumberField
from harness.base.environment import environment
from harness.base.places import ROOT
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine.batch import Batch
from harness.engine.trainer import Trainer
from harness.experiment.specs import TrainSpec
from harness.plugins.registry import Registry, build
from perf.markdown import table
from perf.work import FIELDS, Work, dataset

TABLE = ROOT / "results" / "tables" / "kinds.md"
NUMBERS, LONGEST, SHARED = 13, 50, "product"
VARIANTS = {
    "ten single ids": ("dnn", False, False),
    f"and {NUMBERS} numbers": ("dnn", True, False),
    f"and a sequence of {LONGEST}, its mean": ("dnn", False, True),
    f"and a sequence of {LONGEST}, attended to": ("din", False, True),
}
"""What is measured: the model, and whether the data has numbers and a sequence."""


def with_numbers(data: IndexedDataset) -> IndexedDataset:
    """The same data with thirteen numbers, of which a tenth is missing."""
    rng = np.random.default_rng(1)

    def split(part: IndexedSplit) -> IndexedSplit:
        number_NP = rng.standard_normal((len(part), NUMBERS), np.float32)
        number_NP[rng.random(number_NP.shape) < 0.1] = np.nan
        return dataclasses.replace(part, numbers_NP=number_NP)

    kinds = Kinds(numbers=tuple(NumberField(f"number{p}") for p in range(NUMBERS)))
    return dataclasses.replace(data, kinds=kinds, train=split(data.train), valid=split(data.valid))


def with_sequence(data: IndexedDataset) -> IndexedDataset:
    """The same data with a full sequence in every example: the products of the examples before it."""
    rows, column = len(data.train), list(FIELDS).index(SHARED)
    begin_NG = np.maximum(np.arange(rows, dtype=np.int64) - LONGEST, 0)[:, None]
    train = dataclasses.replace(
        data.train, begin_NG=begin_NG, length_NG=np.full((rows, 1), LONGEST, np.int32)
    )  # fmt: skip
    kinds = Kinds(lists=(ListField("history", LONGEST, ordered=True),), shares={"history": SHARED})
    values = (np.ascontiguousarray(data.train.codes_NF[:, column]),)
    return dataclasses.replace(data, kinds=kinds, train=train, values=values, weights=(None,))


def trainers(work: Work) -> dict[str, Trainer]:
    registry, plain = Registry(), dataset(work)
    spec = TrainSpec(batch_size=work.batch, threads=work.threads)
    made = {}
    for name, (model, numbers, sequence) in VARIANTS.items():
        data = with_sequence(plain) if sequence else with_numbers(plain) if numbers else plain
        net = build(registry.models, "model", model, {"dim": work.width, "hidden": work.hidden})
        made[name] = Trainer(data, net, [], spec, seed=0)
        made[name].start_epoch(1)
    return made


def endless(trainer: Trainer) -> Iterator[Batch]:
    while True:
        yield from trainer.batches.epoch(1)


def series(work: Work, rounds: int, steps: int) -> dict[str, list[float]]:
    """Milliseconds of CPU a step of each variant, round by round; in a round they are measured one after another."""
    made = trainers(work)
    batches = {name: endless(trainer) for name, trainer in made.items()}
    spent: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds + 1):
        for name, trainer in made.items():
            start = time.process_time()
            for batch in islice(batches[name], steps):
                trainer.step(batch)
            if number:  # the first round compiles and warms up
                spent[name].append(1000 * (time.process_time() - start) / steps)
    return spent


def lines(spent: dict[str, list[float]], work: Work) -> Iterator[str]:
    env, (plain, *_) = environment(), spent.values()
    yield from ("# Fields of every kind: what they add to a step", "", "Written by `python -m perf.kinds`.", "")
    yield f"CPU of a training step of {work.batch:,} examples, width {work.width}, MLP {work.hidden}, one thread."
    yield f"They took turns in {len(plain)} rounds; ratio to the plain step of its round: median, least and most."
    yield ""
    rows = []
    for name, values in spent.items():
        ratio = sorted(value / base for value, base in zip(values, plain, strict=True))
        told = "1" if values is plain else f"{median(ratio):.2f} ({ratio[0]:.2f} to {ratio[-1]:.2f})"
        rows.append((name, f"`{VARIANTS[name][0]}`", f"{median(values):.1f}", told))
    yield from table(("fields", "model", "ms of CPU", "ratio"), rows, words=2)
    yield from (
        "",
        f"Machine: {env['machine']}, {env['cores']} cores; torch {torch.__version__}, {work.threads} thread.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m perf.kinds", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    work = Work(threads=1)
    text = "\n".join(lines(series(work, arguments.rounds, arguments.steps), work)) + "\n"
    TABLE.write_text(text)
    print(text, f"table: {TABLE}")


if __name__ == "__main__":
    main()

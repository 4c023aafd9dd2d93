"""Evaluate a model on fixed examples: a subsample at every point, the full splits at the end of an epoch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from harness.base import seeds
from harness.data.indexed_dataset import IndexedDataset, IndexedSplit
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.evaluation_memory import ensure_room
from harness.engine.row_mapping import RowMapping
from harness.experiment.specs import EvalSpec
from harness.metrics import classification
from harness.metrics.catalog import BUCKETS
from harness.metrics.influence import influences
from harness.results.keys import MetricKey

Floats = npt.NDArray[np.float32]


class Evaluator:
    """From a net and its tables to `<split>/<metric>/<task>` -> value, for training examples too."""

    last_influences: dict[MetricKey, Floats]
    """Of the test examples at the last evaluation, as in `Record`."""

    def __init__(self, dataset: IndexedDataset, mapping: RowMapping, spec: EvalSpec) -> None:
        """Raises:
        UserError: an evaluation does not fit in memory.
        """
        ensure_room(dataset, spec)
        self._batch_size = spec.batch_size
        valid, test = (_capped(dataset.split(part), spec.most) for part in ("valid", "test"))
        pick = seeds.generator(0, "evaluation sample")
        self._sample_M = _subsample(pick, len(valid), spec.sample)
        train = dataset.train.take(_subsample(pick, len(dataset.train), spec.sample))
        sample = valid.take(self._sample_M)
        self._sample = _Part("sample", dataset, sample.ungrouped())
        self._valid = _Part("valid", dataset, valid)
        self._others = [_Part("train", dataset, train.ungrouped())]
        self._mapping, self._test_error = mapping, spec.test_error
        self._examples = {"valid": valid, "train": train, "sample": sample}
        if spec.test:
            self._others.append(_Part("test", dataset, test))
            self._examples["test"] = test
        bucket_N = classification.bucket_of(dataset.rarest_count_N(valid))
        named = {name: np.flatnonzero(bucket_N == b) for b, (name, _) in enumerate(BUCKETS)}
        self._buckets = [
            (index_M, _Part("valid", dataset, valid.take(index_M).ungrouped(), bucket=name))
            for name, index_M in named.items()
            if len(index_M)
        ]

    def __call__(self, net: nn.Module, tables: EmbeddingTables, *, full: bool) -> dict[MetricKey, float]:
        """Metrics of the subsample; with `full` also of valid, its frequency buckets, a train subsample and test."""
        net.eval()
        self.last_influences = {}
        with torch.inference_mode():
            if not full:
                out = self._sample.metrics(self.logits(net, tables, "sample"))
            else:
                logits_NT = self.logits(net, tables, "valid")
                out = self._sample.metrics(logits_NT[self._sample_M]) | self._valid.metrics(logits_NT)
                for index_M, bucket in self._buckets:
                    out |= bucket.metrics(logits_NT[index_M])
                    out[MetricKey(bucket.split, "share", "rows", bucket.bucket)] = len(index_M) / len(logits_NT)
                for part in self._others:
                    logits_NT = self.logits(net, tables, part.split)
                    out |= (found := part.metrics(logits_NT))
                    if part.split == "test" and self._test_error:
                        self.last_influences = part.influences(logits_NT, found)
        net.train()
        return out

    def logits(self, net: nn.Module, tables: EmbeddingTables, name: str) -> Floats:
        """Logits [N, T] of every example, which are read a batch at a time."""
        examples, logits = self._examples[name], []
        for at in range(0, len(examples), self._batch_size):
            rows = self._mapping.rows_of(examples.take(slice(at, at + self._batch_size))).to(tables.device)
            logits.append(net(tables.read(rows.rows_BC, rows.scale_BC), *rows.lengths))
        examples.release()
        return torch.cat(logits).cpu().numpy()


class _Part:
    """Examples to evaluate on, with the labels of each task that are known and count."""

    def __init__(self, name: str, dataset: IndexedDataset, examples: IndexedSplit, bucket: str = "") -> None:
        self.split, self.bucket, self._group_N = name, bucket, examples.group_N
        self._targets: list[tuple[int, str, Any, classification.Target]] = []
        for t, task in enumerate(dataset.tasks):
            counted = examples.counted(t)
            label_N = examples.labels_NT[counted, t]
            if len(label_N):
                truth_N: npt.NDArray[Any] | None = None if examples.truth_NT is None else examples.truth_NT[counted, t]
                group_N = None if examples.group_N is None else examples.group_N[counted]
                weight_N, shift = None if examples.weight_N is None else examples.weight_N[counted], 0.0
                if (kept := dataset.kept.get(task)) is not None:
                    shift, stands_for_N = kept.shift, kept.stands_for(label_N)
                    truth_N = None if truth_N is None else kept.full(truth_N)
                    weight_N = stands_for_N if weight_N is None else weight_N * stands_for_N
                target = classification.Target(label_N, truth_N, group_N, weight_N, shift)
                self._targets.append((t, task, counted, target))

    def metrics(self, logits_NT: Floats) -> dict[MetricKey, float]:
        return {
            MetricKey(self.split, metric, task, self.bucket): value
            for t, task, counted, target in self._targets
            for metric, value in target(logits_NT[counted, t]).items()
        }

    def influences(self, logits_NT: Floats, defined: Iterable[MetricKey]) -> dict[MetricKey, Floats]:
        """Of examples, or of groups where there are any. defined: the metrics that have a value."""
        names: dict[str, list[str]] = {}
        for key in defined:
            names.setdefault(key.task, []).append(key.metric)
        return {
            MetricKey(self.split, metric, task): value.astype(np.float32)
            for t, task, counted, target in self._targets
            for metric, value in influences(
                target, logits_NT[counted, t], names[task], None if self._group_N is None else self._group_N[counted]
            ).items()
        }


def defined(dataset: IndexedDataset, spec: EvalSpec) -> set[MetricKey]:
    """The metrics of valid that have a value, whatever the model is."""
    valid = _capped(dataset.valid, spec.most)
    return set(_Part("valid", dataset, valid).metrics(np.zeros(valid.labels_NT.shape, np.float32)))


def _capped(split: IndexedSplit, most: int | None) -> IndexedSplit:
    """At most so many of its examples, in their order."""
    if most is None or len(split) <= most:
        return split
    return split.take(_subsample(seeds.generator(0, "evaluation most"), len(split), most))


def _subsample(rng: np.random.Generator, size: int, sample: int) -> npt.NDArray[np.int64]:
    return np.sort(rng.choice(size, min(size, sample), replace=False, shuffle=False))

"""Evaluate a model on fixed examples: the subsample at every point, the full splits at the end of an epoch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from harness import metrics, seeds
from harness.corpus import CodedSplit, Corpus
from harness.encode import Encoding
from harness.spec import EvalSpec
from harness.tables import EmbeddingTables

Floats = npt.NDArray[np.float32]


class Evaluator:
    """Turns a net and its tables into `<split>/<metric>/<task>` -> value; training metrics take the same path."""

    def __init__(self, corpus: Corpus, encoding: Encoding, spec: EvalSpec, seed: int) -> None:
        self._tasks, self._encoding, self._spec = corpus.tasks, encoding, spec
        self._valid, self._test = corpus.valid, corpus.test
        pick = seeds.generator(0, "evaluation sample")
        self._sample_M = _subsample(pick, len(corpus.valid), spec.sample)
        self._sample = corpus.valid.take(self._sample_M)
        self._train = corpus.train.take(_subsample(pick, len(corpus.train), spec.sample))
        self._bucket_N = metrics.bucket_of(corpus.rarest_count_N(corpus.valid))

    def __call__(self, net: nn.Module, tables: EmbeddingTables, *, full: bool) -> dict[str, float]:
        """Metrics of the subsample; with `full` also of valid, its frequency buckets, a train subsample and test."""
        net.eval()
        with torch.inference_mode():
            if not full:
                out = self._split("sample", self._sample, self._logits(net, tables, self._sample))
            else:
                logits_NT = self._logits(net, tables, self._valid)
                out = self._split("sample", self._sample, logits_NT[self._sample_M])
                out |= self._split("valid", self._valid, logits_NT)
                out |= self._buckets(logits_NT)
                out |= self._split("train", self._train, self._logits(net, tables, self._train))
                if self._spec.test:
                    out |= self._split("test", self._test, self._logits(net, tables, self._test))
        net.train()
        return out

    def _logits(self, net: nn.Module, tables: EmbeddingTables, split: CodedSplit) -> Floats:
        parts = []
        for at in range(0, len(split), self._spec.batch_size):
            codes = torch.from_numpy(np.array(split.codes_NF[at : at + self._spec.batch_size]))
            parts.append(net(tables.read(self._encoding.rows_BC(codes))))
        return torch.cat(parts).numpy()

    def _split(self, name: str, split: CodedSplit, logits_NT: Floats) -> dict[str, float]:
        out: dict[str, float] = {}
        for t, task in enumerate(self._tasks):
            known = slice(None) if split.observed_NT is None else np.flatnonzero(split.observed_NT[:, t])
            truth_N = None if split.truth_NT is None else split.truth_NT[known, t]
            logit_N, label_N = logits_NT[known, t], split.labels_NT[known, t]
            if len(label_N) == 0:
                continue
            values = metrics.task_metrics(logit_N, label_N, truth_N)
            if split.group_N is not None and name in ("valid", "test"):
                values |= metrics.gauc(logit_N, label_N, split.group_N[known])
            out |= {f"{name}/{metric}/{task}": value for metric, value in values.items()}
        return out

    def _buckets(self, logits_NT: Floats) -> dict[str, float]:
        out: dict[str, float] = {}
        for b, (label, _) in enumerate(metrics.BUCKETS):
            index = np.flatnonzero(self._bucket_N == b)
            if len(index):
                out |= self._split(f"valid@{label}", self._valid.take(index), logits_NT[index])
                out[f"valid@{label}/share/rows"] = len(index) / len(self._bucket_N)
        return out


def _subsample(rng: np.random.Generator, size: int, sample: int) -> npt.NDArray[np.int64]:
    return np.sort(rng.permutation(size)[:sample])

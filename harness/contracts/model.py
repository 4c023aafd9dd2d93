"""Networks that read the embeddings of an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from harness.base.plugin import Plugin

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Positions:
    """Where the ids of one sequence lie among the vectors that a net reads: the oldest first, then the empty places."""

    name: str
    first: int
    longest: int
    target: int | None
    """The vector of the single id that is looked up in the same table, as that of the item in question."""


class Model(Plugin):
    """One architecture per file in `harness/models/`."""

    steady: ClassVar[bool] = False
    """Whether the net does the same operations with every batch and draws no random numbers, so that a GPU may record
    them once and repeat them."""

    def width(self, tasks: int) -> int:
        """D: how wide the rows of the tables are for this model."""
        raise NotImplementedError(f"model '{self.name}' does not define width")

    def network(self, fields: int, tasks: int) -> nn.Module:
        """A module from embedded_NFD to logits_NT. Lists and sequences are pooled: one vector each."""
        raise NotImplementedError(f"model '{self.name}' does not define network")

    def sequence_network(self, fields: int, tasks: int, sequences: Sequence[Positions]) -> nn.Module:
        """A module from embedded_NFD and length_NQ to logits_NT, which reads the ids of Q sequences one by one.

        Empty places are zeros. A model that defines this is asked for it, in the place of `network`, where the data has
        sequences.
        """
        raise NotImplementedError(f"model '{self.name}' does not define sequence_network")

    @classmethod
    def reads_sequences(cls) -> bool:
        """Whether it defines `sequence_network`."""
        return cls.sequence_network is not Model.sequence_network


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers between these widths, a ReLU after each."""
    from torch import nn

    return nn.Sequential(*(layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU(inplace=True))))

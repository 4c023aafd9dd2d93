"""Networks that read the embeddings of an example."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from harness.base.plugin import Plugin

if TYPE_CHECKING:
    from torch import nn


class Model(Plugin):
    """One architecture per file in `harness/models/`."""

    def width(self, tasks: int) -> int:
        """D: how wide the rows of the tables are for this model."""
        raise NotImplementedError(f"model '{self.name}' does not define width")

    def network(self, fields: int, tasks: int) -> nn.Module:
        """A module from embedded_NFD to logits_NT."""
        raise NotImplementedError(f"model '{self.name}' does not define network")


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers between these widths, a ReLU after each."""
    from torch import nn

    return nn.Sequential(*(layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())))

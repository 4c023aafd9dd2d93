"""What of a strategy can be had outside the harness, or why it cannot."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from harness.api import Strategy, TableSpec, UserError, defining
from harness.engine.trainer import table_spec
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import TrainSpec
from harness.export.strategy_source import StrategySource, strategy_source
from harness.plugins.registry import Registry

REASONS = {
    "network": "changes the net, not its tables",
    "dense": "steps the net, which has an optimiser of its own; lower that one's rate",
    "on_lookup": "changes which rows a batch looks up, which no optimiser sees",
    "on_embedded": "changes what the net reads, which no optimiser sees",
    "perturb": "takes the gradient of every batch twice",
    "penalty": "adds to the loss, which no optimiser sees",
}
"""Hook -> why a strategy that defines it is no optimiser or encoder."""
ENCODERS = ("hashing", "binary_code_hashing", "low_frequency_filter")
"""Strategies whose encoder is written out in torch."""


@dataclass(frozen=True)
class Exported:
    """A strategy expression, taken apart."""

    strategies: tuple[Strategy, ...]
    spec: TableSpec
    """How tables are stepped, after all strategies."""
    parts: list[StrategySource]
    """Those of the strategies that do something to rows or between epochs."""
    encoder: Strategy | None
    docs: list[str]
    """What the files of the strategies say of them."""


def exported(text: str, train: TrainSpec, registry: Registry) -> Exported:
    """Take a strategy expression apart.

    Raises:
        UserError: it is not accepted, or a part of it is not one that an optimiser or an encoder can do.
    """
    strategies = strategies_of(parse_strategy(text, registry), registry)
    for strategy in strategies:
        for hook, reason in REASONS.items():
            if defining(hook, [strategy]):
                raise _refused(strategy.name, reason)
    spec = table_spec(train, strategies)
    if spec.optimizer == "adam_dense":
        raise _refused(text, "moves all rows at every step (adam_dense); torch.optim.Adam does, without sparse=True")
    encoders = defining("encoder", strategies)
    for strategy in encoders:
        if strategy.name not in ENCODERS:
            raise _refused(strategy.name, f"has an encoder of its own; accepted: {', '.join(ENCODERS)}")
    if len(encoders) > 1:
        raise _refused(text, "encodes ids more than once; accepted: one encoder")
    sources = [registry.strategies[strategy.name].source for strategy in strategies]
    parts = [strategy_source(strategy, source) for strategy, source in zip(strategies, sources, strict=True)]
    for strategy, part in zip(strategies, parts, strict=True):
        if part is not None and "label_counts" in part.names:
            raise _refused(strategy.name, "asks for the labels of training, which no optimiser sees")
    docs = [ast.get_docstring(ast.parse(source)) or "" for source in sources]
    return Exported(strategies, spec, [p for p in parts if p is not None], encoders[0] if encoders else None, docs)


def _refused(what: str, why: str) -> UserError:
    return UserError(f"strategy '{what}' is not exported: it {why}")

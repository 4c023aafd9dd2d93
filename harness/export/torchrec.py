"""A strategy as settings of FBGEMM's fused optimisers, which TorchRec takes as `fused_params`; or why it is none.

Read of FBGEMM's code: `codegen/genscript/optimizers.py`. What it computes otherwise, however slightly, is refused.
"""

from __future__ import annotations

import re
from typing import Any

from harness.api import TableSpec, UserError
from harness.base.plugin import params
from harness.export.exported import Exported

FUSED = {
    "sgd": "EXACT_SGD", "adagrad": "EXACT_ADAGRAD", "rowwise_adagrad": "EXACT_ROWWISE_ADAGRAD", "adam_by_touch": "ADAM",
}  # fmt: skip
"""Table optimiser -> the EmbOptimType that computes the same."""
BOUNDARY = "fused optimisers do nothing between epochs"
REASONS = {
    "frequency_adaptive_lr": "FBGEMM's counters count steps, not occurrences, against one maximum of all tables, "
    "and its factor has a floor of .1",
    "cowclip": "FBGEMM's CowClip counts a row once per batch, however often it occurs",
    "adaptive_regularization": "FBGEMM has it with row-wise RMSprop alone",
    "reinit": BOUNDARY,
    "return_to_mean": BOUNDARY,
    "freeze_tables": BOUNDARY,
    "prune_by_importance": BOUNDARY,
}
DEFINED = (
    "CounterBasedRegularizationDefinition", "CounterWeightDecayMode", "UserEnabledConfigDefinition", "WeightDecayMode",
)  # fmt: skip
CONFIGS, TRAINING = "fbgemm_gpu.split_embedding_configs", "fbgemm_gpu.split_table_batched_embeddings_ops_training"


def torchrec_settings(what: Exported, text: str) -> str:
    """Lines of Python that set `fused_params`. text: the expression.

    Raises:
        UserError: the fused optimisers do not compute the same.
    """
    spec, settings = what.spec, dict[str, Any]()
    ruled = {part.class_name for part in what.parts}
    for strategy in what.strategies:
        if type(strategy).__name__ in ruled:
            settings |= _rule(strategy.name, params(strategy), spec, text, alone=len(ruled) == 1)
    if spec.decay or spec.absent_decay:
        raise _not(text, "it decays rows that a batch does not touch, and they step those that it does")
    if spec.optimizer not in FUSED:
        raise _not(
            text,
            "FBGEMM's Adam adds eps to the root after its correction, lazy Adam before; accepted: "
            "--table-optimizer adagrad, rowwise_adagrad or sgd, or rowwise_bias_correction",
        )
    return _written(_plain(spec) | settings, what)


def _plain(spec: TableSpec) -> dict[str, Any]:
    settings = {"optimizer": f"EmbOptimType.{FUSED[spec.optimizer]}", "learning_rate": spec.lr}
    if spec.optimizer == "sgd":
        return settings
    if spec.optimizer != "adam_by_touch":
        return settings | {"eps": spec.eps}
    by_row = "UserEnabledConfigDefinition(use_rowwise_bias_correction=True)"
    return settings | {"eps": spec.eps, "beta1": spec.beta1, "beta2": spec.beta2, "extra_optimizer_config": by_row}


def _rule(name: str, knobs: dict[str, Any], spec: TableSpec, text: str, *, alone: bool) -> dict[str, Any]:
    """What a row rule adds to the settings."""
    if name == "l2" and knobs["form"] == "constant" and alone:
        decay = {"weight_decay": knobs["strength"]}
        if spec.optimizer == "rowwise_adagrad":
            mode = "L2" if knobs["coupling"] == "coupled" else "DECOUPLE"
            return decay | {"weight_decay_mode": f"WeightDecayMode.{mode}"}
        if spec.optimizer == "adam_by_touch" and knobs["coupling"] == "decoupled":
            return decay
    if name == "counter_adagrad" and alone:
        values = {
            "counter_weight_decay_mode": "CounterWeightDecayMode.ADAGRADW",
            "counter_halflife": -2,
            "adjustment_ub": knobs["bound"],
        }
        inner = "".join(f"        {key}={value},\n" for key, value in values.items())
        counter = f"CounterBasedRegularizationDefinition(\n{inner}    )"
        return {"weight_decay_mode": "WeightDecayMode.COUNTER", "counter_based_regularization": counter}
    raise _not(text, REASONS.get(name, f"{name} is no rule of theirs with {spec.optimizer} and these knobs"))


def _written(settings: dict[str, Any], what: Exported) -> str:
    lines = "".join(f'    "{name}": {value},\n' for name, value in settings.items())
    imports = [f"from {CONFIGS} import EmbOptimType\n"]
    if named := [name for name in DEFINED if re.search(rf"\b{name}\b", lines)]:
        imports.append(f"from {TRAINING} import (\n" + "".join(f"    {name},\n" for name in named) + ")\n")
    notes = ["# ids are encoded before; --to torch writes the encoder\n"] if what.encoder else []
    if "weight_decay" in settings:
        notes.append("# on a GPU: FBGEMM's code for a CPU leaves weight_decay out (1.8.0)\n")
    if what.spec.optimizer == "adam_by_touch":
        notes.append("# on a GPU: FBGEMM has no Adam for a CPU\n")
    return f"{''.join(imports)}\n{''.join(notes)}fused_params = {{\n{lines}}}\n"


def _not(text: str, why: str) -> UserError:
    return UserError(f"'{text}' is not expressible in TorchRec's fused optimisers, because {why}")

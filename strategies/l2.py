"""L2 on embeddings: the four different things that go by that name, kept apart.

scope: the rows of the batch, or all rows of the table (lazily, as (1 - lr * strength) ** steps).
coupling: added to the gradient, hence scaled by an adaptive optimiser; or decoupled, w -= lr * strength * w.
form: constant, or divided by the id's training count. scope touched, coupled, by_count is the mini-batch aware
regularisation of DIN (Zhou et al. 2018, arXiv 1706.06978, eq. 6; read). constant is what FuxiCTR's embedding
regulariser does, there on all rows (read).
"""

import dataclasses

import torch

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, UserError, tuned


class L2(Strategy):
    name = "l2"
    strength: float = tuned(1e-5, 1e-7, 1e-1, log=True, neutral=0.0)
    """The coefficient of the penalty, or of the decay."""
    scope: str = tuned("touched", choices=("touched", "all"), search=False)
    """Rows of the batch, or all rows of the table."""
    coupling: str = tuned("coupled", choices=("coupled", "decoupled"), search=False)
    """Added to the gradient, or taken off the weight."""
    form: str = tuned("constant", choices=("constant", "by_count"), search=False)
    """The same for all rows, or divided by the training count of the id."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scope == "all" and (self.coupling, self.form) != ("decoupled", "constant"):
            raise UserError(
                f"l2: scope = 'all' with coupling = '{self.coupling}' and form = '{self.form}' would sweep the whole "
                "table at every step; accepted with scope = 'all': coupling = 'decoupled', form = 'constant'"
            )

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, decay=spec.decay + self.strength) if self.scope == "all" else spec

    def on_rows(self, step: RowStep) -> RowStep:
        if self.scope == "all":
            return step
        per_id = step.train_count_K.clamp(min=1) if self.form == "by_count" else torch.ones_like(step.train_count_K)
        strength_K = self.strength / per_id
        if self.coupling == "decoupled":
            return step.add_decay(step.lr * strength_K)
        return step.with_grad(step.grad_KD + strength_K[:, None] * step.weight_KD)

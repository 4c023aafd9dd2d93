"""Shrink a row at every step that does not touch it, the more the longer it has been absent: AdamAR and AdagradAR.

Source: arXiv 2511.06374 (ICLR 2026; algorithm 1 as summarised): at every step, before the optimiser's, every row keeps
1 - min(1, alpha * I), I the steps since the row was last touched. So a row that was absent for j steps has kept the
product of 1 - min(1, alpha * i) over i = 1 to j when it is next read. The decay is not times the learning rate. The
paper's Adam is dense (`table_optimizer = "adam_dense"`), its rows start at 0 (`init_std = 0`).
`touch` is what FBGEMM's rowwise_rmsprop_ar does (code, read): a row shrinks in the steps that touch it alone, times the
learning rate, to a tenth of itself at most.
"""

import dataclasses

from harness.api import DenseSpec, RowStep, Strategy, TableSpec, tuned


class AdaptiveRegularization(Strategy):
    """A row that was not touched since it was drawn is not decayed, or its initial weights would be lost."""

    name = "adaptive_regularization"
    alpha: float = tuned(1e-4, 10**-6.5, 1e-1, log=True, neutral=0.0)
    """Share of a row that the first missed step takes, the second twice as much. Larger batches make fewer steps, and
    it must grow with them."""
    when: str = tuned("every_step", choices=("every_step", "touch"), search=False)
    """Whether absent rows shrink at every step, or rows when they are touched."""

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        if self.when == "touch":
            return spec
        return dataclasses.replace(spec, absent_decay=min(1.0, spec.absent_decay + self.alpha))

    def on_rows(self, step: RowStep) -> RowStep:
        if self.when == "every_step":
            return step
        steps_K = (step.step - step.last_step_K) * (step.last_step_K > 0)
        return step.add_decay((step.lr * self.alpha * steps_K.float()).clamp(max=0.9))

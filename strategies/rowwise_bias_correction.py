"""Adam that corrects the bias of a row's moments by the touches of that row, not by the steps of the run.

Source: FBGEMM's Adam at `use_rowwise_bias_correction` (code read). Lazy Adam's correction is over when a rare id first
occurs: its row then moves .1 / sqrt(.001), 3.2 times, as far as the rate says. Here a first touch moves it by the rate.
"""

import dataclasses

from harness.api import DenseSpec, Strategy, TableSpec


class RowwiseBiasCorrection(Strategy):
    name = "rowwise_bias_correction"
    replaces = ("table_optimizer",)

    def table(self, spec: TableSpec, dense: DenseSpec) -> TableSpec:
        return dataclasses.replace(spec, optimizer="adam_by_touch")

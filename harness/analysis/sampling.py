"""How far means over seeds would be others on another test set, where all seeds are tested on the same rows.

The deviation over such seeds is of initialisations and orders of the training examples alone, and more seeds make the
test set no larger. Its own error is worked out from the influences that runs keep (`harness.metrics.influence`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from harness.analysis.groups import ArmRuns, Group
from harness.base.errors import UserError
from harness.results.influences import influence, influences_file
from harness.results.keys import MetricKey
from harness.results.records import Run

Floats = npt.NDArray[np.float64]
End = tuple[ArmRuns, str | int, int]
"""An arm, an epoch or its place in the runs, and the sign with which the metric there enters a difference."""
PLACES: dict[str, Callable[[Run, int], int]] = {
    "chosen": lambda run, chosen: chosen,
    "first": lambda run, chosen: 1,
    "second": lambda run, chosen: 2,
    "last": lambda run, chosen: len(run.boundaries),
}
"""Place -> epoch, of a run with this chosen one."""


class OtherRows(UserError):
    """What is compared was not tested on the same rows."""


class SamplingErrors:
    """Those of one group in one task and metric.

    epochs: by `id` of the arm, seed -> chosen epoch. kept: whether runs were to keep influences, so that a file that is
    missing is damage.
    """

    def __init__(self, group: Group, epochs: Mapping[int, Mapping[int, int]], key: MetricKey, *, kept: bool) -> None:
        self._epochs, self._name, self._kept = epochs, str(key), kept
        self._shared = group.draws == 1
        self._means: dict[tuple[int, str | int, tuple[int, ...]], Floats | None] = {}

    def of(self, ends: Iterable[End], seeds: Iterable[int]) -> float:
        """The standard error that the mean over these seeds of a signed sum of ends has from the test set.

        0 where each seed has a test set of its own, or it is not known: not every run kept its influences, or all rows
        are of one group.

        Raises:
            OtherRows: the ends were not tested on the same rows.
        """
        drawn = tuple(seeds)
        if not self._shared or not drawn:
            return 0.0
        means = [(arm, sign, self._mean(arm, place, drawn)) for arm, place, sign in ends]
        by_size = {len(mean_G): arm for arm, _, mean_G in means if mean_G is not None}
        if len(by_size) > 1:
            found = [f"{size} ({arm.label}, '{arm.finished[drawn[0]].folder}')" for size, arm in by_size.items()]
            raise OtherRows(
                f"tested on {' and '.join(found)} rows or groups, so that it is not the same data; delete the runs of "
                "the data that are wrong and run their plan again"
            )
        total = sum(sign * mean_G for _, sign, mean_G in means if mean_G is not None)
        error = float(np.linalg.norm(total)) if all(mean_G is not None for *_, mean_G in means) else 0.0
        return error if math.isfinite(error) else 0.0

    def untold(self, arm: ArmRuns) -> bool:
        """Whether the test rows, the same for all seeds, do not tell their error: one alone is positive, or all are of
        one group."""
        seed, run = next(iter(arm.finished.items()), (None, None))
        if not self._shared or run is None or seed is None:
            return False
        found = self._read(run, self._epochs[id(arm)][seed], "last")
        return found is not None and not np.isfinite(found).all()

    def _mean(self, arm: ArmRuns, place: str | int, seeds: tuple[int, ...]) -> Floats | None:
        """Influences at an epoch of an arm, averaged over these seeds; None: not every run kept them."""
        key = (id(arm), place, seeds)
        if key not in self._means:
            found = [self._read(arm.finished[seed], self._epochs[id(arm)][seed], place) for seed in seeds]
            kept = [value_G for value_G in found if value_G is not None]
            self._means[key] = np.mean(kept, axis=0, dtype=np.float64) if len(kept) == len(found) else None
        return self._means[key]

    def _read(self, run: Run, chosen: int, place: str | int) -> npt.NDArray[np.float32] | None:
        """Raises:
        UserError: the file is missing or damaged.
        """
        epoch = place if isinstance(place, int) else PLACES[place](run, chosen)
        if run.folder is None:
            return None
        found = influence(run.folder, epoch, self._name)
        if found is None and self._kept and not (path := influences_file(run.folder, epoch)).exists():
            raise UserError(
                f"'{path}' is missing, without which an interval would be too narrow; delete its folder and run the "
                "plan again"
            )
        return found

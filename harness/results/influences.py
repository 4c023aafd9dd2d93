"""How much each test example moves a metric: a file beside the records of a run, for every epoch that ended."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from harness.base.errors import UserError
from harness.results.records import Influence


def influence(folder: Path, epoch: int, name: str) -> Influence | None:
    """Of each test example or group on `test/<metric>/<task>` at the end of an epoch; None: not kept.

    Raises:
        UserError: the file is not what was once written.
    """
    path = influences_file(folder, epoch)
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            found: Influence | None = arrays.get(name)
            return found
    except (EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' is damaged: {error}; delete its folder and run the plan again") from error


def influences_file(folder: Path, epoch: int) -> Path:
    return folder / f"influences-{epoch}.npz"

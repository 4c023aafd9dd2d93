"""Short titles for studies, whose names are long because they tell every search from all others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from harness.results.keys import ArmId

_NAME = re.compile(r"(?P<plan>[^:]+): (?P<arm>.+) (?P<end>\[[0-9a-f]{8}\].*)")


def titles(names: Sequence[str]) -> dict[str, str]:
    """Name -> its strategy, then data set, network and plan where the studies differ in them.

    What would be alike has the end of its name, too. A name that no search of multiepoch has stays as it is.
    """
    found = {name: match for name in names if (match := _NAME.fullmatch(name)) and match["arm"].count("/") >= 2}
    parts = {name: (ArmId.parse(match["arm"]), match["plan"]) for name, match in found.items()}
    columns = list(zip(*((arm.dataset, arm.model, plan) for arm, plan in parts.values()), strict=True))
    told = [i for i, column in enumerate(columns) if len(set(column)) > 1]
    short = {
        name: ", ".join([arm.name, *((arm.dataset, arm.model, plan)[i] for i in told)])
        for name, (arm, plan) in parts.items()
    }
    count = Counter(short.values())
    whole = {name: title if count[title] == 1 else f"{title} {found[name]['end']}" for name, title in short.items()}
    return {name: whole.get(name, name) for name in names}

"""A verdict with something of everything."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import Mock

from harness.analysis.estimates import estimate
from harness.diagnose import asked
from harness.diagnose.ladder import Ladder, Line
from harness.diagnose.race import Dropped, Race
from harness.diagnose.second_split import SecondSplit
from harness.diagnose.sizing import SIZES
from harness.diagnose.subsample import Sampled
from harness.diagnose.verdict import Audit, State, Verdict
from harness.diagnose.written import as_json
from harness.experiment.plan_file import load_plan


def verdict_json() -> dict[str, Any]:
    """What `verdict.json` holds; a key that is a name of the user's is *."""
    gain = estimate([0.1, 0.2])
    assert gain is not None
    audits, race = (Audit("", "", None, "", ""),), Race(2, (Dropped("none", 2, ""),), {})
    sampled = Sampled("user", 0.5, 1, 2, {"*": (1.0, 1.0)}, (0.1, 0.1), Ladder((Line("", (0.5,), (gain,), 0),)))
    lead = Mock(epochs=(1,), value=lambda quantity: gain, arm=Mock(arm=Mock(chosen={"*": 1})))
    said = State.SAFE, "", {"*": ""}, audits, True, True
    found = Verdict(*said, {"*": Mock(auc=gain)}, lead, race, SecondSplit(), sampled)
    with TemporaryDirectory() as folder:
        path, question = Path(folder) / "plan.json", asked.Question("", "", "", (), "", 1.0, 1)
        asked.write(path, question, SIZES[0], load_plan("smoke"), 1.0)
        asked.end(path, 1)
        return as_json(found, json.loads(path.read_text()))

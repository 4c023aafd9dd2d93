"""The one module that plug-ins import."""

from __future__ import annotations

import subprocess
import sys


def test_the_contracts_are_imported_without_torch() -> None:
    """In a process of its own, as this one has imported torch already."""
    code = "import sys, harness.api, harness.base.seeds; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

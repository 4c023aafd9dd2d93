"""The notebooks run from top to bottom, with processes of their own, and show in the repository what they show.

`DOCS=write python -m pytest tests/python/test_notebooks.py` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import v4

from harness.base.places import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def shown(notebook: Any) -> list[list[list[str]]]:
    """The kinds of what each cell shows; numbers may differ between processors."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[sorted(each.get("data", [each.output_type])) for each in cell.outputs] for cell in cells]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_has_kept(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    kept, run = (v4.reads(path.read_text()) for _ in range(2))  # type: ignore[no-untyped-call]
    NotebookClient(
        run, timeout=300, resources={"metadata": {"path": str(tmp_path)}}, record_timing=False, coalesce_streams=True
    ).execute()
    if os.environ.get("DOCS") == "write":
        run.metadata = kept.metadata
        path.write_text(v4.writes(run) + "\n")  # type: ignore[no-untyped-call]
        return
    assert shown(run) == shown(kept)

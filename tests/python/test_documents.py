"""What docs/index.md and the docstrings show runs as it stands there."""

from __future__ import annotations

import doctest
import linecache
import re
import sys
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from harness.base.places import ROOT
from harness.python import calls, folders, result

PAGE = (ROOT / "docs" / "index.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
MODULES = (calls, folders, result)
"""Whose docstrings have examples."""


def test_the_blocks_of_the_page_run_one_after_the_other(
    inline: Path, log: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the cells of a notebook, on a log of these columns."""
    log.write_parquet("clicks.parquet")
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    for number, block in enumerate(BLOCKS):
        name = f"<block {number}>"
        monkeypatch.setitem(linecache.cache, name, (len(block), None, block.splitlines(keepends=True), name))
        exec(compile(block, name, "exec"), vars(sys.modules["__main__"]))
    assert {path.name for path in inline.iterdir()} >= {"results", "curves.svg"}
    assert "report.html" in {path.name for path in (inline / "results").iterdir()}


def test_the_page_names_every_function_and_method() -> None:
    names = [*("benchmark", "run_plan", "load", "compare"), *(n for n in vars(result.Result) if not n.startswith("_"))]
    assert [name for name in names if f"`{name}" not in PAGE and f".{name}" not in PAGE] == []


def test_the_examples_of_docstrings_are_right(inline: Path) -> None:
    """One after the other: later ones read what the first has trained."""
    runner = doctest.DocTestRunner()
    tests = [test for module in MODULES for test in doctest.DocTestFinder().find(module) if test.examples]
    assert [test.name.rpartition(".")[2] for test in tests] == ["benchmark", "run_plan", "compare", "load", "Result"]
    for test in tests:
        assert runner.run(test).failed == 0, test.name


def test_no_other_module_has_examples() -> None:
    packages = (ROOT / "harness", ROOT / "multiepoch", ROOT / "strategies", ROOT / "datasets")
    files = {file for package in packages for file in package.rglob("*.py") if ">>> " in file.read_text("utf-8")}
    assert files == {Path(str(module.__file__)) for module in MODULES}

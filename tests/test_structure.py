"""Who may import whom, read from the source of every module: also imports inside functions and under `if`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def imports_of(source: str, name: str = "") -> set[str]:
    """Dotted names of everything that a source imports; `from a import b` counts as both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source, name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            assert node.module
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


ENGINE = {
    module_name(path): imports_of(path.read_text(), str(path)) for path in sorted((ROOT / "harness").rglob("*.py"))
}
PLUGINS = [p for folder in ("strategies", "datasets", "harness/models") for p in sorted((ROOT / folder).glob("*.py"))]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def ours(imported: set[str]) -> set[str]:
    """The modules of the engine among imported names; not a package of which only a module is imported."""
    modules = {name for name in imported if name in ENGINE}
    return {m for m in modules if m != "harness" and not any(within(other, m) for other in modules - {m})}


def reachable(module: str) -> set[str]:
    """The modules of the engine that importing one brings along, itself included."""
    found, todo = set(), {module}
    while todo:
        found |= todo
        todo = set().union(*(ours(ENGINE[m]) for m in todo)) - found
    return found


def importers(package: str) -> set[str]:
    return {m for m, imported in ENGINE.items() if any(within(i, package) for i in imported)}


def test_the_reader_of_imports_misses_none() -> None:
    source = """
import a.b as c, d
from e import f
def g():
    from harness.cli import main
if TYPE_CHECKING:
    import h.i
"""
    assert imports_of(source) == {"a.b", "d", "e", "e.f", "harness.cli", "harness.cli.main", "h.i"}
    assert {"harness.seeds", "harness.encode", "harness.tables"} <= ours(ENGINE["harness.train"])
    assert "harness.plugin" in reachable("harness.train") - ours(ENGINE["harness.train"])
    assert {"harness.spec", "harness.train"} <= importers("torch")


def test_api_imports_only_plugin_and_plugin_nothing_of_ours() -> None:
    assert ours(ENGINE["harness.api"]) == {"harness.plugin"}
    assert ours(ENGINE["harness.plugin"]) == set()


@pytest.mark.parametrize("path", PLUGINS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_plugins_import_only_the_api_of_ours(path: Path) -> None:
    """Data sets may also use the engine's tools for tables, whose changes are ENGINE's like those of the engine, and
    for synthetic rows, whose source is part of the key of the data they make."""
    imported = {name for name in imports_of(path.read_text(), str(path)) if within(name, "harness")}
    tools = ("harness.columns", "harness.table_schema", "harness.synthetic") if path.parent.name == "datasets" else ()
    assert {n for n in imported if not any(within(n, a) for a in ("harness.api", "harness.plugin", *tools))} == set()


def test_training_reaches_neither_tracking_nor_search_nor_report_nor_command_line() -> None:
    above = ("harness.track", "harness.tune", "harness.report", "harness.cli", "harness.launch")
    assert not [m for m in reachable("harness.train") if any(within(m, a) for a in above)]


def test_the_report_reads_records_and_never_torch() -> None:
    allowed = (
        "harness.outcome",
        "harness.records",
        "harness.metrics",
        "harness.plugin",
        "harness.select",
        "harness.report",
    )
    mine = {m for m in ENGINE if within(m, "harness.report")}
    assert mine
    for module in set().union(*(reachable(m) for m in mine)):
        assert any(within(module, a) for a in allowed), module
        assert not any(within(i, "torch") for i in ENGINE[module]), module


@pytest.mark.parametrize(("package", "owner"), [("mlflow", "harness.track"), ("optuna", "harness.tune")])
def test_only_its_own_module_imports_a_service(package: str, owner: str) -> None:
    assert importers(package)
    assert [m for m in importers(package) if not within(m, owner)] == []


def test_nothing_imports_the_command_line() -> None:
    assert "harness.cli" in ENGINE
    assert importers("harness.cli") == set()


def test_modules_do_not_import_each_other_in_circles() -> None:
    circles = {m for m in ENGINE for i in ours(ENGINE[m]) if m in reachable(i)}
    assert circles == set()


def test_plugin_folders_are_no_packages() -> None:
    """A top-level package called `datasets` would shadow another library's."""
    for folder in ("datasets", "strategies"):
        assert (ROOT / folder).is_dir()
        assert not (ROOT / folder / "__init__.py").exists()


def test_modules_that_compile_with_a_cache_depend_on_no_other() -> None:
    """The compiler keeps machine code by the file it is in, and would not notice a change elsewhere."""
    compiled = [m for m, imported in ENGINE.items() if "numba.njit" in imported]
    assert "harness.synthetic.kernel" in compiled
    assert [m for m in compiled if ours(ENGINE[m])] == []

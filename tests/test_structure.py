"""The rooms of the house: which folder may import which, read from the source of every module.

Imports inside functions and under `if` count too. `LAYERS` is the whole rule: what is not in it is not allowed.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {
    "base": "",
    "contracts": "base",
    "api": "base contracts",
    "models": "api",
    "plugins": "api base",
    "results": "base",
    "metrics": "results",
    "experiment": "api base metrics plugins",
    "figures": "metrics results",
    "data": "api base experiment plugins results",
    "engine": "api base data experiment metrics results",
    "export": "api base engine experiment plugins",
    "search": "base experiment figures metrics plugins results",
    "analysis": "base experiment metrics results",
    "report": "analysis base figures metrics results",
    "tracking": "analysis base experiment figures metrics results search",
    "execution": "analysis api base data engine experiment metrics plugins results search tracking",
    "testing": "api base data engine experiment plugins results",
    "facts": "analysis base execution experiment figures metrics plugins report results",
    "diagnose": "analysis api base data engine experiment metrics plugins report results search",
    "submission": "analysis api base data execution experiment plugins report results search",
    "commands": "analysis api base data diagnose engine execution experiment export facts metrics plugins report "
    "results search submission testing tracking",
    "python": "analysis api base commands data diagnose execution experiment figures metrics plugins report results "
    "tracking",
    "cli": "base commands",
}
"""Folder (or module) of `harness/` -> those that it may import beside itself."""
OWNERS = {
    "mlflow": "harness.tracking.mlflow",
    "optuna": "harness.search",
    "ray": "harness.execution.launchers.ray_cluster",
    "submitit": "harness.execution.launchers.slurm_jobs",
    "multiprocessing": "harness.execution",
    "typer": "harness.commands.application",
}
"""Package -> the one room that imports it."""


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


MODULES = {module_name(path): path for path in sorted((ROOT / "harness").rglob("*.py"))}
PLUGINS = [p for folder in ("strategies", "datasets", "harness/models") for p in sorted((ROOT / folder).glob("*.py"))]


@cache
def imports(module: str) -> set[str]:
    """What a module of the harness imports; read here, not where tests are collected, which every worker does."""
    return imports_of(MODULES[module].read_text(), str(MODULES[module]))


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def ours(imported: set[str]) -> set[str]:
    """The modules of the harness among imported names; not a package of which only a module is imported."""
    modules = {name for name in imported if name in MODULES}
    return {m for m in modules if m != "harness" and not any(within(other, m) for other in modules - {m})}


def reachable(module: str) -> set[str]:
    """The modules of the harness that importing one brings along, itself included."""
    found, todo = set(), {module}
    while todo:
        found |= todo
        todo = set().union(*(ours(imports(m)) for m in todo)) - found
    return found


def room(module: str) -> str:
    return module.split(".")[1]


def importers(package: str) -> set[str]:
    return {m for m in MODULES if any(within(i, package) for i in imports(m))}


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
    assert {"harness.base.seeds", "harness.engine.row_mapping"} <= ours(imports("harness.engine.trainer"))
    assert "harness.base.plugin" in reachable("harness.engine.trainer") - ours(imports("harness.engine.trainer"))


def test_harness_holds_the_command_line_the_api_and_rooms() -> None:
    assert {p.name for p in (ROOT / "harness").glob("*.py")} == {"__init__.py", "cli.py", "api.py"}
    assert {room(m) for m in MODULES if m != "harness"} == LAYERS.keys()


def test_the_package_of_python_hands_on_its_room_and_the_api() -> None:
    """Nothing lies above it but the code of users."""
    handed = ours(imports_of((ROOT / "multiepoch" / "__init__.py").read_text()))
    assert {room(module) for module in handed} == {"python", "api"}
    assert not importers("multiepoch")


@pytest.mark.parametrize("name", LAYERS)
def test_a_room_imports_only_what_lies_below_it(name: str) -> None:
    allowed = {name, *LAYERS[name].split()}
    found = {(m, i) for m in MODULES if m != "harness" and room(m) == name for i in ours(imports(m))}
    assert {(m, i) for m, i in found if room(i) not in allowed} == set()


def test_layers_say_no_more_than_is_so() -> None:
    """A permission that no import needs is taken back."""
    used = {(room(m), room(i)) for m in MODULES if m != "harness" for i in ours(imports(m))}
    unused = {(name, below) for name, text in LAYERS.items() for below in text.split() if (name, below) not in used}
    assert unused == set()


def test_layers_have_no_circle() -> None:
    floors: dict[str, int] = {}
    while len(floors) < len(LAYERS):
        ready = [n for n, below in LAYERS.items() if n not in floors and all(b in floors for b in below.split())]
        assert ready, f"a circle among {LAYERS.keys() - floors.keys()}"
        floors |= {n: 1 + max((floors[b] for b in LAYERS[n].split()), default=0) for n in ready}


def test_modules_do_not_import_each_other_in_circles() -> None:
    assert {m for m in MODULES for i in ours(imports(m)) if m in reachable(i)} == set()


@pytest.mark.parametrize("path", PLUGINS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_plugins_import_only_the_api_of_ours(path: Path) -> None:
    """Data sets may also use the tools for tables, whose changes are ENGINE's like those of the engine, and for
    synthetic rows, whose meaning is part of the key of the data they make."""
    imported = {name for name in imports_of(path.read_text(), str(path)) if within(name, "harness")}
    tools = ("harness.data.tabular", "harness.data.synthetic") if path.parent.name == "datasets" else ()
    assert {n for n in imported if not any(within(n, a) for a in ("harness.api", *tools))} == set()


@pytest.mark.parametrize(("package", "owner"), OWNERS.items())
def test_only_its_own_room_imports_a_service(package: str, owner: str) -> None:
    assert importers(package)
    assert [m for m in importers(package) if not within(m, owner)] == []


@pytest.mark.parametrize(
    ("implementation", "user"),
    [
        ("harness.tracking.mlflow", "harness.tracking.factory"),
        ("harness.execution.launchers.local_pool", "harness.execution.launchers.choice"),
        ("harness.execution.launchers.ray_cluster", "harness.execution.launchers.choice"),
        ("harness.execution.launchers.slurm", "harness.execution.launchers.choice"),
    ],
)
def test_only_one_module_names_an_implementation(implementation: str, user: str) -> None:
    """Everything else knows the protocol: Tracker, Launcher."""
    assert {m for m in importers(implementation) if not within(m, implementation)} == {user}


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, "harness.report") or within(m, "harness.figures")])
def test_the_report_never_imports_torch(module: str) -> None:
    assert not [m for m in reachable(module) if any(within(i, "torch") for i in imports(m))]


def test_the_report_draws_without_matplotlib() -> None:
    """Its import and its drawing took half of a report's time."""
    assert not reachable("harness.report.write") & importers("matplotlib")


def test_plugin_folders_are_no_packages() -> None:
    """A top-level package called `datasets` would shadow another library's."""
    for folder in ("datasets", "strategies"):
        assert (ROOT / folder).is_dir()
        assert not (ROOT / folder / "__init__.py").exists()


def test_modules_that_compile_with_a_cache_depend_on_no_other() -> None:
    """The compiler keeps machine code by the file it is in, and would not notice a change elsewhere.

    Prefetching changes no number, whenever it is compiled.
    """
    compiled = [m for m in MODULES if "numba.njit" in imports(m)]
    assert "harness.data.synthetic.kernel" in compiled
    assert [m for m in compiled if ours(imports(m)) - {"harness.engine.prefetch"}] == []

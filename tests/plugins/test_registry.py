"""Plug-ins are found by what their files declare, loaded when they are needed, and keyed by what they mean."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engine import strategy_of

from harness.api import Strategy
from harness.base.errors import UserError
from harness.base.plugin import described
from harness.plugins.files import meaning_of, meanings
from harness.plugins.registry import Entry, Registry

STRATEGY = '''"""Shrink rows. And more."""

from harness.api import RowStep, Strategy, tuned
from ._shared import SHARE

LIMIT = 10**3


class Shrink(Strategy):
    """share: of each row's weight."""

    name = "shrink"
    share: float = tuned(SHARE_DEFAULT, 0.0, 1.0)
    steps: int = tuned(1, 1, LIMIT, search=False)

    def on_rows(self, step: RowStep) -> RowStep:
        return step.add_decay(SHARE * step.seen_K)
'''.replace("SHARE_DEFAULT", "0.1")
HELPER = "SHARE = 0.5\n"
TWICE = '''"""Twice. And more."""

from harness.api import Strategy, tuned
from .shrink import LIMIT


class Twice(Strategy):
    name = "twice"
    most: int = tuned(LIMIT, 1, 10**6)
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "shrink.py").write_text(STRATEGY)
    (tmp_path / "_shared.py").write_text(HELPER)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_what_a_file_declares_is_what_its_class_has(registry: Registry) -> None:
    for entries in (registry.strategies, registry.datasets, registry.models):
        for name, entry in entries.items():
            assert entry.declaration.name == entry.cls.name == name
            assert entry.declaration.knobs == described(entry.cls)
            assert entry.declaration.summary


def test_a_list_of_plugins_loads_none() -> None:
    code = "import sys; from harness.plugins.registry import Registry; r = Registry(); "
    code += "[e.declaration for k in (r.strategies, r.datasets, r.models) for e in k.values()]; "
    code += "print([m for m in ('torch', 'numba', 'polars', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("annotated", ["", ": ClassVar[tuple[str, ...]]"])
def test_what_a_strategy_replaces_is_declared_with_an_annotation_too(tmp_path: Path, annotated: str) -> None:
    source = f'    name = "shrink"\n    replaces{annotated} = ("table_lr",)\n'
    (tmp_path / "shrink.py").write_text(
        STRATEGY.replace('    name = "shrink"\n', source).replace(
            "from ._shared", "from typing import ClassVar\nSHARE = 0.5 #"
        )
    )
    entry = Registry(tmp_path).strategies["shrink"]
    assert entry.declaration.replaces == entry.cls.replaces == ("table_lr",)


def test_what_the_source_does_not_tell_is_asked_of_the_class(tmp_path: Path) -> None:
    source = STRATEGY.replace("LIMIT = 10**3", "LIMIT = sum(map(int, '55'))").replace("from ._shared", "SHARE = 0.5 #")
    (tmp_path / "shrink.py").write_text(source)
    knobs = Registry(tmp_path).strategies["shrink"].declaration.knobs
    assert knobs["steps"][1].high == 10


def test_helper_files_beside_plugins_are_imported_and_are_no_plugins(mine: Path) -> None:
    registry = Registry(mine)
    assert registry.strategies["shrink"].declaration.summary == "Shrink rows. And more."
    assert strategy_of(registry, "shrink").share == 0.1  # type: ignore[attr-defined]


def test_folders_of_plugins_keep_their_helpers_apart(mine: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "shrink.py").write_text(STRATEGY)
    (other / "_shared.py").write_text("SHARE = 0.25\n")
    found = [sys.modules[Registry(folder).strategies["shrink"].cls.__module__].SHARE for folder in (mine, other)]
    assert found == [0.5, 0.25]


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("shrink.py", "Shrink rows.", "Make rows smaller.", True),
        ("shrink.py", "share: of each row's weight.", "the share", True),
        ("shrink.py", "LIMIT = 10**3", "LIMIT = 10**3  # steps\n\n", True),
        ("shrink.py", "0.1, 0.0", "0.2, 0.0", False),
        ("shrink.py", "SHARE * step.seen_K", "SHARE * step.batch_count_K", False),
        ("_shared.py", "SHARE = 0.5", "# half\nSHARE = 0.5", True),
        ("_shared.py", "SHARE = 0.5", "SHARE = 0.6", False),
    ],
)
def test_a_key_follows_what_a_plugin_means(mine: Path, file: str, old: str, new: str, same: bool) -> None:
    before = meaning_of(mine / "shrink.py")
    edit(mine / file, old, new)
    assert (meaning_of(mine / "shrink.py") == before) is same


def test_a_plugin_that_was_edited_is_run_anew(mine: Path) -> None:
    def cls() -> type[Strategy]:
        return Registry(mine).strategies["shrink"].cls

    first = cls()
    assert cls() is first
    edit(mine / "shrink.py", "0.1, 0.0", "0.2, 0.0")
    assert described(cls())["share"][0] == 0.2
    edit(mine / "_shared.py", "0.5", "0.6")
    assert sys.modules[cls().__module__].SHARE == 0.6
    (mine / "twice.py").write_text(TWICE)
    edit(mine / "shrink.py", "10**3", "10**4")
    assert described(Registry(mine).strategies["twice"].cls)["most"][0] == 10_000
    edit(mine / "shrink.py", "10**4", "10**5")
    assert described(Registry(mine).strategies["twice"].cls)["most"][0] == 100_000
    assert described(first)["share"][0] == 0.1


@pytest.mark.parametrize("file", ["shrink.py", "_shared.py"])
def test_bytecode_of_another_file_of_the_same_size_and_date_is_not_run(mine: Path, file: str) -> None:
    py_compile.compile(str(mine / file))
    date = (mine / file).stat().st_mtime_ns
    edit(mine / file, "0.1, 0.0" if file == "shrink.py" else "0.5", "0.2, 0.0" if file == "shrink.py" else "0.6")
    os.utime(mine / file, ns=(date, date))
    cls = Registry(mine).strategies["shrink"].cls
    assert (described(cls)["share"][0], sys.modules[cls.__module__].SHARE) in ((0.2, 0.5), (0.1, 0.6))


@pytest.mark.parametrize(
    "also",
    ["LIMIT = 7", "LIMIT += 7", "if True:\n    LIMIT = 7", "for LIMIT in (7, 8):\n    pass", "(LIMIT, _) = (7, 0)"],
)
def test_a_name_that_is_given_two_values_has_the_one_that_the_class_has(mine: Path, also: str) -> None:
    edit(mine / "shrink.py", "LIMIT = 10**3", f"LIMIT = 10**3\n{also}")
    entry = Registry(mine).strategies["shrink"]
    assert entry.declaration.knobs == described(entry.cls)


def test_a_plugin_may_begin_with_a_byte_order_mark_or_name_its_encoding(mine: Path) -> None:
    before, path = meaning_of(mine / "shrink.py"), mine / "shrink.py"
    text = path.read_text().replace("And more.", "Über alle Zeilen.")
    for head, encoding in (("", "utf-8-sig"), ("# -*- coding: latin-1 -*-\n", "latin-1")):
        path.write_bytes(f"{head}{text}".replace("\n", "\r\n").encode(encoding))
        entry = Registry(mine).strategies["shrink"]
        assert (entry.meaning, entry.declaration.summary) == (before, "Shrink rows. Über alle Zeilen.")


@pytest.mark.parametrize("names", ['["no.such"]', "[5]", "5", '["no_such"]', '"no_such"'])
def test_modules_that_cannot_be_its_own_are_one_line(mine: Path, names: str) -> None:
    edit(mine / "shrink.py", "LIMIT =", f"MODULES = {names}\nLIMIT =")
    with pytest.raises(UserError, match=r"plug-in .*shrink\.py cannot be read: .*MODULES"):
        meaning_of(mine / "shrink.py")


def test_a_helper_that_is_not_there_is_one_line(mine: Path) -> None:
    (mine / "_shared.py").unlink()
    with pytest.raises(UserError, match=r"plug-in .*shrink\.py cannot be read: FileNotFoundError"):
        meaning_of(mine / "shrink.py")


PACKAGE = {
    "plugs/shrink.py": STRATEGY.replace("from ._shared import SHARE", "IMPORTED"),
    "plugs/__init__.py": "",
    "__init__.py": "from .scale import SCALE\n",
    "scale.py": "SCALE = 1\n",
    "rules.py": "from .parts.share import HALF as SHARE\n",
    "parts/share.py": "from ..scale import SCALE\nfrom .half import HALF\n",  # parts has no __init__.py
    "parts/half.py": "def _late():\n    import their_package.late\nHALF = 0.5\n",
    "late.py": "LATE = 1\n",
    "other.py": "OTHER = 1\n",
}


@pytest.fixture(params=["their_package", "theirs/their_package"])
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package, and one in a namespace of several."""
    folder = tmp_path / "site" / request.param
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("their_package", request.param.replace("/", ".")))
    (folder.parent / "neighbour.py").write_text("FAR = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield folder
    for name in [name for name in sys.modules if name.startswith("their")]:
        del sys.modules[name]


def _import(package: Path, line: str) -> Path:
    """Put an import of the package, called `their_package` there, into its plug-in."""
    name = ".".join(package.relative_to(next(p for p in package.parents if p.name == "site")).parts)
    file = package / "plugs" / "shrink.py"
    file.write_text(PACKAGE["plugs/shrink.py"].replace("IMPORTED", line.replace("their_package", name)))
    return file


def _around(package: Path) -> Path:
    """The outermost package, as an entry point tells it: of a namespace, that."""
    return package if package.parent.name == "site" else package.parent


@pytest.mark.parametrize(
    "line",
    [
        "from their_package.rules import SHARE",
        "from their_package import rules; SHARE = rules.SHARE",
        "import their_package.rules as rules; SHARE = rules.SHARE",
        "def _late():\n    from their_package import rules\nSHARE = .5",
    ],
)
def test_a_key_follows_the_modules_of_its_package_that_a_plugin_imports(package: Path, line: str) -> None:
    plugin = _import(package, line)
    entry: Entry[Strategy] = Entry("Strategy", plugin, _around(package))
    assert entry.cls.name == "shrink"  # such an import works
    for name in ("__init__.py", "scale.py", "rules.py", "parts/share.py", "parts/half.py", "late.py"):
        before, file = meaning_of(plugin, _around(package)), package / name
        file.write_text(f"# said anew\n{file.read_text()}")
        assert meaning_of(plugin, _around(package)) == before
        file.write_text(f"{file.read_text()}NEW = 1\n")
        assert meaning_of(plugin, _around(package)) != before, name


def test_what_a_plugin_does_not_import_and_other_packages_leave_its_key(package: Path, tmp_path: Path) -> None:
    alone, using = (_import(package, line) for line in ("SHARE = .5", "from their_package.rules import SHARE"))
    before = meaning_of(using, _around(package))
    (package / "other.py").write_text("OTHER = 2\n")
    assert meaning_of(using, _around(package)) == before
    plugin = _import(package, "import neighbour, harness.api, torch; SHARE = .5")
    assert list(meanings(plugin, _around(package))) == [plugin] == [alone]


def test_a_package_has_one_meaning_wherever_it_is_installed(package: Path, tmp_path: Path) -> None:
    plugin = _import(package, "from their_package.rules import SHARE")
    shutil.copytree(tmp_path / "site", tmp_path / "elsewhere" / "site")
    other, around = (tmp_path / "elsewhere" / path.relative_to(tmp_path) for path in (plugin, _around(package)))
    assert meaning_of(other, around) == meaning_of(plugin, _around(package))
    assert len(meanings(other, around)) >= 7
    assert all(tmp_path / "elsewhere" in file.parents for file in meanings(other, around))


@pytest.mark.parametrize("package", ["their_package"], indirect=True)
@pytest.mark.parametrize("stray", [False, True])
def test_a_repository_may_be_called_like_the_package_in_it(package: Path, tmp_path: Path, stray: bool) -> None:
    """Around the package no file counts, whatever folder it lies in, with a stray `__init__.py` too."""
    plugin, found = _import(package, "from their_package.rules import SHARE").relative_to(package), []
    for name in ("their_package", "clone"):
        repository = tmp_path / "usual" / name
        shutil.copytree(package, repository / "their_package")
        for file in ("rules.py", "late.py", *(["__init__.py"] if stray else [])):
            (repository / file).write_text("def broken(:")
        found.append(meaning_of(repository / "their_package" / plugin))
        assert len(meanings(repository / "their_package" / plugin)) >= 7
    assert found[0] == found[1]


def test_a_folder_that_is_no_package_is_nobodys(tmp_path: Path) -> None:
    plugin = tmp_path / "numpy" / "strategies" / "shrink.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(STRATEGY.replace("from ._shared import SHARE", "from numpy.random import Generator; SHARE = .5"))
    (tmp_path / "numpy" / "random.py").write_text("def broken(:")
    assert list(meanings(plugin)) == [plugin]


def test_an_outer_package_counts_where_the_inner_of_its_name_has_no_such_module(tmp_path: Path) -> None:
    for name in ("a/__init__.py", "a/rules.py", "a/a/__init__.py", "a/a/shrink.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("from a.rules import SHARE\n" if "shrink" in name else "")
    found = [tmp_path / "a" / name for name in ("a/shrink.py", "__init__.py", "rules.py")]
    assert sorted(meanings(found[0])) == sorted(found)


def test_an_import_from_above_is_one_line(package: Path) -> None:
    plugin = _import(package, "from ..rules import SHARE")
    entry: Entry[Strategy] = Entry("Strategy", plugin)
    with pytest.raises(UserError, match=r"plug-in .*shrink\.py cannot be loaded: ModuleNotFoundError"):
        _ = entry.cls


def test_a_link_to_a_plugin_means_what_the_file_does(mine: Path, tmp_path: Path) -> None:
    link = tmp_path / "links" / "shrink.py"
    link.parent.mkdir()
    link.symlink_to(mine / "shrink.py")
    assert meaning_of(link) == meaning_of(mine / "shrink.py")


def test_an_entry_point_tells_the_package_of_a_namespace(package: Path, tmp_path: Path) -> None:
    plugin = _import(package, "from their_package.rules import SHARE")
    module = ".".join(plugin.relative_to(tmp_path / "site").with_suffix("").parts)
    about = tmp_path / "site" / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[multiepoch.strategies]\nshrink = {module}\n")
    entry = Registry().strategies["shrink"]
    assert (entry.path, entry.package) == (plugin, _around(package))
    assert entry.meaning == meaning_of(plugin, _around(package))
    assert package / "rules.py" in meanings(entry.path, entry.package)


def test_plugins_of_installed_packages_are_found_by_entry_point(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    package, about = site / "their_package", site / "their_package-1.0.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    (package / "__init__.py").touch()
    for name in ("shrink.py", "_shared.py"):
        (package / name).write_text((mine / name).read_text())
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[multiepoch.strategies]\nshrink = their_package.shrink\n")
    monkeypatch.syspath_prepend(str(site))
    entry = Registry().strategies["shrink"]
    assert entry.path == package / "shrink.py"
    assert entry.cls.name == "shrink"
    (about / "entry_points.txt").write_text("[multiepoch.models]\nshrink = their_package.gone\n")
    with pytest.raises(UserError, match=r"entry point 'shrink' of multiepoch\.models: there is no module"):
        Registry()

"""A class from a notebook as a plug-in file: it has what it uses, means what it meant, or is refused."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.api import UserError
from harness.plugins.registry import Registry
from harness.python.strategies import named

CELL = '''
import math
import multiepoch as me
from typing import ClassVar, Literal
from multiepoch import tuned

MOST = 3
rows = [object()]
Kind = Literal["a"]

def capped(x):
    return min(x, limit())

def limit():
    """Of capped."""
    return math.floor(MOST + 0.5)

class Mine(me.Strategy):
    """Rates that are capped."""  # in the class

    name: ClassVar[str] = "mine"
    most: int = tuned(20, 1, 1000, log=True)

    def on_rows(self, step: me.RowStep, kind: Kind = "a") -> me.RowStep:
        rows = capped(self.most)  # a name of its own, not that of the notebook
        return step.scale_lr(rows)
'''


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The namespace of `__main__`, as cells fill it."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    yield vars(module)
    for name in [name for name in linecache.cache if name.startswith("<cell")]:
        del linecache.cache[name]


def cell(text: str, space: dict[str, Any]) -> None:
    """Run a cell as a notebook does, which keeps its lines."""
    name = f"<cell {len(linecache.cache)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), space)


def file_of(folder: Path | None) -> str:
    assert folder is not None
    (path,) = folder.glob("*.py")
    return path.read_text()


def test_a_class_is_written_with_what_it_uses_and_nothing_else(tmp_path: Path, notebook: dict[str, Any]) -> None:
    cell(CELL, notebook)
    names, folder = named(["none", notebook["Mine"], "mine(most=2)+reinit"], tmp_path)
    assert names == ("none", "mine", "mine(most=2)+reinit")
    text = file_of(folder)
    for line in ("import math\n", "harness.api import tuned\n", "harness.api as me\n", "MOST = 3", "# in the class"):
        assert line in text
    assert text.index("def limit") < text.index("def capped") < text.index("class Mine")
    assert "object()" not in text
    entry = Registry(folder).strategies["mine"]
    assert vars(sys.modules[entry.cls.__module__])["capped"](9) == 3
    assert [*entry.declaration.knobs] == ["most"]


def test_the_meaning_of_a_class_holds_what_it_uses_and_no_comment(tmp_path: Path, notebook: dict[str, Any]) -> None:
    meanings = []
    for changed in (CELL, CELL.replace("# in the class", "# elsewhere"), CELL.replace("MOST = 3", "MOST = 4")):
        cell(changed, notebook)
        meanings.append(Registry(named([notebook["Mine"]], tmp_path)[1]).strategies["mine"].meaning)
    assert meanings[0] == meanings[1] != meanings[2]


IMPORTING = (
    CELL.replace("MOST = 3", "import rules")
    .replace("MOST + 0.5", "rules.MOST + 0.5")
    .replace("        rows = capped", "        import late_rules\n        rows = capped")
)
IMPORTED = {
    "rules.py": "from shares.half import HALF\nimport numpy\nMOST = 3\n",
    "shares/__init__.py": "",
    "shares/half.py": "from .whole import WHOLE\nHALF = WHOLE / 2\n",
    "shares/whole.py": "WHOLE = 1\n",
    "shares/other.py": "OTHER = 1\n",
    "late_rules.py": "LATE = 1\n",
}


def test_the_meaning_of_a_class_holds_what_it_imports_of_the_users_wherever_that_lies(
    tmp_path: Path, notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meant(place: str, changed: str = "") -> str:
        folder = tmp_path / place
        for name, text in IMPORTED.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text + ("MORE = 1\n" if name == changed else f"# {place}\n"))
        with monkeypatch.context() as patch:
            patch.syspath_prepend(folder)
            cell(IMPORTING, notebook)
            entry = Registry(named([notebook["Mine"]], tmp_path / "results")[1]).strategies["mine"]
            for name in ("rules", "shares", "shares.half", "shares.whole"):
                del sys.modules[name]
        assert "MODULES = ['late_rules', 'rules', 'shares']" in entry.source
        return entry.meaning

    before = meant("here")
    assert meant("there") == meant("elsewhere", "shares/other.py") == before
    for name in IMPORTED.keys() - {"shares/other.py"}:
        assert meant(name, name) != before, name


def test_the_cell_that_ran_last_is_the_one_that_is_written(tmp_path: Path, notebook: dict[str, Any]) -> None:
    cell(CELL, notebook)
    cell(CELL.replace("scale_lr(rows)", "scale_lr(2 * rows)"), notebook)
    assert "scale_lr(2 * rows)" in file_of(named([notebook["Mine"]], tmp_path)[1])


@pytest.mark.parametrize("value", ["None", "{'b', 'a', 'c'}", "set()"])
def test_a_constant_is_written_alike_in_every_session(tmp_path: Path, notebook: dict[str, Any], value: str) -> None:
    cell(f"LIMIT = {value}\n{MINE}    name = 'mine'\n{HOOK}step if LIMIT else step", notebook)
    text = file_of(named([notebook["Mine"]], tmp_path)[1])
    said = {"{'b', 'a', 'c'}": "{'a', 'b', 'c'}"}.get(value, value)
    assert f"LIMIT = {said}" in text.replace('"', "'")


MINE = "import multiepoch as me\nclass Mine(me.Strategy):\n"
HOOK = "    def on_rows(self, step):\n        return "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mine = 3", "strategies[0] = 3 is not accepted; accepted: a text as 'reinit', or a class that derives from"),
        (MINE + f"{HOOK}step", 'strategies[0]: class Mine has no name; write: name = "mine"'),
        (MINE + f"    name = 'reinit'\n{HOOK}step", "name = 'reinit' is that of the strategy in reinit.py"),
        (
            MINE + "    name = 'mine'\n    def on_row(self, step): ...",
            "unknown hook of class Mine 'on_row'; did",
        ),
        (MINE + "    name = 'mine'", "the source of Mine cannot be had; accepted: a class with a method"),
        (
            f"data = {{1, 2}}\nframe = iter([])\n{MINE}    name = 'mine'\n{HOOK}frame",
            "uses 'frame', of type list_iterator; it",
        ),
        (
            f"def _scale(x):\n    return x\nscale = _scale\n{MINE}    name = 'mine'\n{HOOK}scale(step)",
            "class Mine uses 'scale', which is '_scale' where it is defined; accepted: that name",
        ),
        (
            f"{MINE}    name = 'mine'\n{HOOK}step\nMine = Mine()",
            "an instance of class Mine is not accepted",
        ),
        (
            f"{MINE}    name = 'a'\nA = Mine\nclass Mine(A):\n    name = 'mine'\n{HOOK}1",
            "derives from Mine, a str",
        ),
        (f"{MINE}    name = 'mine'\n    k: int = K\n{HOOK}1".replace("class", "K = 1\nclass") + "\ndel K", "NameError"),
    ],
)
def test_a_class_that_cannot_be_written_is_refused_in_a_line(
    tmp_path: Path, notebook: dict[str, Any], text: str, said: str
) -> None:
    cell(text, notebook)
    with pytest.raises(UserError) as error:
        named([notebook["Mine"]], tmp_path)
    assert said in str(error.value)
    assert [*tmp_path.rglob("*.py")] == []


def test_a_class_of_a_function_is_refused() -> None:
    from harness.api import RowStep, Strategy

    class Inner(Strategy):
        name = "inner"

        def on_rows(self, step: RowStep) -> RowStep:
            return step

    with pytest.raises(UserError, match=r"the source of .*Inner cannot be had"):
        named([Inner], Path("nowhere"))

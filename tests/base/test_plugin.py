"""Plug-ins: configuration declared once and checked with messages that help, files loaded with loud errors."""

from __future__ import annotations

import dataclasses
import math
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.engine import strategy_of

from harness.api import Strategy
from harness.base.errors import UserError, unknown
from harness.base.plugin import Knob, Plugin, create, knobs, params, tuned
from harness.plugins.registry import Entry, Registry, build


class Sample(Plugin):
    """One field of each kind."""

    name = "sample"
    rate: float = tuned(0.5, 0.1, 1.0, neutral=0.0)
    count: int = tuned(3, 1, 10, search=False)
    mode: str = tuned("sum", choices=("sum", "mean"))
    flag: bool = tuned(True, choices=(True, False))
    widths: tuple[int, ...] = tuned((8, 4), search=False)
    plain: float = 2.0
    path: str | None = None


def test_fields_are_keyword_only_frozen_and_have_defaults() -> None:
    sample = create(Sample, {})
    assert params(sample) == {
        "rate": 0.5, "count": 3, "mode": "sum", "flag": True, "widths": (8, 4), "plain": 2.0, "path": None
    }  # fmt: skip
    assert list(knobs(Sample)) == list(params(sample))
    with pytest.raises(TypeError):
        Sample(0.5)  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample.rate = 0.7  # type: ignore[misc]


@given(st.floats())
@example(0.1)
@example(1.0)
@example(0.0)
@example(math.nextafter(0.1, 0))
@example(math.nextafter(1.0, 2))
@example(math.nan)
def test_a_number_is_accepted_exactly_inside_its_range_or_at_neutral(value: float) -> None:
    if 0.1 <= value <= 1.0 or value == 0.0:
        assert create(Sample, {"rate": value}).rate == value
    else:
        with pytest.raises(UserError, match=r"sample: rate = .* is not accepted; accepted: 0.1 to 1, or 0.0"):
            create(Sample, {"rate": value})


ACCEPTED = [{"rate": 1}, {"count": 10}, {"mode": "mean"}, {"widths": [1, 2, 3]}, {"plain": -7.5}, {"path": "x"}]


@pytest.mark.parametrize("values", ACCEPTED)
def test_legal_values_are_taken(values: dict[str, Any]) -> None:
    plugin = create(Sample, values)
    (name, value), *_ = values.items()
    assert getattr(plugin, name) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("knob", "value", "accepted"),
    [
        (Knob(), ("click",), True),
        (Knob(1, 9), (1, 9), True),
        (Knob(1, 9), (1, 10), False),
        (Knob(1, 9), (1.5,), False),
        (Knob(-1, 9), (), True),
    ],
)
def test_a_tuple_is_accepted_number_by_number_where_there_is_a_range(
    knob: Knob, value: tuple[Any, ...], accepted: bool
) -> None:
    assert knob.accepts(value) is accepted


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"rate": "0.5"}, "plan 'p': sample: rate = '0.5' is not of type float"),
    ({"rate": True}, "rate = True is not of type float"),
    ({"rate": None}, "rate = None is not of type float"),
    ({"count": 2.0}, "count = 2.0 is not of type int"),
    ({"count": True}, "count = True is not of type int"),
    ({"count": 0}, "count = 0 is not accepted; accepted: 1 to 10"),
    ({"mode": "max"}, "mode = 'max' is not accepted; accepted: 'sum', 'mean'"),
    ({"widths": 3}, "widths = 3 is not of type tuple"),
    ({"plain": math.nan}, "plain = nan is not accepted"),
    ({"rat": 0.5}, "unknown parameter of sample 'rat'; did you mean 'rate'"),
    ({"zzz": 0.5}, "unknown parameter of sample 'zzz'; accepted: count, flag, mode, path, plain, rate, widths"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_other_values_are_refused_with_value_place_and_what_is_accepted(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        create(Sample, values, "plan 'p'")
    assert str(error.value).startswith("plan 'p': ")
    assert "\n" not in str(error.value)


def test_a_missing_value_is_a_user_error() -> None:
    class Needs(Plugin):
        name = "needs"
        path: str

    with pytest.raises(UserError, match=r"needs: .*'path'"):
        create(Needs, {})


def test_unknown_names_the_nearest() -> None:
    assert str(unknown("strategy", "reinitt", ["none", "reinit"])) == (
        "unknown strategy 'reinitt'; did you mean 'reinit'? accepted: none, reinit"
    )
    assert str(unknown("plan", "x", [])) == "unknown plan 'x'; accepted: nothing"


def test_the_search_sees_ranges_and_choices_and_nothing_switched_off() -> None:
    assert {name for name, knob in knobs(Sample).items() if knob.searchable} == {"rate", "mode", "flag"}
    assert knobs(Sample)["rate"] == Knob(0.1, 1.0, neutral=0.0)


def entries(registry: Registry) -> list[Entry[Any]]:
    return [*registry.strategies.values(), *registry.datasets.values(), *registry.models.values()]


def test_every_plugin_of_the_repository_has_legal_defaults_edges_and_neutral_values(registry: Registry) -> None:
    for entry in entries(registry):
        for name, knob in knobs(entry.cls).items():
            default = next(f.default for f in dataclasses.fields(entry.cls) if f.name == name)
            if default is not dataclasses.MISSING and default is not None:
                assert knob.accepts(default), (entry.cls.name, name)
            assert not knob.log or (knob.low is not None and knob.low > 0), (entry.cls.name, name)
            for edge in (knob.low, knob.high):
                if edge is not None and knob.choices is None:
                    assert knob.accepts(edge)
                    assert type(edge) is type(default) or isinstance(default, float | tuple), (entry.cls.name, name)
            if knob.neutral is not None and isinstance(default, bool | int | float):
                assert type(knob.neutral) is type(default), (entry.cls.name, name)


# --- files ------------------------------------------------------------------------------------------------------------

GOOD = """
from harness.api import Strategy, tuned

class Mine(Strategy):
    name = "mine"
    share: float = tuned(0.1, 0.0, 1.0)

    def penalty(self, embedded_NFD):
        return self._helper(embedded_NFD)

    def _helper(self, embedded_NFD):
        return self.share * embedded_NFD.square().mean()
"""
DATA = """
from harness.api import Dataset

class Mine(Dataset):
    name = "mine"
    version = 1
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def test_a_folder_of_strategies_adds_to_the_repositorys(tmp_path: Path, registry: Registry) -> None:
    extra = Registry(write(tmp_path, {"mine.py": GOOD, "_draft.py": "raise SystemError"}))
    assert set(extra.strategies) == {*registry.strategies, "mine"}
    assert set(extra.datasets) == set(registry.datasets)
    entry = extra.strategies["mine"]
    assert (entry.path, entry.source) == (tmp_path / "mine.py", GOOD)
    assert params(build(extra.strategies, "strategy", "mine", {"share": 0.25})) == {"share": 0.25}
    assert entry.cls.__module__.startswith("harness_plugins.")


def test_a_folder_with_sub_folders_adds_every_kind(tmp_path: Path, registry: Registry) -> None:
    files = {"strategies/mine.py": GOOD, "datasets/mine.py": DATA, "notes.py": "raise SystemError"}
    extra = Registry(write(tmp_path, files))
    assert set(extra.strategies) - set(registry.strategies) == {"mine"}
    assert set(extra.datasets) - set(registry.datasets) == {"mine"}
    assert set(extra.models) == set(registry.models)


BASE = "from harness.api import Strategy\n\nclass Base(Strategy):\n"
OF_BASE = "from ._base import Base\n\nclass Mine(Base):\n    name = 'mine'\n"
BROKEN: list[tuple[dict[str, str], str]] = [
    ({"a.py": GOOD.replace("penalty", "penalti")}, "unknown hook of class Mine 'penalti'; did you mean 'penalty'"),
    (
        {"a.py": GOOD.replace("def penalty", "def on_row")},
        "hook of class Mine 'on_row'; did you mean 'on_rows'",
    ),
    ({"a.py": GOOD.replace('    name = "mine"\n', "")}, 'class Mine has no name; write: name = "a"'),
    ({"a.py": GOOD.replace('"mine"', '"one_epoch"')}, "name = 'one_epoch' is what the baseline is called"),
    *(
        ({"a.py": GOOD.replace("    share: float", f"    odd: {kind} = tuned({tuned})\n    share: float")}, said)
        for kind, tuned, said in (
            (
                "float",
                "0.0, 1e-6, 0.1, log=True, neutral=0.0",
                "odd is searched, and goes from 1e-06 to 0.1, and its def",
            ),
            ("float", "1.0, 0.0, 10.0, log=True", "odd is searched, and begins at 0 on a logarithmic scale"),
            ("float", "float('inf'), 1.0, 100.0, neutral=float('inf')", "its default is inf; accepted: one within"),
            ("float", "1.0, 0.0, float('inf')", "odd is searched, and goes from 0.0 to inf; accepted: two numbers"),
            ("float", "1, 0.5, 10", "goes from 0.5 to 10, and its default is an integer; accepted: 1.0"),
            ("int", "1, 0, 1000, log=True", "begins at 0 on a logarithmic scale; accepted: 1 or more"),
            ("tuple", "(32, 16), choices=((32, 16), (64,))", r"has the choice \(32, 16\); accepted: text, numbers"),
            ("str", "'c', choices=('a', 'b')", "has the default 'c', which is none of its choices"),
            ("tuple", "(3, 4), 1, 9", r"has the default \(3, 4\); accepted: a number, or choices; or search=False"),
        )
    ),
    (
        {"_base.py": f"{BASE}    def on_row(self, step):\n        return step\n", "a.py": OF_BASE},
        "unknown hook of class Mine 'on_row'; did you mean 'on_rows'",
    ),
    ({"a.py": "x = 1"}, "a.py defines 0 Strategy classes; accepted: exactly one"),
    ({"a.py": DATA}, "a.py defines 0 Strategy classes"),
    ({"a.py": GOOD + "class More(Mine):\n    name = 'more'\n"}, "defines 2 Strategy classes"),
    ({"a.py": "def f(:"}, "a.py cannot be loaded: SyntaxError"),
    ({"a.py": "exit(3)"}, "a.py cannot be loaded: SystemExit: 3"),
    ({"a.py": "import no_such_package"}, "cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'"),
    (
        {"a.py": GOOD.replace("share: float", "share")},
        "loaded: TypeError: 'share' is a field but has no type",
    ),
    ({"a.py": GOOD, "b.py": GOOD}, r"'mine' is defined twice: .*a.py and .*b.py"),
    ({"a.py": GOOD.replace('"mine"', '"none"')}, r"'none' is defined twice: .*none.py and .*a.py"),
]


@pytest.mark.parametrize(("files", "message"), BROKEN)
def test_a_broken_plugin_is_refused_when_loaded(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        Registry(write(tmp_path, files))


def test_a_check_of_its_own_does_not_replace_that_of_the_declared_values(tmp_path: Path) -> None:
    check = "    def __post_init__(self) -> None:\n        object.__setattr__(self, 'seen', True)\n"
    extra = Registry(write(tmp_path, {"a.py": GOOD + check}))
    with pytest.raises(UserError, match=r"^plan: mine: share = -7.0 is not accepted; accepted: 0 to 1$"):
        build(extra.strategies, "strategy", "mine", {"share": -7.0}, "plan")
    built = build(extra.strategies, "strategy", "mine", {"share": 1})
    assert (type(params(built)["share"]), vars(built)["seen"]) == (float, True)


def test_a_plugin_whose_own_check_raises_is_refused(tmp_path: Path) -> None:
    check = "    def __post_init__(self) -> None:\n        raise ValueError('share is odd')\n"
    extra = Registry(write(tmp_path, {"a.py": GOOD + check}))
    with pytest.raises(UserError, match=r"^plan: mine: share is odd$"):
        build(extra.strategies, "strategy", "mine", {}, "plan")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--plugins '.*absent' is not a folder"):
        Registry(tmp_path / "absent")


def test_an_unknown_plugin_names_the_nearest(registry: Registry) -> None:
    with pytest.raises(UserError, match="plan 'p': unknown strategy 'reinint'; did you mean 'reinit'"):
        build(registry.strategies, "strategy", "reinint", {}, "plan 'p'")


def test_plugins_shadow_no_top_level_module(registry: Registry) -> None:
    files = {str(entry.path) for entry in entries(registry)}
    loaded = {name for name, module in sys.modules.items() if getattr(module, "__file__", None) in files}
    assert len(loaded) == len(files)
    assert all(name.startswith("harness_plugins.") for name in loaded)


def test_each_strategy_hook_has_a_neutral_default() -> None:
    class Nothing(Strategy):
        name = "nothing"

    nothing, anything = Nothing(), object()
    argument: Any = anything
    results: list[Any] = [nothing.table(argument, argument), nothing.dense(argument, 1), nothing.on_rows(argument)]
    assert all(result is anything for result in results)
    assert nothing.encoder(argument, argument) is None
    assert nothing.penalty(argument) is None


def test_one_value_has_one_spelling(registry: Registry) -> None:
    """A whole number where a float is meant is that float, so that one configuration has one key."""
    reinit = strategy_of(registry, "reinit", every=1)
    assert type(reinit.every) is float  # type: ignore[attr-defined]
    for name, values in (("low_frequency_filter", {"min_count": True}), ("hashing", {"hashes": True})):
        with pytest.raises(UserError, match="True"):
            strategy_of(registry, name, **values)


def test_reinit_counts_in_whole_epochs(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"every = 1\.5 is not accepted"):
        strategy_of(registry, "reinit", every=1.5)

"""Plans, specs and keys: what is refused and how, and what makes two runs the same."""

from __future__ import annotations

import math
import string
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.base.errors import UserError
from harness.base.products import torch_version
from harness.experiment import keys
from harness.experiment.composition import fixed_params
from harness.experiment.instantiate import instances, parse_strategy, plugin_specs
from harness.experiment.keys import data_key, run_key
from harness.experiment.plan_file import load_plan
from harness.experiment.specs import PluginSpec, RunSpec, TrainSpec
from harness.plugins.registry import Registry

PLAN = """
strategies = ["none", "hashing(ratio=0.2)+reinit"]
seeds = [1, 2]
[[dataset]]
name = "powerlaw"
rows = 100_000
checkout = 0.002
add_to_cart = 0.02
click = 0.2
[[model]]
name = "dnn"
hidden = [8]
[train]
epochs = 3
[search]
trials = 2
task = "click"
"""


def load(folder: Path, text: str, *overrides: str) -> None:
    """Everything about a plan that can be checked without building data."""
    path = folder / "my.toml"
    path.write_text(text)
    plugin_specs(load_plan(path, list(overrides)), Registry())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds", "seedz", "unknown key 'seedz'; did you mean 'seeds'?"),
        ("epochs", "epoch", "train: unknown key 'epoch'; did you mean 'epochs'?"),
        ("trials", "trails", "search: unknown key 'trails'; did you mean 'trials'?"),
        ("epochs = 3", "epochs = 0", "train.epochs = 0 is not accepted"),
        ("epochs = 3", 'epochs = "3"', "train.epochs = '3' is not accepted"),
        ('"none"', '"nonne"', "unknown strategy 'nonne'; did you mean 'none'?"),
        ("ratio", "ration", "unknown parameter of hashing 'ration'; did you mean 'ratio'?"),
        ("0.2)", "7.0)", "hashing: ratio = 7.0 is not accepted; accepted: 0.001 to 1"),
        ("ratio=0.2", "ratio=", "cannot be read; accepted: name or name(knob=value, ...), each knob"),
        ("ratio=0.2", "ratio=0.2, ratio=0.3", "strategy 'hashing(ratio=0.2, ratio=0.3)+reinit' cannot be read"),
        ("ratio=0.2", "**{}", "strategy 'hashing(**{})+reinit' cannot be read"),
        ("ratio=0.2", "0.2", "cannot be read"),
        ("+reinit", "+hashing", "names one strategy twice"),
        ('["none",', '["none", "none()",', "strategy 'none()' is 'none' again"),
        ('["none",', '["none", "hashing(ratio=.2) + reinit",', "is 'hashing(ratio=.2) + reinit' again"),
        ('"powerlaw"', '"power_law"', "unknown data set 'power_law'; did you mean 'powerlaw'?"),
        ("rows", "row", "unknown parameter of powerlaw 'row'; did you mean 'rows'?"),
        ("rows = 100_000", "rows = 10", "powerlaw: rows = 10 is not accepted"),
        ("rows = 100_000", "rows = 1e5", "powerlaw: rows = 100000.0 is not of type int"),
        ("click = 0.2", "click = 0.01", "add_to_cart = 0.02 is not below click = 0.01"),
        ('"dnn"', '"dmn"', "unknown model 'dmn'; did you mean 'dnn'?"),
        ("[8]", "[0]", "hidden = [0] is not accepted"),
        ('["none", "hashing(ratio=0.2)+reinit"]', "[]", "strategies = [] is not accepted"),
        ("seeds = [1, 2]", "", "seeds is missing"),
        ("seeds = [1, 2]", "seeds = []", "seeds = [] is not accepted: at least one"),
        ("[1, 2]", "[1, 1]", "seed 1 is listed twice"),
        ("[1, 2]", "[1, 1000001]", "seed 1000001 is among the tuning seeds 1000000 to 1000005"),
        ("[1, 2]", "[1, 1000005]", "seed 1000005 is among the tuning seeds"),  # of the one-epoch baseline alone
        ("[1, 2]", "[1, -2]", "seed -2 is not accepted; accepted: 0 to"),
        ('task = "click"', 'metric = "aucc"', "unknown metric 'aucc'; did you mean 'auc'?"),
        ("epochs = 3", "dense_lr = inf", "train.dense_lr = inf is not accepted: Input should be a finite number"),
        ('task = "click"', "table_lr = [1e-2, 1e-4]", "search.table_lr = [0.01, 0.0001] is not accepted: low and high"),
        ('task = "click"', "table_lr = [0, 1e-4]", "search.table_lr = [0, 0.0001] is not accepted: low and high"),
        ('task = "click"', "table_lr = 1e-4", "search.table_lr = 0.0001 is not accepted: Input should be a valid list"),
        ("seeds = [1, 2]", "seeds = [1, 2", "cannot be read as TOML"),
        (
            "seeds = [1, 2]",
            "repetitions = { most = 9, settel = 0.1 }",
            "repetitions is not accepted: unknown key 'settel'",
        ),
        ("seeds = [1, 2]", "repetitions = { most = 9 }", "repetitions is not accepted: settle is missing"),
        ("seeds = [1, 2]", "repetitions = { least = 1, most = 9, settle = 0.1 }", "least = 1 is not accepted"),
        (
            "seeds = [1, 2]",
            "repetitions = { most = 10_000_000_000, settle = 0.1 }",
            "most = 10000000000 is not accepted",
        ),
        (
            "seeds = [1, 2]",
            "seeds = [1]\nrepetitions = 'drwas'",
            "repetitions = 'drwas' is not accepted: accepted: 'seeds'",
        ),
        ("seeds = [1, 2]", "seeds = [1]\nrepetitions = [3]", "repetitions = [3] is not accepted: accepted: 'seeds'"),
    ],
)
def test_a_bad_plan_is_refused_with_its_value_and_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    load(tmp_path, PLAN)
    assert old in PLAN
    with pytest.raises(UserError) as refusal:
        load(tmp_path, PLAN.replace(old, new, 1))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_plan_may_have_a_byte_order_mark_and_line_ends_of_windows(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(PLAN.replace("\n", "\r\n").encode("utf-8-sig"))
    plan = load_plan(tmp_path / "my.toml")
    (tmp_path / "my.toml").write_text(PLAN)
    assert load_plan(tmp_path / "my.toml") == plan


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.toml' does not exist"):
        load_plan(tmp_path / "no.toml")


def test_overrides_take_dotted_keys_and_toml_values(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(PLAN)
    plan = load_plan(tmp_path / "my.toml", ["train.epochs=7", "seeds=[5]", "dataset.rows=5000", "search.task=checkout"])
    assert plan.train.epochs == 7
    assert plan.seeds == (5,)
    assert plan.datasets[0]["rows"] == 5000
    assert plan.search.task == "checkout"


@pytest.mark.parametrize("override", ["train.epochs", "name.x=1"])
def test_a_bad_override_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError, match="--set"):
        load(tmp_path, 'name = "x"' + PLAN, override)


def test_a_strategy_expression_fills_in_defaults_and_knows_what_it_fixes() -> None:
    parsed = parse_strategy("hashing(ratio=0.2) + reinit(every=inf)", Registry())
    assert [p.name for p in parsed] == ["hashing", "reinit"]
    assert parsed[0].params["ratio"] == 0.2
    assert parsed[0].params["hashes"] == 1
    assert parsed[1].params["every"] == math.inf
    assert fixed_params("hashing(ratio=0.2)+reinit") == {"hashing": {"ratio"}, "reinit": set()}


@given(st.text(alphabet=string.printable, max_size=30))
def test_any_text_is_a_strategy_or_a_one_line_refusal(text: str) -> None:
    with suppress(UserError):
        assert all(part.name in REGISTRY.strategies for part in parse_strategy(text, REGISTRY))


REGISTRY = Registry()


def spec(strategy: str = "hashing", seed: int = 1, **train: object) -> RunSpec:
    return RunSpec(
        dataset=PluginSpec(name="powerlaw", params={}),
        model=PluginSpec(name="dnn", params={"hidden": (8,)}),
        strategy=parse_strategy(strategy, REGISTRY),
        train=TrainSpec.model_validate(train),
        seed=seed,
    )


def test_the_key_changes_with_every_input_and_with_nothing_else() -> None:
    key = run_key(spec(), "data", REGISTRY)
    assert key == run_key(spec("hashing(ratio=0.1)"), "data", REGISTRY), "a default written out is the same run"
    others = [
        run_key(spec(seed=2), "data", REGISTRY),
        run_key(spec(), "other data", REGISTRY),
        run_key(spec("hashing(ratio=0.01)"), "data", REGISTRY),
        run_key(spec("hashing+reinit"), "data", REGISTRY),
        run_key(spec("reinit+hashing"), "data", REGISTRY),
        run_key(spec(batch_size=12), "data", REGISTRY),
        run_key(spec(epochs=12), "data", REGISTRY),
        run_key(spec(precision="bf16"), "data", REGISTRY),
        run_key(spec(seeds_at_once=4), "data", REGISTRY),
    ]
    assert len({key, *others}) == len(others) + 1


def test_runs_whose_products_another_library_computes_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    key = run_key(spec(), "data", REGISTRY)
    monkeypatch.setattr(keys, "torch_version", lambda: f"{torch_version()}, products by oneDNN")
    assert run_key(spec(), "data", REGISTRY) != key


def test_a_setting_that_is_not_chosen_is_written_nowhere() -> None:
    """Runs of before it could be chosen keep their keys."""
    assert not {"precision", "seeds_at_once"} & spec().model_dump()["train"].keys()
    assert RunSpec.model_validate(spec(precision="bf16").model_dump()).train.precision == "bf16"


def test_the_key_changes_with_the_meaning_of_a_plugin(tmp_path: Path) -> None:
    source = '"""Mine."""\nfrom harness.api import Strategy\nclass Mine(Strategy):\n    name = "mine"\n'
    keys = set()
    for i, text in enumerate([source, source + "    # a comment\n", source + "    share: float = 0.5\n"]):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "mine.py").write_text(text)
        registry = Registry(folder)
        mine = spec().model_copy(update={"strategy": parse_strategy("mine", registry)})
        keys.add(run_key(mine, "data", registry))
    assert len(keys) == 2


def test_the_data_key_changes_with_parameters_and_seed() -> None:
    keys = {
        data_key(PluginSpec(name="powerlaw", params=params), seed, REGISTRY)
        for params in ({}, {"rows": 3_000_000})
        for seed in (0, 1)
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("np.zeros(5000)", "ndarray"),
        ("{'a', 'b'}", "set"),
        ("object()", "object"),
        ("lambda: 0", "function"),
        ("Path('a')", ""),
        ("np.float32(0.5)", ""),
        ("date(2024, 5, 1)", ""),
    ],
)
def test_a_fingerprint_is_of_what_is_the_same_in_every_process_and_whole_as_text(
    tmp_path: Path, value: str, said: str
) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mine.py").write_text(
        f"""from datetime import date
from pathlib import Path
import numpy as np
from harness.api import Dataset


class Mine(Dataset):
    name = "mine"
    version = 1

    def fingerprint(self):
        return {{"content": [{value}]}}
"""
    )
    spec, registry = PluginSpec(name="mine"), Registry(tmp_path)
    if not said:
        assert len(data_key(spec, 0, registry)) == 20
        return
    with pytest.raises(UserError, match=f"fingerprint: a value of type {said} is not accepted; accepted: text, num"):
        data_key(spec, 0, registry)


def test_a_spec_survives_json() -> None:
    first = spec("reinit(every=inf)+l2(strength=0.01)")
    again = RunSpec.model_validate_json(first.model_dump_json(), strict=False)
    assert instances(again, REGISTRY)[2] == instances(first, REGISTRY)[2]


def test_a_state_enters_the_key_by_its_content_and_keeping_one_does_not(tmp_path: Path) -> None:
    def key(**train: object) -> str:
        spec = RunSpec(
            dataset=PluginSpec(name="powerlaw"),
            model=PluginSpec(name="dnn"),
            strategy=(PluginSpec(name="none"),),
            train=TrainSpec.model_validate(train),
        )
        return run_key(spec, "data", Registry())

    assert key() == key(keep=True)
    first = key(start={"source": "a", "digest": "1"})
    assert first == key(start={"source": "b", "digest": "1"})
    others = [key(start={"source": "a", "digest": "1", part: False}) for part in ("optimizer", "counts")]
    assert len({key(), first, *others}) == 4

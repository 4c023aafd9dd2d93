"""What is exported and what is refused, by the command line too; and the settings for TorchRec."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.command_line import multiepoch

from harness.api import UserError
from harness.experiment.specs import TrainSpec
from harness.export.exported import exported
from harness.export.folding import folded
from harness.export.torch_module import torch_module
from harness.export.torchrec import torchrec_settings
from harness.plugins.registry import Registry

REGISTRY = Registry()
REFUSED = {
    "embedding_dropout": "changes what the net reads",
    "freeze_dense": "steps the net",
    "posterior_mean": "asks for the labels of training, which no optimiser sees",
    "helen": "takes the gradient of every batch twice",
    "id_dropout": "changes which rows a batch looks up",
    "latent_mixup": "changes what the net reads",
    "mlet": "changes the net",
    "sparse_optimizer(optimizer='adam_dense')": "moves all rows at every step",
    "hashing+low_frequency_filter": "encodes ids more than once",
}


def settings(text: str, optimizer: str = "rowwise_adagrad") -> str:
    train = TrainSpec.model_validate({"table_optimizer": optimizer, "table_lr": 0.05})
    return torchrec_settings(exported(text, train, REGISTRY), text)


def values(text: str, optimizer: str = "rowwise_adagrad") -> dict[str, str]:
    """The settings, each as it is written."""
    (assigned,) = (node for node in ast.parse(settings(text, optimizer)).body if isinstance(node, ast.Assign))
    assert isinstance(assigned.value, ast.Dict)
    keys = [ast.literal_eval(key) for key in assigned.value.keys if key]
    return dict(zip(keys, map(ast.unparse, assigned.value.values), strict=True))


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_optimiser_or_encoder_does_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=REFUSED[text]):
        exported(text, TrainSpec(), REGISTRY)


def test_every_strategy_is_exported_or_refused() -> None:
    refused = {text for text in REFUSED if text in REGISTRY.strategies}
    assert len(REGISTRY.strategies) - len(refused) == 19
    for name in REGISTRY.strategies.keys() - refused:
        exported(name, TrainSpec(), REGISTRY)


def test_a_class_is_exported_with_its_decorators_constants_and_knobs_of_any_type(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('''"""Some rows."""
from functools import lru_cache
from harness.api import Strategy, tuned

class Mine(Strategy):
    name = "mine"
    FLOOR = 0.05
    UNREAD = 1
    share: float = tuned(0.5, 0.0, 1.0)
    rates: dict | None = tuned(None)

    @property
    def _some(self):
        return self.FLOOR < self.share < 1

    @staticmethod
    @lru_cache
    def _factor(rate):
        return rate / 2

    def on_rows(self, step):
        return step.scale_lr(step.lr_scale_K * self._factor(self.rates["user"])) if self._some else step
''')
    (part,) = exported("mine(share=0.01, rates={'user': 0.5})", TrainSpec(), Registry(tmp_path)).parts
    (cls,) = ast.parse(part.text).body
    assert isinstance(cls, ast.ClassDef)
    methods = {
        each.name: [ast.unparse(d) for d in each.decorator_list]
        for each in cls.body
        if isinstance(each, ast.FunctionDef)
    }
    assert methods == {"_some": ["property"], "_factor": ["staticmethod", "lru_cache"], "on_rows": []}
    assigned = [each for each in cls.body if isinstance(each, ast.Assign)]
    told = {ast.unparse(each.targets[0]): ast.literal_eval(each.value) for each in assigned}
    assert told == {"FLOOR": 0.05, "share": 0.01, "rates": {"user": 0.5}}
    assert "from functools import lru_cache" in part.imports


def test_settings_say_what_fused_optimisers_compute() -> None:
    plain = {"optimizer": "EmbOptimType.EXACT_ROWWISE_ADAGRAD", "learning_rate": "0.05", "eps": "1e-08"}
    assert values("none") == plain
    assert values("hashing") == plain
    assert values("none", "sgd") == {"optimizer": "EmbOptimType.EXACT_SGD", "learning_rate": "0.05"}
    assert values("none", "adagrad")["optimizer"] == "EmbOptimType.EXACT_ADAGRAD"
    assert values("sparse_optimizer(lr_ratio=100.0)", "adam") == plain | {"learning_rate": "0.1"}
    decay = {"weight_decay": "0.01", "weight_decay_mode": "WeightDecayMode.L2"}
    assert values("l2(strength=0.01)") == plain | decay
    decoupled = decay | {"weight_decay_mode": "WeightDecayMode.DECOUPLE"}
    assert values("l2(strength=0.01, coupling='decoupled')") == plain | decoupled
    assert values("rowwise_bias_correction+l2(strength=0.01, coupling='decoupled')") == {
        "optimizer": "EmbOptimType.ADAM", "learning_rate": "0.05", "eps": "1e-08", "beta1": "0.9", "beta2": "0.999",
        "extra_optimizer_config": "UserEnabledConfigDefinition(use_rowwise_bias_correction=True)",
        "weight_decay": "0.01",
    }  # fmt: skip
    assert values("counter_adagrad(bound=0.5)", "adam") == plain | {
        "weight_decay_mode": "WeightDecayMode.COUNTER",
        "counter_based_regularization": "CounterBasedRegularizationDefinition(counter_weight_decay_mode="
        "CounterWeightDecayMode.ADAGRADW, counter_halflife=-2, adjustment_ub=0.5)",
    }


@pytest.mark.parametrize(
    ("text", "optimizer", "why"),
    [
        ("none", "adam", "adds eps to the root after its correction"),
        ("frequency_adaptive_lr", "adam", "count steps, not occurrences"),
        ("reinit", "rowwise_adagrad", "do nothing between epochs"),
        ("cowclip", "rowwise_adagrad", "counts a row once per batch"),
        ("l2(form='by_count')", "rowwise_adagrad", "l2 is no rule of theirs"),
        ("l2", "sgd", "l2 is no rule of theirs with sgd"),
        ("l2(scope='all', coupling='decoupled')", "sgd", "rows that a batch does not touch"),
        ("adaptive_regularization", "rowwise_adagrad", "rows that a batch does not touch"),
        ("counter_adagrad+l2", "adam", "is no rule of theirs"),
    ],
)
def test_what_fused_optimisers_compute_otherwise_is_refused(text: str, optimizer: str, why: str) -> None:
    with pytest.raises(UserError, match=f"is not expressible .* because .*{why}"):
        settings(text, optimizer)


def test_a_strategy_of_ones_own_is_exported_with_its_helpers(tmp_path: Path) -> None:
    (tmp_path / "halved.py").write_text(
        "from harness.api import RowStep, Strategy, tuned\n\nHALF = 0.5\n\n\n"
        "class Halved(Strategy):\n    name = 'halved'\n    twice: bool = tuned(False, choices=(True, False))\n\n"
        "    def on_rows(self, step: RowStep) -> RowStep:\n"
        "        if self.twice:\n            step = halve(step)\n        return halve(step)\n\n\n"
        "def halve(step: RowStep) -> RowStep:\n    return step.scale_lr((step.seen_K > 0) * HALF)\n"
    )
    (part,) = exported("halved", TrainSpec(), Registry(tmp_path)).parts
    assert part.definitions.keys() == {"HALF", "halve"}
    assert "twice" not in part.text


def test_helpers_of_one_name_are_refused(tmp_path: Path) -> None:
    for name, factor in (("first", 0.5), ("second", 0.25)):
        (tmp_path / f"{name}.py").write_text(
            f"from harness.api import RowStep, Strategy\n\n\nclass {name.title()}(Strategy):\n    name = '{name}'\n\n"
            "    def on_rows(self, step: RowStep) -> RowStep:\n        return scaled(step)\n\n\n"
            f"def scaled(step: RowStep) -> RowStep:\n    return step.scale_lr((step.seen_K > 0) * {factor})\n"
        )
    both = exported("first+second", TrainSpec(), Registry(tmp_path))
    with pytest.raises(UserError, match="'scaled' would be defined twice"):
        torch_module(both, "multiepoch export")


@pytest.mark.parametrize(
    ("scale", "why"),
    [("len(dataclasses.fields(step))", "away from the engine"), ('len(getattr(step, "rows" + "_K"))', "does not run")],
)
def test_a_file_that_does_not_do_what_the_engine_does_is_refused(scale: str, why: str, tmp_path: Path) -> None:
    """Rules that look at a step as no rule should."""
    (tmp_path / "prying.py").write_text(
        "import dataclasses\n\nfrom harness.api import RowStep, Strategy\n\n\n"
        "class Prying(Strategy):\n    name = 'prying'\n\n"
        "    def on_rows(self, step: RowStep) -> RowStep:\n"
        f"        return dataclasses.replace(step, lr_scale_K=(step.seen_K > 0) * {scale} / 60)\n"
    )
    what = exported("prying", TrainSpec(table_lr=0.1), Registry(tmp_path))
    with pytest.raises(UserError, match=why):
        torch_module(what, "multiepoch export")


def test_a_rule_that_needs_another_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(
        "import numpy as np\nfrom harness.api import RowStep, Strategy\n\n\n"
        "class Other(Strategy):\n    name = 'other'\n\n"
        "    def on_rows(self, step: RowStep) -> RowStep:\n        return step.scale_lr((step.seen_K > 0) * np.pi)\n"
    )
    with pytest.raises(UserError, match="its rule needs 'numpy', not torch alone"):
        exported("other", TrainSpec(), Registry(tmp_path))


@pytest.mark.parametrize(
    ("source", "known", "left"),
    [
        (
            "if a == 1:\n        x()\n    elif b:\n        y()\n    else:\n        z()",
            {"a": 2},
            "if b:\n        y()\n    else:\n        z()",
        ),
        ("if a:\n        return 1\n    return 2", {"a": True}, "return 1"),
        ("if b:\n        if a:\n            x()", {"a": 0}, "if b:\n        pass"),
        ("c = a == 1\n    return (b if c else d).e", {"a": 1}, "return b.e"),
        ("return a and b or d", {"a": True}, "return b or d"),
        ("return b and a", {"a": False}, "return b and a"),
        ("b.reset(d, again=a == 1)", {"a": 1}, "b.reset(d, again=True)"),
        ("b.reset(d, again=a == 1)", {"a": 2}, "b.reset(d)"),
        ("b.other(d, again=a == 1)", {"a": 2}, "b.other(d, again=a == 1)"),
        ("b = a\n    return 1 if b else 2", {"a": 1}, "b = a\n    return 1 if b else 2"),
        ("if b:\n        x()\n    elif a:\n        y()", {"a": True}, "if b:\n        x()\n    elif a:\n        y()"),
    ],
)  # fmt: skip
def test_folding_takes_what_is_decided(source: str, known: dict[str, object], left: str) -> None:
    begin = "def f(b, d):\n    "
    assert folded(f"{begin}{source}\n", known, {"reset": {"again": False}}) == f"{begin}{left}\n"


def test_the_command_writes_a_file_once(tmp_path: Path) -> None:
    out = tmp_path / "tables.py"
    done = multiepoch(
        "export", "frequency_adaptive_lr", "--to", "torch", "--table-lr", "0.07", "--out", str(out), cwd=tmp_path
    )
    assert done.returncode == 0
    text = out.read_text()
    assert "lr: float = 0.07" in text
    assert "    multiepoch export 'frequency_adaptive_lr' --to torch --table-optimizer adam --table-lr 0.07 " in text
    again = multiepoch("export", "none", "--to", "torch", "--out", str(out), cwd=tmp_path)
    assert again.returncode == 2
    assert "exists; accepted: a file that does not" in again.stderr
    assert out.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hashin", "--to", "torch"], "did you mean 'hashing'?"),
        (["none", "--to", "torhc"], "unknown target 'torhc'; did you mean 'torch'?"),
        (["none", "--to", "torch", "--table-optimizer", "adm"], "did you mean 'adam'?"),
        (["none", "--to", "torch", "--table-lr", "0"], "table_lr = 0.0 is not accepted"),
        (["helen", "--to", "torch"], "strategy 'helen' is not exported: it takes the gradient of every batch twice"),
        (["none", "--to", "torch", "--out", "no/such/tables.py"], "cannot be written"),
    ],
)
def test_what_is_not_accepted_is_said_in_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = multiepoch("export", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_are_printed(tmp_path: Path) -> None:
    done = multiepoch("export", "none", "--to", "torchrec", "--table-optimizer", "sgd", cwd=tmp_path)
    assert done.stdout.startswith("from fbgemm_gpu.split_embedding_configs import EmbOptimType\n")

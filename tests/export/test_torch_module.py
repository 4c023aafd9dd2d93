"""Written modules against the engine, on the same batches and rows: weights, state, what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import make_mapping
from torch import Tensor, nn

from harness.api import FieldStats, Strategy, TableSpec, vocabulary
from harness.base.places import ROOT
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.experiment.specs import TrainSpec
from harness.export.exported import Exported, exported
from harness.export.torch_module import torch_module
from harness.plugins.registry import Registry

REGISTRY = Registry()
SIZES = {"user": 60, "item": 9, "shop": 25}
EPOCHS, BATCHES, BATCH, WIDTH, TRAIN_IDS = 3, 8, 40, 4, 1000
ROW_RULES = [
    "none",
    "counter_adagrad(bound=0.2)",
    "counter_sgd",
    "cowclip(r=0.05)",
    "frequency_adaptive_lr",
    "frequency_adaptive_lr(scaling='power', counts='train', floor=0.1)",
    "l2(strength=0.05)",
    "l2(strength=0.05, form='by_count')",
    "l2(strength=0.1, coupling='decoupled')",
    "rowwise_bias_correction",
    "running_mean",
    "initial_accumulator",
    "running_mean(unit='none', lr_ratio=100.0)",
    "sparse_optimizer",
    "stable_rank(weight=0.01)",
    "adaptive_regularization(when='touch', alpha=0.1)",
]
OWING = [
    "l2(strength=0.1, coupling='decoupled', scope='all')",
    "adaptive_regularization(alpha=0.01)",
    "adaptive_regularization(alpha=0.1)+freeze_tables(start=3)+l2(strength=0.1, coupling='decoupled', scope='all')",
    "adaptive_regularization(alpha=0.03)+return_to_mean(below=20)",
]
BETWEEN_EPOCHS = [
    "freeze_tables(start=3)",
    "prune_by_importance",
    "reinit",
    "reinit(reset_state=False, fields=('user', 'shop'))",
    "reinit(to='start', every=2, start=1)",
    "return_to_mean(below=20)",
    "rowwise_bias_correction+reinit(min_cardinality=10)",
    "running_mean+return_to_mean(below=20)",
]
COMBINED = [
    "frequency_adaptive_lr+l2(strength=0.1, coupling='decoupled')+reinit",
    "sparse_optimizer+frequency_adaptive_lr+return_to_mean(below=20)+cowclip(r=0.05)",
]
ENCODERS = [
    "hashing",
    "hashing(hashes=2)",
    "hashing(hashes=2, second='quotient')",
    "low_frequency_filter(min_count=3)",
    "low_frequency_filter(keep=0.2)",
    "binary_code_hashing(block=4)",
    "binary_code_hashing(block=5)",
]
CASES = [
    *((text, "adam") for text in (*ROW_RULES, *OWING, *BETWEEN_EPOCHS, *COMBINED)),
    *((text, "rowwise_adagrad") for text in ("none", "frequency_adaptive_lr", OWING[1], BETWEEN_EPOCHS[1])),
    ("none", "adagrad"), ("reinit", "adagrad"), ("none", "sgd"), ("return_to_mean(below=20)", "sgd"),
]  # fmt: skip


@cache
def what(text: str, optimizer: str = "rowwise_adagrad") -> Exported:
    return exported(text, TrainSpec.model_validate({"table_optimizer": optimizer, "table_lr": 0.05}), REGISTRY)


@cache
def source(text: str, optimizer: str = "rowwise_adagrad") -> str:
    return torch_module(what(text, optimizer), "multiepoch export")


def module(text: str, optimizer: str = "rowwise_adagrad") -> Any:
    found = ModuleType("exported")
    sys.modules["exported"] = found  # dataclasses look there
    exec(compile(source(text, optimizer), "exported", "exec"), vars(found))
    return found


def make_ids(epoch: int, number: int) -> dict[str, Tensor]:
    """Ids with many repeats, some of them rare."""
    rng = np.random.default_rng((epoch, number))
    drawn = {name: np.minimum(rng.geometric(3 / rows, BATCH) - 1, rows - 1) for name, rows in SIZES.items()}
    return {name: torch.from_numpy(ids) for name, ids in drawn.items()}


def make_labels(ids: dict[str, Tensor]) -> Tensor:
    return (torch.stack(list(ids.values())).sum(dim=0) % 3 == 0).float()


def make_net() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(len(SIZES) * WIDTH, 8), nn.ReLU(), nn.Linear(8, 1), nn.Flatten(0))
    return net, torch.optim.Adam(net.parameters(), 0.01)


def make_weights() -> dict[str, Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return {name: torch.randn(rows, WIDTH, generator=drawn) / 4 for name, rows in SIZES.items()}


def make_counts() -> dict[str, Tensor]:
    return {name: torch.arange(1, rows + 1) for name, rows in SIZES.items()}


def make_optimizer(exported: Any, weights: dict[str, nn.Parameter]) -> Any:
    """With whatever arguments its class asks for; redrawn rows are 0."""
    given = {"train_counts": make_counts(), "train_ids": dict.fromkeys(SIZES, TRAIN_IDS), "init_std": 0.0}
    asked = exported.TableOptimizer.__init__.__annotations__
    return exported.TableOptimizer(weights, **{name: value for name, value in given.items() if name in asked})


def train(exported: Any, optimizer: Any, weights: dict[str, nn.Parameter], epochs: Sequence[int], net: Any) -> None:
    """As a user of the module would."""
    dense, dense_optimizer = net
    for epoch in epochs:
        if hasattr(optimizer, "start_epoch"):
            optimizer.start_epoch(epoch)
        for number in range(BATCHES):
            ids = make_ids(epoch, number)
            if hasattr(optimizer, "catch_up"):
                optimizer.catch_up(ids)
            embedded = [nn.functional.embedding(ids[name], weight, sparse=True) for name, weight in weights.items()]
            logits = dense(torch.cat(embedded, dim=1).float())
            optimizer.zero_grad()
            dense_optimizer.zero_grad()
            torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(logits, make_labels(ids)))
            optimizer.step(**({"examples": BATCH} if "examples" in optimizer.step.__wrapped__.__annotations__ else {}))
            dense_optimizer.step()
        if hasattr(optimizer, "end_epoch"):
            optimizer.end_epoch(epoch)
        if hasattr(optimizer, "catch_up"):
            optimizer.catch_up()


def trained_by_module(text: str, optimizer: str) -> Tensor:
    written = module(text, optimizer)
    weights = {name: nn.Parameter(weight) for name, weight in make_weights().items()}
    train(written, make_optimizer(written, weights), weights, range(1, EPOCHS + 1), make_net())
    return torch.cat([weight.detach() for weight in weights.values()])


def trained_by_engine(strategies: Sequence[Strategy], spec: TableSpec) -> Tensor:
    """By its definitions in torch; the numbers in a written file come from its kernels."""
    mapping = make_mapping(list(SIZES.values()))
    for table, name in zip(mapping.fields, SIZES, strict=True):
        vars(table).update(name=name, train_ids=TRAIN_IDS)
    tables = EmbeddingTables(mapping, spec, WIDTH, strategies, seed=0, compiled=False)
    find, rows_R, state = DistinctFinder(mapping.num_rows), torch.arange(mapping.num_rows), tables.state()
    state["store"] = torch.cat(list(make_weights().values()))
    tables.adopt(state, rows_R, rows_R, optimizer=False, counts=False)
    net, dense_optimizer = make_net()
    for epoch in range(1, EPOCHS + 1):
        tables.epoch = epoch
        for strategy in strategies:
            strategy.on_epoch_start(epoch, tables)
        for number in range(BATCHES):
            ids = make_ids(epoch, number)
            rows = [ids[table.name] + table.offset for table in mapping.fields]
            lookup = tables.lookup(find(torch.stack(rows, dim=1).int()))
            dense_optimizer.zero_grad()
            logits = net(lookup.embedded_BFD.flatten(1))
            torch.autograd.backward(nn.functional.binary_cross_entropy_with_logits(logits, make_labels(ids)))
            assert lookup.embedded_BFD.grad is not None
            tables.update(lookup, lookup.embedded_BFD.grad.contiguous())
            dense_optimizer.step()
    return tables.weight_RD


@pytest.mark.parametrize(("text", "optimizer"), CASES)
def test_a_module_trains_as_the_engine_does(text: str, optimizer: str) -> None:
    given = what(text, optimizer)
    spec = TableSpec(**{**vars(given.spec), "init_std": 0.0})
    expected, found = trained_by_engine(given.strategies, spec), trained_by_module(text, optimizer)
    moved = (expected - torch.cat(list(make_weights().values()))).abs().max()
    assert moved > 1e-3
    difference = (found - expected).abs().max() / expected.abs().max()
    assert difference <= 2e-6, f"{difference:.1e}"


@pytest.mark.parametrize("text", ENCODERS)
@pytest.mark.parametrize("count", [40, 1500], ids=["few", "many"])
def test_an_encoder_gives_the_rows_of_the_engine(text: str, count: int) -> None:
    rng, written = np.random.default_rng(0), module(text)
    train = rng.integers(-(2**62), 2**62, count)[rng.geometric(4 / count, 3 * count) % count]
    ids = np.concatenate([np.unique(train), rng.integers(-(2**62), 2**62, 500)])
    (strategy,) = what(text).strategies
    theirs = strategy.encoder(FieldStats("user", *np.unique(train, return_counts=True)), Salts(written))
    theirs = theirs or vocabulary(FieldStats("user", *np.unique(train, return_counts=True)))
    ours = written.IdEncoder(torch.from_numpy(train))
    assert ours.num_rows == theirs.num_rows
    assert np.array_equal(ours(torch.from_numpy(ids)).numpy(), theirs.rows_of(ids))
    again = written.IdEncoder(torch.empty(0, dtype=torch.int64))
    again.load_state_dict(ours.state_dict())
    assert torch.equal(again(torch.from_numpy(ids)), ours(torch.from_numpy(ids)))


class Salts(np.random.Generator):
    """Draws the salts of a written module."""

    def __init__(self, written: Any) -> None:
        super().__init__(np.random.PCG64(0))
        self.salts = getattr(written, "SALTS", getattr(written, "SALT", 0))

    def integers(self, *args: Any, **kwargs: Any) -> Any:
        return self.salts


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("text", ["frequency_adaptive_lr+reinit(to='start')", "running_mean", "none"])
def test_a_saved_state_goes_on_to_the_same_bits(text: str, dtype: torch.dtype, tmp_path: Path) -> None:
    written, net = module(text, "adam"), make_net()
    weights = {name: nn.Parameter(weight.to(dtype)) for name, weight in make_weights().items()}
    optimizer = make_optimizer(written, weights)
    train(written, optimizer, weights, [1], net)
    torch.save({"weights": weights, "optimizer": optimizer.state_dict(), "net": net}, tmp_path / "state.pt")
    train(written, optimizer, weights, [2, 3], net)
    saved = torch.load(tmp_path / "state.pt", weights_only=False)
    restored = make_optimizer(written, saved["weights"])
    restored.load_state_dict(saved["optimizer"])
    train(written, restored, saved["weights"], [2, 3], saved["net"])
    assert all(torch.equal(saved["weights"][name], weight) for name, weight in weights.items())


def test_a_row_that_is_absent_while_the_rate_changes_pays_what_it_owed_at_each_rate() -> None:
    written = module("l2(strength=0.1, coupling='decoupled', scope='all')", "sgd")
    weight = nn.Parameter(torch.ones(2, 4))
    optimizer = written.TableOptimizer({"user": weight}, lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 50 else 0.01)
    decayed = 1.0
    for _ in range(100):
        optimizer.catch_up({"user": torch.tensor([0])})
        optimizer.zero_grad()
        torch.autograd.backward(0 * nn.functional.embedding(torch.tensor([0]), weight, sparse=True).sum())
        decayed *= 1 - optimizer.param_groups[0]["lr"] * 0.1
        optimizer.step()
        schedule.step()
    optimizer.catch_up()
    assert weight.tolist() == [[pytest.approx(decayed, rel=1e-5)] * 4] * 2


def test_a_state_of_other_tables_is_refused() -> None:
    """A row's state goes by its number over all fields: of a table that grew, it would be another row's."""
    written = module("frequency_adaptive_lr")
    optimizer = written.TableOptimizer({name: nn.Parameter(torch.zeros(3, 4)) for name in ("user", "item")})
    grown = {"user": nn.Parameter(torch.zeros(4, 4)), "item": nn.Parameter(torch.zeros(3, 4))}
    turned = {name: nn.Parameter(torch.zeros(3, 4)) for name in ("item", "user")}
    for weights in (grown, turned):
        with pytest.raises(ValueError, match=r"the state is of the tables \{'user': 3, 'item': 3\}; accepted: "):
            written.TableOptimizer(weights).load_state_dict(optimizer.state_dict())


def test_counts_of_bfloat16_rows_stay_exact() -> None:
    """bfloat16 has no 257."""
    written = module("frequency_adaptive_lr")
    weights = {"user": nn.Parameter(torch.zeros(2, 4, dtype=torch.bfloat16))}
    optimizer = written.TableOptimizer(weights)
    for _ in range(3):
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.embedding(torch.tensor([0] * 99), weights["user"], sparse=True).sum())
        optimizer.step()
        restored = written.TableOptimizer(weights)
        restored.load_state_dict(optimizer.state_dict())
        optimizer = restored
    assert optimizer.state["rows"]["seen"].tolist() == [297, 0]


def test_a_bag_steps_its_rows_as_single_lookups_do() -> None:
    written = module("frequency_adaptive_lr")
    ids, ends = torch.tensor([[1, 2, 2], [0, 1, 1]]), []
    for bag in (True, False):
        weight = nn.Parameter(make_weights()["user"])
        optimizer = written.TableOptimizer({"user": weight})
        for _ in range(3):
            optimizer.zero_grad()
            if bag:
                summed = nn.functional.embedding_bag(ids, weight, mode="sum", sparse=True)
            else:
                summed = nn.functional.embedding(ids, weight, sparse=True).sum(dim=1)
            torch.autograd.backward(summed.square().sum())
            optimizer.step()
        ends.append((weight.detach(), optimizer.state["rows"]["seen"]))
    assert torch.allclose(ends[0][0], ends[1][0], rtol=1e-6)
    assert ends[0][1].tolist() == ends[1][1].tolist() == [3, 9, 6] + [0] * 57


def test_a_redraw_has_the_deviation_of_the_start_and_forgets() -> None:
    written = module("reinit(share=0.5)+frequency_adaptive_lr", "adam")
    weight = nn.Parameter(torch.full((4000, 8), 5.0))
    optimizer = written.TableOptimizer({"user": weight}, init_std=0.3)
    optimizer.start_epoch(1)
    torch.autograd.backward(nn.functional.embedding(torch.arange(4000), weight, sparse=True).sum())
    optimizer.step()
    assert (weight > 4).all()
    optimizer.start_epoch(2)
    found = weight.detach()
    drawn = found[:, 0] < 4
    assert 0.45 < drawn.float().mean() < 0.55
    assert float(found[drawn].std()) == pytest.approx(0.3, rel=0.05)
    assert abs(found[drawn].mean()) < 0.01
    rows = optimizer.state["rows"]
    assert (rows["square"][drawn] == 0).all()
    assert (rows["square"][~drawn] > 0).all()
    assert rows["seen"].tolist() == [1] * 4000


def test_a_field_that_a_batch_lacks_stays_as_it_is() -> None:
    written = module("running_mean", "adam")
    weights = {name: nn.Parameter(weight) for name, weight in make_weights().items()}
    optimizer = make_optimizer(written, weights)
    for names in ((), ("user", "shop")):
        optimizer.zero_grad()
        for name in names:
            torch.autograd.backward(nn.functional.embedding(torch.tensor([3, 4]), weights[name], sparse=True).sum())
        optimizer.step(examples=2)
    moved = {name: (weights[name] != weight).any(dim=1).nonzero().flatten() for name, weight in make_weights().items()}
    assert {name: rows.tolist() for name, rows in moved.items()} == {"user": [3, 4], "item": [], "shop": [3, 4]}
    assert optimizer.state["run"]["step"] == 1


def test_what_would_lose_counts_is_refused() -> None:
    written, weight = module("none"), nn.Parameter(torch.zeros(5, 2))
    optimizer = written.TableOptimizer({"user": weight})
    torch.autograd.backward(nn.functional.embedding(torch.tensor([1, 1]), weight).sum())
    with pytest.raises(ValueError, match="is dense; accepted"):
        optimizer.step()
    weight.grad = torch.ones(5, 2).to_sparse(1)
    with pytest.raises(ValueError, match="is merged; accepted"):
        optimizer.step()
    with pytest.raises(ValueError, match=r"weights are \[2, 3\] wide"):
        written.TableOptimizer({"user": weight, "item": nn.Parameter(torch.zeros(5, 3))})


def test_a_lookup_of_rows_that_owe_decay_is_refused() -> None:
    written, weight = module("adaptive_regularization(alpha=0.1)"), nn.Parameter(torch.ones(5, 2))
    optimizer = written.TableOptimizer({"user": weight})
    for ids in ([0], [1]):
        optimizer.catch_up({"user": torch.tensor(ids)})
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.embedding(torch.tensor(ids), weight, sparse=True).sum())
        optimizer.step()
    optimizer.zero_grad()
    torch.autograd.backward(nn.functional.embedding(torch.tensor([0]), weight, sparse=True).sum())
    with pytest.raises(RuntimeError, match="call catch_up"):
        optimizer.step()


def test_written_files_stand_alone(tmp_path: Path) -> None:
    """Each tests itself, warnings being errors, without the harness; and is formatted as ours are."""
    written = [(text, optimizer) for text, optimizer in CASES if "reinit(reset_state" not in text]
    written += [(text, "rowwise_adagrad") for text in ENCODERS]
    for number, (text, optimizer) in enumerate(written):
        (tmp_path / f"module{number}.py").write_text(source(text, optimizer))
    run = (
        "import runpy, sys\n"
        "for file in sys.argv[1:]: runpy.run_path(file, run_name='__main__')\n"
        "assert 'harness' not in sys.modules"
    )
    files = sorted(map(str, tmp_path.glob("*.py")))
    found = subprocess.run([sys.executable, "-I", "-W", "error", "-c", run, *files], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("largest difference from multiepoch's engine") == len(written)
    for check in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--config", str(ROOT / "pyproject.toml"), *files]
        said = subprocess.run(ruff, capture_output=True, text=True)
        assert said.returncode == 0, said.stdout

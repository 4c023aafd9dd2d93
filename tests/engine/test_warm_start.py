"""A run that begins with what another ended with, whose data have other ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.engine import EVALUATION, TRAIN, make_data, make_mapping, store, train_epochs

from harness.api import Model, Strategy, TableSpec, UserError
from harness.base.digests import digest_of
from harness.data.indexed_dataset import IndexedDataset
from harness.engine import warm_start
from harness.engine.batches import DistinctFinder
from harness.engine.checkpoint import State
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.run import run
from harness.engine.trainer import Trainer
from harness.experiment.instantiate import parse_strategy, strategies_of
from harness.experiment.specs import StartSpec, TrainSpec
from harness.plugins.registry import Registry, build

REGISTRY = Registry()
STRATEGIES = [
    *sorted(REGISTRY.strategies.keys() - {"low_frequency_filter"}), "low_frequency_filter(keep=0.001, min_ids=1)",
    "hashing(hashes=2)+reinit", "frequency_adaptive_lr+reinit(to='start')", "id_dropout+running_mean",
    "id_dropout+adaptive_regularization",
]  # fmt: skip
"""With none of them an id gets a row of its own as counts of both data sets add up."""
OPTIMIZERS = ["adam", "adam_dense", "adagrad", "rowwise_adagrad", "sgd"]


def parts_of(text: str) -> tuple[Strategy, ...]:
    return strategies_of(parse_strategy(text, REGISTRY), REGISTRY)


def net_of(**params: Any) -> Model:
    return build(REGISTRY.models, "model", "dnn", {"dim": 4, "hidden": (8,), **params})


def ids(seed: int, first: int, rows: int = 600) -> Any:
    """Two fields of 40 ids each, from `first` on, the lower ones far more often."""
    rng = np.random.default_rng(seed)
    return np.stack([first + np.minimum(rng.geometric(0.1, rows), 39), first + rng.integers(0, 40, rows)], axis=1)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> tuple[IndexedDataset, IndexedDataset]:
    """Ids 0 to 39, then 20 to 59 with 0 to 59 in validation."""
    folder = tmp_path_factory.mktemp("data")
    first = store(make_data(ids(1, 0), ids(2, 0)), folder / "first")
    return first, store(make_data(ids(3, 20), np.concatenate([ids(4, 0), ids(5, 20)])), folder / "second")


def trained(dataset: IndexedDataset, strategy: str, train: TrainSpec = TRAIN, epochs: int = 2) -> Trainer:
    trainer = Trainer(dataset, net_of(), parts_of(strategy), train, seed=1)
    train_epochs(trainer, epochs)
    return trainer


def begun(state: State, dataset: IndexedDataset, strategy: str, train: TrainSpec = TRAIN, **start: bool) -> Trainer:
    spec = StartSpec.model_validate({"source": "state.pt", **start})
    parts = parts_of(strategy)
    warm_start.check(state, spec, net_of(), parts, dataset, train)
    trainer = Trainer(warm_start.knowing(dataset, state, spec), net_of(), parts, train, seed=2)
    warm_start.begin(trainer, state, spec)
    return trainer


def row_of(trainer: Trainer, field: int, identity: int) -> int:
    """The fused row of an id, by the mapping alone."""
    dataset = trainer.dataset
    at = int(np.searchsorted(dataset.ids_V[field], identity))
    assert dataset.ids_V[field][at] == identity
    return int(trainer.mapping.remap_VH[sum(map(len, dataset.ids_V[:field])) + at, 0])


def rows_of_ids(trainer: Trainer) -> torch.Tensor:
    """Every row that an id of the data has."""
    rows = trainer.mapping.remap_VH.reshape(-1)
    return rows[rows >= 0]


def all_rows(trainer: Trainer) -> torch.Tensor:
    """Every row: those of ids in the order of ids, and the first of each table, which no id may have."""
    offsets = torch.tensor([field.offset for field in trainer.mapping.fields])
    rows = torch.cat([rows_of_ids(trainer), offsets])
    assert len(set(rows.tolist())) == trainer.mapping.num_rows
    return rows


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_rows_are_carried_by_the_id_they_stand_for(
    datasets: tuple[IndexedDataset, IndexedDataset], optimizer: str
) -> None:
    train = TRAIN.model_copy(update={"table_optimizer": optimizer})
    old = trained(datasets[0], "frequency_adaptive_lr", train)
    state = warm_start.end_state(old, net_of())
    new = begun(state, datasets[1], "frequency_adaptive_lr", train)
    drawn = Trainer(new.dataset, net_of(), (), train, seed=2).tables.weight_RD
    for field in (0, 1):
        for identity in range(60):
            if identity not in datasets[1].ids_V[field]:
                continue
            row = row_of(new, field, identity)
            if identity in datasets[0].ids_V[field][datasets[0].count_V[field] > 0]:
                before = row_of(old, field, identity)
                assert torch.equal(new.tables.store[row], old.tables.store[before])
                assert torch.equal(new.tables.weight_RD[row], old.tables.weight_RD[before])
                assert new.tables.history.seen_R[row] == old.tables.history.seen_R[before] > 0
                counts = [d.count_V[field][d.ids_V[field] == identity].sum() for d in datasets]
                assert new.tables.train_count_R[row] == sum(counts)
            elif identity in datasets[1].ids_V[field][datasets[1].count_V[field] > 0]:
                assert torch.equal(new.tables.weight_RD[row], drawn[row])
                assert not new.tables.store[row, new.tables.width :].any()
                assert new.tables.history.seen_R[row] == 0
    for name, tensor in new.net.state_dict().items():
        assert torch.equal(tensor, old.net.state_dict()[name])
    assert new.tables.step == old.tables.step
    kept = [torch.utils._pytree.tree_leaves(trainer.optimizer.state()) for trainer in (old, new)]
    assert all(torch.equal(before, after) for before, after in zip(*kept, strict=True))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_that_a_trainer_remembers_of_rows_is_carried(
    strategy: str, datasets: tuple[IndexedDataset, IndexedDataset]
) -> None:
    """On the same data every row is at its place again, with all that is known of it; also those that no id has."""
    old = trained(datasets[0], strategy)
    new = begun(warm_start.end_state(old, net_of()), datasets[0], strategy)
    before, after = all_rows(old), all_rows(new)
    assert torch.equal(new.tables.weight_RD[after], old.tables.weight_RD[before])
    assert torch.equal(new.tables.store[after], old.tables.store[before])
    assert torch.equal(new.tables.state_reset_step_R[after], old.tables.state_reset_step_R[before])
    was, now = (trainer.tables.state()["parts"] for trainer in (old, new))
    for name, buffer in was["_absence"].items():
        if name != "active" and len(buffer):
            assert torch.equal(now["_absence"][name][after], buffer[before])
    assert len(now["_absence"]["before_R"]) == len(was["_absence"]["before_R"])
    if "adaptive_regularization" in strategy:
        assert was["_absence"]["before_R"].any()
        anew = begun(warm_start.end_state(old, net_of()), datasets[0], strategy, counts=False)
        assert not len(anew.tables.state()["parts"]["_absence"]["before_R"])
    if len(now["history"]["history_RH"]):
        assert torch.equal(now["history"]["history_RH"][after, :2], was["history"]["history_RH"][before, :2])
    assert torch.equal(now["history"]["seen_max_F"], was["history"]["seen_max_F"])
    assert now["row_buffer"].keys() == was["row_buffer"].keys()
    for name, buffer in was["row_buffer"].items():
        assert torch.equal(buffer[before], now["row_buffer"][name][after])
    assert now["run_buffer"] == was["run_buffer"]
    new.start_epoch(1)
    new.step(next(iter(new.batches.epoch(1))))


@pytest.mark.parametrize("strategy", ["id_dropout(p=0.5)", "low_frequency_filter(min_count=3)+id_dropout(p=0.5)"])
def test_the_row_of_unknown_ids_goes_on_in_data_without_unknown_ids(strategy: str, tmp_path: Path) -> None:
    """The data of each day have ids of their own, often enough for a row; the row without an id is the only common one
    that training has moved."""
    days = [np.repeat(np.arange(10 * day, 10 * day + 10), 30)[:, None] for day in range(2)]
    first, second = (store(make_data(day, day), tmp_path / str(day[0])) for day in days)
    old = trained(first, strategy)
    new = begun(warm_start.end_state(old, net_of()), second, strategy)
    shared = old.tables.weight_RD[0]
    assert shared.norm() > 5 * TRAIN.init_std
    assert torch.equal(new.tables.weight_RD[0], shared)
    drawn = Trainer(new.dataset, net_of(), parts_of(strategy), TRAIN, seed=2).tables.weight_RD
    assert torch.equal(new.tables.weight_RD[1:], drawn[1:])


def test_what_is_cleared_is_as_in_a_run_that_begins(datasets: tuple[IndexedDataset, IndexedDataset]) -> None:
    old = trained(
        datasets[0], "frequency_adaptive_lr+running_mean", TRAIN.model_copy(update={"table_optimizer": "sgd"})
    )
    state = warm_start.end_state(old, net_of())
    new = begun(state, datasets[0], "frequency_adaptive_lr", optimizer=False, counts=False)
    rows = rows_of_ids(old)
    assert torch.equal(new.tables.weight_RD[rows], old.tables.weight_RD[rows])
    assert not new.tables.store[:, new.tables.width :].any()
    assert not new.tables.history.seen_R.any()
    assert not new.tables.row_buffer("seen_since_drawn").any()
    assert not new.tables.run_buffer("mean_square").any()
    assert not any(tensor.any() for kept in new.optimizer.state()["kept"] for tensor in kept)
    assert torch.equal(new.tables.train_count_R, old.tables.train_count_R)


@pytest.mark.parametrize("strategy", ["none", "rowwise_bias_correction"])
def test_adam_begins_again_with_cleared_moments(strategy: str, datasets: tuple[IndexedDataset, IndexedDataset]) -> None:
    """A first step of cleared moments is one of length lr, however many steps there were before."""
    state = warm_start.end_state(trained(datasets[0], strategy), net_of())
    new = begun(state, datasets[0], strategy, optimizer=False)
    before = new.tables.weight_RD.clone()
    new.start_epoch(1)
    new.step(next(iter(new.batches.epoch(1))))
    moved = (new.tables.weight_RD - before).abs()
    assert moved.max() == pytest.approx(TRAIN.table_lr, rel=1e-3)


def test_an_id_that_is_new_steps_as_far_as_in_one_run() -> None:
    """Lazy Adam corrects the bias of all rows by the steps of the run, not by those of the row."""
    mapping, spec = make_mapping([5]), TableSpec(lr=0.1)
    whole, later = (EmbeddingTables(mapping, spec, 3, [], seed=seed) for seed in (0, 1))
    find, known = DistinctFinder(mapping.num_rows), torch.arange(1, 5)

    def step(tables: EmbeddingTables, rows: torch.Tensor) -> None:
        lookup = tables.lookup(find(rows[:, None].int()))
        tables.update(lookup, torch.ones_like(lookup.embedded_BFD))

    for _ in range(30):
        step(whole, known)
    later.adopt(whole.state(), known, known, optimizer=True, counts=True)
    later.store[0] = whole.store[0]
    for tables in (whole, later):
        step(tables, torch.arange(2))
    assert torch.equal(later.weight_RD, whole.weight_RD)


def test_reinit_to_start_returns_to_the_rows_of_the_warm_start(
    datasets: tuple[IndexedDataset, IndexedDataset],
) -> None:
    state = warm_start.end_state(trained(datasets[0], "none"), net_of())
    new = begun(state, datasets[1], "reinit(to='start')")
    start = new.tables.weight_RD.clone()
    new.start_epoch(1)
    for batch in new.batches.epoch(1):
        new.step(batch)
    assert not torch.equal(new.tables.weight_RD, start)
    new.start_epoch(2)
    assert torch.equal(new.tables.weight_RD, start)


def test_ids_that_only_the_state_knows_are_known_in_validation(
    datasets: tuple[IndexedDataset, IndexedDataset],
) -> None:
    state = warm_start.end_state(trained(datasets[0], "none"), net_of())
    for counts in (True, False):
        known = warm_start.knowing(datasets[1], state, StartSpec(source="x", counts=counts))
        for ids_V, count_V, trained_V, theirs in zip(
            known.ids_V, known.count_V, datasets[1].count_V, state["ids"].values(), strict=True
        ):
            held = np.isin(ids_V, theirs["ids"].numpy())
            assert held[ids_V < 20].any()
            assert ((count_V > 0) == (held | (trained_V > 0))).all()
            if not counts:
                assert (count_V == np.where(held, np.maximum(trained_V, 1), trained_V)).all()


def test_a_shared_row_begins_as_the_row_of_unknown_ids(datasets: tuple[IndexedDataset, IndexedDataset]) -> None:
    """Ids that are still too rare in both data sets together read what they read before."""
    old = trained(datasets[0], "low_frequency_filter(min_count=25)")
    new = begun(warm_start.end_state(old, net_of()), datasets[1], "low_frequency_filter(min_count=25)")
    shared = [field.offset for field in old.mapping.fields], [field.offset for field in new.mapping.fields]
    assert torch.equal(new.tables.weight_RD[shared[1]], old.tables.weight_RD[shared[0]])
    assert all(int(new.tables.train_count(field)[0]) > 0 for field in new.mapping.fields)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("strategy", ["none", "frequency_adaptive_lr", "counter_adagrad", "rowwise_bias_correction"])
def test_an_id_that_leaves_a_shared_row_takes_a_copy_and_its_share_of_what_the_row_remembers(
    strategy: str, optimizer: str, tmp_path: Path
) -> None:
    """Ids 0 to 9 occur once on the first day and share a row with 190 others; on the second day they get their own."""
    train = TRAIN.model_copy(update={"table_optimizer": optimizer})
    first, second = np.arange(200)[:, None], np.repeat(np.arange(10), 20)[:, None]
    days = [store(make_data(day, day), tmp_path / name) for name, day in (("first", first), ("second", second))]
    arm = f"low_frequency_filter(min_count=5)+{strategy}"
    old = trained(days[0], arm, train)
    new = begun(warm_start.end_state(old, net_of()), days[1], arm, train)
    rows = torch.tensor([row_of(new, 0, identity) for identity in range(10)])
    assert rows.tolist() == list(range(1, 11))
    width, history = new.tables.width, new.tables.history
    assert torch.equal(new.tables.weight_RD[rows], old.tables.weight_RD[[0]].expand(10, -1))
    assert torch.equal(new.tables.store[0], old.tables.store[0])
    assert torch.allclose(new.tables.store[rows, width:], old.tables.store[[0], width:] / 200)
    ages = [trainer.tables.state_reset_step_R.clone() for trainer in (old, new)]
    assert ages[1][0] == ages[0][0]
    assert (ages[1][rows] == (0 if "bias_correction" in strategy else ages[0][0])).all()
    if new.tables.hooked:
        assert history.seen_R.tolist() == [400] + [2] * 10, "of two epochs"
        assert history.seen_max_F.tolist() == [400]
    for name, buffer_R in old.tables.row_buffer.state().items():
        assert buffer_R[0] > 0
        assert torch.allclose(new.tables.row_buffer(name), buffer_R[0] * torch.tensor([1] + [1 / 200] * 10))


@pytest.mark.parametrize(
    "strategy", ["running_mean", "initial_accumulator", "posterior_mean", "counter_adagrad", "none"]
)
def test_an_id_that_leaves_a_shared_row_moves_about_as_far_as_one_that_never_shared(
    strategy: str, tmp_path: Path
) -> None:
    """Most of the first day's ids occur once, and so are rare; a few of them come often on the second."""
    rng = np.random.default_rng(0)
    first = np.concatenate([rng.integers(0, 20, 2000), np.arange(1000, 3000)])
    second = np.repeat(np.arange(1000, 1050), 10)
    days = [store(make_data(rng.permutation(day)[:, None], day[:50, None]), tmp_path / str(len(day)))
            for day in (first, second)]  # fmt: skip
    moved = []
    for arm in (f"low_frequency_filter(min_count=5)+{strategy}", strategy):
        old = trained(days[0], arm, epochs=1)
        new = begun(warm_start.end_state(old, net_of()), days[1], arm)
        rows = [row_of(new, 0, identity) for identity in range(1000, 1050)]
        before = new.tables.weight_RD[rows].clone()
        train_epochs(new, 1)
        moved.append((new.tables.weight_RD[rows] - before).norm(dim=1).mean())
    assert 0.5 < moved[0] / moved[1] < 2


def test_ids_that_part_as_a_hashed_table_grows_share_out_what_it_remembers(
    datasets: tuple[IndexedDataset, IndexedDataset],
) -> None:
    """Every occurrence of an id that both data sets have is counted once."""
    arms = [f"hashing(min_ids=1, ratio={ratio})+running_mean" for ratio in (0.2, 0.8)]
    old = trained(datasets[0], arms[0])
    state = warm_start.end_state(old, net_of())
    new = begun(state, datasets[0], arms[1])
    for field, was in zip(new.mapping.fields, old.mapping.fields, strict=True):
        assert field.num_rows > 3 * was.num_rows
    parted = 0
    for row in range(new.mapping.num_rows):
        f = int(row >= new.mapping.fields[1].offset)
        ids_U = [each for each in datasets[0].ids_V[f].tolist() if row_of(new, f, each) == row]
        if counts := [int(datasets[0].counts(f)[np.searchsorted(datasets[0].ids_V[f], each)]) for each in ids_U]:
            buckets = [row_of(old, f, each) for each in ids_U]
            begins = buckets[int(np.argmax(counts))]
            own = 2 * sum(count for count, bucket in zip(counts, buckets, strict=True) if bucket == begins)
            assert torch.equal(new.tables.weight_RD[row], old.tables.weight_RD[begins])
            assert new.tables.history.seen_R[row] == own
            assert new.tables.row_buffer("seen_since_drawn")[row] == pytest.approx(own)
            parted += own < int(old.tables.history.seen_R[begins])
        else:
            assert new.tables.history.seen_R[row] == 0
    assert parted > 10


@pytest.mark.parametrize(
    ("theirs", "mine", "message"),
    [
        ({}, {"model": net_of(dim=8)}, r"model dnn\(dim=4.*\); this run has dnn\(dim=8"),
        ({"table_optimizer": "sgd"}, {}, "table optimizer sgd; this run has adam; accepted: the same"),
        ({}, {"strategy": "mlet"}, "table width 4; this run has"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(
    datasets: tuple[IndexedDataset, IndexedDataset], theirs: dict[str, Any], mine: dict[str, Any], message: str
) -> None:
    state = warm_start.end_state(trained(datasets[0], "none", TRAIN.model_copy(update=theirs)), net_of())
    spec, parts = StartSpec(source="state.pt"), parts_of(mine.get("strategy", "none"))
    with pytest.raises(UserError, match=message):
        warm_start.check(state, spec, mine.get("model", net_of()), parts, datasets[0], TRAIN)


def test_other_fields_are_named(datasets: tuple[IndexedDataset, IndexedDataset], tmp_path: Path) -> None:
    state = warm_start.end_state(trained(datasets[0], "none"), net_of())
    other = store(make_data(np.tile(ids(1, 0), 2), np.tile(ids(2, 0), 2)), tmp_path)
    with pytest.raises(UserError, match=r"fields field0, field1; this run has field2, field3; accepted: the same"):
        warm_start.check(state, StartSpec(source="state.pt"), net_of(), (), other, TRAIN)


def test_rows_per_id_must_be_the_same(datasets: tuple[IndexedDataset, IndexedDataset]) -> None:
    state = warm_start.end_state(trained(datasets[0], "none"), net_of())
    with pytest.raises(UserError, match="has 1 rows for an id of field 'field0'; this run has 2"):
        begun(state, datasets[0], "hashing(hashes=2, min_ids=1)")


def test_a_run_from_a_file_repeats_to_the_bit(datasets: tuple[IndexedDataset, IndexedDataset], tmp_path: Path) -> None:
    path, model, parts = tmp_path / "states" / "a.pt", net_of(), parts_of("reinit")
    train = TRAIN.model_copy(update={"keep": True})
    list(run(datasets[0], model, parts, train, EVALUATION, 1, keep=lambda state: warm_start.save(state, path)))
    start = StartSpec(source=str(path), digest=digest_of(path))
    warm = TRAIN.model_copy(update={"start": start})
    cold, *again = (list(run(datasets[1], model, parts, t, EVALUATION, 1)) for t in (TRAIN, warm, warm))
    assert again[0] == again[1] != cold
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(UserError, match="has changed since the plan was checked"):
        warm_start.read(start)


def test_a_state_is_the_same_bytes_however_often_it_is_written(
    datasets: tuple[IndexedDataset, IndexedDataset], tmp_path: Path
) -> None:
    """Its digest is in the keys of the runs that begin with it."""
    kept: list[State] = []
    train = TRAIN.model_copy(update={"keep": True})
    list(run(datasets[0], net_of(), parts_of("none"), train, EVALUATION, 1, keep=kept.append))
    for name in ("a", "b"):
        warm_start.save(kept[0], tmp_path / f"{name}.pt")
    content = (tmp_path / "a.pt").read_bytes()
    assert content == (tmp_path / "b.pt").read_bytes()
    warm_start.ensure_whole(tmp_path / "a.pt")
    weights = kept[0]["tables"]["store"].numpy().tobytes()[:64]
    at = content.index(weights) + 3
    (tmp_path / "b.pt").write_bytes(content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :])
    with pytest.raises(UserError, match=r"b.pt' is damaged at '.*'; delete it"):
        warm_start.ensure_whole(tmp_path / "b.pt")


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"words", b"")):
        path = tmp_path / f"{number}.pt"
        path.write_bytes(content)
        with pytest.raises(UserError, match="is no state that a run has kept"):
            warm_start.read(StartSpec(source=str(path)))
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="it holds something else"):
        warm_start.read(StartSpec(source=str(tmp_path / "other.pt")))

"""The compiled table against torch's own sparse optimisers and a plain reference that loops over rows in float64."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.engine import make_mapping, random_rows
from torch import Tensor, nn

from harness.api import RowStep, Strategy, Tables, TableSpec, UserError
from harness.engine import kernels
from harness.engine.batch import DistinctRows
from harness.engine.batches import DistinctFinder
from harness.engine.embedding_tables import EmbeddingTables
from harness.engine.initial_rows import CHUNK
from harness.engine.row_mapping import RowMapping
from harness.engine.row_optimizers import OPTIMIZERS

Floats = npt.NDArray[np.float64]
SPEC = TableSpec(lr=0.05, init_std=0.5)


@dataclass(frozen=True)
class Case:
    """A table and the batches that train it: rows [B, C] and the gradient of each looked-up embedding [B, F, D]."""

    mapping: RowMapping
    width: int
    batches: list[tuple[Tensor, Tensor]]

    def tables(
        self, spec: TableSpec = SPEC, hooks: Sequence[Strategy] = (), seed: int = 0, *, compiled: bool = True
    ) -> EmbeddingTables:
        return EmbeddingTables(self.mapping, spec, self.width, hooks, seed, compiled=compiled)


def make_case(seed: int, sizes: Sequence[int], hashes: Sequence[int], width: int, batch: int, steps: int) -> Case:
    rng = np.random.default_rng(seed)
    mapping = make_mapping(sizes, hashes)
    shape = (batch, len(sizes), width)
    gradients = [torch.from_numpy(rng.standard_normal(shape, np.float32)) for _ in range(steps)]
    return Case(mapping, width, [(random_rows(rng, mapping, batch), g) for g in gradients])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Several fields of several sizes, some with two rows per id, and batches full of repeats."""
    shape = st.tuples(st.integers(1, 9), st.integers(1, 2))
    fields = draw(st.lists(shape, min_size=1, max_size=4))
    width, batch, steps = draw(st.sampled_from([1, 3, 4])), draw(st.integers(1, 12)), draw(st.integers(1, 8))
    sizes, hashes = [n for n, _ in fields], [h for _, h in fields]
    return make_case(draw(st.integers(0, 2**32)), sizes, hashes, width, batch, steps)


CASE = make_case(0, [6, 9, 3], [1, 2, 1], 4, 8, 6)


def train(tables: EmbeddingTables, batches: list[tuple[Tensor, Tensor]]) -> None:
    for rows_BC, grad_BFD in batches:
        tables.update(tables.lookup(distinct(tables, rows_BC)), grad_BFD)


def distinct(tables: EmbeddingTables, rows_BC: Tensor) -> DistinctRows:
    return DistinctFinder(len(tables.store))(rows_BC)


def close(actual: Tensor, expected: Tensor | Floats) -> bool:
    """Equal up to the rounding of a few float32 operations per step."""
    return bool(np.allclose(actual.numpy(), np.asarray(expected), rtol=2e-5, atol=2e-6))


def to_fields(embedded_BCD: Tensor, mapping: RowMapping) -> Tensor:
    columns = [embedded_BCD[:, mapping.columns.slot_C == f].sum(dim=1) for f in range(len(mapping.fields))]
    return torch.stack(columns, dim=1)


# --- parity with torch ------------------------------------------------------------------------------------------------

TORCH: dict[str, Callable[[Tensor], torch.optim.Optimizer]] = {
    "adam": lambda p: torch.optim.SparseAdam([p], lr=SPEC.lr, betas=(SPEC.beta1, SPEC.beta2), eps=SPEC.eps),
    "adagrad": lambda p: torch.optim.Adagrad([p], lr=SPEC.lr, eps=SPEC.eps),
    "sgd": lambda p: torch.optim.SGD([p], lr=SPEC.lr),
}


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("name", TORCH)
@given(case=cases())
def test_row_optimizers_match_torch_on_sparse_embeddings(name: str, compiled: bool, case: Case) -> None:
    tables = case.tables(dataclasses.replace(SPEC, optimizer=name), compiled=compiled)
    embedding = nn.Embedding(case.mapping.num_rows, case.width, sparse=True, _weight=tables.weight_RD.clone())
    optimizer = TORCH[name](embedding.weight)
    for rows_BC, grad_BFD in case.batches:
        expected = to_fields(embedding(rows_BC), case.mapping)
        lookup = tables.lookup(distinct(tables, rows_BC))
        embedded = lookup.embedded_BFD
        assert close(embedded.detach(), expected.detach())
        torch.autograd.backward([(value * grad_BFD).sum() for value in (embedded, expected)])
        assert embedded.grad is not None
        tables.update(lookup, embedded.grad)
        with torch.sparse.check_sparse_tensor_invariants(True):  # type: ignore[no-untyped-call]
            optimizer.step()
        optimizer.zero_grad()
    assert close(tables.weight_RD, embedding.weight.detach())
    assert torch.equal(tables.read(case.batches[0][0]), case_read(tables, case))


def case_read(tables: EmbeddingTables, case: Case) -> Tensor:
    """What an evaluation should read for the first batch."""
    return to_fields(tables.weight_RD[case.batches[0][0].long()], case.mapping)


# --- a plain reference, row by row ------------------------------------------------------------------------------------


class Faster(Strategy):
    """Scales and decays by how often and how lately a row was seen."""

    name = "faster"

    def on_rows(self, step: RowStep) -> RowStep:
        gap_K = (step.step - step.last_step_K).float()
        return step.scale_lr(1 / (1 + step.seen_K)).add_decay(0.01 * gap_K / step.batch_count_K)


class Pulled(Strategy):
    """Adds to gradient, scale and decay from everything else a hook is told."""

    name = "pulled"

    def on_rows(self, step: RowStep) -> RowStep:
        share_K = step.train_count_K / step.train_max_F[step.field_K] + step.seen_K / step.seen_max_F[step.field_K]
        pulled = step.with_grad(step.grad_KD + 0.1 * step.epoch * step.weight_KD)
        return pulled.scale_lr(share_K).add_decay(step.lr * share_K)


class Reference:
    """The same optimisers and the two strategies above in epoch 2, row by row, all rows decayed at every step."""

    def __init__(self, tables: EmbeddingTables, case: Case, spec: TableSpec, hooked: bool) -> None:
        self.weight = tables.weight_RD.double().numpy().copy()
        self.first = np.zeros_like(self.weight)
        self.second = np.zeros_like(self.weight)
        self.seen = np.zeros(len(self.weight))
        self.touches = np.zeros(len(self.weight))
        self.last = np.zeros(len(self.weight))
        self.scale = np.ones(len(self.weight))
        self.field = np.repeat(np.arange(len(case.mapping.fields)), [f.num_rows for f in case.mapping.fields])
        self.case, self.spec, self.hooked, self.step = case, spec, hooked, 0

    def train(self, rows_BC: Tensor, grad_BFD: Tensor) -> None:
        self.step += 1
        self.before, self.weight = self.weight, self.weight * (1 - self.spec.lr * self.spec.decay)
        grads: dict[int, list[Floats]] = {}
        for rows_C, grad_FD in zip(rows_BC.tolist(), grad_BFD.double().numpy(), strict=True):
            for row, f in zip(rows_C, self.case.mapping.columns.slot_C.tolist(), strict=True):
                grads.setdefault(row, []).append(grad_FD[f])
        for row, found in grads.items():
            self.seen[row] += len(found)
            self.touches[row] += 1
        for row in set(range(len(self.weight))) - set(grads):
            self._absent(row)
        for row, found in grads.items():
            self._row(row, np.sum(found, axis=0), len(found))
            self.last[row] = self.step

    def _absent(self, row: int) -> None:
        if self.last[row]:
            self.weight[row] *= 1 - min(1, self.spec.absent_decay * (self.step - self.last[row]))
        if self.spec.optimizer == "adam_dense":
            self.weight[row] -= self.scale[row] * self._update(row, np.zeros(self.weight.shape[1]))

    def _row(self, row: int, grad: Floats, count: int) -> None:
        scale, decay = 1.0, 0.0
        if self.hooked:
            mates, train_count = self.field == self.field[row], self.case.mapping.train_count_R.numpy()
            share = train_count[row] / train_count[mates].max() + self.seen[row] / self.seen[mates].max()
            grad = grad + 0.1 * 2 * self.before[row]
            scale = share / (1 + self.seen[row])
            decay = 0.01 * (self.step - self.last[row]) / count + self.spec.lr * share
        self.weight[row] = self.weight[row] * (1 - decay) - scale * self._update(row, grad)
        self.scale[row] = scale

    def _update(self, row: int, grad: Floats) -> Any:
        spec = self.spec
        if spec.optimizer == "sgd":
            return spec.lr * grad
        if spec.optimizer.startswith("adam"):
            self.first[row] = spec.beta1 * self.first[row] + (1 - spec.beta1) * grad
            self.second[row] = spec.beta2 * self.second[row] + (1 - spec.beta2) * grad**2
            age = self.touches[row] if spec.optimizer == "adam_by_touch" else self.step
            mean = self.first[row] / (1 - spec.beta1**age)
            root = np.sqrt(self.second[row] / (1 - spec.beta2**age))
            return (
                spec.lr * mean / (root + spec.eps / (np.sqrt(1 - spec.beta2**age) if spec.optimizer == "adam" else 1))
            )
        self.second[row] += grad**2 if spec.optimizer == "adagrad" else np.mean(grad**2)
        return spec.lr * grad / (np.sqrt(self.second[row]) + spec.eps)


def assert_matches_reference(case: Case, spec: TableSpec, hooks: Sequence[Strategy]) -> None:
    """Both ways of stepping the rows, kernels and definitions, at every step."""
    ways = [case.tables(spec, hooks, compiled=compiled) for compiled in (True, False)]
    reference = Reference(ways[0], case, spec, hooked=bool(hooks))
    for rows_BC, grad_BFD in case.batches:
        reference.train(rows_BC, grad_BFD)
        for tables in ways:
            tables.epoch = 2
            train(tables, [(rows_BC, grad_BFD)])
            assert close(tables.weight_RD, reference.weight)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(case=cases())
def test_optimizers_match_a_loop_over_rows(optimizer: str, case: Case) -> None:
    assert_matches_reference(case, dataclasses.replace(SPEC, optimizer=optimizer), [])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(case=cases())
def test_hooks_scale_decay_and_change_gradients_as_in_the_loop(optimizer: str, case: Case) -> None:
    assert_matches_reference(case, dataclasses.replace(SPEC, optimizer=optimizer), [Faster(), Pulled()])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@given(case=cases(), decay=st.sampled_from([0, 1e-3, 0.5, 4.0]), absent=st.sampled_from([0, 1e-3, 0.2, 1.0]))
def test_lazy_decay_is_decay_of_every_row_at_every_step(
    optimizer: str, case: Case, decay: float, absent: float
) -> None:
    spec = dataclasses.replace(SPEC, optimizer=optimizer, decay=decay, absent_decay=absent)
    assert_matches_reference(case, spec, [])
    assert_matches_reference(case, spec, [Faster(), Pulled()])


@given(case=cases())
def test_a_hook_that_changes_nothing_leaves_every_bit(case: Case) -> None:
    class Idle(Strategy):
        name = "idle"

        def on_rows(self, step: RowStep) -> RowStep:
            ones_K = torch.ones(len(step.rows_K))
            return step.scale_lr(ones_K).add_decay(0 * ones_K)

    plain, hooked = case.tables(), case.tables(hooks=[Idle(), Idle()])
    for tables in (plain, hooked):
        train(tables, case.batches)
    assert torch.equal(plain.store, hooked.store)


@given(case=cases(), change=st.sampled_from([{}, {"decay": 0.5}, {"absent_decay": 0.1}, {"optimizer": "adam_dense"}]))
def test_reading_changes_nothing_and_owes_nothing(case: Case, change: dict[str, Any]) -> None:
    spec = dataclasses.replace(SPEC, **change)
    alone, read = case.tables(spec, [Faster()]), case.tables(spec, [Faster()])
    for batch in case.batches:
        train(alone, [batch])
        train(read, [batch])
        assert torch.equal(read.read(case.batches[0][0]), case_read(read, case))
    assert torch.equal(alone.store, read.store)


# --- what hooks are told ----------------------------------------------------------------------------------------------


class Recorder(Strategy):
    """Keeps every step that it is shown."""

    name = "recorder"

    def on_rows(self, step: RowStep) -> RowStep:
        STEPS.append(dataclasses.replace(step, seen_max_F=step.seen_max_F.clone(), weight_KD=step.weight_KD.clone()))
        return step


STEPS: list[RowStep] = []


@given(case=cases())
def test_hooks_are_told_the_counts_of_a_plain_tally(case: Case) -> None:
    STEPS.clear()
    tables = case.tables(hooks=[Recorder()])
    tables.epoch = 3
    seen, last = [0] * case.mapping.num_rows, [0] * case.mapping.num_rows
    for number, (rows_BC, grad_BFD) in enumerate(case.batches, start=1):
        before = tables.weight_RD.clone()
        train(tables, [(rows_BC, grad_BFD)])
        step, flat = STEPS[-1], rows_BC.reshape(-1).tolist()
        for row in flat:
            seen[row] += 1
        rows = step.rows_K.tolist()
        assert sorted(rows) == sorted(set(flat))
        assert (step.epoch, step.step, step.lr) == (3, number, SPEC.lr)
        assert step.batch_count_K.tolist() == [flat.count(r) for r in rows]
        assert step.seen_K.tolist() == [seen[r] for r in rows]
        assert step.last_step_K.tolist() == [last[r] for r in rows]
        assert step.train_count_K.tolist() == case.mapping.train_count_R[step.rows_K].tolist()
        assert torch.equal(step.weight_KD, before[step.rows_K])
        for f, table in enumerate(case.mapping.fields):
            mine = range(table.offset, table.offset + table.num_rows)
            assert [k == f for k in step.field_K.tolist()] == [r in mine for r in rows]
            assert step.seen_max_F[f] == max(seen[r] for r in mine)
            assert step.train_max_F[f] == table.num_rows  # row r of a field has r + 1 training ids
        for row in flat:
            last[row] = number
    assert tables.rows_touched == sum(len(s.rows_K) for s in STEPS)


# --- reset ------------------------------------------------------------------------------------------------------------


def test_reset_redraws_and_clears_only_its_rows() -> None:
    tables: Any = CASE.tables(hooks=[Recorder()])
    protocol: Tables = tables
    train(tables, CASE.batches)
    before, seen = tables.store.clone(), tables.history.seen_R.clone()
    field = protocol.fields[1]
    rows = torch.tensor([field.offset, field.offset + 4])
    protocol.reset(field, rows)
    others = torch.ones(len(before), dtype=torch.bool)
    others[rows] = False
    assert torch.equal(tables.store[others], before[others])
    assert (tables.store[rows, : CASE.width] != before[rows, : CASE.width]).all()
    assert (before[field.offset, CASE.width :] != 0).all()
    assert (tables.store[rows, CASE.width :] == 0).all()
    assert torch.equal(tables.history.seen_R, seen)
    STEPS.clear()
    train(tables, CASE.batches[:1])
    tally = torch.bincount(CASE.batches[0][0].reshape(-1).long(), minlength=len(seen))
    assert torch.equal(STEPS[0].seen_K, (seen + tally)[STEPS[0].rows_K])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_first_updates_after_a_reset_are_a_fresh_optimizers(optimizer: str) -> None:
    spec = dataclasses.replace(SPEC, optimizer=optimizer)
    old, fresh = CASE.tables(spec), CASE.tables(spec)
    train(old, CASE.batches)
    field = old.fields[1]
    old.reset(field)
    fresh.store[:, : CASE.width] = old.weight_RD
    for tables in (old, fresh):
        train(tables, CASE.batches[:3])
    mine = slice(field.offset, field.offset + field.num_rows)
    assert close(old.weight_RD[mine], fresh.weight_RD[mine])
    if optimizer != "sgd":  # the other fields carry on with their state
        assert not close(old.weight_RD, fresh.weight_RD)


def test_reset_of_the_weights_alone_keeps_the_state() -> None:
    tables = CASE.tables()
    train(tables, CASE.batches)
    before = tables.store.clone()
    tables.reset(tables.fields[0], state=False)
    mine = slice(0, tables.fields[0].num_rows)
    assert (tables.store[mine, : CASE.width] != before[mine, : CASE.width]).all()
    assert torch.equal(tables.store[:, CASE.width :], before[:, CASE.width :])


def test_reset_rows_owe_no_decay_from_before() -> None:
    tables = CASE.tables(dataclasses.replace(SPEC, decay=4.0))
    train(tables, CASE.batches)
    tables.reset(tables.fields[0])
    drawn = tables.store[: tables.fields[0].num_rows, : CASE.width]
    assert torch.equal(tables.weight_RD[: tables.fields[0].num_rows], drawn)
    unhurt = drawn.clone()
    rows_BC, grad_BFD = CASE.batches[0]
    train(tables, [(rows_BC, grad_BFD * 0)])
    assert close(tables.weight_RD[: tables.fields[0].num_rows], unhurt * (1 - SPEC.lr * 4.0))


def test_a_field_draws_the_same_whatever_happens_to_the_others() -> None:
    def field1(sizes: list[int], resets: Sequence[int], seed: int = 0) -> Tensor:
        tables = EmbeddingTables(make_mapping(sizes), SPEC, 4, [], seed)
        for f in resets:
            tables.reset(tables.fields[f])
        at = tables.fields[1]
        return tables.weight_RD[at.offset : at.offset + at.num_rows]

    first = field1([5, 7], [])
    assert torch.equal(first, field1([50, 7, 3], [0, 2, 0]))
    again = field1([5, 7], [1])
    assert torch.equal(again, field1([2, 7], [0, 1, 0]))
    draws = [first, again, field1([5, 7], [1, 1]), field1([5, 7], [], seed=1), field1([7, 7], [])]
    assert [i for i, d in enumerate(draws) if torch.equal(d, first)] == [0, 4]
    assert not torch.equal(draws[1], draws[2])
    alike = EmbeddingTables(make_mapping([7, 7]), SPEC, 4, [], seed=0).weight_RD
    assert not torch.equal(alike[:7], alike[7:])


def test_draws_have_the_spread_asked_for() -> None:
    tables = EmbeddingTables(make_mapping([4000, 3]), dataclasses.replace(SPEC, init_std=0.02), 5, [], seed=0)
    tables.reset(tables.fields[0])
    drawn, n = tables.weight_RD[:4000].double(), 4000 * 5
    assert abs(drawn.mean()) < 5 * 0.02 / n**0.5  # five standard errors of a mean, and of a standard deviation
    assert abs(drawn.std() - 0.02) < 5 * 0.02 / (2 * n) ** 0.5


def test_row_buffers_start_at_zero_are_kept_and_are_reset_with_their_rows() -> None:
    tables = CASE.tables()
    tables.run_buffer("importance").add_(3)
    buffer = tables.row_buffer("importance")
    assert buffer.shape == (CASE.mapping.num_rows,)
    assert (buffer == 0).all()
    buffer += 2
    assert tables.row_buffer("importance") is buffer
    assert (tables.row_buffer("another") == 0).all()
    field = tables.fields[2]
    tables.reset(field)
    mine = torch.arange(len(buffer)) >= field.offset
    assert torch.equal(buffer == 0, mine)
    assert tables.run_buffer("importance").tolist() == [3]


def test_a_buffer_is_of_the_strategy_that_asked_for_it_first() -> None:
    class Counts(Strategy):
        name = "counts"

        def on_epoch_start(self, epoch: int, tables: Tables) -> None:
            tables.run_buffer("epochs").add_(1)
            tables.row_buffer("seen")[:] += 1

    class Too(Counts):
        name = "counts_too"

    def start_epoch(*strategies: Strategy) -> None:
        for strategy in tables.hooks.of(strategies):
            strategy.on_epoch_start(1, tables)

    tables = CASE.tables()
    start_epoch(Counts())
    start_epoch(Counts())
    assert (tables.run_buffer("epochs").item(), set(tables.row_buffer("seen").tolist())) == (2, {2})
    with pytest.raises(
        UserError, match="'counts' and 'counts_too' both keep a buffer 'epochs', and would change each ot"
    ):
        start_epoch(Counts(), Too())


# --- refusals and kernels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TableSpec(lr=0.1, optimizer="adan"), "unknown table optimizer 'adan'; did you mean 'adam'"),
        (TableSpec(lr=0.1, decay=10.0), "table lr 0.1 times decay 10"),
        (TableSpec(lr=0.1, decay=-1.0), "table lr 0.1 times decay -1"),
        (TableSpec(lr=0.1, beta1=0.0), "table beta1 0 is not between 0 and 1"),
        (TableSpec(lr=0.1, beta2=1.0), "table beta2 1 is not between 0 and 1"),
    ],
)
def test_impossible_tables_are_recompiled(spec: TableSpec, message: str) -> None:
    with pytest.raises(UserError, match=message):
        CASE.tables(spec)


@given(batches=st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=60), min_size=1, max_size=4))
def test_distinct_matches_numpy_call_after_call(batches: list[list[int]]) -> None:
    find = DistinctFinder(7)
    for batch in batches:
        rows = find(torch.tensor([batch], dtype=torch.int32))
        assert (rows.rows_K.dtype, rows.inverse_I.dtype, rows.count_K.dtype) == (torch.int64, torch.int32, torch.int32)
        ids, counts = np.unique(batch, return_counts=True)
        assert dict(zip(rows.rows_K.tolist(), rows.count_K.tolist(), strict=True)) == dict(
            zip(ids, counts, strict=True)
        )
        assert rows.rows_K[rows.inverse_I.long()].tolist() == batch


@given(st.integers(0, 2**32), st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 4))
def test_segment_sum_adds_in_order_to_the_bit(seed: int, inverse: list[int], width: int) -> None:
    grad = np.random.default_rng(seed).standard_normal((len(inverse), width), np.float32)
    expected, got = np.zeros((6, width), np.float32), np.ones((6, width), np.float32)
    for i, at in enumerate(inverse):
        expected[at] += grad[i]
    kernels.segment_sum(grad, np.array(inverse, np.int32), got)
    assert np.array_equal(got, expected)


def test_rows_are_drawn_alike_by_any_number_of_threads() -> None:
    def drawn(threads: int) -> Tensor:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return EmbeddingTables(make_mapping([3 * CHUNK + 5]), SPEC, 2, [], seed=0).weight_RD
        finally:
            torch.set_num_threads(before)

    one = drawn(1)
    assert torch.equal(one, drawn(3))
    assert len(torch.unique(one)) > 0.9 * one.numel()  # no chunk repeats another; float32 alone makes some equal

"""Writing a run that is killed between two lines, and goes on from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.simulated import ENV, typed

from harness.results import run_reader
from harness.results.records import Record
from harness.results.run_writer import RunWriter

SPEC: dict[str, Any] = {"train": {"epochs": 3}}


def record(epoch: int, *, boundary: bool) -> Record:
    position, cost = epoch - (not boundary) / 2, {"train_s": 1.0} if boundary else {}
    return Record(epoch, round(10 * position), position, boundary, typed({"valid/auc/click": 0.5}), cost)


def written(runs: Path) -> RunWriter:
    writer = RunWriter(runs, "run", SPEC, ENV)
    for epoch in (1, 2, 3):
        writer.append(record(epoch, boundary=False))
        if epoch < 3:
            writer.append(record(epoch, boundary=True))
    return writer


@pytest.mark.parametrize(("keep", "ends"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_so_many_records_stay_with_the_costs_of_their_epochs(keep: int, ends: int, tmp_path: Path) -> None:
    before = (written(tmp_path).folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    assert run_reader.held(tmp_path, "run") == 5
    again = RunWriter(tmp_path, "run", SPEC, ENV, keep=keep)
    assert (again.folder / "records.jsonl").read_bytes() == b"".join(before[:keep])
    assert len((again.folder / "costs.jsonl").read_text().splitlines()) == ends
    assert len(again.kept) == keep


def test_an_epoch_whose_writing_was_cut_short_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, append = written(tmp_path), RunWriter._append
    lines: list[str] = []

    def killed(self: RunWriter, name: str, value: dict[str, Any]) -> None:
        if lines:
            raise KeyboardInterrupt
        lines.append(name)
        append(self, name, value)

    monkeypatch.setattr(RunWriter, "_append", killed)
    with pytest.raises(KeyboardInterrupt):
        writer.append(record(3, boundary=True))
    monkeypatch.undo()
    assert run_reader.held(tmp_path, "run") == 5
    again = RunWriter(tmp_path, "run", SPEC, ENV, keep=5)
    again.append(record(3, boundary=True))
    assert [r.cost for r in run_reader.read(tmp_path, "run").boundaries] == [{"train_s": 1.0}] * 3

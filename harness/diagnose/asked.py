"""What is asked of a diagnosis, and the plan that answers it, as `plan.json` keeps both before anything is trained."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.groups import FEW_STEPS
from harness.analysis.racing import ALIKE
from harness.base.errors import UserError
from harness.base.files import write_json
from harness.data.guess.columns import plain
from harness.diagnose.collapse import HARMLESS
from harness.diagnose.sizing import ONCE, Size
from harness.experiment.plan import Plan
from harness.results.plan_results import PLAIN

NAME = "diagnosis"
"""Of the plan."""
SMALLEST = 256
"""Batch to start with on a small log."""
MOST = 40
"""Seeds of an arm that is left open, if time lasts."""


@dataclass(frozen=True)
class Question:
    """source: the table files. data: the digest of what was read of them. schema: a TOML file. labels: those
    of it that are asked for; none: all. seconds: the budget."""

    source: str
    data: str
    schema: str
    labels: tuple[str, ...]
    model: str
    seconds: float
    workers: int


def plan_of(
    question: Question,
    size: Size,
    strategies: tuple[str, ...],
    batch: int,
    task: str,
    most: int = MOST,
    schema: str | None = None,
) -> Plan:
    """Plain training and the first mitigations, each searched alike, and repeated until it is settled, at most so
    often. schema: of a sample, instead of that of the whole log."""
    return Plan.model_validate(
        {
            "name": NAME,
            "description": f"A diagnosis of {Path(question.source).name}: {size}.",
            "strategies": [PLAIN, *strategies[: size.arms]],
            "repetitions": {"least": min(ALIKE, most), "most": most, "settle": HARMLESS},
            "dataset": [dataset_of(question.source, schema or question.schema, question.labels)],
            "model": [{"name": question.model}],
            "train": {"epochs": size.epochs, "batch_size": batch},
            "evaluation": {"points": [0.5], "test_error": True},
            "search": {
                "trials": size.trials, "once": ONCE, "task": task, "dense_lr": (3e-4, 1e-2),
                "table_lr": (3e-4, 0.5), "batch_size": batches(batch),
                "parallel": size.together(question.workers),
                "table_optimizer": ("adam", "rowwise_adagrad"), "plain": True,
            },
        }
    )  # fmt: skip


def dataset_of(source: str, schema: str, labels: tuple[str, ...]) -> dict[str, Any]:
    """The data set as a plan names it."""
    kept = "".join(c if c.isalnum() or c in "_.-" else "_" for c in Path(source).name.split("*")[0]).strip("_.-")
    return {
        "name": "table_file",
        "schema": schema,
        "path": source,
        "labels": list(map(plain, labels)),
        "label": kept or "log",
    }


def batch_size(rows: int) -> int:
    """A power of two from 256 to 4,096 that gives an epoch enough steps, if any does."""
    return max((b for b in (512, 1024, 2048, 4096) if rows / b >= FEW_STEPS), default=SMALLEST)


def batches(batch: int) -> tuple[int, int]:
    """Where a search looks for the batch size: a quarter of the one to start with, to twice it."""
    return batch // 4, batch * 2


def write(path: Path, question: Question, size: Size, plan: Plan, seconds: float) -> None:
    """seconds: what the plan is expected to take."""
    written = {"asked": dataclasses.asdict(question), "size": dataclasses.asdict(size), "expected_s": round(seconds)}
    write_json(path, written | {"plan": plan.model_dump(mode="json", by_alias=True)})


def end(path: Path, seeds: int) -> None:
    """Write down that time ended the race after so many, so that a later launch has no more of them."""
    write_json(path, json.loads(path.read_text()) | {"ended": seeds})


def ended(path: Path) -> int | None:
    """After how many seeds time ended the race; None: it did not."""
    found = json.loads(path.read_text()).get("ended")
    return None if found is None else int(found)


def planned(path: Path, question: Question) -> tuple[Size, Plan] | None:
    """What was planned here for the same question, so that a later launch goes on with it; None: something else, or
    another version."""
    try:
        kept = json.loads(path.read_text())
        if kept["asked"] != json.loads(json.dumps(dataclasses.asdict(question))):
            return None
        return Size(**kept["size"]), Plan.model_validate(kept["plan"])
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None

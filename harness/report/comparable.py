"""Whether the numbers of one arm in two results folders may be compared, as far as what both kept tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from harness.analysis.groups import seeds
from harness.analysis.load import Comparison
from harness.report.format import listed
from harness.results.records import Run

VERSIONS = ("engine", "torch", "numpy")
"""What a key is made of beside the spec, the data and the sources of plug-ins."""
DATA = ("dataset", "data_seed")
EXPERIMENT = (*DATA, "model", "evaluation", "train.continual.windows")
"""Parts of a spec that two arms must share to be measured on the same thing."""
IN_NO_KEY = ("train.keep", "train.start.source")
"""Settings that change no key, and so explain no other one."""


class Verdict(StrEnum):
    """Whether the numbers of one arm in two folders may be compared."""

    SAME = "the same runs"
    COMPARABLE = "may be compared"
    BROKEN = "same keys, other numbers"
    NOT = "not comparable"


def judge(runs: Sequence[tuple[Run, Run]], same_data: bool | None) -> tuple[Verdict, str]:
    """A verdict, and why, on the finished runs of one arm with the same seeds in two results folders.

    same_data: as `built_alike` has it.
    """
    if not runs:
        return Verdict.NOT, "no seed finished in both"
    others = [(a, b) for a, b in runs if a.key != b.key]
    if others:
        return _other_keys(others, same_data)
    differ = [(a, b) for a, b in runs if _records(a) != _records(b)]
    if not differ:
        return Verdict.SAME, f"{seeds(len(runs))}, records equal byte by byte"
    (a, b), *_ = differ
    first, second = _environment(a), _environment(b)
    where = [f"{name} {first.get(name)} against {second.get(name)}" for name in _changed(first, second)]
    return Verdict.BROKEN, f"{len(differ)} of {seeds(len(runs))}; {listed(where) if where else 'one environment'}"


def built_alike(left: Comparison, right: Comparison, dataset: str) -> bool | None:
    """Whether a data set was built of the same files by the same code in two results folders; None: it is not known.

    A plan keeps the key of its last draw alone. Where two plans have other last draws, other keys tell nothing.
    """
    first, second = (found.result.data.get(dataset) for found in (left, right))
    if first is None or second is None:
        return None
    if first == second:
        return True
    return False if _same_last_draw(left, right, dataset) else None


def _same_last_draw(left: Comparison, right: Comparison, dataset: str) -> bool:
    """Draws are counted, so those of equally many seeds end alike; else the last runs say which they had."""
    if len(left.plan.seeds) == len(right.plan.seeds):
        return True
    first, second = (_last_draw(found, dataset) for found in (left, right))
    return first is not None and first == second


def _last_draw(found: Comparison, dataset: str) -> list[Any] | None:
    """What the runs of a plan's last seed were trained on; None: it has none."""
    arms = (arm for group in found.groups if group.dataset == dataset for arm in group.everything)
    runs = (arm.runs[seed] for arm in arms for seed in found.plan.seeds[-1:] if seed in arm.runs)
    return next(([run.spec.get(name) for name in DATA] for run in runs if run.spec), None)


def _other_keys(runs: Sequence[tuple[Run, Run]], same_data: bool | None) -> tuple[Verdict, str]:
    """The same of runs that have other keys."""
    settings = [_changed(_flat(a.spec), _flat(b.spec)) for a, b in runs]
    every = list(dict.fromkeys(name for names in settings for name in names))
    apart = [*_other_versions(runs), *(f"other {name}" for name in every if _within(name, EXPERIMENT))]
    if apart:
        return Verdict.NOT, listed(apart)
    if same_data is False:
        return Verdict.NOT, "other data: the files changed that they are built of, or the code that builds them"
    if any(all(_within(name, IN_NO_KEY) for name in names) for names in settings):
        changed = "the source of a plug-in" if same_data else "the data or the source of a plug-in"
        return Verdict.NOT, f"no setting or version explains the other key, so {changed} changed"
    known, unknown = "same settings of data and model,", "the data's files and the source of plug-ins are"
    if same_data:
        known, unknown = "same data, settings of the model,", "the source of plug-ins is"
    return Verdict.COMPARABLE, f"{known} evaluation and versions; other {listed(every)}; {unknown} not compared"


def _other_versions(runs: Sequence[tuple[Run, Run]]) -> Iterator[str]:
    found = dict.fromkeys((name, a.env.get(name), b.env.get(name)) for name in VERSIONS for a, b in runs)
    yield from (f"{name} {first} against {second}" for name, first, second in found if first != second)


def _within(name: str, parts: Sequence[str]) -> bool:
    """Whether a setting is one of these, or stands in one."""
    return any(f"{name}.".startswith(f"{part}.") for part in parts)


def _records(run: Run) -> bytes:
    assert run.folder is not None
    return (run.folder / "records.jsonl").read_bytes()


def _environment(run: Run) -> dict[str, str]:
    """Machine and versions; of a run that was resumed elsewhere, one after the other."""
    names = dict.fromkeys(name for env in run.environments for name in env)
    return {name: " then ".join(dict.fromkeys(str(env.get(name)) for env in run.environments)) for name in names}


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name; the stages of a strategy are one setting."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {prefix + name: item}
    return found


def _changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name)]

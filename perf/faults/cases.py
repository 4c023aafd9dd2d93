"""Bad inputs, each as a few files and a command."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PLAN = """
strategies = ["none", "mine"]
seeds = [1]
[[dataset]]
name = "powerlaw"
preset = "tiny"
rows = 2000
[[model]]
name = "dnn"
dim = 4
hidden = [8]
[train]
epochs = 2
batch_size = 512
[evaluation]
points = [0.5]
sample = 200
"""
POWERLAW = 'name = "powerlaw"\npreset = "tiny"\nrows = 2000'
OWN = PLAN.replace(POWERLAW, 'name = "table_file"\nschema = "schema.toml"\npath = "table.csv"')
SCHEMA = 'fields = ["user", "item"]\ntime = "t"\n[labels]\ny = "y"\n[split]\nby = "time"\n'
STRATEGY = 'from harness.api import *\nclass Mine(Strategy):\n    name = "mine"\n'
DATASET = """
import numpy as np
from harness.api import *

class Own(Dataset):
    name, version = "own", 1
    def build(self, rng):
        return Data(("a", "b"), ("y",), *(self._part(rng, n) for n in (600, 300, 300)))
    def _part(self, rng, n):
        return Split(ids_NF=rng.integers(0, 50, (n, 2)), labels_NT=rng.integers(0, 2, (n, 1)).astype(np.uint8))
"""
BENCHMARK = "benchmark plan.toml --no-mlflow --workers 1 --plugins plug"
Content = str | bytes | Callable[[Path], None]
"""Of a file: text, bytes, or what makes it."""


@dataclass(frozen=True)
class BadInput:
    """files: by name, beside those that every case has. says: a part of the one line that it gets."""

    what: str
    says: str
    files: dict[str, Content]
    command: str = BENCHMARK


def table(header: str = "user,item,t,y", rows: int = 400) -> str:
    """A table that can be trained on."""
    rng = random.Random(0)
    lines = [f"{rng.randrange(60)},{rng.randrange(30)},{t},{rng.randrange(2)}\n" for t in range(rows)]
    return f"{header}\n{''.join(lines)}"


def plan(old: str, new: str) -> dict[str, Content]:
    assert old in PLAN, old
    return {"plan.toml": PLAN.replace(old, new)}


def own(schema: str = SCHEMA, text: Content | None = None, path: str = "table.csv") -> dict[str, Content]:
    content = table() if text is None else text
    return {"plan.toml": OWN.replace("table.csv", path), "schema.toml": schema, "table.csv": content}


def dataset(old: str, new: str) -> dict[str, Content]:
    assert old in DATASET, old
    source = DATASET.replace(old, new)
    return {"plan.toml": PLAN.replace(POWERLAW, 'name = "own"'), "plug/datasets/own.py": source}


def strategy(source: Content) -> dict[str, Content]:
    return {"plug/strategies/mine.py": source}


def itself(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.mkdir()


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


RATE = '"none", "hashing(ratio={})"'
BAD = (
    BadInput("plan: a number of 5,000 digits", "cannot be read as TOML", plan("2000", "9" * 5000)),
    BadInput("plan: an array 3,000 deep", "cannot be read as TOML", plan("[8]", "[" * 3000 + "]" * 3000)),
    BadInput("plan: a line end in a strategy", r"'no\nne' cannot be read", plan('"mine"', r'"no\nne"')),
    BadInput(
        "plan: an escape of the terminal as a key", r"unknown key '\x1b[2J'", plan("epochs", '"\\u001b[2J" = 1\nepochs')
    ),
    BadInput("plan: a knob of 900 brackets", "cannot be read", plan('"none"', RATE.format("[" * 900 + "]" * 900))),
    BadInput("plan: a knob that takes forever to compute", "cannot be read", plan('"none"', RATE.format("9**9**9**9"))),
    BadInput("plan: a knob that is nan", "cannot be read", plan('"none"', RATE.format("nan"))),
    BadInput("plan: a batch of evaluation beyond 64 bits", "batch_size", plan("200", "200\nbatch_size = 1" + "0" * 20)),
    BadInput("plan: a date for a width", "is not of type int", plan("dim = 4", "dim = 2024-01-01")),
    BadInput("plan: true for a seed", "seeds.0 = True is not accepted", plan("seeds = [1]", "seeds = [true]")),
    BadInput("plan: a strategy twice in one composition", "names one strategy twice", plan('"mine"', '"mine+mine"')),
    BadInput("plan: one key twice", "Cannot overwrite a value", plan("dim = 4", "dim = 4\ndim = 5")),
    BadInput("plan: in UTF-16", "cannot be read as TOML", {"plan.toml": PLAN.encode("utf-16")}),
    BadInput("schema: a FIFO", "this is no regular file", own() | {"schema.toml": os.mkfifo}),
    BadInput("schema: an expression of 10,000 letters", "is too long", own(SCHEMA.replace('"t"', f'"t{"+t" * 5000}"'))),
    BadInput("schema: a separator of two bytes", "separator = 'é'", own(SCHEMA + '[csv]\nseparator = "é"\n')),
    BadInput(
        "schema: one column name twice",
        "'t' is listed twice",
        own(SCHEMA + '[csv]\nnames = ["user", "item", "t", "t"]\n'),
    ),
    BadInput("schema: a number for a label", "unknown label '1'", own(path='table.csv"\nlabels = [1]\n#"')),
    BadInput("table: a name of 5,000 letters", "File name too long", own(path="a" * 5000)),
    BadInput("table: a pattern that is none", "is no pattern", own(path="**[.csv")),
    BadInput("table: a link to itself", "this is a link that leads nowhere", own(text=itself)),
    BadInput("table: /dev/zero", "this is no regular file", own(text=endless)),
    BadInput("table: an empty folder of that name", "the folder holds no file", own(text=folder)),
    BadInput(
        "table: a header with a column twice",
        "holds the column 'item' twice",
        own(SCHEMA.replace('"user", ', ""), table("item,item,t,y")),
    ),
    BadInput(
        "table: a header in the first of two parts alone",
        "has none of the columns of",
        own(path="parts") | {"parts/a.csv": table(), "parts/b.csv": table().partition("\n")[2]},
    ),
    BadInput("table: a row too long", "and line 402 has 5", own(text=table() + "1,2,3,1,9\n")),
    BadInput("table: labels 0, 1 and 2", "has the value 2", own(text=table() + "1,2,500,2\n")),
    BadInput("table: one row", "time has 1 distinct values", own(text=table(rows=1))),
    BadInput(
        "plug-in: an error of three lines at import", r"ValueError: a\nb\nc", strategy("raise ValueError('a\\nb\\nc')")
    ),
    BadInput("plug-in: a FIFO", "is no regular file", strategy(os.mkfifo)),
    BadInput("plug-in: a link to itself", "a link that leads nowhere", strategy(itself)),
    BadInput(
        "plug-in: a line end in its name", r"name = 'a\nb' is not accepted", strategy(STRATEGY.replace("mine", r"a\nb"))
    ),
    BadInput("plug-in: 6,000 signs before a number", "MemoryError", strategy(f"x = {'-' * 6000}1\n{STRATEGY}")),
    BadInput(
        "plug-in: a knob that is an object", "is of type object", strategy(f"{STRATEGY}    knob: object = object()\n")
    ),
    BadInput("plug-in: a name there is already", "is defined twice", strategy(STRATEGY.replace('"mine"', '"none"'))),
    BadInput("data set: returns nothing", "AttributeError at", dataset("return Data", "Data")),
    BadInput(
        "data set: calls itself without end",
        "RecursionError at own.py:8",
        dataset("return Data", "self.build(rng); Data"),
    ),
    BadInput(
        "data set: ends the process", "SystemExit at own.py:8: 3", dataset("return Data", "raise SystemExit(3); Data")
    ),
    BadInput(
        "data set: times that are nan", "time_N is float64", dataset("ids_NF=", "time_N=np.full(n, np.nan), ids_NF=")
    ),
    BadInput(
        "data set: groups between 0 and 1", "group_N is float64", dataset("ids_NF=", "group_N=rng.random(n), ids_NF=")
    ),
    BadInput("data set: a list for labels", "labels_NT is a list", dataset(".astype(np.uint8)", ".tolist()")),
    BadInput("data set: numbers for names", "field name '1' is not accepted", dataset('("a", "b")', "(1, 2)")),
    BadInput("data set: no version", "has no attribute 'version'", dataset('name, version = "own", 1', 'name = "own"')),
    BadInput(
        "data set: its fingerprint is an object",
        "fingerprint: a value of type object",
        dataset("    def _part", "    def fingerprint(self): return object()\n    def _part"),
    ),
    BadInput("results: a file in place of runs/", "'results/runs' is a file", {"results/runs": ""}),
    BadInput("results: a file in place of report/", "'results/report' is a file", {"results/report": ""}),
    BadInput("results: a folder in place of the report", "report.html' is a folder", {"results/report.html": folder}),
    BadInput(
        "results: a folder in place of the plan's result", "plan.json' is a folder", {"results/plans/plan.json": folder}
    ),
    BadInput("command: no workers", "invalid value for '--workers'", {}, f"{BENCHMARK} --workers -1"),
    BadInput("command: an option there is not", "no such option: --worker", {}, "benchmark plan.toml --worker 1"),
    BadInput("command: a command there is not", "no such command 'benchmrk'", {}, "benchmrk"),
    BadInput("command: a name with a slash", "strategy 'a/b' cannot be read", {}, "run a/b --plan plan.toml"),
    BadInput("command: two keys in one --set", "sets more than one key", {}, f"{BENCHMARK} --set 'a=1\nb=2'"),
    BadInput(
        "command: a number of 5,000 digits in --set",
        "train.epochs = '999",
        {},
        f"{BENCHMARK} --set train.epochs={'9' * 5000}",
    ),
    BadInput(
        "command: more trials than a plan may have", "'--trials'", {}, "tune none --plan plan.toml --trials 1000000"
    ),
    BadInput("command: a picture in a format of text", "is not drawn", {}, "data describe plan.toml --png a.docx"),
)

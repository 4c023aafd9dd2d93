"""A strategy as one module that needs torch alone: an optimiser of embedding tables, and an encoder of ids."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from harness import __version__
from harness.api import FieldTable, RowStep, Strategy, UserError
from harness.base import seeds
from harness.base.errors import described
from harness.base.plugin import params
from harness.export import example
from harness.export.exported import Exported
from harness.export.reference import trained_rows

SAID = {
    "adam": "Lazy Adam, which steps the rows of a batch alone, as torch.optim.SparseAdam does.",
    "adam_by_touch": "Adam of the rows of a batch alone, its bias corrected by a row's own touches.",
    "adagrad": "Adagrad of the rows of a batch: one accumulator per number.",
    "rowwise_adagrad": "Row-wise Adagrad: one accumulator per row, the sum of its mean squared gradients.",
    "sgd": "SGD of the rows of a batch.",
}
"""Of each table optimiser that moves no other rows."""
STEP = {
    "rows_K": "rows_K",
    "field_K": "field_K",
    "weight_KD": "weight_KD",
    "grad_KD": "grad_KD",
    "batch_count_K": "count_K",
    "seen_K": 'rows["seen"][rows_K]',
    "train_count_K": "self._train_count_R[rows_K]",
    "last_step_K": 'rows["last"][rows_K]',
    "seen_max_F": 'run["seen_max_F"]',
    "train_max_F": "self._train_max_F",
    "examples": "examples",
    "lr": 'group["lr"]',
    "epoch": 'run["epoch"]',
    "step": 'run["step"]',
    "row_buffer": "self.row_buffer",
    "run_buffer": "self.run_buffer",
}
"""What the module gives its rules, of what a RowStep may hold."""
IMPORTS = {
    "import copy", "import dataclasses", "import math", "from collections.abc import Callable, Mapping",
    "from dataclasses import dataclass", "from itertools import accumulate", "from typing import Any", "import torch",
    "from torch import Tensor", "from torch import nn",
}  # fmt: skip
"""What the module may need besides what its strategies import."""


CHANGES = {"scale_lr", "add_decay", "with_grad"}
"""What a rule may do to a step; one that replaces its fields may do all of it."""
MOST = 1e-5
"""How far a module may end from the engine, relative to the largest weight."""
RANDOM = {"rand", "rand_like", "randn", "randn_like", "randint", "randperm", "bernoulli", "multinomial", "normal"}
"""What draws numbers, after which two runs do not compare."""


def torch_module(what: Exported, command: str) -> str:
    """The source of the module. command: what writes it.

    Raises:
        UserError: two parts of it have one name, or it does not end where the engine does.
    """
    spec, parts = what.spec, what.parts
    names = set().union(*(part.names for part in parts))
    names |= CHANGES if "replace" in names else set()
    rules = [part.instance for part in parts if "on_rows" in part.hooks]
    row_step = {name: value for name, value in STEP.items() if rules and (name in names or name == "grad_KD")}
    starts, ends = ([p.instance for p in parts if hook in p.hooks] for hook in ("on_epoch_start", "on_epoch_end"))
    owing = {name.upper(): share for name in ("decay", "absent_decay") if (share := getattr(spec, name))}
    contracts = _contracts(names, row_step, tables=bool(starts or ends or owing))
    text = template("table_optimizer.py.jinja").render(
        spec=spec,
        said=SAID[spec.optimizer],
        title=f"The embedding tables of {' and '.join(s.name for s in what.strategies)}, in plain PyTorch.",
        docs=what.docs,
        command=command,
        version=__version__,
        constants=owing,
        blocks=[*contracts, *(block for part in parts for block in part.blocks)],
        parts=parts,
        names=names,
        rules=rules,
        row_step=row_step,
        starts=starts,
        ends=ends,
        encoder=_encoder(what.encoder),
        example=inspect.getsource(example).split("from torch import Tensor, nn\n")[1].strip(),
        most=MOST,
        expected=_expected(what, random=bool(RANDOM & names)),
    )
    body = re.sub("\n{4,}", "\n\n\n", text).rstrip() + "\n"
    _ensure_distinct(body)
    source = body.replace("# imports", _import_block(IMPORTS.union(*(part.imports for part in parts)), body), 1)
    if "def self_test" in source:
        _ensure_same(source)
    return source


def template(name: str) -> Template:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


def _encoder(strategy: Strategy | None) -> str:
    if strategy is None:
        return ""
    salts = seeds.generator(0, "export", strategy.name).integers(0, 2**63, 2).tolist()
    settings = {"hashes": 1} | params(strategy)
    return template("id_encoder.py.jinja").render(name=strategy.name, salts=salts, **settings)


def _expected(what: Exported, *, random: bool) -> str:
    """Where the engine ends, as a list that float32 gives back to the bit; empty where that is no number to compare."""
    if random:
        return ""
    try:
        rows_RD = trained_rows(what.spec, what.strategies)
    except UserError:  # a knob names a field of its own
        return ""
    rows = ("[" + ", ".join(f"{value:.9g}" for value in row) + "]" for row in rows_RD.tolist())
    return "[\n" + "".join(f"    {row},\n" for row in rows) + "]" if rows_RD.isfinite().all() else ""


def _ensure_distinct(body: str) -> None:
    defined = [each.name for each in ast.parse(body).body if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    defined += [ast.unparse(each.targets[0]) for each in ast.parse(body).body if isinstance(each, ast.Assign)]
    if twice := [name for name in defined if defined.count(name) > 1]:
        raise UserError(f"'{twice[0]}' would be defined twice in the file; accepted: names of their own")


def _ensure_same(source: str) -> None:
    names: dict[str, Any] = {"__name__": __name__}  # dataclasses look the module up
    try:
        exec(compile(source, "table_optimizer.py", "exec"), names)
        difference = names["self_test"]()
    except Exception as error:
        raise UserError(f"the file does not run without the harness: {described(error)}") from error
    if not difference <= MOST:
        raise UserError(f"the file ends {difference:.1e} away from the engine; accepted: at most {MOST:g}")


def _contracts(names: set[str], row_step: dict[str, str], *, tables: bool) -> Iterator[str]:
    """What of the api the strategies are written against, without what they do not ask for."""
    if tables:
        yield _pruned(FieldTable, {"name", "offset", "num_rows"} | names)
    if row_step:
        made = {field for method, field in (("scale_lr", "lr_scale_K"), ("add_decay", "decay_K")) if method in names}
        yield _pruned(RowStep, names | row_step.keys() | made)


def _pruned(cls: type, wanted: set[str]) -> str:
    """The source of a class without fields and methods that are not wanted, nor what is said under them."""
    source = inspect.getsource(cls)
    lines, (node,) = source.splitlines(), ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    dropped, last = set[int](), False
    for each in node.body:
        if isinstance(each, ast.AnnAssign | ast.FunctionDef):
            name = each.name if isinstance(each, ast.FunctionDef) else ast.unparse(each.target)
            last = name not in wanted
        if last:
            dropped |= {*range(each.lineno, (each.end_lineno or 0) + 1)}
    left = "\n".join(line for number, line in enumerate(lines, start=1) if number not in dropped)
    return re.sub("\n{3,}", "\n\n", left).rstrip().replace("`Tables`", "`TableOptimizer`")


def _import_block(lines: Iterable[str], body: str) -> str:
    """The imports that a body uses, in the order of isort."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    plain, named = set[str](), dict[str, set[str]]()
    for line in lines:
        (node,) = ast.parse(line).body
        assert isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names:
            if (alias.asname or alias.name.split(".")[0]) in used:
                if isinstance(node, ast.Import):
                    plain.add(ast.unparse(alias))
                else:
                    named.setdefault(str(node.module), set()).add(ast.unparse(alias))
    first = [f"import {name}" for name in sorted(plain - {"torch"})]
    both = {name: f"from {name} import {', '.join(sorted(aliases))}" for name, aliases in sorted(named.items())}
    first += [line for name, line in both.items() if name.split(".")[0] != "torch"]
    own = ["import torch", *(line for name, line in both.items() if name.split(".")[0] == "torch")]
    return "\n".join([*first, "", *own])

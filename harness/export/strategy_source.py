"""The hooks of a strategy on rows and between epochs, as source that stands without the harness."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from harness import api
from harness.api import Strategy, UserError, defining
from harness.base.meaning import first_line
from harness.base.plugin import params
from harness.export.folding import Defaults, folded

HOOKS = ("on_rows", "on_epoch_start", "on_epoch_end")
SUPPLIED = {"RowStep", "FieldTable", "Tables", "Strategy"}
"""Names of the api that the written module has, or does without."""
DEFAULTS: Defaults = {"reset": {"state": True, "again": False}}
"""Those of `Tables.reset`."""


@dataclass
class StrategySource:
    """A strategy's class without its knobs' declarations, and what that class needs of its file."""

    instance: str
    """The name of the one instance that there is."""
    class_name: str
    text: str = ""
    hooks: tuple[str, ...] = ()
    imports: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)
    """Functions and constants by name."""

    @property
    def blocks(self) -> list[str]:
        """What stands at the top level of a module."""
        return [self.text, *self.definitions.values()]

    @property
    def names(self) -> set[str]:
        """Attributes of others that are read, and arguments that are passed by name."""
        nodes = [node for text in self.blocks for node in ast.walk(ast.parse(text))]
        read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self"}
        return read | {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}


def strategy_source(strategy: Strategy, source: str) -> StrategySource | None:
    """What a strategy, of this file, does to rows, with its knobs put in; None: nothing.

    Raises:
        UserError: it needs a package other than torch, or a helper file.
    """
    hooks = [hook for hook in HOOKS if defining(hook, [strategy])]
    source = folded(source, _known(params(strategy)), DEFAULTS)
    source = source.replace("torch.ones_like(step.train_count_K)", "torch.ones_like(step.rows_K)")  # of the same type
    tree = ast.parse(source)
    (node,) = (each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == type(strategy).__name__)
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    hooks = [hook for hook in hooks if not _does_nothing(methods[hook])]
    if not hooks:
        return None
    found = StrategySource(strategy.name, node.name, hooks=tuple(hooks))
    wanted = _reached(hooks, methods)
    found.text = _class_text(strategy, node, [methods[name] for name in methods if name in wanted], source)
    _collect(_names(found.text), source, found, strategy.name)
    return found


def _known(knobs: dict[str, Any]) -> dict[str, Any]:
    """What knobs decide; every field has at least one training id."""
    few = [name for name, value in knobs.items() if isinstance(value, int | float) and value <= 1]
    return (
        {f"self.{name}": value for name, value in knobs.items()}
        | {f"field.train_ids >= self.{name}": True for name in few}
        | {f"field.train_ids < self.{name}": False for name in few}
    )


def _does_nothing(method: ast.FunctionDef) -> bool:
    return all(
        isinstance(n, ast.Pass) or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        or (isinstance(n, ast.Return) and isinstance(n.value, ast.Name | None))
        for n in method.body
    )  # fmt: skip


def _reached(hooks: list[str], methods: dict[str, ast.FunctionDef]) -> set[str]:
    """The hooks, and the methods that they call."""
    found, todo = set[str](), set(hooks)
    while todo:
        found |= todo
        todo = {n for name in todo for n in _of_self(methods[name]) if n in methods} - found
    return found


def _of_self(node: ast.AST) -> set[str]:
    return {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "self"}


def _class_text(strategy: Strategy, node: ast.ClassDef, methods: list[ast.FunctionDef], source: str) -> str:
    """The class with the knobs and constants that are still read, and these methods."""
    lines, read = source.splitlines(), set().union(*map(_of_self, methods))
    blocks = [_lines(lines, node.body[0])] if ast.get_docstring(node) else []
    knobs = []
    for knob, under in pairwise(node.body):
        if isinstance(knob, ast.AnnAssign) and (name := ast.unparse(knob.target)) in read:
            knobs.append(f"    {name} = {_literal(getattr(strategy, name))}")
            knobs += [_lines(lines, under)] if isinstance(under, ast.Expr) else []
        elif _target(knob) in read:
            knobs.append(_lines(lines, knob))
    blocks += ["\n".join(knobs)] if knobs else []
    blocks += [_lines(lines, method) for method in methods]
    return f"class {node.name}:\n" + "\n\n".join(blocks).replace(": Tables)", ": TableOptimizer)")


def _lines(lines: list[str], node: ast.stmt) -> str:
    return "\n".join(lines[first_line(node) - 1 : node.end_lineno])


def _literal(value: Any) -> str:
    return f'float("{value}")' if value in (float("inf"), float("-inf")) else repr(value).replace("'", '"')


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _collect(names: Iterable[str], source: str, into: StrategySource, who: str) -> None:
    """Add what the module of this source defines or imports by these names, and what that needs."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name.split(".")[0]) in names:
                    _import(node, alias, into, who)
            continue
        defined = node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else _target(node)
        if defined in names and defined not in into.definitions and defined != into.class_name:
            text = _lines(source.splitlines(), node)
            into.definitions[defined] = text
            _collect(_names(text), source, into, who)


def _target(node: ast.stmt) -> str:
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""


def _import(node: ast.Import | ast.ImportFrom, alias: ast.alias, into: StrategySource, who: str) -> None:
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
    package = module.split(".")[0]
    if package == "harness" and hasattr(api, alias.name):
        if alias.name not in SUPPLIED:
            home = sys.modules[getattr(api, alias.name).__module__]
            _collect({alias.name}, inspect.getsource(home), into, who)
    elif package != "torch" and package not in sys.stdlib_module_names:
        raise UserError(f"strategy '{who}' is not exported: its rule needs '{module or alias.name}', not torch alone")
    else:
        one = type(node)(**{**vars(node), "names": [alias]})
        into.imports.add(ast.unparse(one))

"""`multiepoch export`: a strategy for code of one's own, as a module of torch alone or as settings of TorchRec."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from harness.base.config import explain
from harness.base.errors import UserError, unknown
from harness.base.terminal import print_plain
from harness.commands import out_file
from harness.experiment.specs import TrainSpec
from harness.export.exported import exported
from harness.export.torch_module import torch_module
from harness.export.torchrec import torchrec_settings
from harness.plugins.registry import Registry

TARGETS = ("torch", "torchrec")
OPTIMIZERS = ("adam", "adagrad", "rowwise_adagrad", "sgd")


def export(
    console: Console,
    strategy: str,
    to: str,
    out: Path | None,
    train: dict[str, str | float],
    plugins: Path | None,
    force: bool,
) -> None:
    """Write a strategy to a file, or print it. train: keys of a plan's [train], as given.

    Raises:
        UserError: the strategy cannot be had there, a name is unknown, or `out` exists or cannot be written.
    """
    if to not in TARGETS:
        raise unknown("target", to, TARGETS, "--to")
    if (optimizer := str(train["table_optimizer"])) not in OPTIMIZERS:
        raise unknown("table optimizer", optimizer, OPTIMIZERS, "--table-optimizer")
    if out is not None:
        out_file.ensure_new(out, force)
    try:
        spec = TrainSpec.model_validate(train)
    except ValidationError as error:
        raise UserError(f"export: {explain(error, TrainSpec)}") from error
    what = exported(strategy, spec, Registry(plugins))
    if to == "torchrec":
        text = torchrec_settings(what, strategy)
    else:
        quote = '"' if "'" in strategy else "'"
        named = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in train.items())
        text = torch_module(what, f"multiepoch export {quote}{strategy}{quote} --to torch {named}")
    if out is None:
        print(text, end="")
        return
    out_file.write(out, text)
    print_plain(console, f"{out}: its first lines say how it is used")

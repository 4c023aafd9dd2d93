"""`multiepoch data random`: a preset drawn at random over every knob of the generator."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.errors import UserError
from harness.data.profile.preset_fit import to_toml
from harness.data.synthetic.random_population import random_population


def write_random(console: Console, seed: int, rows: int, out: Path) -> None:
    """Write the population of a seed as TOML.

    Raises:
        UserError: too few rows, or `out` is not named *.toml or cannot be written.
    """
    if out.suffix != ".toml":
        raise UserError(f"--out '{out}' is not named *.toml; accepted: a TOML file")
    text = to_toml(random_population(seed, rows))
    try:
        out.write_text(text)
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror}") from error
    console.print(f'{out}: use it as preset = "{out}"', highlight=False, soft_wrap=True)

"""`multiepoch data random`: a preset drawn at random over every knob of the generator."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.terminal import print_plain
from harness.commands import out_file
from harness.data.profile.preset_fit import to_toml
from harness.data.synthetic.random_population import random_population


def write_random(console: Console, seed: int, rows: int, out: Path, force: bool) -> None:
    """Write the population of a seed as TOML.

    Raises:
        UserError: too few rows, or `out` is not named *.toml, exists or cannot be written.
    """
    out_file.ensure_toml(out)
    out_file.ensure_new(out, force)
    out_file.write(out, to_toml(random_population(seed, rows)))
    print_plain(console, f'{out}: use it as preset = "{out}"')

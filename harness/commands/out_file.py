"""`--out` of commands that write a file."""

from __future__ import annotations

from pathlib import Path

from harness.base.errors import UserError
from harness.base.files import write_text


def ensure_toml(out: Path) -> None:
    """Refuse another kind of file before any work.

    Raises:
        UserError: it is not named *.toml.
    """
    if out.suffix != ".toml":
        raise UserError(f"--out '{out}' is not named *.toml; accepted: a TOML file")


def ensure_new(out: Path, force: bool) -> None:
    """Refuse to write over what is there.

    Raises:
        UserError: it exists, and `force` does not say that it may go.
    """
    if out.exists() and not force:
        raise UserError(f"--out '{out}' exists; accepted: a file that does not, or --force to write over it")


def write(out: Path, text: str) -> None:
    """Write it, whole or not at all.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_text(out, text)
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror}") from error

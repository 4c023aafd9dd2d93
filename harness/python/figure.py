"""A figure as a notebook shows it, and as a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.api import UserError
from harness.base.files import write_text, writing
from harness.python import arguments


@dataclass(frozen=True)
class Figure:
    """A figure, which a notebook shows. svg: its text."""

    svg: str = field(repr=False)

    def save(self, path: str | Path) -> Path:
        """Write it as an SVG file.

        Raises:
            UserError: the file is not named `*.svg`, or cannot be written.
        """
        file = arguments.file(path, "path", accepted := "an SVG file, as 'curves.svg'")
        if file.suffix != ".svg":
            raise UserError(f"path = '{path}' is not named *.svg; accepted: {accepted}")
        with writing(f"path = '{path}'"):
            write_text(file, self.svg)
        return file

    def _repr_svg_(self) -> str:
        return self.svg

"""Publish tables: `make publish TABLES="quick facts"` copies them from results/report/ to results/tables/, kept by git.

No run of a plan writes there, so that who runs one has nothing to commit.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = r"(-(\d+(-windows)?|ranks|F\d+))?"
"""What the stem of a file of a table ends with."""


def publish(name: str, made: Path, published: Path) -> list[Path]:
    """Put the page, figures and CSV of a table in the place of those published before. Returns them.

    Raises:
        FileNotFoundError: it was not made.
    """
    stem = re.compile(re.escape(name) + FIGURES)
    files = [file for file in sorted(made.glob("*")) if stem.fullmatch(file.stem) and file.suffix != ".parquet"]
    if not files:
        raise FileNotFoundError(f"{made} holds no table '{name}'")
    for old in published.iterdir():
        if stem.fullmatch(old.stem):
            old.unlink()
    return [Path(shutil.copy(file, published)) for file in files]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    chosen = parser.parse_args()
    for name in chosen.tables:
        try:
            files = publish(name, chosen.results / "report", ROOT / "results" / "tables")
        except FileNotFoundError as error:
            sys.exit(str(error))
        print(*(file.relative_to(ROOT) for file in files))


if __name__ == "__main__":
    main()

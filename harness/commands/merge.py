"""`multiepoch merge`: one results folder out of several."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from harness.base.errors import UserError
from harness.base.terminal import print_plain
from harness.results.merge import merge as go


def merge(console: Console, folders: list[Path], into: Path | None) -> int:
    """Merge, and name what was left. Returns the exit status, 1 if something is otherwise in the target."""
    target, *rest = folders if into is None else [into, *folders]
    if not rest:
        raise UserError(f"'{target}' alone is nothing to merge; accepted: two folders or more, or --into another")
    merged = go(rest, target)
    for kind in sorted(merged.brought.keys() | merged.there.keys()):
        line = f"{kind}: {merged.brought[kind]} brought, {merged.there[kind]} there already"
        console.print(line, highlight=False)
    for lines, style in ((merged.left, "yellow"), (merged.refused, "red")):
        for line in lines:
            print_plain(console, line, style)
    then = "run plans there again to train what is missing, then `multiepoch report` and `sync`"
    print_plain(console, f"'{target}' has all else; {then}")
    return int(bool(merged.refused))

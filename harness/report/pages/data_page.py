"""What data sets look like, as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.report.pages.described import describe
from harness.report.pages.templates import templates
from harness.results.description import Description


def write_page(found: Sequence[Description], path: Path) -> None:
    """Every name in it is escaped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = templates().get_template("data.html").render(found=list(map(describe, found)))
    path.write_text(page, encoding="utf-8")

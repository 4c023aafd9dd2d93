"""Pages as a person sees them, in a headless browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = pytest.mark.skipif(BROWSER is None, reason="no chromium to look at pages with")


def look(address: str, profile: Path, seconds: int = 20, width: int = 1700) -> str:
    """The page that an address comes to after so many seconds of the page's own time, which takes less than that.

    width: of the window, 500 or more.
    """
    assert BROWSER is not None
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    view = [f"--user-data-dir={profile}", f"--window-size={width},2500", f"--virtual-time-budget={1000 * seconds}"]
    done = subprocess.run(
        [BROWSER, *switches, *view, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=120
    )
    return re.sub(r"<(script|style).*?</\1>", "", done.stdout, flags=re.DOTALL)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))

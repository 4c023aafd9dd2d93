"""The documents as a site: `make docs`. Pages are Markdown that a code host shows too; nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from harness import __version__

project = author = "multiepoch"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
root_doc = "index"

myst_heading_anchors = 4
python_maximum_signature_line_length = 90
autodoc_member_order = "bysource"
default_role = "literal"
suppress_warnings = ["misc.highlighting_failure"]  # CSV, which code hosts colour

html_theme = "furo"
html_title = f"multiepoch {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False

PAGES = ("your-data", "verdict", "writing", "protocol", "results", "why", "engine", "scale", "reliability", "reference",
         "questions")  # fmt: skip
"""In the order of the menu, after the first."""

DOCS = Path(__file__).parent


def outside(link: re.Match[str]) -> str:
    """A link to what the site has no page of: a file is copied as it is, a folder's name stays as text."""
    words, target = link.groups()
    return words if (DOCS / target).is_dir() else f"[{words}](path:{target})"


def unbroken(row: re.Match[str]) -> str:
    """A row of a table whose intervals stay on one line."""
    return re.sub(r"(\[[-+.\d]+), ([-+.\d]+\])", "\\1,\N{NO-BREAK SPACE}\\2", row[0])


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Prepare a page, and give the first one the menu, which a code host would show as code."""
    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\((\.\./[^)#]*)(?:#[^)]*)?\)", outside, source[0])
    source[0] = re.sub(r"^\|.*", unbroken, source[0], flags=re.MULTILINE)
    if page == root_doc:
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(PAGES) + "\n```\n"


def whole_options(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Commands whose options do not break at their hyphens, where a narrow screen folds the line."""
    blocks = re.compile(r'(?<=<div class="highlight-sh notranslate">).*?(?=</div>)', re.DOTALL)
    option = re.compile(r"(?<=>)--[\w-]+")
    if body := context.get("body"):
        context["body"] = blocks.sub(lambda block: option.sub(r'<span class="option">\g<0></span>', block[0]), body)


def setup(app: Sphinx) -> None:
    app.connect("source-read", read)
    app.connect("html-page-context", whole_options)

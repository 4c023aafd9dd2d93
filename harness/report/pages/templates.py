"""How pages are made of their templates: every text is escaped, numbers are typeset, long names may break."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report.format import NOTHING

LONGEST = 17
"""Characters of a name that a column of names holds in a line."""


def templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"typeset": typeset, "breakable": breakable, "shell": shell}
    return environment


def typeset(text: str) -> str:
    """True minus signs and dashes; intervals and p-values do not break across lines."""
    if text == NOTHING:
        return "\u2013"
    text = re.sub(r"(?<![\w.)])-(?=[.\d])", "\u2212", text).replace(" - ", " \u2212 ")
    text = re.sub(r"\bp ([=<]) ", "p\u00a0\\1\u00a0", text)
    return re.sub(r"(\S+) \[([\d.\u2212]+), ([\d.\u2212]+)\]", "\\1\u00a0[\\2,\u00a0\\3]", text)


def breakable(text: str, longest: int = LONGEST) -> Markup:
    """A long name that may break after + and (, and after _ in parts that are longer than `longest`; settings break
    between each other alone."""
    safe = str(escape(text))
    if " = " in text:
        return Markup(safe.replace(" = ", "\u00a0=\u00a0"))
    parts = [part.replace("_", "_<wbr>") if len(part) > longest else part for part in re.split(r"(?<=[+(])", safe)]
    return Markup("<wbr>".join(parts))


def shell(command: str) -> Markup:
    """A command whose options do not break at their hyphens."""
    return Markup(re.sub(r"--[\w-]+", r'<span class="option">\g<0></span>', str(escape(command))))

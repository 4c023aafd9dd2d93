"""Text of other people in Markdown that we write: it shows as what it is, and marks nothing up.

The escapes are those that CommonMark, GitHub, MLflow's pages and Optuna's dashboard all take back. A bare address stays
as it is, and some viewers make it a link to what can be read there.
"""

from __future__ import annotations

import re

_LINE_ENDS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_ENTITIES = {"&": "&amp;", "<": "&lt;", "$": "&#36;"}
"""For characters before which some viewers take no backslash."""
_MEANT = re.compile(
    r"&(?=[#\w])|<(?=[A-Za-z/!?])|\$"  # an entity, a tag, a formula
    r"|[\\`*_~|>]|\](?=[ \t]*[(\[:])"  # code, emphasis, cells, quotes; a link, a picture or a definition
    r"|^(?:#|[-+](?=[ -])|\d+[.)](?= )|\[(?=.*\]:))"  # a heading, a list or a rule; a definition
)


def literal(text: str) -> str:
    """Text on one line, without what Markdown or HTML would make of it."""
    return _MEANT.sub(_escaped, _LINE_ENDS.sub(" ", text).strip(" \t"))


def code(text: str) -> str:
    """Text as code; one that holds a backtick, which would end it, as plain text."""
    line = _LINE_ENDS.sub(" ", text).strip(" \t")
    return literal(line) if "`" in line or not line else f"`{line}`"


def _escaped(found: re.Match[str]) -> str:
    meant = found[0]
    return _ENTITIES.get(meant) or f"{meant[:-1]}\\{meant[-1]}"

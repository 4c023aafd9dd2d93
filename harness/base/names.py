"""What names may look like: those of files, and those of fields, tasks and labels, which stand in keys and tables."""

from __future__ import annotations

import re

from harness.base.errors import UserError

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$"
"""Of plans and published tables."""
BASELINE = "one_epoch"
"""Names the baseline among the strategies of a plan, so no strategy may be called so."""
_NAME = re.compile(r"\w[\w .,:;()+%$#@!?&=<>*'-]{0,99}")


def check_names(what: str, names: tuple[str, ...], where: str) -> None:
    """Refuse names that are empty, long, or would tear a key of records or a file path apart.

    what: as `field`. where: begins the message.

    Raises:
        UserError: a name is not accepted.
    """
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserError(
                f"{where}: {what} name {str(name)[:120]!r} is not accepted; accepted: 1 to 100 letters, digits, spaces "
                'and signs other than / \\ | ` " and line ends, the first a letter or digit'
            )
        if names.count(name) > 1:
            raise UserError(f"{where}: {what} '{name}' is listed twice")

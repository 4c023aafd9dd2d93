"""What its author knows of a data set and no check of its rows could find."""

from __future__ import annotations

from dataclasses import dataclass

from harness.base.errors import UserError


@dataclass(frozen=True)
class Doubt:
    """What may mislead in how the data were made; the checks of the data show it among what they found, as a "look".

    Raises:
        UserError: the name is no word of letters, digits and _.
    """

    name: str
    """Of the check that finds it, as `history_looks_ahead`."""
    message: str
    """What may mislead, in a sentence."""
    advice: str
    """What to do about it, in one more."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise UserError(f"doubt: name = {self.name!r} is not accepted; accepted: letters, digits and _")

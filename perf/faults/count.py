"""One row of the table of faults."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Count:
    """How often a kind of fault was tried. survived: what counts as that. lost: what went wrong, a line each."""

    kind: str
    survived: str
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    note: str = ""

    def add(self, what: str, problem: str) -> None:
        """problem: empty if it survived."""
        self.tried += 1
        if problem:
            self.lost.append(f"{what}: {problem}")

    def row(self) -> str:
        return f"| {self.kind} | {self.tried} | {self.tried - len(self.lost)} | {self.survived}{self.note} |"

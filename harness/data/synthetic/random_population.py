"""A population drawn at random over every knob: of many such, what holds does not hang on how one of them was made."""

from __future__ import annotations

import math
from typing import Any

from harness.base import seeds
from harness.base.errors import UserError
from harness.data.synthetic.population import Population

ROWS, LEAST_ROWS = 500_000, 50_000
"""If not said; and at least, so that every draw has enough positives."""


class _Dice:
    """Draws of a seed, by name: one that is added later moves no other."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def between(self, name: str, low: float, high: float) -> float:
        return float(seeds.generator(self._seed, "random population", name).uniform(low, high))

    def scale(self, name: str, low: float, high: float) -> float:
        """Log-uniform."""
        return math.exp(self.between(name, math.log(low), math.log(high)))

    def whole(self, name: str, low: int, high: int) -> int:
        return math.floor(self.between(name, low, high + 1))

    def yes(self, name: str, share: float) -> bool:
        return self.between(name, 0, 1) < share


def random_population(seed: int, rows: int) -> dict[str, Any]:
    """As the values of a preset: two to four fields with long tails, what follows them, context, one or two tasks, and
    in some numbers, lists, histories, a policy, positions, and negatives left out.

    Raises:
        UserError: fewer than 50,000 rows.
    """
    if rows < LEAST_ROWS:
        raise UserError(f"a random population of {rows:,} rows is not accepted; accepted: {LEAST_ROWS:,} rows or more")
    dice = _Dice(seed)
    repeat = dice.between("repeat", 0.2, 0.9) if dice.yes("sessions", 0.5) else 0.0
    days = dice.whole("days", 5, 30)
    population = {
        "description": f"Drawn at random, seed {seed}",
        "rows": rows,
        "days": days,
        "repeat": repeat,
        "gap": dice.scale("gap", 10, 600),
        "match": [["user"], ["item"]],
        "group": "user",
        "id_bias": dice.between("id_bias", 0.3, 1.5),
        "interaction": dice.between("interaction", 0.2, 1.0),
        "context": dice.between("context", 0.1, 0.6),
        "drift": dice.between("drift", 0.0, 0.5),
        "noise": dice.between("noise", 0.0, 1.0),
        "correlation": dice.between("correlation", 0.0, 1.0),
        "fields": _tails(dice, rows, days, repeat > 0) | _followers(dice) | _context(dice) | _hidden(dice, repeat > 0),
        **_kinds(dice),
        "tasks": _tasks(dice),
    }
    Population.model_validate(population)
    return population


def _tails(dice: _Dice, rows: int, days: int, sessions: bool) -> dict[str, Any]:
    """The fields whose rows few examples train; a user's rows come in sessions, if there are any."""
    out: dict[str, Any] = {}
    rows_per_id = {"user": (2, 60), "item": (4, 400), "address": (2, 60), "page": (4, 400)}
    for name in ("user", "item", *("address", "page")[: dice.whole("tails", 0, 2)]):
        out[name] = {
            "ids": round(rows / dice.scale(f"{name} rows per id", *rows_per_id[name])),
            "exponent": dice.between(f"{name} exponent", 0.3, 1.4),
            "shift": dice.scale(f"{name} shift", 0.1, 100),
            "weight": dice.between(f"{name} weight", 0.5, 4),
        }
        if dice.yes(f"{name} turns over", 0.5):
            out[name]["life"] = dice.scale(f"{name} life", days / 4, days * 4)
        if dice.yes(f"{name} once", 0.3):
            out[name]["once"] = dice.between(f"{name} share once", 0, 0.15)
    if sessions:
        out["user"]["session"] = True
    if dice.yes("favourites", 0.3):
        out["item"].pop("once", None)
        out["item"] |= {
            "of": "user",
            "choices": dice.whole("choices", 2, 40),
            "strength": dice.between("own", 0.1, 0.6),
        }
    if dice.yes("policy", 0.3):
        noise = dice.between("policy noise", 0, 2)
        out["item"] |= {"candidates": dice.whole("candidates", 2, 8), "policy_noise": noise}
    if dice.yes("pair", 0.3):
        out["pair"] = {"cross": ["user", "item"], "weight": dice.between("pair weight", 0.2, 2)}
    return out


def _followers(dice: _Dice) -> dict[str, Any]:
    """Fields that go with users, items, or each other."""
    out: dict[str, Any] = {}
    for i in range(dice.whole("followers", 1, 5)):
        name, root = f"of_{i}", "user" if dice.yes(f"of_{i} user", 0.5) else "item"
        same = [other for other, field in out.items() if root in (field["of"], field.get("otherwise"))]
        nested = bool(same) and dice.yes(f"{name} nested", 0.5)
        out[name] = {
            "of": same[-1] if nested else root,
            "strength": dice.between(f"{name} strength", 0.5, 1.0),
            "ids": round(dice.scale(f"{name} ids", 5, 2_000)),
            "exponent": dice.between(f"{name} exponent", 0.3, 1.4),
            "weight": dice.between(f"{name} weight", 0.1, 1.5),
        } | ({"otherwise": root} if nested else {})
    return out


def _context(dice: _Dice) -> dict[str, Any]:
    fields = {
        f"context_{i}": {"ids": dice.whole(f"context {i} ids", 3, 50), "exponent": 0.8, "context": True}
        for i in range(dice.whole("contexts", 2, 6))
    }
    if dice.yes("positions", 0.3):
        ids, examined = dice.whole("positions ids", 3, 6), dice.between("examined", 0.1, 0.5)
        fields["position"] = {"ids": ids, "exponent": 0.0, "context": True, "examined": examined}
    return fields | {"hour": {"time": "hour", "context": True}}


def _kinds(dice: _Dice) -> dict[str, Any]:
    """Fields that are no single ids."""
    out: dict[str, Any] = {}
    if dice.yes("numbers", 0.3):
        price = {"of": "item", "strength": dice.between("price strength", 0.3, 1.0), "law": "lognormal"}
        missing, curve = dice.between("missing", 0, 0.3), dice.between("curve", 0, 1)
        out["numbers"] = {"price": price, "distance": {"missing": missing, "curve": curve}}
        out["number_bias"] = dice.between("number_bias", 0.1, 0.6)
    if dice.yes("lists", 0.3):
        tags = {"of": "item", "ids": dice.whole("tags", 20, 500), "length": dice.between("tags length", 1, 6)}
        out["lists"] = {"tags": tags}
        out["list_bias"] = dice.between("list_bias", 0.1, 0.8)
    if dice.yes("sequences", 0.3):
        seen = {"length": dice.between("history", 2, 15), "per_day": dice.scale("per_day", 0.1, 5)}
        out["sequences"] = {"seen": {"of": "item", "by": "user"} | seen}
        out["history_match"] = dice.between("history_match", 0.1, 0.8)
    return out


def _hidden(dice: _Dice, sessions: bool) -> dict[str, Any]:
    """What no row of a table holds: structure for the network alone, and what the rows of a session share."""
    out: dict[str, Any] = {}
    if dice.yes("layout", 0.5):
        weight = dice.between("layout weight", 1, 6)
        out["layout"] = {"cross": ["context_0", "hour"], "hidden": True, "context": True, "weight": weight}
    if sessions and dice.yes("mood", 0.5):
        out["mood"] = {"time": "session", "hidden": True, "weight": dice.between("mood weight", 0.2, 3)}
    return out


def _tasks(dice: _Dice) -> dict[str, Any]:
    click = dice.scale("click", 0.02, 0.5)
    tasks: dict[str, Any] = {"click": {"rate": click}}
    if dice.yes("negatives left out", 0.2):
        tasks["click"]["kept"] = dice.scale("kept", 0.1, 0.9)
    if dice.yes("two tasks", 0.5):
        tasks["convert"] = {"rate": click * dice.between("convert", 0.1, 0.5), "under": "click"}
    return tasks

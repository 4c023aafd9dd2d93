"""Plug-in classes whose fields are their configuration: declared once, checked on construction."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, TypeVar, dataclass_transform

from harness.base.errors import UserError, unknown

P = TypeVar("P", bound="Plugin")


@dataclasses.dataclass(frozen=True)
class Knob:
    """What `tuned` declares of a field: its legal values, which are also where the search looks."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None
    neutral: Any = None
    search: bool = True

    @property
    def searchable(self) -> bool:
        return self.search and (self.choices is not None or (self.low is not None and self.high is not None))

    def accepts(self, value: Any) -> bool:
        if self.neutral is not None and value == self.neutral:
            return True
        if self.choices is not None:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(value, tuple):
            return (self.low is None and self.high is None) or all(type(v) is int and self.accepts(v) for v in value)
        if isinstance(value, float) and math.isnan(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def unsearchable(self, default: Any) -> str:
        """Why a search cannot look where it is declared to; empty: it can, or is not asked to."""
        if not self.searchable:
            return ""
        if self.choices is not None:
            odd = [choice for choice in self.choices if not isinstance(choice, str | int | float)]
            if odd:
                return f"has the choice {odd[0]!r}; accepted: text, numbers, true and false"
            return "" if default in self.choices else f"has the default {default!r}, which is none of its choices"
        assert self.low is not None
        assert self.high is not None
        if not isinstance(default, int | float) or isinstance(default, bool):
            return f"has the default {default!r}; accepted: a number, or choices"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            return f"goes from {self.low} to {self.high}; accepted: two numbers, the lower one first"
        whole = isinstance(default, int)
        if whole and (self.low != int(self.low) or self.high != int(self.high)):
            return f"goes from {self.low} to {self.high}, and its default is an integer; accepted: {float(default)}"
        if self.log and (self.low < 1 if whole else self.low <= 0):
            return f"begins at {self.low:g} on a logarithmic scale; accepted: {'1 or more' if whole else 'above 0'}"
        if not self.low <= default <= self.high:
            return f"goes from {self.low:g} to {self.high:g}, and its default is {default:g}; accepted: one within"
        return ""

    def describe(self) -> str:
        if self.choices is not None:
            text = ", ".join(map(repr, self.choices))
        elif self.low is None and self.high is None:
            text = "any"
        else:
            low = "-inf" if self.low is None else f"{self.low:g}"
            text = f"{low} to {'inf' if self.high is None else f'{self.high:g}'}"
        extra = self.neutral is not None and not dataclasses.replace(self, neutral=None).accepts(self.neutral)
        return f"{text}, or {self.neutral!r}" if extra else text


def tuned(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    log: bool = False,
    choices: tuple[Any, ...] | None = None,
    neutral: Any = None,
    search: bool = True,
) -> Any:
    """A plug-in field: one declaration of default, legal range and search range.

    An integer default makes an integer knob, a tuple one of integers that are each in the range. `neutral` is the
    value at which the knob does nothing (legal even outside the range); the conformance check trains with it and
    expects `none`, bit for bit. `search=False` keeps a legal knob out of the hyperparameter search.
    """
    knob = Knob(low, high, log, choices, neutral, search)
    return dataclasses.field(default=default, metadata={"knob": knob})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(tuned,))
class Plugin:
    """Base of strategies, data sets and models: every subclass is a frozen, keyword-only dataclass."""

    name: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    def __post_init__(self) -> None:
        for field in _fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, float) and type(value) is int:
                object.__setattr__(self, field.name, float(value))  # one value, one spelling, one key
            self._check(field, value)

    def _check(self, field: dataclasses.Field[Any], value: Any) -> None:
        knob, default = knob_of(field), field.default
        where = f"{self.name}: {field.name} = {list(value) if isinstance(value, tuple) else value!r}"
        if knob.choices is None and default is not dataclasses.MISSING and default is not None:
            expected = type(default)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            fits = number if expected is float else isinstance(value, expected)
            if not fits or (expected is int and isinstance(value, bool)):
                raise UserError(f"{where} is not of type {expected.__name__}")
        if not isinstance(value, (str, int, float, dict, tuple, type(None))):
            raise UserError(
                f"{self.name}: {field.name} is of type {type(value).__name__}; accepted: text, a number, true, a list"
            )
        if value is not None and not knob.accepts(value):
            raise UserError(f"{where} is not accepted; accepted: {knob.describe()}")


def _fields(plugin: Plugin | type[Plugin]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(plugin)  # type: ignore[arg-type]  # every subclass is made a dataclass


def knob_of(field: dataclasses.Field[Any]) -> Knob:
    """The knob of a plug-in field; a plain default is a knob that accepts anything and is not searched."""
    knob: Knob = field.metadata.get("knob", Knob(search=False))
    return knob


def knobs(plugin: type[Plugin]) -> dict[str, Knob]:
    """Name -> knob of every configuration field of a plug-in class, in order of declaration."""
    return {f.name: knob_of(f) for f in _fields(plugin)}


def described(plugin: type[Plugin]) -> dict[str, tuple[Any, Knob]]:
    """Name -> default and knob of every configuration field of a plug-in class, in order of declaration."""
    return {f.name: (f.default, knob_of(f)) for f in _fields(plugin)}


def params(plugin: Plugin) -> dict[str, Any]:
    """The full configuration of a plug-in, defaults included."""
    return {f.name: getattr(plugin, f.name) for f in _fields(plugin)}


def shown(value: Any) -> str:
    """A knob's value as people read it: four digits of a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def create(cls: type[P], values: dict[str, Any], where: str = "") -> P:
    """Build a plug-in from plain values.

    Raises:
        UserError: an unknown field, a missing one, or a value outside its declared range.
    """
    names = knobs(cls)
    for key in values:
        if key not in names:
            raise unknown(f"parameter of {cls.name}", key, names, where)
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        plugin = cls(**plain)
        Plugin.__post_init__(plugin)  # again, as a class may have one of its own
        return plugin
    except UserError as error:
        raise UserError(f"{where}: {error}" if where else str(error)) from error
    except Exception as error:  # of the plug-in's own checks
        raise UserError(f"{where + ': ' if where else ''}{cls.name}: {error}") from error

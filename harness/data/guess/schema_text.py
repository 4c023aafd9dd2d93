"""Guesses as a schema to edit: a TOML text in which every line says why it stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import tomli_w

from harness.base.errors import one_line
from harness.data.guess.columns import Guess
from harness.data.guess.features import Features
from harness.data.guess.guess import Guesses
from harness.data.guess.sample import Sample
from harness.data.tabular.unlike import Problem

SECTIONS = {
    "label": "labels",
    "observed": "observed",
    "id": "fields",
    "number": "fields",
    "list": "fields",
    "sequence": "fields",
}
"""What a column is taken as -> the table of the schema that it stands in."""
MADE = "#: "
"""Begins the lines of a label that can be made, which nobody has asked for yet."""
HOW = f"# To have it, take '{MADE.strip()}' away wherever a line begins with it; or write another under [labels]."
ZEROS = "numbers with zeros in front, which they would lose"


def schema_text(guesses: Guesses, path: str, rows: Sample, sampled: str) -> str:
    """The schema of table files.

    path: as the user gave it. sampled: what the guesses rest on.
    """
    lines = [
        f"# Guessed from {one_line(sampled)}. Every line says why: correct what is wrong.",
        _line("path", path, ""),
        *_query(rows.features),
        *_top(guesses),
        *((_line("text", rows.zeros, ZEROS),) if rows.zeros else ()),
        *_unlike(guesses, rows.problems),
        *_csv(rows.written),
        *_table("fields", guesses.columns),
        *_left_out(guesses),
        *_labels(guesses),
        *_observed(guesses),
        *_split(guesses),
    ]
    return "\n".join(lines) + "\n"


def _top(guesses: Guesses) -> Iterator[str]:
    """What stands in no table of the schema."""
    for guess in (*guesses.columns, *guesses.whole):
        if guess.what in ("where", "time", "group"):
            yield from _lines(guess, guess.why)
    if guesses.made is not None:
        yield from ("", f"# No column is a label. One can be made: {one_line(guesses.made.why)}.", HOW)
        yield from _made("", guesses)


def _query(features: Features | None) -> Iterator[str]:
    if features is not None:
        yield f"# {one_line(features.why)}"
        yield tomli_w.dumps({"query": features.query}, multiline_strings=True).strip()


def _unlike(guesses: Guesses, problems: Mapping[str, Problem]) -> Iterator[str]:
    """Columns that not all files have, or not as one type."""
    used = [guess.column for guess in guesses.columns if guess.what != "left out"]
    if optional := [name for name in used if name in problems]:
        yield _line("optional", optional, f"'{optional[0]}' {problems[optional[0]].said}; null there")
    for name, problem in problems.items():
        if not problem.lacks:
            yield f"# {_line(name, name, f'left out: it {problem.said}')}"


def _left_out(guesses: Guesses) -> Iterator[str]:
    for guess in guesses.columns:
        if guess.what == "left out":
            yield from (f"# {line}" for line in _lines(guess, f"left out: {guess.why}"))


def _labels(guesses: Guesses) -> Iterator[str]:
    yield from _table("labels", guesses.columns)
    yield from _made("labels", guesses)
    yield from (f"# {_line(name, sql, 'two values')}" for name, sql in guesses.candidates.items())


def _observed(guesses: Guesses) -> Iterator[str]:
    if any(guess.what == "observed" for guess in guesses.columns):
        yield from _table("observed", guesses.columns)
    elif observed := list(_made("observed", guesses)):
        yield from ("", f"{MADE}[observed]", *observed)


def _split(guesses: Guesses) -> Iterator[str]:
    split = guesses.whole[-1]
    yield from ("", "[split]")
    yield from (_line(key, value, split.why if key == "by" else "") for key, value in split.entries.items())
    yield from _made("split", guesses)


def _csv(written: Mapping[str, tuple[object, str]]) -> Iterator[str]:
    if written:
        yield from ("", "[csv]")
    for key, (value, why) in written.items():
        yield _line(key, list(value) if isinstance(value, tuple) else value, why)


def _table(section: str, guesses: Iterable[Guess]) -> Iterator[str]:
    yield from ("", f"[{section}]")
    for guess in guesses:
        if SECTIONS.get(guess.what) == section:
            yield from _lines(guess, f"{guess.what}: {guess.why}")


def _made(section: str, guesses: Guesses) -> Iterator[str]:
    """The lines of one table of the schema for a label that can be made."""
    if guesses.made is not None:
        for key, value in guesses.made.entries.get(section, {}).items():
            text = tomli_w.dumps({key: value}, multiline_strings=section == "" and "\n" in value)
            yield from (f"{MADE}{line}" for line in text.strip().split("\n"))


def _lines(guess: Guess, why: str) -> Iterator[str]:
    return (_line(key, value, why) for key, value in guess.entries.items())


def _line(key: str, value: object, why: str) -> str:
    """A key with its value on one line, and the reason behind it."""
    if isinstance(value, dict):
        inner = ", ".join(_line(name, part, "") for name, part in value.items())
        text = f"{_key(key)} = {{ {inner} }}"
    elif isinstance(value, list):
        text = f"{_key(key)} = [{', '.join(_line('x', part, '')[4:] for part in value)}]"
    else:
        text = tomli_w.dumps({key: value}).strip()
    return f"{text}  # {one_line(why)}" if why else text


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")

"""Guesses as a schema to edit: a TOML text in which every line says why it stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import tomli_w

from harness.base.errors import one_line
from harness.data.guess.columns import Guess
from harness.data.guess.delimited import Form
from harness.data.guess.guess import Guesses
from harness.data.guess.sample import Sample

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
    ]
    top = [guess for guess in (*guesses.columns, *guesses.whole) if guess.what in ("where", "time", "group")]
    lines += [_line(key, value, guess.why) for guess in top for key, value in guess.entries.items()]
    if guesses.made is not None:
        lines += [
            "",
            f"# No column is a label. One can be made: {one_line(guesses.made.why)}.",
            HOW,
            *_made("", guesses),
        ]
    if rows.zeros:
        lines.append(_line("text", rows.zeros, ZEROS))
    if rows.form is not None:
        lines += _csv(rows.form)
    lines += _table("fields", guesses.columns)
    for guess in guesses.columns:
        if guess.what == "left out":
            lines += [f"# {_line(key, value, f'left out: {guess.why}')}" for key, value in guess.entries.items()]
    lines += [*_table("labels", guesses.columns), *_made("labels", guesses)]
    if guesses.candidates:
        lines += [f"# {_line(name, name, 'two values')}" for name in guesses.candidates]
    if any(guess.what == "observed" for guess in guesses.columns):
        lines += _table("observed", guesses.columns)
    elif observed := list(_made("observed", guesses)):
        lines += ["", f"{MADE}[observed]", *observed]
    split = guesses.whole[-1]
    lines += [
        "",
        "[split]",
        *(_line(key, value, split.why if key == "by" else "") for key, value in split.entries.items()),
        *_made("split", guesses),
    ]
    return "\n".join(lines) + "\n"


def _csv(form: Form) -> Iterator[str]:
    yield from ("", "[csv]")
    for key, why in form.reasons.items():
        value = getattr(form, key)
        yield _line(key, list(value) if isinstance(value, tuple) else value, why)


def _table(section: str, guesses: Iterable[Guess]) -> Iterator[str]:
    yield from ("", f"[{section}]")
    for guess in guesses:
        if SECTIONS.get(guess.what) == section:
            yield from (_line(key, value, f"{guess.what}: {guess.why}") for key, value in guess.entries.items())


def _made(section: str, guesses: Guesses) -> Iterator[str]:
    """The lines of one table of the schema for a label that can be made."""
    if guesses.made is not None:
        for key, value in guesses.made.entries.get(section, {}).items():
            text = tomli_w.dumps({key: value}, multiline_strings=section == "" and "\n" in value)
            yield from (f"{MADE}{line}" for line in text.strip().split("\n"))


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

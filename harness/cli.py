"""The command `multiepoch`: its entry point, which imports nothing before it can be interrupted in peace."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main() -> None:
    """Run a command: bad input or a full disk is one line and exit status 2, an interruption one line and 130."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_interrupted())
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _interrupted()
        raise


def _run() -> None:
    from harness.base.errors import UserError
    from harness.commands.application import app

    try:
        app()
    except UserError as error:
        _end(str(error))
    except OSError as error:
        _end(f"{error}; once mended, the same command goes on with what is missing")


def _end(problem: str) -> None:
    print(f"multiepoch: {problem}", file=sys.stderr)
    sys.exit(2)


def _interrupted() -> int:
    print("multiepoch: interrupted; the same command goes on with what is missing", file=sys.stderr)
    return INTERRUPTED


if __name__ == "__main__":
    main()

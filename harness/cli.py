"""The command `multiepoch`: its entry point, which imports nothing before it can be interrupted in peace."""

from __future__ import annotations

import signal
import sys

from harness.base.notice import TELLING, Stopped

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main() -> None:
    """Run a command: bad input or a full disk is one line and exit status 2, an interruption one line and 130.

    SIGTERM, SIGUSR1 and SIGHUP end it as Ctrl-C does, the first two with `REQUEUE`, the last with 129. While a plan
    runs, the first two have it save checkpoints before.
    """
    before = {number: signal.signal(number, _stop) for number in (*TELLING, signal.SIGHUP)}
    try:
        _run()
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except Stopped as stopped:
        _say(f"stopped by {signal.Signals(stopped.number).name}")
        raise
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _say("interrupted")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object) -> None:
    raise Stopped(number)


def _run() -> None:
    from harness.base.errors import UserError
    from harness.commands.application.main import obey

    try:
        sys.exit(obey())
    except UserError as error:
        _end(str(error))
    except OSError as error:
        _end(f"{error}; once mended, the same command goes on with what is missing")


def _end(problem: str) -> None:
    from harness.base.errors import one_line

    print(f"multiepoch: {one_line(problem)}", file=sys.stderr)
    sys.exit(2)


def _say(what: str) -> None:
    print(f"multiepoch: {what}; the same command goes on with what is missing", file=sys.stderr)


if __name__ == "__main__":
    main()

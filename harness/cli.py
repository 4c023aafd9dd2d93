"""The command `multiepoch`: its entry point, which imports nothing before it can be interrupted in peace."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress

from harness.base.exits import Exit
from harness.base.notice import TELLING, Stopped


def main() -> None:
    """Run a command: bad input, a full disk or an interruption is one line, and an exit status of `Exit`.

    SIGTERM, SIGUSR1 and SIGHUP end it as Ctrl-C does. While a plan runs, the first two have it save checkpoints before.
    What is ignored by whoever starts it, as SIGHUP is under nohup, stays so.
    """
    handlers = {number: signal.getsignal(number) for number in (*TELLING, signal.SIGHUP)}
    before = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, _stop)
    try:
        _run()
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(Exit.INTERRUPTED)
    except Stopped as stopped:
        _say(f"stopped by {signal.Signals(stopped.number).name}")
        raise
    except SystemExit as stop:
        if stop.code == Exit.INTERRUPTED:
            _say("interrupted")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object) -> None:
    raise Stopped(number)


def _run() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that it cannot show ends nothing
        sys.stdout.reconfigure(errors="replace")
    from harness.base.errors import UserError
    from harness.commands.application.main import obey

    try:
        status = obey()
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(status)
    except UserError as error:
        _end(str(error))
    except BrokenPipeError:
        _stop_writing()
    except OSError as error:
        _end(f"{error}; once mended, the same command goes on with what is missing")


def _stop_writing() -> None:
    """End, as whoever read the output has, as `head` does; what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with suppress(BrokenPipeError):
        _say("stopped, as its output was closed")
    sys.exit(Exit.UNREAD)


def _end(problem: str) -> None:
    from harness.base.errors import one_line

    print(f"multiepoch: {one_line(problem)}", file=sys.stderr)
    sys.exit(Exit.REFUSED)


def _say(what: str) -> None:
    print(f"multiepoch: {what}; the same command goes on with what is missing", file=sys.stderr)


if __name__ == "__main__":
    main()

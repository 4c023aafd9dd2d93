"""`multiepoch submission`: pack a plan of the protocol, verify what others packed, and list it all."""

from __future__ import annotations

import secrets
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console

from harness.base.digests import digest_of
from harness.base.environment import environment
from harness.base.errors import UserError
from harness.base.files import write_json
from harness.base.terminal import print_plain
from harness.base.words import counted
from harness.commands import out_file
from harness.plugins.registry import Registry
from harness.submission.checks import problems
from harness.submission.packed import pack, unpacked
from harness.submission.reading import foreign
from harness.submission.rerun import NEAR, SAME, Outcome, cells, chosen, rerun
from harness.submission.table import markdown, verdict_file


def make(console: Console, track: str, out: Path, by: str, results: Path, plugins: Path | None) -> None:
    """Pack a plan that was run.

    Raises:
        UserError: it cannot be packed, or would not pass the checks that need no run.
    """
    if out.suffix != ".zip" or out.exists():
        problem = "exists" if out.exists() else "is not named *.zip"
        raise UserError(f"--out '{out}' {problem}; accepted: a new .zip file")
    try:
        pack(results, track, by, Registry(plugins), out)
    except OSError as error:
        raise UserError(f"--out '{out}' cannot be written: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
        found = problems(unpacked(out, Path(folder)))
    if found:
        out.unlink()
        raise UserError(f"the plan cannot be submitted: {found[0]}")
    print_plain(console, f"{out}: {out.stat().st_size / 1e3:.0f} kB, digest {digest_of(out)}")


def verify(console: Console, file: Path, choice: int | None, run_its_code: bool) -> int:
    """Check a submission, then train a run of each strategy again; the exit status is 1 unless it is verified.

    What it came to is kept beside the file, for the table; a run that does not agree takes away what was kept.
    """
    tell = partial(print_plain, console)
    with tempfile.TemporaryDirectory(prefix="multiepoch-") as folder:
        submission = unpacked(file, Path(folder))
        if found := problems(submission):
            for line in found:
                tell(line)
            tell(f"{file}: not verified, {counted(len(found), 'problem')}; nothing of it was run")
            return 1
        runs = len(list(submission.folder.glob("runs/*")))
        print_plain(
            console,
            f"checked without running anything of it: {counted(runs, 'run')}, plan, arms, seeds, sources, searches",
        )
        if code := foreign(submission):
            names = ", ".join(f"strategies/{path.name}" for path in code)
            tell(f"its own code, which can do on this machine all that you can: {names}")
            if not run_its_code:
                tell(f"{file}: not verified; read that code, then say --run-its-code")
                return 1
        choice = secrets.randbelow(1 << 31) if choice is None else choice
        drawn, outcomes = chosen(submission, choice), list[Outcome]()
        print_plain(
            console, f"--choice {choice} draws {len(drawn)} of {len(cells(submission))} runs, one of each strategy"
        )
        for cell in drawn:
            outcomes.append(rerun(submission, cell, len(drawn)))
            tell(f"{cell}: {outcomes[-1].text}")
            if not outcomes[-1].agrees:
                verdict_file(file).unlink(missing_ok=True)
                tell(f"{file}: not verified")
                return 1
    outcome = SAME if all(outcome.same for outcome in outcomes) else NEAR
    about = {"digest": digest_of(file), "choice": choice, "runs": [str(cell) for cell in drawn], "outcome": outcome}
    write_json(verdict_file(file), about | {"environment": environment()})
    tell(f"{file}: verified: {outcome}")
    return 0


def table(console: Console, folder: Path, out: Path) -> None:
    """Write the table of submissions.

    Raises:
        UserError: there is none.
    """
    files = sorted(folder.glob("*.zip"))
    if not files:
        raise UserError(f"no submission (*.zip) is in folder '{folder}'")
    out.parent.mkdir(parents=True, exist_ok=True)
    out_file.write(out, markdown(files))
    print_plain(console, f"{out}: {counted(len(files), 'submission')}")

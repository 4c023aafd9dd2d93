"""MLflow's own server on a results folder, and what is to be seen there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from mlflow import MlflowClient

from harness.analysis.load import plans
from harness.base.addresses import Address, error_line, without_secrets
from harness.base.errors import UserError
from harness.experiment.plan import Plan
from harness.experiment.plan_file import plan_that_ran
from harness.results.plan_results import read_plan_result
from harness.tracking.mlflow.place import has_server, own_database, reach
from harness.tracking.mlflow.store import shared_page
from harness.tracking.mlflow.views import of_plan

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",  # of what MLflow imports
}
LOOSE = "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"
PATIENCE, NAP = 5.0, 0.2
"""Seconds that a server has to end before it is killed, and between two looks at whether it runs."""


def pages(results: Path, address: Address) -> tuple[list[str], Callable[[], None] | None]:
    """Lines that say where every plan is shown, and what serves them; None where a server does already.

    Raises:
        UserError: no plan was run there, nothing was tracked, or MLflow cannot be used.
    """
    if not (uri := os.environ.get("MLFLOW_TRACKING_URI", "")):
        if not (results / "mlflow.db").is_file():
            raise UserError(
                f"no '{results / 'mlflow.db'}' yet; `multiepoch benchmark` writes it, and `multiepoch sync` after "
                "--no-mlflow"
            )
        uri = own_database(results.resolve())
    base = without_secrets(uri).rstrip("/") if has_server(uri) else address.url
    try:
        reach(uri)
        lines = [f"MLflow: {base}", *_views(results, MlflowClient(tracking_uri=uri), base)]
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"MLflow at '{without_secrets(uri)}' cannot be used: {error_line(error)}") from error
    return lines, None if has_server(uri) else partial(_serve, results.resolve(), uri, address)


def _views(results: Path, client: MlflowClient, base: str) -> Iterator[str]:
    for name in plans(results):
        yield f"plan {name}"
        try:
            plan = plan_that_ran(name, read_plan_result(results, name).plan)
        except UserError as error:
            yield f"  {error}"
            continue
        yield from _of(plan, client, base)


def _of(plan: Plan, client: MlflowClient, base: str) -> list[str]:
    found = client.get_experiment_by_name(plan.name)
    if found is None or found.lifecycle_stage == "deleted":
        return [f"  not in MLflow; `multiepoch sync {plan.name}` brings it there"]
    return of_plan(plan, partial(shared_page, base, found.experiment_id))


def _serve(results: Path, uri: str, address: Address) -> None:
    """Run the server, in a process group of its own, until this process is interrupted.

    Raises:
        UserError: it ended by itself.
    """
    with subprocess.Popen(_command(results, address), env=_environment(uri), start_new_session=True) as process:
        try:
            while (status := process.poll()) is None:
                time.sleep(NAP)  # short, as a signal that another thread takes ends no wait
        finally:
            _end(process)
    raise UserError(f"MLflow's server at {address.url} ended by itself, with status {status}")


def _command(results: Path, address: Address) -> list[str]:
    """Requests are answered only where they name the address, and may write only from its own pages or this machine."""
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    command += ["--host", address.host, "--port", str(address.port)]
    command += ["--default-artifact-root", (results / "mlartifacts").as_uri(), "--no-serve-artifacts"]
    command += ["--allowed-hosts", ",".join(address.names)]
    return [*command, "--cors-allowed-origins", ",".join(f"http://{name}" for name in address.names)]


def _environment(uri: str) -> dict[str, str]:
    """The database is named here, as others on this machine can read a command line and its passwords."""
    return (
        {k: v for k, v in os.environ.items() if k != LOOSE}
        | SETTINGS
        | {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_REGISTRY_STORE_URI": uri}
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(PATIENCE)

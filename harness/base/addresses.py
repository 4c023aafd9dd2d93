"""Where pages are served: on this machine alone, unless another host is asked for."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass

from harness.base.errors import UserError

HERE = "127.0.0.1"
LOOPBACK = (HERE, "localhost", "[::1]")
LONGEST = 300
"""Letters of an error that somebody else's library raised."""


@dataclass(frozen=True)
class Address:
    """Where a server listens. host: a name, or an IP address without brackets."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self._name}:{self.port}"

    @property
    def names(self) -> tuple[str, ...]:
        """What a browser that means this server calls it, in the header Host."""
        hosts = dict.fromkeys((*LOOPBACK, self._name.lower()))
        return tuple(f"{host}:{self.port}" for host in hosts) + (tuple(hosts) if self.port == 80 else ())

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def check_free(self) -> None:
        """Raises:
        UserError: another server listens there, or none may.
        """
        try:
            with socket.socket(self.family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((self.host, self.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(f"port {self.port} of {self.host} is taken; choose another with --port") from error
            raise UserError(
                f"--host '{self.host}', --port {self.port}: cannot listen there: {error.strerror}; accepted: a name or "
                "address of this machine"
            ) from error

    @property
    def _name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


MLFLOW, DASHBOARD = Address(HERE, 5000), Address(HERE, 8080)
"""Where `multiepoch ui` and `multiepoch dashboard` serve unless told otherwise, and where notes and pages lead."""


def without_secrets(text: str) -> str:
    """The same without user names and passwords in addresses: these are shown and stored nowhere."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)


def error_line(error: Exception) -> str:
    """An error in one line, without the password of an address in it."""
    return without_secrets(f"{type(error).__name__}: {error}".splitlines()[0][:LONGEST])

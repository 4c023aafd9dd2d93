"""Serves a WSGI application to the person at this machine, and to no page of another site in their browser.

A site may give its own name the address of this machine (DNS rebinding), or send a form here: its requests carry its
name, in Host or in Origin, and are refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from harness.base.addresses import Address

READING = ("GET", "HEAD", "OPTIONS")


def guarded(app: WSGIApplication, address: Address) -> WSGIApplication:
    """The application, for requests that call it by a name of its address, and that write from its own pages alone."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        host, origin = environ.get("HTTP_HOST", "").lower(), environ.get("HTTP_ORIGIN")
        if host not in address.names:
            return _refuse(start, f"Host {host!r} is not served here; accepted: {', '.join(address.names)}")
        if environ["REQUEST_METHOD"] not in READING and origin not in (None, f"http://{host}"):
            return _refuse(start, f"pages of {origin!r} may not write here; accepted: those of http://{host}")
        return app(environ, _unframed(start))

    return answer


class WebServer(ThreadingMixIn, WSGIServer):
    """Listens at an address once made, and answers in `serve_forever`, a thread per request."""

    daemon_threads = True

    def __init__(self, app: WSGIApplication, address: Address) -> None:
        self.address_family = address.family
        super().__init__((address.host, address.port), _Handler)
        self.set_app(guarded(app, address))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line."""


def _unframed(start: StartResponse) -> StartResponse:
    """The same, with a header that keeps other sites from showing the page under their own."""

    def framed(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        return start(status, [*headers, ("X-Frame-Options", "SAMEORIGIN")], *error)

    return framed


def _refuse(start: StartResponse, why: str) -> list[bytes]:
    body = f"{why}\n".encode("ascii", "backslashreplace")
    start("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

"""Requests as a browser, or a page in it, would send them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

from harness.base.addresses import Address
from harness.base.web_server import WebServer
from support.servers import free_port


@contextmanager
def served(app: WSGIApplication, host: str = "127.0.0.1") -> Iterator[Address]:
    """The address of an application while it is served."""
    address = Address(host, free_port())
    with WebServer(app, address) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


def send(
    address: Address, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    """Status, body and headers of the answer. headers: beside Host, which is the address's own if it is not given."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text, answer.headers

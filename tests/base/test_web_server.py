"""Who a server on this machine answers: its person, and no page of another site in their browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from support.http import send, served

from harness.base.addresses import Address


def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode()]


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with served(app) as address:
        yield address


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_its_own_names_are_answered(address: Address, name: str) -> None:
    assert send(address, "GET", "/", Host=f"{name}:{address.port}")[:2] == (200, "GET")


@pytest.mark.parametrize(
    "host", ["evil", "evil:{port}", "127.0.0.1", "localhost:1", "localhost.evil:{port}", "", "\xe9"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_any_other_name_is_refused_in_one_line(address: Address, host: str, method: str) -> None:
    status, body, _ = send(address, method, "/", Host=host.format(port=address.port))
    assert status == 403
    assert body.count("\n") == 1
    assert f"is not served here; accepted: 127.0.0.1:{address.port}, localhost:{address.port}" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", ["http://evil", "null", "http://localhost:1", "https://127.0.0.1:{port}"])
def test_pages_of_others_may_not_write(address: Address, method: str, origin: str) -> None:
    status, body, _ = send(address, method, "/", Origin=origin.format(port=address.port))
    assert status == 403
    assert "may not write here" in body
    assert body.count("\n") == 1


def test_its_own_pages_and_programs_may_write(address: Address) -> None:
    assert send(address, "DELETE", "/", Origin=address.url)[:2] == (200, "DELETE")
    assert send(address, "DELETE", "/")[:2] == (200, "DELETE")


def test_its_pages_are_shown_inside_no_other_site(address: Address) -> None:
    assert send(address, "GET", "/")[2]["X-Frame-Options"] == "SAMEORIGIN"


def test_the_host_that_was_asked_for_is_answered() -> None:
    with served(app, "localhost") as address:
        assert send(address, "GET", "/", Host=f"localhost:{address.port}")[0] == 200
    with served(app, "127.0.0.2") as address:
        assert send(address, "DELETE", "/", Origin=address.url)[0] == 200
        assert send(address, "GET", "/", Host=f"127.0.0.3:{address.port}")[0] == 403

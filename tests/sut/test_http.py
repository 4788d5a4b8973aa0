"""The driver `http` in front of servers that do not keep to the contract."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from simulator.federation import Engine
from simulator.sut.actions import ActionFailed
from simulator.sut.http import connect
from tests.real.ports import free_port

INFO = {
    "contract": "1.7",
    "name": "Vendor",
    "version": "3",
    "domain": "acme.test",
    "fqdn": "connect.acme.test",
    "address": "127.0.0.20",
    "port": 5061,
    "capabilities": ["chat", "levitation"],
    "more": "than the contract says",
}

Vendor = Callable[..., str]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Starts a server that answers everything alike; gives its base URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, content: bytes, content_type: str = "application/json") -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/base"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_who_the_server_is_comes_from_itself(sipfed_engine: Engine, vendor: Vendor) -> None:
    server = connect(sipfed_engine.surroundings, vendor(200, json.dumps(INFO).encode()), "token")

    assert server.name == "Vendor 3"
    assert (str(server.domain), str(server.fqdn), server.address, server.port) == (
        "acme.test",
        "connect.acme.test",
        "127.0.0.20",
        5061,
    )
    assert server.capabilities == {"chat", "receive", "reach"}
    server.close()
    server.close()


@pytest.mark.parametrize(
    ("status", "content", "sentence"),
    [
        (200, b"hello", "was answered with what is no JSON."),
        (200, b"[]", "the answer to describe is not as the contract says: all: Input should be"),
        (200, b'{"contract": "1.0", "port": 0}', "port: Input should be greater than or equal to 1"),
        (
            200,
            json.dumps({**INFO, "contract": "2.0"}).encode(),
            "speaks version 2.0 of the control API; 1.0 is",
        ),
        (401, b'{"detail": "The token is wrong."}', "/base/server was answered 401: The token is wrong."),
        (500, b"", "was answered 500: no reason was given"),
        (302, b"", "the answer to describe is not as the contract says"),
    ],
)
def test_an_answer_that_does_not_keep_to_the_contract_is_named(
    sipfed_engine: Engine, vendor: Vendor, status: int, content: bytes, sentence: str
) -> None:
    with pytest.raises(ActionFailed) as caught:
        connect(sipfed_engine.surroundings, vendor(status, content), "token")

    assert sentence in str(caught.value)


def test_a_server_that_is_not_there_is_named(sipfed_engine: Engine) -> None:
    with pytest.raises(ActionFailed, match=r"GET http://127.0.0.1:\d+/server got no connection"):
        connect(sipfed_engine.surroundings, f"http://127.0.0.1:{free_port()}", "token")

"""A server that refuses a client after the client's handshake is over, as TLS 1.3 has it, with a request unread."""

from __future__ import annotations

import asyncio
import importlib
import select
import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from fakes.ca import Authority
from simulator import tls, trust
from simulator.clock import SystemClock
from simulator.discovery import Attempt, Target
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.timers import Timers
from simulator.io.transport import SipTransport, TrustPolicy
from simulator.names import Fqdn
from simulator.sip.message import Request
from simulator.sip.transaction import ServerTransaction

EDGE = "sip.fabrikam.test"
SECONDS = 10


@dataclass
class Nobody:
    """The user of a transport over which nothing comes."""

    ended: str = ""

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        raise AssertionError(f"{link.peer_address}, {transaction!r}, {request!r}")

    def on_ack(self, link: Link, request: Request) -> None:
        raise AssertionError(f"{link.peer_address}, {request!r}")

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        raise AssertionError(f"{link.peer_address}, {transaction!r}")

    def on_remark(self, link: Link, sentence: str) -> None:
        raise AssertionError(f"{link.peer_address}: {sentence}")

    def on_closed(self, link: Link) -> None:
        self.ended = link.fault


def refuse_late(listener: socket.socket, authority: Authority, refused: threading.Event) -> None:
    """Take one connection, refuse its certificate, and close with the request unread, which resets the connection."""
    issued = authority.issue(EDGE)
    context = tls.Context(
        tls.Identity(issued.chain_pem, issued.key_pem), "server", lambda _: tls.Refusal("no", "unknown_ca")
    )
    endpoint = tls.Endpoint(context)
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(SECONDS)
        alert = b""
        while not alert:
            endpoint.receive_data(sock.recv(65_536))
            if isinstance(endpoint.next_event(), tls.RefusedPeer):
                alert = endpoint.data_to_send()
            else:
                sock.sendall(endpoint.data_to_send())
        refused.set()
        assert select.select([sock], [], [], SECONDS)[0]
        sock.sendall(alert)


def message(number: int) -> Request:
    headers = [("From", "<sip:a@acme.test>;tag=1"), ("To", f"<sip:{EDGE}>"), ("Call-ID", "1"), ("Max-Forwards", "70"),
               ("CSeq", f"{number} OPTIONS")]  # fmt: skip
    return Request.build("OPTIONS", f"sip:{EDGE}", headers)


async def write_into_the_reset(authority: Authority, user: Nobody) -> str:
    """Send a request, let the server refuse and close meanwhile, and send one more before anything is read."""
    timers = Timers(SystemClock())
    issued = authority.issue("connect.acme.test")
    policy = TrustPolicy([authority.root], trust.CONNECT_SERVER)
    identity = tls.Identity(issued.chain_pem, issued.key_pem)
    transport = SipTransport(identity, policy, timers, user, "connect.acme.test")
    refused = threading.Event()
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address, port = listener.getsockname()
            thread = threading.Thread(target=refuse_late, args=(listener, authority, refused))
            thread.start()
            link = await transport.connect(Attempt(Target(Fqdn.parse(EDGE), port, EDGE, "static"), address, port))
            assert refused.wait(SECONDS)
            first = link.request(message(1))
            await asyncio.sleep(0)  # one turn of the loop, in which it is written
            thread.join()  # and no other until the server has closed
        second = link.request(message(2))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert all(isinstance(outcome, LinkLost) for outcome in outcomes)
        return str(outcomes[1])
    finally:
        await transport.close()
        timers.close()


def runner(name: str) -> Any:
    """`run` of asyncio or uvloop."""
    return pytest.importorskip(name).run if name == "uvloop" else importlib.import_module(name).run


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a reset may take what was not read yet with it")
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_its_alert_is_heard_though_a_request_of_ours_met_the_reset(loop: str) -> None:
    user = Nobody()
    with Authority() as authority:
        sentence = runner(loop)(write_into_the_reset(authority, user))
    assert sentence == user.ended == "the peer ended TLS with the alert unknown_ca"

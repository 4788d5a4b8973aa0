"""Servers to ask, and dnspython, which shares no code with them, to ask with."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol

import dns.message
import dns.query
import pytest

from fakes.dns import DnsServer, Transport, Zone, ZoneSet, running

Serve = Callable[..., DnsServer]


class Ask(Protocol):
    def __call__(
        self, server: DnsServer, name: str, type_: str, over: Transport = "udp", **query: object
    ) -> dns.message.Message: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a callable that runs a server for the zones until the test ends."""
    with ExitStack() as servers:
        yield lambda *zones, additional=True: servers.enter_context(running(ZoneSet(zones, additional=additional)))


@pytest.fixture
def ask() -> Ask:
    """Return a callable that asks a running server; the keywords are those of `dns.message.make_query`."""

    def over_the_network(
        server: DnsServer, name: str, type_: str, over: Transport = "udp", **query: object
    ) -> dns.message.Message:
        message = dns.message.make_query(name, type_, **query)  # type: ignore[arg-type] # checked by dnspython
        send = dns.query.udp if over == "udp" else dns.query.tcp
        return send(message, server.address, port=server.port, timeout=5)

    return over_the_network


@pytest.fixture
def fabrikam() -> Zone:
    """A partner's zone: one SRV record, the address behind it, and some more."""
    return (
        Zone("fabrikam.test", ttl=60, negative_ttl=7)
        .srv("_sipfederationtls._tcp", 10, 20, 5061, "sip.fabrikam.test")
        .a("sip", "127.1.2.3")
        .aaaa("sip", "2001:db8::1")
        .cname("www", "sip.fabrikam.test")
    )


@pytest.fixture
def many_addresses() -> None:
    """Skips a test that needs several loopback addresses where there is only one, as on macOS."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.9.1", 0))
        except OSError as error:
            pytest.skip(f"this machine has one loopback address: {error}")

"""A doctor that never leaves loopback, and servers with faults that a partner does not have."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from fakes.dns import Zone
from simulator import tls
from simulator.doctor import Checkup, Report, Result, Step, examine
from simulator.doctor.call import Accepted
from simulator.federation import Engine, Federation
from simulator.io.loop import LoopThread
from simulator.names import SipDomain
from simulator.sip import MessageReader, Request, Response
from simulator.sip.framing import NEED_DATA

Answer = Callable[[Request], bytes]


@dataclass(frozen=True)
class Findings:
    """A report, and ways to ask it."""

    report: Report

    def step(self, name: str, *, at: str = "") -> Step:
        """The only step of that name, or the one at an address with these words in it."""
        (step,) = [each for each in self.report.steps if each.id == name and at in each.where]
        return step

    def result(self, name: str) -> Result:
        return self.step(name).result

    def seen(self, name: str) -> str:
        return "\n".join(self.step(name).seen)

    def change(self, name: str) -> str:
        return self.step(name).change

    @property
    def failed(self) -> list[str]:
        return [each.id for each in self.report.steps if each.result is Result.FAILED]

    @property
    def warned(self) -> list[str]:
        return [each.id for each in self.report.steps if each.result is Result.WARNING]

    @property
    def skipped(self) -> list[str]:
        return [each.id for each in self.report.steps if each.result is Result.NOT_CHECKED]


class Doctor:
    """Examines domains of the federation, as its server under test would."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        issued = federation.authority.issue(str(federation.sut.fqdn))
        self.identity = tls.Identity(issued.chain_pem, issued.key_pem)
        self.checkup = Checkup(
            domain=federation.sut.domain,
            dns=(federation.dns.address, federation.dns.port),
            roots=(federation.authority.root,),
            identity=self.identity,
            sender=federation.sut.domain,
        )

    def __call__(self, domain: SipDomain, **changes: Any) -> Findings:
        return Findings(asyncio.run(examine(replace(self.checkup, domain=domain, **changes))))

    def files(self) -> list[str]:
        """The options that say the same on the command line."""
        authority = self.federation.authority
        certificate, key = authority.write(authority.issue(str(self.federation.sut.fqdn)))
        dns = self.federation.dns
        return [
            *("--dns", f"{dns.address}:{dns.port}", "--roots", str(authority.write_root())),
            *("--certificate", str(certificate), "--key", str(key), "--from", str(self.federation.sut.domain)),
        ]


@pytest.fixture(scope="module")
def sipfed_engine() -> Iterator[Engine]:
    """An engine whose clock no other test has set ahead: the doctor goes by the machine's."""
    engine = Engine()
    engine.start_embedded()
    yield engine
    assert engine.close() == []


@pytest.fixture
def doctor(federation: Federation) -> Doctor:
    return Doctor(federation)


OFFERS_TLS13 = bytes.fromhex("002b 0009 08 0304")
"How the extension begins by which the doctor offers all versions at once (RFC 8446 §4.2.1)."


class _Edge(asyncio.Protocol):
    def __init__(
        self, context: tls.Context, answer: Answer, responses: list[Response], *, mute: bool, stalling: bool
    ) -> None:
        self._mute = mute
        self._stalling = stalling
        self._hello = b""
        self._tls = tls.Endpoint(context)
        self._reader = MessageReader()
        self._answer = answer
        self._responses = responses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._hello and self._stalling:
            return
        self._hello = self._hello or data
        self._tls.receive_data(data)
        over = False
        while (event := self._tls.next_event()) is not None:
            if isinstance(event, tls.DataReceived):
                self._reader.receive_data(event.data)
                while (message := self._reader.next_event()) is not NEED_DATA:
                    if isinstance(message, Request):
                        self._tls.send(self._answer(message))
                    else:
                        assert isinstance(message, Response)
                        self._responses.append(message)
            over = over or not isinstance(event, tls.HandshakeCompleted | tls.DataReceived)
        if not (over and self._mute and OFFERS_TLS13 in self._hello):
            self._transport.write(self._tls.data_to_send())
        if over:
            self._transport.close()


@dataclass(frozen=True)
class Server:
    """Something that listens, with its records in the DNS."""

    domain: SipDomain
    address: str
    port: int

    @property
    def where(self) -> str:
        return f"sip.{self.domain}:{self.port} at {self.address}"


class Servers:
    """Makes servers that misbehave on purpose."""

    def __init__(self, federation: Federation, loop: LoopThread) -> None:
        self._federation = federation
        self._loop = loop
        self.responses: list[Response] = []
        "What edges were answered."

    def edge(
        self,
        answer: Answer,
        *,
        refusing: str | None = None,
        oldest: tls.Version = "TLSv1.2",
        newest: tls.Version = "TLSv1.3",
        identity: tls.Identity | None = None,
        mute: bool = False,
        stalling: bool = False,
    ) -> AbstractContextManager[Server]:
        """A mutual TLS server that answers each request with these bytes, or refuses every client with an alert.

        A `mute` one closes TLS 1.3 connections without the alert, a `stalling` one says nothing after its certificate.
        """
        domain = self._federation.fresh_domain("edge")
        issued = self._federation.authority.issue(f"sip.{domain}")
        context = tls.Context(
            identity or tls.Identity(issued.chain_pem, issued.key_pem),
            "server",
            verify=lambda _: tls.Refusal("not you", refusing) if refusing else Accepted(),
            minimum=oldest,
            maximum=newest,
        )
        return self.protocol(
            lambda: _Edge(context, answer, self.responses, mute=mute, stalling=stalling), domain=domain
        )

    @contextmanager
    def protocol(
        self, factory: Callable[[], asyncio.BaseProtocol], *, domain: SipDomain | None = None, **options: Any
    ) -> Iterator[Server]:
        """Any protocol at all behind the SRV record of a domain."""

        async def start() -> asyncio.Server:
            return await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, **options)

        server = self._loop.run(start())
        domain = domain or self._federation.fresh_domain("edge")
        try:
            yield self._published(domain, server.sockets[0].getsockname()[1])
        finally:
            self._loop.call(server.close)

    @contextmanager
    def deaf(self) -> Iterator[tuple[Server, socket.socket]]:
        """A socket that takes connections and says nothing; nobody accepts them but the test."""
        with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
            domain = self._federation.fresh_domain("deaf")
            yield self._published(domain, listener.getsockname()[1]), listener

    @contextmanager
    def closed(self) -> Iterator[Server]:
        """A port that is surely nobody's: bound, but not listened at."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            yield self._published(self._federation.fresh_domain("closed"), bound.getsockname()[1])

    def _published(self, domain: SipDomain, port: int) -> Server:
        zone = Zone(str(domain)).srv("_sipfederationtls._tcp", 0, 0, port, f"sip.{domain}").a("sip", "127.0.0.1")
        self._federation.zones.add_zone(zone)
        return Server(domain, "127.0.0.1", port)


@pytest.fixture(scope="session")
def servers_loop() -> Iterator[LoopThread]:
    loop = LoopThread("servers")
    loop.start()
    yield loop
    loop.close()
    assert loop.take_errors() == []


@pytest.fixture
def servers(federation: Federation, servers_loop: LoopThread) -> Servers:
    return Servers(federation, servers_loop)

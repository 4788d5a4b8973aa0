"""The transport layer of one SIP element (RFC 3261 §18): its listener and the connections it opened."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cryptography import x509

from simulator import tls, trust
from simulator.discovery import Attempt
from simulator.errors import ConfigurationError, Problem
from simulator.io.link import Link
from simulator.io.link_user import LinkLost, LinkUser, Tap
from simulator.io.revocation import CheckedEndpoint, RevocationLookups
from simulator.io.timers import Timers, time_limit
from simulator.names import parse_host
from simulator.sip.framing import Limits
from simulator.sip.merging import RequestRegister
from simulator.sip.style import HeaderStyle

CONNECT_TIMEOUT = 5.0
"Seconds for TCP and TLS together, on the federation's clock."
MAX_INCOMING = 10_000
"Connections that a listener keeps; one more is closed at once."


@dataclass(frozen=True)
class TrustPolicy:
    """Whom an element believes."""

    roots: Sequence[x509.Certificate]
    "The trusted roots."
    rules: trust.Rules
    "The name and usage rules for the peers' certificates."
    revocation: RevocationLookups | None = None
    "Where revocation is looked up; without it `soft` rules ask nobody, and `hard` ones accept nobody."


@dataclass
class SipTransport:
    """Listens for MTLS connections and opens them; knows certificates, but nothing of domains or dialogs."""

    identity: tls.Identity | None
    policy: TrustPolicy
    timers: Timers
    user: LinkUser
    name: str
    "Our FQDN, for the Via of requests."
    tap: Tap | None = None
    key_log: Callable[[str], None] | None = None
    versions: tuple[tls.Version, tls.Version] = ("TLSv1.2", "TLSv1.3")
    "The oldest and the newest version of TLS."
    asks_for: Literal["target", "parent", "none"] = "target"
    "Which name a client asks for in TLS; see `ConnectionHabits.server_name`."
    address: str = ""
    "Where it listens, once it does."
    port: int = 0
    links: set[Link] = field(default_factory=set)
    "Every connection that is open or opening."
    limits: Limits = field(default_factory=Limits)
    "How much of a message is taken in."
    style: HeaderStyle | None = None
    "How header fields are ordered and spelled; None leaves them as they were written."
    _register: RequestRegister = field(default_factory=RequestRegister)
    _server: asyncio.Server | None = None
    _contexts: dict[str, tls.Context] = field(default_factory=dict)

    async def listen(self, address: str, port: int) -> None:
        """Accept connections at `address` and `port` (0 = any free one); ConfigurationError when that cannot be."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._accept, address, port)
        except OSError as error:
            raise ConfigurationError([Problem(f"listen on {address}:{port}", listen_advice(error))]) from error
        self.address, self.port = self._server.sockets[0].getsockname()[:2]

    async def connect(self, attempt: Attempt, names: Sequence[str] = ()) -> Link:
        """Open a connection as a discovery plan says; LinkLost when TCP or TLS does not come up.

        The certificate must speak for one of `names`; without any, for the server that is dialled.
        """
        name = attempt.target.name
        expected = tuple(map(parse_host, names or (name,)))
        server_name = None if isinstance(attempt.target.host, trust.IPAddress) else self._server_name(name)
        link = self._link("client", server_name, expected, dialled=name)
        try:
            async with time_limit(CONNECT_TIMEOUT, self.timers):
                try:
                    await asyncio.get_running_loop().create_connection(lambda: link, attempt.address, attempt.port)
                except OSError as error:
                    sentence = f"no TCP connection to {attempt.address}:{attempt.port}: {os_sentence(error)}"
                    if self.tap is not None:
                        self.tap.unreachable(link, sentence)
                    raise LinkLost(sentence, phase="connect") from error
                await link.ready
        except TimeoutError:
            sentence = f"{attempt.address}:{attempt.port} did not finish the handshake in {CONNECT_TIMEOUT:g} s"
            raise LinkLost(sentence, phase="connect") from None
        finally:
            if not link.alive:
                self.links.discard(link)
                link.close("given up")
        return link

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for link in tuple(self.links):
            link.close()
        self.links.clear()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def check_identity(self) -> None:
        """Raise ConfigurationError now, not at the first connection, when certificate and key cannot be used (R59)."""
        tls.Endpoint(self._context("server"))

    def use(self, identity: tls.Identity | None) -> None:
        """Present another certificate, or none, from the next connection on (R65, R75)."""
        self.identity = identity
        self._contexts.clear()

    def _server_name(self, target: str) -> str | None:
        if self.asks_for == "parent":
            return target.partition(".")[2] or target
        return None if self.asks_for == "none" else target

    def _accept(self) -> asyncio.Protocol:
        if self.identity is None:
            return _HangsUp()
        link = self._link("server", None, ())
        if len(self.links) > MAX_INCOMING:
            link.close("too many connections")
        return link

    def _link(
        self, role: tls.Role, server_name: str | None, expected: Sequence[trust.Expected], *, dialled: str = ""
    ) -> Link:
        def judge(presented: tls.PresentedChain) -> trust.Verdict:
            return self._judge(presented, expected)

        lookups = self.policy.revocation
        if lookups is None:
            endpoint = tls.Endpoint(self._context(role), server_name=server_name, verify=judge)
        else:
            endpoint = CheckedEndpoint(self._context(role), server_name=server_name, judge=judge, settle=lookups.settle)
        link = Link(
            endpoint,
            self.user,
            self.timers,
            sent_by=f"{self.name}:{self.port}" if self.port else self.name,
            outgoing=role == "client",
            expected=dialled,
            tap=self.tap,
            register=self._register,
            limits=self.limits,
            style=self.style,
            on_gone=self.links.discard,
        )
        if isinstance(endpoint, CheckedEndpoint):
            endpoint.wake = lambda: link.data_received(b"")
        self.links.add(link)
        return link

    def _context(self, role: tls.Role) -> tls.Context:
        context = self._contexts.get(role)
        if context is None:
            context = self._contexts[role] = tls.Context(
                self.identity,
                role=role,
                verify=lambda presented: self._judge(presented, ()),
                minimum=self.versions[0],
                maximum=self.versions[1],
                keylog=self.key_log,
            )
        return context

    def _judge(self, presented: tls.PresentedChain, expected: Sequence[trust.Expected]) -> trust.Verdict:
        """The first verdict that accepts the chain for one of the names; else the one for the first name."""
        verdicts = [self._judge_for(presented, name) for name in expected or (None,)]
        return next((verdict for verdict in verdicts if verdict.accepted), verdicts[0])

    def _judge_for(self, presented: tls.PresentedChain, expected: trust.Expected | None) -> trust.Verdict:
        return trust.judge(
            presented,
            roots=self.policy.roots,
            at=self.timers.clock.today(),
            rules=self.policy.rules,
            expected=expected,
            revocation=None if self.policy.revocation is None else self.policy.revocation.data,
        )


class _HangsUp(asyncio.Protocol):
    """Ends a connection at once, as a TLS server without a certificate does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is nothing to say."""
        transport.close()


def listen_advice(error: OSError) -> str:
    """One sentence on why an address cannot be listened on, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return "this port is in use by another program; end that program or choose another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address; choose one that it has"
    if error.errno == errno.EACCES:
        return "this user may not listen on that port; choose one above 1023"
    return os_sentence(error)


def os_sentence(error: OSError) -> str:
    """What the operating system said, without its numbers."""
    text = error.strerror or str(error)
    if error.errno and text.startswith("Connect call failed"):  # asyncio's words, with a tuple in them
        text = os.strerror(error.errno)
    return text.lower()

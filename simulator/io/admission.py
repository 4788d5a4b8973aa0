"""Who may come in: the mirrored check of the domain that a request claims to come from (dialect facts §1.1, §2.3)."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from simulator import trust
from simulator.discovery import DiscoveryFailed
from simulator.errors import InvalidName, RemoteProtocolError
from simulator.io.account import Refusal
from simulator.io.peering import NotFederated, Way, cause_of
from simulator.names import SipDomain, parse_host
from simulator.sip.fields import NameAddr
from simulator.sip.uri import SipUri

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.message import Request
    from simulator.sip.transaction import ServerTransaction


MAX_HELD = 1000
"Requests of one connection that wait for the look-up of a domain; one more is answered 503."


class Admission:
    """Lets requests through to the user agent whose domain the connection may speak for; each domain is looked up once
    a connection, and what comes meanwhile waits in order."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._vouched: WeakKeyDictionary[Link, dict[Way, tuple[str, ...]]] = WeakKeyDictionary()
        "The servers of each domain that was proven on a connection."
        self._held: dict[Link, deque[tuple[ServerTransaction, Request]]] = {}

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Let the request in, hold it until its domain has been looked up, or refuse it."""
        held = self._held.get(link)
        if held is not None and len(held) >= MAX_HELD:
            sentence = f"{MAX_HELD} requests wait until the domain of the first has been looked up"
            refusal = Refusal(503, "Service Unavailable", sentence)
            self._agent.refuse(link, transaction, refusal, headers=[("Retry-After", "1")])
        elif held is not None:
            held.append((transaction, request))
        else:
            self._examine(link, transaction, request)

    def forget(self, link: Link) -> None:
        """Drop what still waits on a connection that is gone."""
        self._held.pop(link, None)

    def ways(self) -> set[Way]:
        """The ways whose domains were proven on a connection that is still there."""
        return {way for link, ways in self._vouched.items() if link.alive for way in ways}

    def disown(self, way: Way) -> list[Link]:
        """Forget on which connections the domain of `way` was proven; those are returned that nobody else is proven on.

        On the others further domains are served, which it does not concern (R38).
        """
        left = []
        for link, ways in self._vouched.items():
            if ways.pop(way, None) is not None and not ways:
                left.append(link)
        return left

    def _examine(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        agent = self._agent
        try:
            refusal = agent.peering.on_arrival(link, request)
            if refusal is not None:
                agent.refuse(link, transaction, refusal)
                return
            way = agent.peering.way_to(sender_domain(request), request.to.parsed_uri.aor)
        except NotFederated as error:
            agent.refuse(link, transaction, agent.peering.refusal(error.cause, str(error)))
            return
        except (RemoteProtocolError, InvalidName) as error:
            agent.refuse(link, transaction, Refusal(400, "Bad Request", str(error)))
            return
        if way in self._vouched.get(link, ()):
            self._take(link, transaction, request, way)
            return
        self._held[link] = deque([(transaction, request)])
        agent.in_background(self._look_up(link, way))

    async def _look_up(self, link: Link, way: Way) -> None:
        found = await self._refusal_for(link, way)
        held = self._held.pop(link, None)
        if held is None:
            return
        transaction, request = held.popleft()
        if isinstance(found, Refusal):
            self._agent.refuse(link, transaction, found)
        else:
            self._vouched.setdefault(link, {})[way] = found
            self._agent.connections.on_proven(link, way)
            self._take(link, transaction, request, way)
        while held:
            self.on_request(link, *held.popleft())

    def _take(self, link: Link, transaction: ServerTransaction, request: Request, way: Way) -> None:
        refusal = self._agent.peering.on_proven(link, request, way, self._vouched[link][way])
        if refusal is None:
            self._agent.reception.take(link, transaction, request)
        else:
            self._agent.refuse(link, transaction, refusal)

    async def _refusal_for(self, link: Link, way: Way) -> tuple[str, ...] | Refusal:
        """The mirrored check: the host that serves the sender's domain must stand in the client's certificate.

        Gives the names of the hosts, or the refusal.
        """
        agent = self._agent
        servers = await agent.resolver.servers(way.plan())
        if isinstance(servers, DiscoveryFailed):
            seen = [(f"fqdn{place}", target) for place, target in enumerate(servers.targets, 1)]
            return agent.peering.refusal(cause_of(servers), servers.sentence, [("domain", str(way.domain)), *seen])
        assert link.handshake is not None
        certificate, rules = link.handshake.peer[0], agent.transport.policy.rules
        identity = agent.connections.habits.identity
        wanted = [server.host for server in servers if identity != "domain"]
        wanted += [parse_host(str(way.domain))] if identity != "server" else []
        names = tuple(server.name for server in servers)
        if any(not trust.name_reasons(certificate, host, rules) for host in wanted):
            return names
        shown = ", ".join(link.peer_names) or "no name"
        return agent.peering.refusal(
            "certificate",
            f"{way.domain} is served by {' and '.join(names)}, but the client certificate names {shown}.",
            [("expected-fqdn", ", ".join(names)), ("certName", shown)],
        )


def domain_of(uri: str) -> SipDomain:
    """The SIP domain of `sip:user@domain`."""
    return _domain(SipUri.parse(uri).host)


def domain_of_user(aor: str) -> SipDomain:
    """The same of an address without parameters, as dialogs keep it."""
    return _domain(aor.removeprefix("sip:").rpartition("@")[2])


def sender_domain(request: Request) -> SipDomain:
    """The domain that a request claims to come from: P-Asserted-Identity where there is one, else From (fact 2)."""
    asserted = request.headers.values("P-Asserted-Identity")
    if asserted:
        return _domain(NameAddr.parse(asserted[0]).parsed_uri.host)
    return _domain(request.from_.parsed_uri.host)


@lru_cache(maxsize=1024)
def _domain(host: str) -> SipDomain:
    """The same few domains speak all the time, and reading a name takes as long as reading half a message."""
    return SipDomain.parse(host)

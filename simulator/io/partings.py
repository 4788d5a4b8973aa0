"""Ends what is no longer allowed: a good-bye in each session and subscription, then the connection (R37, R38)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from simulator.errors import InvalidName, RemoteProtocolError
from simulator.io.admission import domain_of
from simulator.io.chat_session import ChatSession
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.peering import NotFederated, Way
from simulator.io.watched import Watched
from simulator.io.watching import Watching

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent
    from simulator.names import SipDomain

FAREWELL_TIME = 1.0
"Seconds that the other side has for the answers to our good-byes."
LOOK_AGAIN = 1.0
"Seconds after which a connection that has still something to wait for is looked at again."

Usage = ChatSession | Watched | Watching


class Partings:
    """Brings a user agent into line with its peering and its accounts after these have changed."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._over: dict[str, Link | None] = {}
        "By Call-ID: the connection on which the good-byes of a call go out; None where there is none any more."

    def link_for(self, call_id: str) -> Link | None:
        """The connection that a call which is being ended still has; None for every other call.

        Raises LinkLost for one that is being ended and has none: nothing is opened for a good-bye.
        """
        if call_id not in self._over:
            return None
        link = self._over[call_id]
        if link is None or not link.alive:
            raise LinkLost("the connection was ended by this side", phase="sip")
        return link

    def review(self) -> None:
        """End the sessions, subscriptions and connections that are not allowed now; everything else goes on.

        Who is refused already gets no answer but that; the good-byes and the end of connections follow at once.
        """
        agent = self._agent
        ways = {*agent.connections.ways(), *agent.admission.ways()}
        ended = [way for way in ways if self._way_now(way.domain) is None]
        for way in ways:
            if way not in ended and self._way_now(way.domain) != way:
                self._retire(agent.connections.links(way))
        links: dict[SipDomain, Link] = {}
        for way in ended:
            for link in agent.connections.links(way):
                links.setdefault(way.domain, link)
        farewells = []
        for (call_id, *_), usage in tuple(agent.dialogs.items()):
            if not isinstance(usage, Usage):
                continue
            domain = _domain(usage)
            if domain is None or self._way_now(domain) is None:
                self._over[call_id] = links.get(domain) if domain is not None else None
            elif usage.account.refusal() is None:
                continue
            farewells.append((call_id, _farewell(usage)))
        if ended or farewells:
            agent.in_background(self._part(farewells, ended))

    async def _part(self, farewells: list[tuple[str, Coroutine[Any, Any, object]]], ended: Iterable[Way]) -> None:
        tasks = [asyncio.create_task(farewell) for _, farewell in farewells]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FAREWELL_TIME)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for call_id, _ in farewells:
            self._over.pop(call_id, None)
        for way in ended:
            if self._way_now(way.domain) is None:  # it may have been switched on again
                self._close(way)

    def _close(self, way: Way) -> None:
        agent = self._agent
        for link in (*agent.connections.links(way), *agent.admission.disown(way)):
            if link.alive:
                agent.log(f"The connection {'to' if link.outgoing else 'from'} {way.domain} is ended by this side.")
                link.close("this side does not federate with it any more")

    def _retire(self, links: list[Link]) -> None:
        """Close connections to a server that the domain is no longer reached by, once they wait for nothing."""
        busy = [link for link in links if link.waiting]
        for link in links:
            if not link.waiting and link.outgoing:
                link.close("the domain is reached by another way now")
        if busy:
            self._agent.timers.call_at(self._agent.now + LOOK_AGAIN, lambda: self._retire(busy))

    def _way_now(self, domain: SipDomain) -> Way | None:
        try:
            return self._agent.peering.way_to(domain)
        except NotFederated:
            return None


def _farewell(usage: Usage) -> Coroutine[Any, Any, object]:
    match usage:
        case ChatSession():
            return usage.bye()
        case Watched():
            return usage.stop("rejected")  # by a policy that changed: do not try again (RFC 6665 §4.1.3)
        case Watching():
            return usage.leave("this side does not federate with it any more")


def _domain(usage: Usage) -> SipDomain | None:
    match usage:
        case ChatSession():
            remote = usage.remote
        case Watched():
            remote = usage.watcher
        case Watching():
            remote = usage.presentity
    try:
        return domain_of(remote)
    except (InvalidName, RemoteProtocolError):
        return None

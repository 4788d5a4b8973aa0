"""The connections of one element to its partners: how many, kept for how long, and compression (dialect facts §1.3)."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator.discovery import DiscoveryFailed
from simulator.errors import FederationFailed
from simulator.io.compression import Compression
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.peering import NotFound, Way
from simulator.io.timers import Timer
from simulator.tls import Version

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent

REMEMBERED = 4096
"Calls of which it is known on which connection they are."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHabits:
    """How an element uses connections; the defaults are a plain SIP server's."""

    identity: Literal["server", "domain", "either"] = "server"
    """Whom the peer's certificate must name: the server that SRV or the proxy entry leads to, the SIP domain itself
    (RFC 5922 §7.3), or either [trace]."""
    tls_minimum: Version = "TLSv1.2"
    "The oldest version of TLS that is offered and taken [doc]."
    tls_maximum: Version = "TLSv1.3"
    "The newest version of TLS that is offered and taken [doc]."
    server_name: Literal["target", "parent", "none"] = "target"
    """Which name the TLS client asks for (SNI): the server that it dials, that name without its first label as for a
    virtual host of the whole domain, or no name at all; which, no source says (F2.8) [inference]."""
    connections: int = 1
    "How many connections are kept to one partner at most (`OutgoingTlsCountForFederatedPartners`, 1-4) [doc]."
    connect_at_once: bool = False
    """Whether all of them are opened with the first request; else another one is opened only when all that are open
    wait for an answer [inference]."""
    reuse_incoming: bool = False
    "Whether requests also go out on connections that the partner opened and that its domain is proven on [memory]."
    queue: int = 5000
    "How many requests may wait for a connection or an answer of one partner; one more is refused [choice]."
    idle_seconds: float | None = None
    "After how many quiet seconds a connection that this edge opened is closed; None keeps it [memory]."
    idle_incoming_seconds: float | None = None
    "The same for connections that the partner opened [memory]."
    offer_compression: bool = False
    """Whether NEGOTIATE is the first request on a connection that this edge opens. It is the default between servers
    inside; whether it is on the federated side is an open question [memory]."""
    compression: str = "LZ77-8K"
    "The algorithm that an offer of compression names [spec]."
    compression_wait: float = 5.0
    "Seconds that the answer to an offer has; after that the link stays uncompressed [memory]."
    compression_answer: int = 405
    "The status that an offer of the partner gets: 405, 488 and 501 all leave the link uncompressed [memory]."

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= 4:
            raise ValueError(f"an edge keeps 1 to 4 connections to a partner, not {self.connections}")


class QueueFull(FederationFailed):
    """Too many requests wait for the partner already; this one was not sent."""

    phase = "queue"


class Connections:
    """Opens, shares and closes the connections of a user agent. All methods are to be called on the loop's thread."""

    def __init__(self, agent: UserAgent, habits: ConnectionHabits) -> None:
        self.habits = habits
        self._agent = agent
        self._opened: dict[Way, list[asyncio.Task[Link]]] = {}
        self._incoming: dict[Way, list[Link]] = {}
        self._of_call: OrderedDict[tuple[Way, str], Link] = OrderedDict()
        self._watched: dict[Link, Timer | None] = {}
        "Connections that are closed when nothing happens on them, with the time at which to look next, if any."
        self._coming: Counter[Way] = Counter()
        "How many requests wait until there is a connection."
        self.compression = Compression(agent, habits.compression)

    async def link(self, way: Way, call_id: str = "") -> Link:
        """A connection for a request to `way`; all requests of one call go by the same one while it lives.

        Raises NotFound or LinkLost when none can be opened, and QueueFull.
        """
        if self._coming[way] + sum(link.waiting for link in self._ready(way)) >= self.habits.queue:
            raise QueueFull(f"{self.habits.queue} requests wait for {way.domain} already; this one was not sent.")
        known = self._of_call.get((way, call_id))
        if known is not None and known.alive:
            return known
        self._coming[way] += 1
        try:
            link = await self._choose(way)
        finally:
            self._coming[way] -= 1
            if not self._coming[way]:
                del self._coming[way]
        if call_id and (self.habits.connections > 1 or self.habits.reuse_incoming):
            self._of_call[way, call_id] = link
            if len(self._of_call) > REMEMBERED:
                self._of_call.popitem(last=False)
        return link

    def is_joined(self, way: Way) -> bool:
        """Whether a connection that may be used is there."""
        return bool(self._ready(way))

    def ways(self) -> set[Way]:
        """The ways to which connections are open or opening."""
        return {*self._opened, *self._incoming}

    def links(self, way: Way) -> list[Link]:
        """The connections to `way` that may be used."""
        return self._ready(way)

    def on_used(self, link: Link) -> None:
        """A request came in on `link`: one that the partner opened is watched from then on."""
        if not link.outgoing and link not in self._watched:
            self._watch(link, self.habits.idle_incoming_seconds)

    def on_proven(self, link: Link, way: Way) -> None:
        """The peer of `link` has proven to serve the domain of `way`."""
        if self.habits.reuse_incoming and not link.outgoing:
            self._incoming.setdefault(way, []).append(link)

    def on_closed(self, link: Link) -> None:
        """Forget a connection that is gone."""
        timer = self._watched.pop(link, None)
        if timer is not None:
            timer.cancel()
        for way, links in tuple(self._incoming.items()):
            self._incoming[way] = [other for other in links if other is not link]
            if not self._incoming[way]:
                del self._incoming[way]
        for way, tasks in tuple(self._opened.items()):
            self._opened[way] = [task for task in tasks if not _is_spent(task)]
            if not self._opened[way]:
                del self._opened[way]

    def close(self) -> None:
        """Open nothing more."""
        for tasks in self._opened.values():
            for task in tasks:
                task.cancel()

    # -- inside -------------------------------------------------------------------------------------------------

    def _ready(self, way: Way) -> list[Link]:
        opened = [task.result() for task in self._opened.get(way, ()) if task.done() and not _is_spent(task)]
        return [*opened, *(link for link in self._incoming.get(way, ()) if link.alive)]

    async def _choose(self, way: Way) -> Link:
        """A connection that waits for nothing; else another one, as far as that is allowed; else the least busy."""
        while True:
            ready = self._ready(way)
            free = next((link for link in ready if self._load(link) == 0), None)
            if free is not None:
                return free
            opening = self._opening(way, first=not ready)
            if opening is None:
                return min(ready, key=self._load)
            try:
                link = await asyncio.shield(opening)
            except LinkLost:
                alive = self._ready(way)
                if not alive:
                    raise
                return min(alive, key=self._load)
            if not link.alive:
                return link  # whoever writes to it learns why

    def _load(self, link: Link) -> int:
        """How many requests wait for an answer on it, an offer of compression that was given up not counted."""
        return link.waiting - (link in self.compression.unanswered)

    def _opening(self, way: Way, *, first: bool) -> asyncio.Task[Link] | None:
        """The connection that is being opened, or is from now on; None when there may be no more."""
        tasks = self._opened[way] = [task for task in self._opened.get(way, ()) if not _is_spent(task)]
        opening = next((task for task in tasks if not task.done()), None)
        if opening is None and len(tasks) < self.habits.connections:
            opening = self._open_another(way)
            if self.habits.connect_at_once and first:
                for _ in range(self.habits.connections - 1):
                    self._open_another(way)
        return opening

    def _open_another(self, way: Way) -> asyncio.Task[Link]:
        task = asyncio.create_task(self._open(way))
        task.add_done_callback(_seen)
        self._opened.setdefault(way, []).append(task)
        return task

    async def _open(self, way: Way) -> Link:
        agent = self._agent
        route = await agent.resolver.discover(way.plan())
        if isinstance(route, DiscoveryFailed):
            raise NotFound(route.sentence, route)
        failure: LinkLost | None = None
        for attempt in route.attempts:
            try:
                link = await agent.transport.connect(attempt, self._names_of(way, attempt.target.name))
                if self.habits.offer_compression:
                    link = await self.compression.offer(
                        link, self.habits.compression_wait
                    ) or await agent.transport.connect(attempt, self._names_of(way, attempt.target.name))
            except LinkLost as error:
                agent.log(f"{attempt.target.name} at {attempt.address}:{attempt.port}: {error}")
                failure = error
            else:
                self._watch(link, self.habits.idle_seconds)
                return link
        raise failure or NotFound(f"{way.domain} has no address.")

    def _names_of(self, way: Way, server: str) -> tuple[str, ...]:
        """Which names the server's certificate may hold."""
        identity = self.habits.identity
        return tuple(
            name for name, kind in ((server, "server"), (str(way.domain), "domain")) if identity in (kind, "either")
        )

    def _watch(self, link: Link, idle: float | None) -> None:
        """Close `link` when nothing has happened on it for `idle` seconds of the federation's clock."""
        if not link.alive:
            return
        self._watched[link] = None
        if idle is not None:
            self._watched[link] = self._agent.timers.call_at(link.used_at + idle, lambda: self._on_idle(link, idle))

    def _on_idle(self, link: Link, idle: float) -> None:
        if not link.alive:
            return
        if self._load(link) == 0 and link.used_at + idle <= self._agent.now:
            link.close(f"nothing happened on it for {idle:g} seconds")
        else:
            self._watch(link, idle)


def _is_spent(opening: asyncio.Task[Link]) -> bool:
    if not opening.done():
        return False
    return opening.cancelled() or opening.exception() is not None or not opening.result().alive


def _seen(task: asyncio.Task[Link]) -> None:
    """Mark its error as seen: one that opens a further connection may have nobody who waits for it."""
    if not task.cancelled():
        task.exception()

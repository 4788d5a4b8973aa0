"""Asks the DNS what a discovery plan wants to know (RFC 1035, RFC 2782), with dnspython's messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulator.discovery import (
    Answer,
    AnswerCache,
    DiscoveryFailed,
    DiscoveryPlan,
    Question,
    Route,
    SrvRecord,
    Status,
    Target,
)
from simulator.io.timers import Timers, time_limit

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

LIFETIME = 4.0
"Seconds after which a question counts as unanswered."


class Resolver:
    """A stub resolver that asks one server, or the system's when none is given; it caches only when told to."""

    def __init__(
        self,
        server: tuple[str, int] | None = None,
        *,
        source: str | None = None,
        cache: AnswerCache | None = None,
        now: Callable[[], float] = time.monotonic,
        timers: Timers | None = None,
    ) -> None:
        """`server` is an address and a port; `source` is the local address that questions come from.

        `cache` keeps answers, for as long as they may be kept on the clock that `now` reads. How long a question may
        take is measured by `timers`, or in real time without them.
        """
        self.cache = cache
        self._now = now
        self._servers: Sequence[tuple[str, int]] | None = None if server is None else (server,)
        self._source = source
        self._timers = timers

    async def discover(self, plan: DiscoveryPlan) -> Route | DiscoveryFailed:
        """Ask every question of `plan`, at once those that need no other's answer, and return where it leads."""
        while questions := plan.open_questions:
            for question, answer in zip(questions, await asyncio.gather(*map(self.ask, questions)), strict=True):
                plan.answer(question, answer)
        return plan.result

    async def servers(self, plan: DiscoveryPlan) -> tuple[Target, ...] | DiscoveryFailed:
        """Only the names of the servers that `plan` leads to, without their addresses."""
        while not plan.targets and (question := plan.next_question()) is not None:
            plan.answer(question, await self.ask(question))
        if plan.targets:
            return plan.targets
        return plan.result if isinstance(plan.result, DiscoveryFailed) else ()

    async def ask(self, question: Question) -> Answer:
        """Ask one question, or find it in the cache; every failure of the DNS is an `Answer` too."""
        if self.cache is None:
            return await self._ask(question)
        answer = self.cache.get(question, self._now())
        if answer is None:
            answer = await self._ask(question)
            self.cache.put(question, answer, self._now())
        return answer

    async def _ask(self, question: Question) -> Answer:
        import dns.exception
        import dns.message

        from simulator.io import name_servers

        try:
            query = dns.message.make_query(question.name.rstrip(".") + ".", question.type)
            if self._servers is None:
                self._servers = name_servers.of_the_system()
            async with time_limit(LIFETIME, self._timers):
                reply = await name_servers.reply_to(query, self._servers, self._source)
            return _answer(reply, question.type)
        except TimeoutError:
            return Answer("timeout")
        except dns.exception.DNSException:
            return Answer("servfail")


def _answer(reply: dns.message.QueryMessage, kind: str) -> Answer:
    """What a reply says; raises DNSException where it contradicts itself."""
    import dns.rcode

    code = reply.rcode()
    if code == dns.rcode.NXDOMAIN:
        return _negative("nxdomain", reply)
    if code != dns.rcode.NOERROR:
        return Answer("refused" if code == dns.rcode.REFUSED else "servfail")
    chain = reply.resolve_chaining()
    if chain.answer is None:
        return _negative("nodata", reply)
    alias = chain.canonical_name.to_text(omit_final_dot=True) if chain.cnames else None
    return Answer("noerror", _records(chain.answer, kind), alias, float(chain.minimum_ttl))


def _records(rrset: dns.rrset.RRset, kind: str) -> tuple[str | SrvRecord, ...]:
    if kind == "SRV":
        return tuple(SrvRecord(item.priority, item.weight, item.port, item.target.to_text()) for item in rrset)
    return tuple(item.address for item in rrset)


def _negative(status: Status, message: dns.message.QueryMessage) -> Answer:
    """An answer without records: what it is worth to a cache stands in its SOA record (RFC 2308 §5)."""
    import dns.exception
    import dns.rdatatype

    try:
        chain = message.resolve_chaining()
    except dns.exception.DNSException:
        return Answer(status)
    alias = chain.canonical_name.to_text(omit_final_dot=True) if chain.cnames else None
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in message.authority)
    return Answer(status, (), alias, float(chain.minimum_ttl) if has_soa else None)

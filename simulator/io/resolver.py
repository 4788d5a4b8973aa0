"""Asks the DNS what a discovery plan wants to know (RFC 1035, RFC 2782)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from simulator.discovery import (
    Answer,
    AnswerCache,
    DiscoveryFailed,
    DiscoveryPlan,
    Question,
    Route,
    Target,
)
from simulator.io import name_servers
from simulator.io.dns_messages import CannotAsk
from simulator.io.timers import Timers, time_limit

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
            if len(questions) == 1:
                plan.answer(questions[0], await self.ask(questions[0]))
                continue
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
        try:
            if self._servers is None:
                self._servers = name_servers.of_the_system()
            async with time_limit(LIFETIME, self._timers):
                return await name_servers.answer_to(question, self._servers, self._source)
        except TimeoutError:
            return Answer("timeout")
        except CannotAsk:
            return Answer("servfail")

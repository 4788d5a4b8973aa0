"""Subscriptions that are made again when the partner, and not the user, has ended them (RFC 6665 §4.1.3)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.errors import FederationFailed
from simulator.sip.subscription_terms import SubscriptionPhase

if TYPE_CHECKING:
    from simulator.io.account import Account
    from simulator.io.timers import Timer
    from simulator.io.user_agent import UserAgent
    from simulator.io.watching import Watching

MAY_PASS = frozenset({408, 480, 481})
"Refusals below 500 after which another SUBSCRIBE may be answered otherwise (RFC 3261 §21.4, RFC 6665 §4.1.2.2)."

Key = tuple[str, str]
"A user of ours, and whom they watch."


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When something that failed is tried again; all in seconds."""

    first: float = 1.0
    "Before the first try that is not at once."
    factor: float = 2.0
    "By which each further wait is longer."
    cap: float = 300.0
    "The longest wait."
    jitter: float = 0.2
    "By up to this part a wait is made longer, so that many do not come at the same moment."
    proven: float = 60.0
    "After how long a life the next end counts as the first again."

    def wait(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures in a row, at least one; `chance` is between 0 and 1."""
        return min(self.cap, self.first * self.factor ** (failures - 1)) * (1 + self.jitter * chance)


@dataclass
class _Wish:
    """What one user wants to see, until they do not want it any more."""

    account: Account
    people: Sequence[str]
    failures: int = 0
    seen_at: float | None = None
    "Since when the running subscription shows something."
    timer: Timer | None = None

    def rest(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass
class Renewals:
    """The wishes of all users of one agent, and what is done when a subscription for one ends."""

    agent: UserAgent
    rules: RetryRules | None
    "None renews nothing: an end is an end."
    _wishes: dict[Key, _Wish] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    def wish(self, account: Account, people: Sequence[str]) -> None:
        """The user wants to watch the first of `people`, with the others in the same subscription."""
        self.forget(account, people[0])
        self._wishes[account.uri, people[0]] = _Wish(account, people)

    def forget(self, account: Account, presentity: str) -> None:
        """The user does not want to any more."""
        wish = self._wishes.pop((account.uri, presentity), None)
        if wish is not None:
            wish.rest()

    def close(self) -> None:
        """Renew nothing more."""
        for wish in self._wishes.values():
            wish.rest()
        self._wishes.clear()

    def on_change(self, watching: Watching) -> None:
        """The subscription shows something, or has ended."""
        key = watching.account.uri, watching.presentity
        wish, usage = self._wishes.get(key), watching.usage
        if wish is None:
            return
        if not usage.ended:
            if usage.state is SubscriptionPhase.ACTIVE and wish.seen_at is None:
                wish.seen_at = self.agent.now
            return
        if self.rules is None or not _worth_another(wish, watching):
            self.forget(watching.account, watching.presentity)
        else:
            self._plan(wish, usage.retry_after)

    def on_refresh_failed(self, watching: Watching) -> None:
        """A refresh could not be sent or was not answered: it is tried again while the subscription still lives."""
        wish = self._wishes.get((watching.account.uri, watching.presentity))
        if wish is None or self.rules is None or watching.usage.ended:
            return
        wish.failures += 1
        wish.rest()
        delay = self.rules.wait(wish.failures, self._random.random())
        wish.timer = self.agent.timers.call_at(self.agent.now + delay, watching.refresh)

    def on_refreshed(self, watching: Watching) -> None:
        """A refresh was granted."""
        wish = self._wishes.get((watching.account.uri, watching.presentity))
        if wish is not None:
            wish.failures = 0
            wish.rest()

    # -- inside -------------------------------------------------------------------------------------------------

    def _plan(self, wish: _Wish, retry_after: int | None) -> None:
        assert self.rules is not None
        now = self.agent.now
        if wish.seen_at is not None and now - wish.seen_at >= self.rules.proven:
            wish.failures = 0
        at_once = wish.failures == 0 and not retry_after
        wish.failures += 1
        wish.seen_at = None
        wait = 0.0 if at_once else max(retry_after or 0, self.rules.wait(wish.failures, self._random.random()))
        wish.rest()
        wish.timer = self.agent.timers.call_at(now + wait, lambda: self._renew(wish))

    def _renew(self, wish: _Wish) -> None:
        wish.timer = None
        self.agent.in_background(self._subscribe(wish))

    async def _subscribe(self, wish: _Wish) -> None:
        presentity = wish.people[0]
        self.agent.log(f"{wish.account.uri} subscribes to {presentity} again")
        try:
            await self.agent.watches.renew(wish.account, wish.people)
        except FederationFailed:
            if self._wishes.get((wish.account.uri, presentity)) is wish and wish.timer is None:
                self._plan(wish, None)
            raise


def _worth_another(wish: _Wish, watching: Watching) -> bool:
    """Whether what ended the subscription may be over soon; the first answer is the user's to think about."""
    usage = watching.usage
    if wish.seen_at is None and wish.failures == 0:
        return False
    if usage.refused_with is not None:
        return usage.refused_with.status >= 500 or usage.refused_with.status in MAY_PASS
    return usage.reason is None or usage.retry_after is not None

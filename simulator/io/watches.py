"""Presence subscriptions of the users of one user agent, both watching and watched (RFC 3856, RFC 6665)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from simulator.io.account import Account, Consent, Refusal
from simulator.io.documents import choose_form
from simulator.io.lists import NOTIFY_HEADERS, SUBSCRIBE_HEADERS
from simulator.io.renewal import Renewals
from simulator.io.watched import Watched
from simulator.io.watching import Watching
from simulator.outcome import Outcome
from simulator.presence import batch
from simulator.sip.subscription import NotifierUsage, SubscriberUsage, SubscriptionOptions

if TYPE_CHECKING:
    from simulator.io.dialect import Dialect
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.message import Request
    from simulator.sip.transaction import ServerTransaction

PACKAGE = "presence"


class Watches:
    """All subscriptions of a user agent."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._watching: dict[tuple[str, str], Watching] = {}
        self._watched: list[Watched] = []
        self.renewals = Renewals(agent, agent.dialect.renewal)
        self._asked: set[tuple[str, str]] = set()
        "Every subscription of ours so far, ended or not."

    # -- watching -----------------------------------------------------------------------------------------------

    async def subscribe(self, account: Account, people: Sequence[str], *, once: bool = False) -> Outcome:
        """Watch the first of `people`, or all of them with one subscription; a running subscription to the first is
        ended before. With `once` the state is fetched and nothing follows (RFC 6665 §4.4.3)."""
        self.renewals.forget(account, people[0])
        if not once:
            self.renewals.wish(account, people)
        return await self.renew(account, people, once=once)

    async def renew(self, account: Account, people: Sequence[str], *, once: bool = False) -> Outcome:
        """The same as part of a wish to watch that is there already."""
        presentity = people[0]
        running = self._watching.get((account.uri, presentity))
        if running is not None:
            await running.stop()
        agent = self._agent
        request = self._subscription(account, people, once)
        usage = SubscriberUsage(request, agent.now, options=options_of(agent.dialect))
        self._asked.add(usage.half_id)
        watching = Watching(agent, account, people, usage)
        self._watching[account.uri, presentity] = watching
        response = await watching.send(usage.subscribe)
        return Outcome(response.status < 300, response.status, response.reason, "subscribe")

    def _subscription(self, account: Account, people: Sequence[str], once: bool) -> Request:
        dialect = self._agent.dialect
        headers = [("Event", PACKAGE), ("Accept", ", ".join(dialect.presence_accept))]
        if once or dialect.asks_for_expiry:
            headers.append(("Expires", "0" if once else str(dialect.subscription_seconds)))
        if len(people) > 1:
            headers += SUBSCRIBE_HEADERS
        body = b""
        if dialect.category_list or len(people) > 1:
            names = dialect.category_list or batch.CLIENT_CATEGORIES
            number = str(random.randrange(1, 1 << 27))
            action = batch.BatchAction(tuple(map(batch.Wanted, people)), names, id=number)
            body = batch.write(batch.BatchSubscription(account.uri, (action,)))
        content_type = batch.CONTENT_TYPE if body else None
        return self._agent.writer.initial_request(
            "SUBSCRIBE", account, people[0], headers=headers, body=body, content_type=content_type
        )

    def is_watching(self, uri: str, presentity: str) -> bool:
        """Whether our user `uri` has a subscription to `presentity`."""
        return (uri, presentity) in self._watching

    async def unsubscribe(self, account: Account, presentity: str) -> Outcome:
        """Stop watching."""
        self.renewals.forget(account, presentity)
        watching = self._watching.get((account.uri, presentity))
        response = await watching.stop() if watching is not None else None
        if response is None:
            return Outcome(False, None, f"{account.uri} does not watch {presentity}", "subscribe")
        return Outcome(response.status < 300, response.status, response.reason, "subscribe")

    async def refresh(self, account: Account, presentity: str) -> Outcome:
        """Prolong a subscription now (RFC 6665 §4.1.2.2)."""
        watching = self._watching.get((account.uri, presentity))
        response = None
        for request in watching.usage.refresh() if watching is not None else ():
            assert watching is not None
            response = await watching.send(request)
        if response is None:
            sentence = f"{account.uri} does not watch {presentity}, or a SUBSCRIBE for it has no answer yet"
            return Outcome(False, None, sentence, "subscribe")
        return Outcome(response.status < 300, response.status, response.reason, "subscribe")

    def lose(self, account: Account, presentity: str) -> None:
        """Know nothing any more of a subscription of ours, as after a crash."""
        watching = self._watching.get((account.uri, presentity))
        if watching is not None:
            watching.lose()

    def lose_watchers(self, account: Account) -> None:
        """Know nothing any more of the subscriptions to one of our users, as after a crash."""
        for watched in tuple(self._watched):
            if watched.is_about(account):
                watched.lose()

    def waiting_for(self, notify: Request) -> Watching | None:
        """The subscription that a NOTIFY is for whose dialog it makes itself (RFC 6665 §4.4.1)."""
        half = SubscriberUsage.half_id_of(notify)
        return next((watching for watching in self._watching.values() if watching.usage.half_id == half), None)

    def was_asked_for(self, notify: Request) -> bool:
        """Whether a notification belongs to a subscription that one of our users has or had."""
        return SubscriberUsage.half_id_of(notify) in self._asked

    # -- being watched ------------------------------------------------------------------------------------------

    def notify_all(self, account: Account) -> None:
        """Tell every watcher of `account` the state it shows now."""
        for watched in tuple(self._watched):
            if watched.is_about(account):
                watched.publish()

    def decision(self, account: Account, watcher: str) -> Consent:
        """What a watcher gets: the state, a wait for the user's decision, or a refusal."""
        decided = account.decisions.get(watcher)
        if decided is None:
            return account.consent
        return "allow" if decided else "deny"

    def decide(self, account: Account, watcher: str, *, allowed: bool) -> None:
        """The user allows or denies a watcher, now and from now on; subscriptions that are there follow."""
        account.decisions[watcher] = allowed
        for watched in tuple(self._watched):
            if watched.watcher != watcher or not watched.is_about(account):
                continue
            if watched.form.people:
                watched.publish()
            elif allowed:
                watched.grant()
            else:
                watched.reject()

    def on_subscribe(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Accept a watcher and notify them at once (RFC 6665 §4.2.1), or let them wait for the user's decision."""
        agent, dialect = self._agent, self._agent.dialect
        event = request.event
        if event is None or event.package.lower() != PACKAGE:
            agent.log(f"SUBSCRIBE to another event package than {PACKAGE} refused")
            agent.respond(link, transaction, 489, headers=[("Allow-Events", PACKAGE)])
            return
        form = choose_form(request, dialect)
        if form is None:
            accept = ", ".join(request.headers.values("Accept"))
            agent.refuse(link, transaction, Refusal(406, "Not Acceptable", f"the watcher takes only {accept}"))
            return
        account = agent.account_for(link, transaction)
        if account is None:
            return
        watcher = request.from_.parsed_uri.aor
        account.watchers.put(watcher)
        decision = self.decision(account, watcher)
        if decision == "deny" and not form.people:
            sentence = f"{account.uri} does not let {watcher} watch"
            agent.refuse(link, transaction, Refusal(dialect.denied_status, "Forbidden", sentence))
            return
        if request.expires == 0 and dialect.fetch_status:
            agent.refuse(link, transaction, Refusal(dialect.fetch_status, "Forbidden", "polling is not allowed"))
            return
        watched = Watched(agent, account, watcher, form)
        usage = self._grant(watched, transaction, request, pending=decision == "ask" and not form.people)
        watched.start(usage)
        self._watched.append(watched)
        notifies = usage.notify(agent.now)
        if dialect.notify_overtakes:
            agent.in_background(
                watched.overtake(notifies, lambda: agent.send_response(link, transaction, usage.response))
            )
        else:
            agent.send_response(link, transaction, usage.response)
            watched.send(notifies)

    def _grant(
        self, watched: Watched, transaction: ServerTransaction, request: Request, *, pending: bool
    ) -> NotifierUsage:
        agent, dialect = self._agent, self._agent.dialect
        body, content_type = watched.document()
        seconds = dialect.subscription_seconds - random.randint(0, dialect.subscription_jitter)
        usage = NotifierUsage.accept(
            request,
            agent.now,
            contact=agent.writer.contact(watched.account),
            body=body,
            content_type=content_type,
            pending=pending,
            status=dialect.pending_status if pending else 200,
            default_expires=seconds,
            max_expires=seconds,
            to_tag=transaction.to_tag,
            notify_headers=[
                *agent.writer.routing_headers(),
                *agent.writer.request_headers(watched.account),
                *(NOTIFY_HEADERS if watched.form.people else ()),
            ],
            options=options_of(dialect),
        )
        agent.writer.put_into_route(usage.response)
        return usage

    async def end_all(self, reason: str, retry_after: int | None = None) -> None:
        """End the subscriptions of all our watchers; the reason says whether they may come again (RFC 6665 §4.1.3)."""
        await asyncio.gather(*(watched.stop(reason, retry_after) for watched in tuple(self._watched)))

    # -- the end ------------------------------------------------------------------------------------------------

    def forget(self, account: Account, presentity: str, watching: Watching) -> None:
        """Drop a subscription of ours that has ended."""
        if self._watching.get((account.uri, presentity)) is watching:
            del self._watching[account.uri, presentity]

    def forget_watcher(self, watched: Watched) -> None:
        """Drop a watcher whose subscription has ended."""
        if watched in self._watched:
            self._watched.remove(watched)

    def living(self) -> list[tuple[str, str, bool]]:
        """Every subscription as (our user, the other, whether ours watches)."""
        return [
            *((account, presentity, True) for account, presentity in self._watching),
            *((watched.account.uri, watched.watcher, False) for watched in self._watched),
        ]

    def farewells(self) -> list[Coroutine[Any, Any, object]]:
        """What ends every subscription properly, in both directions, where a connection is still there."""
        agent = self._agent
        self.renewals.close()
        return [
            *(watching.stop() for watching in tuple(self._watching.values()) if agent.is_joined(watching.presentity)),
            *(watched.stop() for watched in tuple(self._watched) if agent.is_joined(watched.watcher)),
        ]

    def close(self) -> None:
        """Forget every subscription without a word."""
        self.renewals.close()
        for watching in self._watching.values():
            watching.rest()
        for watched in self._watched:
            watched.rest()
        self._watching.clear()
        self._watched.clear()


def options_of(dialect: Dialect) -> SubscriptionOptions:
    """The Microsoft extensions that a dialect knows, in both roles."""
    return SubscriptionOptions(autoextend=dialect.autoextend, piggyback=dialect.piggyback, benotify=dialect.benotify)

"""Presence subscriptions of the users of one user agent, both watching and watched (RFC 3856, RFC 6665)."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from simulator.errors import FederationFailed, RemoteProtocolError
from simulator.io.account import Account, PresenceSeen, Refusal
from simulator.outcome import Outcome
from simulator.presence import pidf
from simulator.sip.subscription import NotifierUsage, SubscriberUsage

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.timers import Timer
    from simulator.io.user_agent import UserAgent
    from simulator.sip.dialog import DialogId
    from simulator.sip.message import Request, Response
    from simulator.sip.transaction import ServerTransaction

PACKAGE = "presence"

HalfId = tuple[str, str]


class Watching:
    """A subscription of one of our users to somebody elsewhere."""

    def __init__(self, agent: UserAgent, account: Account, presentity: str, usage: SubscriberUsage) -> None:
        self._agent = agent
        self._account = account
        self.presentity = presentity
        self._timer: Timer | None = None
        self._key: DialogId | None = None
        self.usage = usage

    async def send(self, request: Request) -> Response:
        """Send a SUBSCRIBE of this subscription and take in the answer."""
        try:
            response = await self._agent.exchange(self.presentity, request)
        except FederationFailed as error:
            self.usage.request_failed(request, str(error))
            raise
        else:
            for again in self.usage.receive_response(response, self._agent.now):
                self._agent.in_background(self.send(again))
            return response
        finally:
            self._settle()

    async def stop(self) -> Response | None:
        """Unsubscribe; None when there was nothing to send."""
        response = None
        for request in self.usage.unsubscribe(self._agent.now):
            response = await self.send(request)
        self._settle()
        return response

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Take a NOTIFY of the dialog."""
        if request.method != "NOTIFY":
            self._agent.not_allowed(link, transaction)
            return
        response = self.usage.receive_notify(request, self._agent.now)
        if response.status == 200:
            response = self._see(request, response)
        self._agent.send_response(link, transaction, response)
        self._settle()

    def _see(self, notify: Request, response: Response) -> Response:
        try:
            if notify.body and notify.content_type != pidf.CONTENT_TYPE:
                raise RemoteProtocolError(f"presence came as {notify.content_type}", status_hint=415)
            state = pidf.read(notify.body) if notify.body else None
        except RemoteProtocolError as error:
            self._agent.log(f"NOTIFY about {self.presentity} refused with {error.status_hint}: {error}")
            return notify.respond(error.status_hint)
        said = notify.subscription_state
        word = said.state if said is not None else "active"
        self._account.seen.put(PresenceSeen(self.presentity, state, word, self._agent.now))
        return response

    def _settle(self) -> None:
        """Keep the register of dialogs and the timer true after anything happened."""
        dialog = self.usage.dialog
        if dialog is not None and self._key is None:
            self._agent.writer.drop_own_routes(dialog)
            self._key = dialog.id
            self._agent.dialogs[dialog.id] = self
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.usage.ended:
            if self._key is not None:
                self._agent.dialogs.pop(self._key, None)
            self._agent.watches.forget(self._account, self.presentity, self)
            return
        when = self.usage.next_timeout()
        if when is not None:
            self._timer = self._agent.timers.call_at(when, self._on_timeout)

    def _on_timeout(self) -> None:
        self._timer = None
        for request in self.usage.handle_timeout(self._agent.now):
            self._agent.in_background(self.send(request))
        self._settle()


class Watched:
    """A subscription of somebody elsewhere to one of our users."""

    def __init__(self, agent: UserAgent, account: Account, watcher: str, usage: NotifierUsage) -> None:
        self._agent = agent
        self.watcher = watcher
        self._timer: Timer | None = None
        self.account = account
        self.usage = usage
        agent.dialogs[usage.id] = self
        self._plan()

    def publish(self) -> None:
        """Notify the watcher of the account's state."""
        self.send(self.usage.publish(*self._agent.watches.document(self.account), self._agent.now))

    def send(self, notifies: Iterable[Request]) -> None:
        """Send NOTIFYs in this order."""
        for notify in notifies:
            self._agent.in_background(self._exchange(notify))
        if self.usage.ended:
            self._drop()

    async def stop(self) -> None:
        """End it from our side (RFC 6665 §4.2.2)."""
        for notify in self.usage.terminate("noresource"):
            await self._exchange(notify)

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Take a refresh or an unsubscription."""
        if request.method != "SUBSCRIBE":
            self._agent.not_allowed(link, transaction)
            return
        response, notifies = self.usage.receive_subscribe(request, self._agent.now)
        self._agent.send_response(link, transaction, response)
        self.send(notifies)
        self._plan()

    async def _exchange(self, notify: Request) -> None:
        try:
            self.usage.receive_response(await self._agent.exchange(self.watcher, notify))
        except FederationFailed as error:
            self.usage.request_failed(str(error))
            raise
        finally:
            if self.usage.ended:
                self._drop()

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        when = self.usage.next_timeout()
        if when is not None:
            self._timer = self._agent.timers.call_at(when, self._on_timeout)

    def _on_timeout(self) -> None:
        self._timer = None
        self.send(self.usage.handle_timeout(self._agent.now))
        self._plan()

    def _drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._agent.dialogs.pop(self.usage.id, None)
        self._agent.watches.forget_watcher(self)


class Watches:
    """All subscriptions of a user agent."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._watching: dict[tuple[str, str], Watching] = {}
        self._watched: list[Watched] = []

    async def subscribe(self, account: Account, presentity: str) -> Outcome:
        """Watch `presentity`; a running subscription is ended first."""
        running = self._watching.get((account.uri, presentity))
        if running is not None:
            await running.stop()
        agent = self._agent
        dialect = agent.dialect
        expiry = [("Expires", str(dialect.subscription_seconds))] if dialect.asks_for_expiry else []
        request = agent.writer.initial_request(
            "SUBSCRIBE",
            account,
            presentity,
            headers=[("Event", PACKAGE), ("Accept", ", ".join(dialect.presence_accept)), *expiry],
        )
        watching = Watching(agent, account, presentity, SubscriberUsage(request, agent.now))
        self._watching[account.uri, presentity] = watching
        response = await watching.send(request)
        return Outcome(response.status < 300, response.status, response.reason, "subscribe")

    async def unsubscribe(self, account: Account, presentity: str) -> Outcome:
        """Stop watching."""
        watching = self._watching.get((account.uri, presentity))
        response = await watching.stop() if watching is not None else None
        if response is None:
            return Outcome(False, None, f"{account.uri} does not watch {presentity}", "subscribe")
        return Outcome(response.status < 300, response.status, response.reason, "subscribe")

    def notify_all(self, account: Account) -> None:
        """Tell every watcher of `account` the state it shows now."""
        for watched in tuple(self._watched):
            if watched.account is account:
                watched.publish()

    def document(self, account: Account) -> tuple[bytes, str]:
        """The presence document of a user in our dialect, and its media type."""
        return pidf.write(account.state, account.uri, layout=self._agent.dialect.pidf_layout), pidf.CONTENT_TYPE

    def waiting_for(self, notify: Request) -> Watching | None:
        """The subscription that a NOTIFY is for whose dialog it makes itself (RFC 6665 §4.4.1)."""
        half = SubscriberUsage.half_id_of(notify)
        return next((watching for watching in self._watching.values() if watching.usage.half_id == half), None)

    def on_subscribe(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Accept a watcher and notify them at once (RFC 6665 §4.2.1)."""
        agent = self._agent
        event = request.event
        if event is None or event.package.lower() != PACKAGE:
            agent.log(f"SUBSCRIBE to another event package than {PACKAGE} refused")
            agent.respond(link, transaction, 489, headers=[("Allow-Events", PACKAGE)])
            return
        accept = [value.partition(";")[0].strip().lower() for value in request.headers.values("Accept")]
        if accept and not {pidf.CONTENT_TYPE, "application/*", "*/*"} & set(accept):
            agent.refuse(link, transaction, Refusal(406, "Not Acceptable", f"the watcher takes only {accept}"))
            return
        account = agent.account_for(link, transaction)
        if account is None:
            return
        body, content_type = self.document(account)
        usage = NotifierUsage.accept(
            request,
            agent.now,
            contact=agent.writer.contact(account),
            body=body,
            content_type=content_type,
            default_expires=agent.dialect.subscription_seconds,
            max_expires=agent.dialect.subscription_seconds,
            to_tag=transaction.to_tag,
            notify_headers=[*agent.writer.routing_headers(), *agent.writer.request_headers()],
        )
        agent.writer.put_into_route(usage.response)
        watched = Watched(agent, account, request.from_.parsed_uri.aor, usage)
        self._watched.append(watched)
        agent.send_response(link, transaction, usage.response)
        watched.send(usage.notify(agent.now))

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
        return [
            *(watching.stop() for watching in tuple(self._watching.values()) if agent.is_joined(watching.presentity)),
            *(watched.stop() for watched in tuple(self._watched) if agent.is_joined(watched.watcher)),
        ]

    def close(self) -> None:
        """Forget every subscription without a word."""
        self._watching.clear()
        self._watched.clear()

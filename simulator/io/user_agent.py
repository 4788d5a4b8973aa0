"""The user agent of all users behind one MTLS address: who may come in, and where requests go (RFC 3261 §8, §12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from simulator import tls
from simulator.chat.formats import TextFormat
from simulator.errors import FederationFailed
from simulator.io import compression
from simulator.io.account import Account, Consent, Refusal
from simulator.io.actions import OfferKind
from simulator.io.admission import Admission, domain_of
from simulator.io.chat_session import ChatSession
from simulator.io.chats import Chats
from simulator.io.connections import ConnectionHabits, Connections
from simulator.io.dialect import Dialect
from simulator.io.link import Link
from simulator.io.link_user import LinkLost, Tap
from simulator.io.offers import send_offer
from simulator.io.partings import Partings
from simulator.io.peering import NotFederated, Peering
from simulator.io.reception import Reception
from simulator.io.resolver import Resolver
from simulator.io.timers import Timers
from simulator.io.transport import SipTransport, TrustPolicy
from simulator.io.watches import Watches
from simulator.io.writer import Header, Writer, mark_via
from simulator.names import Fqdn, SipDomain
from simulator.outcome import Outcome
from simulator.presence.state import PresenceState
from simulator.sip.dialog import Dialog, DialogId
from simulator.sip.message import Request, Response
from simulator.sip.style import HeaderStyle
from simulator.sip.transaction import ServerTransaction

LEAVE_TIME = 1.0
"Seconds that the other side has for the answers to our good-byes."


class DialogUser(Protocol):
    """Gets the requests inside one dialog."""

    @property
    def peer(self) -> str:
        """`sip:user@domain` of the other side: nobody of another domain may speak in the dialog."""

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Answer it through the user agent."""


class UserAgent:
    """Users, their dialogs and the connections to the domains they talk with.

    All methods are to be called on the loop's thread. Which domains may come in and how others are reached is the
    `peering`'s; how messages are written is the `dialect`'s.
    """

    def __init__(
        self,
        *,
        fqdn: Fqdn,
        dialect: Dialect,
        peering: Peering,
        resolver: Resolver,
        timers: Timers,
        identity: tls.Identity | None,
        trust_policy: TrustPolicy,
        tap: Tap | None = None,
        log: Callable[[str], None] = lambda _sentence: None,
        key_log: Callable[[str], None] | None = None,
        habits: ConnectionHabits | None = None,
    ) -> None:
        """`tap` sees every message; `log` gets a sentence for every decision against somebody; `key_log` gets the TLS
        secrets as NSS key log lines; `habits` are how connections are used, those of a plain SIP server by default."""
        habits = habits or ConnectionHabits()
        self.fqdn = fqdn
        self.dialect = dialect
        self.peering = peering
        self.timers = timers
        self.log = log
        self.accounts: dict[str, Account] = {}
        self.dialogs: dict[DialogId, DialogUser] = {}
        self.unasked: list[str] = []
        "What came that belongs to nothing any user did, a sentence each."
        self.transport = SipTransport(identity, trust_policy, timers, self, str(fqdn), tap, key_log)
        if dialect.header_order or dialect.header_names or dialect.via_parameters:
            self.transport.style = HeaderStyle(dialect.header_order, dialect.header_names, dialect.via_parameters)
        self.transport.versions = habits.tls_minimum, habits.tls_maximum
        self.transport.asks_for = habits.server_name
        self.writer = Writer(dialect, fqdn, self.transport)
        self.chats = Chats(self)
        self.watches = Watches(self)
        self.resolver = resolver
        self.admission = Admission(self)
        self.reception = Reception(self)
        self.connections = Connections(self, habits)
        self.partings = Partings(self)
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, port: int) -> None:
        """Take requests at `address` and `port` (0 = any free one); ConfigurationError when that cannot be."""
        await self.transport.listen(address, port)
        self.writer.record_route = self.writer.new_record_route()

    @property
    def now(self) -> float:
        """Seconds on the federation's clock."""
        return self.timers.clock.now()

    # -- what users do ------------------------------------------------------------------------------------------

    async def send_text(self, account: Account, remote: str, text: str, form: TextFormat | None = None) -> Outcome:
        """Deliver `text` from `account` to `remote` (`sip:user@domain`), in `form` or in the dialect's; every failure
        is an outcome, but for a text that cannot be sent: LocalProtocolError."""
        return await self._attempt(account, self.chats.send(account, remote, text, form))

    async def tell_typing(self, account: Account, remote: str, active: bool) -> Outcome:
        """Let `remote` know that the user types, or has stopped."""
        return await self._attempt(account, self.chats.tell_typing(account, remote, active))

    async def reopen_chat(self, account: Account, remote: str, *, same_conversation: bool) -> Outcome:
        """Send another INVITE to `remote`, whatever session there is."""
        return await self._attempt(account, self.chats.reopen(account, remote, same_conversation=same_conversation))

    async def end_chat(self, account: Account, remote: str) -> None:
        """End the IM session between the two, if there is one; a BYE that nobody answers ends it, too."""
        try:
            await self.chats.end(account, remote)
        except FederationFailed as error:
            self.peering.unreachable(error, account.uri, self.log)

    async def watch(self, account: Account, *people: str, once: bool = False) -> Outcome:
        """Subscribe `account` to the presence of one, or of several with one subscription; `once` fetches it only."""
        return await self._attempt(account, self.watches.subscribe(account, people, once=once))

    async def unwatch(self, account: Account, presentity: str) -> Outcome:
        """End that subscription."""
        return await self._attempt(account, self.watches.unsubscribe(account, presentity))

    async def refresh_watch(self, account: Account, presentity: str) -> Outcome:
        """Prolong that subscription now, in its dialog."""
        return await self._attempt(account, self.watches.refresh(account, presentity))

    async def offer(self, account: Account, remote: str, kind: OfferKind) -> Outcome:
        """Offer `remote` something other than a chat of two."""
        return await self._attempt(account, send_offer(self, account, remote, kind))

    def forget_watch(self, account: Account, presentity: str) -> None:
        """Lose the subscription to `presentity` without a word."""
        self.watches.lose(account, presentity)

    def forget_watchers(self, account: Account) -> None:
        """Lose every subscription to the account without a word."""
        self.watches.lose_watchers(account)

    def cancel_chat(self, account: Account, remote: str) -> bool:
        """Give up on the INVITE to `remote` that has no answer yet; False when there is none."""
        return self.chats.cancel(account, remote)

    def chat_session(self, account: Account, remote: str) -> ChatSession | None:
        """The last session with `remote`, over or not."""
        return self.chats.last_session(account, remote)

    async def set_consent(self, account: Account, policy: Consent) -> None:
        """Set what a watcher gets about whom the user has not decided; subscriptions that are there stay."""
        account.consent = policy

    async def answer_watcher(self, account: Account, watcher: str, allowed: bool) -> None:
        """Allow or deny a watcher, now and from now on."""
        self.watches.decide(account, watcher, allowed=allowed)

    async def show(self, account: Account, state: PresenceState) -> None:
        """As `publish`, for whoever drives users by coroutines."""
        self.publish(account, state)

    def publish(self, account: Account, state: PresenceState) -> None:
        """Change what `account` shows and notify its watchers."""
        account.state = state
        self.watches.notify_all(account)

    async def _attempt(self, account: Account, action: Coroutine[Any, Any, Outcome]) -> Outcome:
        refusal = account.refusal()
        if refusal is not None:
            action.close()
            return Outcome(False, refusal.status, refusal.sentence, "policy")
        try:
            return await action
        except FederationFailed as error:
            told = self.peering.unreachable(error, account.uri, self.log)
            return Outcome(False, None, str(error), error.phase, diagnostics=told)

    def in_background(self, action: Coroutine[Any, Any, object]) -> None:
        """Run something nobody waits for; a failure to reach the partner goes into the log."""

        async def logged() -> None:
            try:
                await action
            except FederationFailed as error:
                self.peering.unreachable(error, "", self.log)

        def ended(task: asyncio.Task[None]) -> None:
            action.close()  # which has not begun where the task was cancelled in the same turn of the loop
            self._finished(task)

        task = asyncio.create_task(logged())
        self._tasks.add(task)
        task.add_done_callback(ended)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """Report an error of ours now, not when the garbage collector finds the task."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "Error in the background", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)

    def is_joined(self, uri: str) -> bool:
        """Whether a connection of ours to the domain of `sip:user@domain` is there and may be used."""
        try:
            return self.connections.is_joined(self.peering.way_to(domain_of(uri)))
        except NotFederated:
            return False

    async def leave(self) -> None:
        """End sessions and subscriptions properly, so that nobody keeps state for somebody who is gone."""
        farewells = [*self.chats.farewells(), *self.watches.farewells()]
        if farewells:
            tasks = [asyncio.create_task(farewell) for farewell in farewells]
            _, late = await asyncio.wait(tasks, timeout=LEAVE_TIME)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """End every connection and forget every dialog, without a word; `leave` says good-bye first."""
        self.forget()
        await self.transport.close()

    def forget(self) -> None:
        """Lose every connection and every dialog without a word, as a server that is killed; it goes on listening."""
        for task in self._tasks:
            task.cancel()
        self.connections.close()
        self.chats.close()
        self.watches.close()
        self.dialogs.clear()
        for link in tuple(self.transport.links):
            link.close("this side was started again")

    # -- sending ------------------------------------------------------------------------------------------------

    async def exchange(self, remote: str, request: Request) -> Response:
        """Send `request` to the domain of `remote` and return the final response.

        A NOTIFY that was written to a connection which the peer was just closing is sent once more over a new one: a
        state that comes twice does no harm, where one that never comes ends the subscription (RFC 6665 §4.2.2). A
        MESSAGE would be shown twice. Raises NotFederated, NotFound, LinkLost or RequestTimedOut.
        """
        link = await self.link_to_user(remote, request)
        try:
            return await link.request(request)
        except LinkLost:
            if request.method != "NOTIFY" or not link.heard:
                raise
        link = await self.link_to_user(remote, request)
        return await link.request(request)

    async def link_to_user(self, uri: str, request: Request | None = None) -> Link:
        """A connection of ours to the domain of `sip:user@domain`, the one on which the call of `request` is."""
        if request is None:
            return await self.link_to(domain_of(uri))
        user = request.from_.parsed_uri.aor
        return await self.link_to(domain_of(uri), user=user, call_id=request.call_id)

    async def link_to(self, domain: SipDomain, *, user: str = "", call_id: str = "") -> Link:
        """A connection of ours to `domain` for `sip:user@domain` of ours, opened when there is none that lives."""
        parting = self.partings.link_for(call_id)
        if parting is not None:
            return parting
        way = self.peering.way_to(domain, user)
        self.peering.may_send(user, domain)
        return await self.connections.link(way, call_id)

    # -- receiving ----------------------------------------------------------------------------------------------

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        self.connections.on_used(link)
        if request.method == compression.METHOD:
            self.connections.compression.on_offer(link, transaction, self.connections.habits.compression_answer)
        else:
            self.admission.on_request(link, transaction, request)

    def on_ack(self, link: Link, request: Request) -> None:
        del link
        user = self.dialogs.get(Dialog.id_of(request))
        if isinstance(user, ChatSession):
            user.on_ack(request)

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        if not self.chats.on_cancel(transaction):
            self.respond(link, transaction, 487)

    def on_remark(self, link: Link, sentence: str) -> None:
        self.log(f"On the connection {_where(link)} {sentence}")

    def on_closed(self, link: Link) -> None:
        if link.fault:
            self.log(f"The connection {_where(link)} ended: {link.fault}")
        self.admission.forget(link)
        self.connections.on_closed(link)

    def respond(
        self,
        link: Link,
        transaction: ServerTransaction,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[Header] = (),
    ) -> None:
        """Answer a request without a body."""
        to_tag = transaction.to_tag if status > 100 else None
        self.send_response(
            link, transaction, transaction.request.respond(status, reason, to_tag=to_tag, headers=headers)
        )

    def send_response(self, link: Link, transaction: ServerTransaction, response: Response) -> None:
        """Send a response that a usage built, with the dialect's `Server`; none to a BENOTIFY (MS-SIP 3.5.5.3)."""
        if transaction.request.method == "BENOTIFY":
            link.forget(transaction)
            return
        if self.dialect.server:
            response.headers.add("Server", self.dialect.server)
        if self.dialect.marks_via:
            mark_via(response, link.peer_address)
        link.respond(transaction, response)

    def not_allowed(self, link: Link, transaction: ServerTransaction) -> None:
        """Answer 405 and say what is allowed (RFC 3261 §8.2.1)."""
        sentence = f"{transaction.request.method} is not supported"
        refusal = self.peering.refusal("method", sentence)
        allow = [("Allow", ", ".join(self.dialect.allow))] if refusal.status == 405 else []
        self.refuse(link, transaction, refusal, headers=allow)

    def refuse(
        self, link: Link, transaction: ServerTransaction, refusal: Refusal, *, headers: Iterable[Header] = ()
    ) -> None:
        """Answer with a refusal; why stays in our log."""
        self.peering.refused(link, transaction.request, refusal, self.log)
        self.respond(link, transaction, refusal.status, refusal.reason, headers=(*refusal.headers, *headers))
        if refusal.closes:
            link.close(refusal.sentence)

    def account_for(self, link: Link, transaction: ServerTransaction) -> Account | None:
        """The user whom a request is for; when they cannot have it, it has been answered and None is returned."""
        request = transaction.request
        account = self.accounts.get(request.parsed_uri.aor)
        if account is None:
            self.refuse(link, transaction, self.peering.refusal("unknown_user", f"there is no user {request.uri}"))
            return None
        refusal = account.refusal()
        if refusal is not None:
            self.refuse(link, transaction, refusal)
            return None
        return account


def _where(link: Link) -> str:
    return f"{'to' if link.outgoing else 'from'} {link.expected or link.peer_address}"

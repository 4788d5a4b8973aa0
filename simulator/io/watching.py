"""A presence subscription of one of our users to somebody elsewhere (RFC 3856, RFC 6665, MS-SIP 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.errors import FederationFailed, RemoteProtocolError
from simulator.io.account import Account, PresenceSeen, SubscriptionSeen
from simulator.io.documents import documents_in
from simulator.io.timers import Alarm
from simulator.presence.state import PresenceState
from simulator.sip.subscription import SubscriberUsage, SubscriptionPhase

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.dialog import DialogId
    from simulator.sip.message import Request, Response
    from simulator.sip.transaction import ServerTransaction


class Watching:
    """The watcher's side: subscribes, refreshes, and takes in what comes by NOTIFY, BENOTIFY or in a 200."""

    def __init__(self, agent: UserAgent, account: Account, people: Sequence[str], usage: SubscriberUsage) -> None:
        """The SUBSCRIBE goes to the first of `people`; a batch brings states of the others as well."""
        self._agent = agent
        self.account = account
        self.presentity = people[0]
        self._people = tuple(people)
        self._key: DialogId | None = None
        self._told = SubscriptionPhase.REQUESTED
        self._states: dict[str, PresenceState] = {}
        self.usage = usage
        self._alarm = Alarm(agent.timers, self._on_timeout)

    @property
    def peer(self) -> str:
        """`sip:user@domain` of the other side."""
        return self.presentity

    async def send(self, request: Request) -> Response:
        """Send a SUBSCRIBE of this subscription; the final answer, that to a better one after a 420 or 423."""
        again: list[Request] = []
        try:
            link = await self._agent.link_to_user(self.presentity, request)
            response = await link.request(request, on_response=lambda answer: again.extend(self._take(answer)))
        except FederationFailed as error:
            self.usage.request_failed(request, str(error))
            self._settle()
            self._agent.watches.renewals.on_refresh_failed(self)
            raise
        for better in again:
            response = await self.send(better)
        if response.status < 300:
            self._agent.watches.renewals.on_refreshed(self)
        else:
            self._agent.watches.renewals.on_refresh_failed(self)
        return response

    def refresh(self) -> None:
        """Prolong it, or try so once more; nothing where it has ended or is being refreshed."""
        for request in self.usage.refresh():
            self._agent.in_background(self.send(request))

    async def stop(self) -> Response | None:
        """Unsubscribe; None when there was nothing to send."""
        response = None
        for request in self.usage.unsubscribe(self._agent.now):
            response = await self.send(request)
        self._settle()
        return response

    async def leave(self, because: str) -> None:
        """Unsubscribe, and do not wait for the last NOTIFY: it would not be let in any more."""
        try:
            await self.stop()
        finally:
            self.usage.give_up(because)
            self._settle()

    def lose(self) -> None:
        """Forget it without a word."""
        self.usage.give_up("this side has lost it")
        self._settle()

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Take a NOTIFY or BENOTIFY of the dialog."""
        if request.method == "BENOTIFY":
            link.forget(transaction)
            if self.usage.receive_benotify(request, self._agent.now):
                self._see(request)
            else:
                self._agent.log(f"BENOTIFY about {self.presentity} ignored: it was not asked for, or is out of order")
        elif request.method == "NOTIFY":
            response = self.usage.receive_notify(request, self._agent.now)
            status = self._see(request) if response.status == 200 else 200
            self._agent.send_response(link, transaction, response if status == 200 else request.respond(status))
        else:
            self._agent.not_allowed(link, transaction)
            return
        self._settle()

    def _take(self, response: Response) -> list[Request]:
        """Take in a response to a SUBSCRIBE of ours, with the notification that it may carry."""
        again = self.usage.receive_response(response, self._agent.now)
        if self.usage.piggybacked is response:
            self._see(response)
        self._settle()
        if self.usage.forgotten:
            self._agent.in_background(self._agent.watches.subscribe(self.account, self._people))
        return again

    def _see(self, message: Request | Response) -> int:
        """Put what a notification says into the watcher's mailbox; the status to answer it with."""
        try:
            documents = documents_in(message, self.presentity, self._agent.dialect.presence_mapping)
        except RemoteProtocolError as error:
            self._agent.log(f"A notification about {self.presentity} refused with {error.status_hint}: {error}")
            return error.status_hint
        said = message.subscription_state
        word = said.state if said is not None else "active"
        media_type = (message.content_type or "") if message.body else ""
        for about, document in documents:
            said_word = (document.subscription if document is not None else None) or word
            state = None
            if document is not None and document.parts:
                state = self._states[about] = document.onto(self._states.get(about))
            self.account.seen.put(
                PresenceSeen(about, state, said_word, self._agent.now, media_type, message.cseq.method)
            )
        return 200

    def _settle(self) -> None:
        """Keep the register of dialogs, the timer and what the test sees true after anything happened."""
        dialog = self.usage.dialog
        if dialog is not None and self._key is None:
            self._agent.writer.drop_own_routes(dialog)
            self._key = dialog.id
            self._agent.dialogs[dialog.id] = self
        self._tell()
        self._alarm.set(self.usage.next_timeout())
        if self.usage.ended:
            if self._key is not None:
                self._agent.dialogs.pop(self._key, None)
            self._agent.watches.forget(self.account, self.presentity, self)
        self._agent.watches.renewals.on_change(self)

    def _tell(self) -> None:
        if self.usage.state is not self._told:
            self._told = self.usage.state
            reason = (self.usage.reason or self.usage.ended_because) if self.usage.ended else ""
            self.account.subscriptions.put(SubscriptionSeen(self.presentity, self._told.value, reason))

    def rest(self) -> None:
        """Do nothing more by itself."""
        self._alarm.set(None)

    def _on_timeout(self) -> None:
        for request in self.usage.handle_timeout(self._agent.now):
            self._agent.in_background(self.send(request))
        self._settle()

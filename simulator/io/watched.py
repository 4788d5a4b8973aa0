"""A presence subscription of somebody elsewhere to one of our users (RFC 3856, RFC 6665 §4.2, MS-SIP 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.errors import FederationFailed
from simulator.io.account import Account
from simulator.io.documents import Form, write_document
from simulator.io.lists import write_list
from simulator.io.timers import Alarm
from simulator.presence.state import PresenceState
from simulator.sip.subscription import NotifierUsage, SubscriptionPhase

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.message import Request
    from simulator.sip.transaction import ServerTransaction


class Watched:
    """The notifier's side of one subscription, to one user or to a list, in the form that was chosen for it."""

    def __init__(self, agent: UserAgent, account: Account, watcher: str, form: Form) -> None:
        """`start` follows, once the answer is decided."""
        self._agent = agent
        self.watcher = watcher
        self.account = account
        self.form = form
        self._version = 0
        self._before: PresenceState | None = None
        self._alarm = Alarm(agent.timers, self._on_timeout)

    @property
    def peer(self) -> str:
        """`sip:user@domain` of the other side."""
        return self.watcher

    def start(self, usage: NotifierUsage) -> None:
        """The subscription was granted."""
        self.usage = usage
        self._agent.dialogs[usage.id] = self
        self._alarm.set(usage.next_timeout())

    def is_about(self, account: Account) -> bool:
        """Whether a change of this user's state concerns it."""
        return account.uri in self.form.people if self.form.people else account is self.account

    def document(self, *, whole: bool = True) -> tuple[bytes, str]:
        """What to tell next: all, or what has changed since the last time where the form can say so."""
        agent, form = self._agent, self.form
        self._version += 1
        if form.people:
            return write_list(self, agent, self._version - 1)
        before = self._before if agent.dialect.partial_updates and not whole else None
        written = write_document(self.account, form, agent.dialect, agent.timers.clock.today(), self._version, before)
        self._before = self.account.shown
        return written

    def publish(self) -> None:
        """Notify the watcher of the state that is shown now."""
        whole = self.usage.state is not SubscriptionPhase.ACTIVE
        self.send(self.usage.publish(*self.document(whole=whole), self._agent.now))

    def grant(self) -> None:
        """The user allows the watcher: a subscription that waited becomes active."""
        self.send(self.usage.authorize(self._agent.now))

    def reject(self) -> None:
        """The user denies the watcher: the subscription ends (RFC 3857, reason `rejected`)."""
        self.send(self.usage.terminate("rejected"))

    def send(self, notifies: Iterable[Request]) -> None:
        """Send NOTIFYs and BENOTIFYs in this order."""
        for notify in notifies:
            self._agent.in_background(self._exchange(notify))
        if self.usage.ended:
            self._drop()
        else:
            self._alarm.set(self.usage.next_timeout())

    async def overtake(self, notifies: Iterable[Request], answer: Callable[[], object]) -> None:
        """Send these NOTIFYs, and answer the SUBSCRIBE once they were answered."""
        try:
            for notify in notifies:
                await self._exchange(notify)
        finally:
            answer()

    async def stop(self, reason: str = "noresource", retry_after: int | None = None) -> None:
        """End it from our side; the reason tells the watcher whether to try again (RFC 6665 §4.1.3, §4.2.2), and when,
        in seconds."""
        for notify in self.usage.terminate(reason, retry_after=retry_after):
            await self._exchange(notify)

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Take a refresh or an unsubscription."""
        if request.method != "SUBSCRIBE":
            self._agent.not_allowed(link, transaction)
            return
        self.usage.body = self.document()  # a refresh is told everything
        response, notifies = self.usage.receive_subscribe(request, self._agent.now)
        self._agent.send_response(link, transaction, response)
        self.send(notifies)

    async def _exchange(self, notify: Request) -> None:
        try:
            if notify.method == "BENOTIFY":
                (await self._agent.link_to_user(self.watcher, notify)).send_one_way(notify)
            else:
                self.usage.receive_response(await self._agent.exchange(self.watcher, notify))
        except FederationFailed as error:
            self.usage.request_failed(str(error))
            raise
        finally:
            if self.usage.ended:
                self._drop()

    def lose(self) -> None:
        """Forget it without a word; a refresh is answered with 481."""
        self._drop()

    def rest(self) -> None:
        """Do nothing more by itself."""
        self._alarm.set(None)

    def _on_timeout(self) -> None:
        self.send(self.usage.handle_timeout(self._agent.now))

    def _drop(self) -> None:
        self._alarm.set(None)
        self._agent.dialogs.pop(self.usage.id, None)
        self._agent.watches.forget_watcher(self)

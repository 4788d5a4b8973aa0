"""The users of a server that is driven from outside, behind the same facade as those of the embedded one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel

from simulator.connect_server.control import models as m
from simulator.io.account import Account, Consent, PresenceSeen, SubscriptionSeen, TextMessage, TypingSeen
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox, S
from simulator.io.surprises import take_surprises
from simulator.io.user import User
from simulator.names import SipDomain
from simulator.outcome import Outcome
from simulator.presence.state import Availability, PresenceState
from simulator.sut.base import Surroundings

T = TypeVar("T")


class Perform(Protocol):
    """Does one operation of the control API."""

    def __call__(self, action: str, arguments: dict[str, Any]) -> Awaitable[BaseModel | None]: ...


Needs = Callable[[str], None]
"Raises CapabilityMissing unless the server has the capability."


class RemoteMailbox(Mailbox[T]):
    """What reached a user elsewhere: it is fetched whenever somebody looks or waits.

    To be read from the test's thread, but for `take`, `find` and `beyond`, which belong on the loop.
    """

    def __init__(self, loop: LoopThread, fetch: Callable[[int, float], Awaitable[tuple[list[T], int]]]) -> None:
        """`fetch` gets a cursor and the seconds that it may wait, and gives what came and the next cursor."""
        super().__init__()
        self._loop = loop
        self._fetch = fetch
        self._cursor = 0

    def __iter__(self) -> Iterator[T]:
        self._loop.run(self.look())
        return super().__iter__()

    def __len__(self) -> int:
        self._loop.run(self.look())
        return super().__len__()

    @property
    def untaken(self) -> tuple[T, ...]:
        self._loop.run(self.look())
        return tuple(self._untaken.values())

    async def look(self, wait: float = 0.0) -> None:
        """Fetch what has come, waiting up to `wait` seconds while there is nothing."""
        items, self._cursor = await self._fetch(self._cursor, min(wait, m.LONGEST_WAIT))
        for item in items:
            self.put(item)

    async def skip(self) -> None:
        """Forget what is there already."""
        await self.look()
        self.clear()

    async def read_all(self) -> tuple[T, ...]:
        await self.look()
        return self.take_all()

    async def beyond(self, count: int, *, within: float) -> tuple[T, ...]:
        await self._until(lambda: self._gone + len(self._items) > count, within)
        return await super().beyond(count, within=0)

    async def _first(self, items: Callable[[], Iterable[S]], wanted: Callable[[S], bool], within: float) -> S | None:
        await self._until(lambda: any(map(wanted, items())), within)
        return next(filter(wanted, items()), None)

    async def _until(self, reached: Callable[[], bool], within: float) -> None:
        """Fetch until it is reached, once at least; the way to the server may take longer than `within`."""
        now = asyncio.get_running_loop().time
        deadline = now() + within
        await self.look()
        while not reached() and (left := deadline - now()) > 0:
            await self.look(left)


class RemoteAgent:
    """Does for users of the server what our own user agent does for those of partners."""

    def __init__(self, perform: Perform, needs: Needs) -> None:
        self._perform = perform
        self._needs = needs

    async def send_text(self, account: Account, remote: str, text: str) -> Outcome:
        self._needs("chat")
        return await self._deliver("send_message", account, to=remote, text=text)

    async def end_chat(self, account: Account, remote: str) -> None:
        self._needs("chat")
        await self._perform("end_chat", {"user": _name(account), "to": remote})

    async def watch(self, account: Account, presentity: str) -> Outcome:
        self._needs("presence")
        return await self._deliver("watch", account, to=presentity)

    async def unwatch(self, account: Account, presentity: str) -> Outcome:
        self._needs("presence")
        return await self._deliver("unwatch", account, to=presentity)

    async def show(self, account: Account, state: PresenceState) -> None:
        self._needs("presence")
        account.state = state
        await self._perform(
            "set_presence",
            {
                "user": _name(account),
                "availability": state.availability,
                "activity": state.activity,
                "note": state.note,
            },
        )

    async def tell_typing(self, account: Account, remote: str, active: bool) -> Outcome:
        self._needs("typing")
        return await self._deliver("show_typing", account, to=remote, active=active)

    async def set_consent(self, account: Account, policy: Consent) -> None:
        self._needs("consent")
        await self._perform("set_consent", {"user": _name(account), "policy": policy})

    async def answer_watcher(self, account: Account, watcher: str, allowed: bool) -> None:
        self._needs("consent")
        await self._perform("answer_consent", {"user": _name(account), "to": watcher, "allowed": allowed})

    async def _deliver(self, action: str, account: Account, **arguments: object) -> Outcome:
        delivery = cast("m.Delivery", await self._perform(action, {"user": _name(account), **arguments}))
        return Outcome(delivery.delivered, delivery.status, delivery.reason, delivery.phase)


class RemoteUsers:
    """The accounts of one test, made when they are first asked for."""

    def __init__(
        self,
        around: Surroundings,
        domain: SipDomain,
        names: dict[str, str],
        agent: RemoteAgent,
        perform: Perform,
        *,
        can: Callable[[str], bool],
        resets: bool,
    ) -> None:
        """`names` are those on the server, by role; `can` says which actions there are; with `resets` the server
        empties inboxes between tests."""
        self._can = can
        self._loop = around.loop
        self._now = around.clock.now
        self._domain = domain
        self._names = names
        self._agent = agent
        self._perform = perform
        self._resets = resets
        self._accounts: dict[str, Account] = {}

    def name_of(self, role: str) -> str:
        """What the user in that role is called on the server."""
        return self._names.get(role, role)

    def user(self, role: str) -> User:
        """The user in that role."""
        name = self.name_of(role)
        if name not in self._accounts:
            self._accounts[name] = self._new_account(name)
        return User(self._loop, self._agent, self._accounts[name])

    def begin_test(self) -> None:
        """Nobody has received anything."""
        if self._resets:
            self._accounts.clear()
            return
        for account in self._accounts.values():
            account.ignored.clear()
            for mailbox in self._readable(account):
                self._loop.run(cast("RemoteMailbox[Any]", mailbox).skip())

    def _readable(self, account: Account) -> list[Mailbox[Any]]:
        boxes: dict[str, Mailbox[Any]] = {
            "read_inbox": account.inbox,
            "read_seen": account.seen,
            "read_typing": account.typing,
        }
        return [mailbox for action, mailbox in boxes.items() if self._can(action)]

    def take_surprises(self) -> list[str]:
        """The messages that no expectation took; they are taken then."""
        readers = [
            Account(account.uri, inbox=account.inbox, ignored=account.ignored) for account in self._accounts.values()
        ]
        return take_surprises(readers)

    def end_test(self) -> None:
        """Everybody shows `available` again."""
        for account in self._accounts.values():
            if account.state.availability is not Availability.AVAILABLE:
                self._loop.run(self._agent.show(account, PresenceState(Availability.AVAILABLE)))

    def _new_account(self, name: str) -> Account:
        account = Account(f"sip:{name}@{self._domain}")

        def box(read: Read[T]) -> RemoteMailbox[T]:
            async def fetch(after: int, wait: float) -> tuple[list[T], int]:
                found: Any = await self._perform(read.action, {"user": name, "after": after, "wait": wait})
                now = self._now()
                return [read.item(one, now) for one in found.items], found.next

            return RemoteMailbox(self._loop, fetch)

        account.inbox, account.seen, account.typing = box(_INBOX), box(_SEEN), box(_TYPING)
        account.watchers, account.subscriptions = box(_WATCHERS), box(_WATCH_STATES)
        return account


@dataclass(frozen=True)
class Read(Generic[T]):
    """How one feed becomes what a mailbox holds."""

    action: str
    "The operation that reads it."
    item: Callable[[Any, float], T]
    "Makes an entry of one item and the time on the federation's clock."


def _seen(one: m.SeenPresence, now: float) -> PresenceSeen:
    state = None
    if one.availability is not None:
        state = PresenceState(one.availability, activity=one.activity, note=one.note)
    return PresenceSeen(one.presentity, state, one.subscription, now)


_INBOX: Final = Read("read_inbox", lambda one, now: TextMessage(one.text, one.sender, one.content_type, now))
_SEEN: Final = Read("read_seen", _seen)
_TYPING: Final = Read("read_typing", lambda one, now: TypingSeen(one.sender, one.active, "", now))
_WATCHERS: Final = Read[str]("read_watchers", lambda one, _now: str(one))
_WATCH_STATES: Final = Read(
    "read_watch_states", lambda one, _now: SubscriptionSeen(one.presentity, one.state, one.reason)
)


def _name(account: Account) -> str:
    return account.uri.removeprefix("sip:").partition("@")[0]

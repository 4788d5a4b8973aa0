"""The driver `wire-only`: nothing but an address; what the server does is judged by what partners see of it."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from simulator.chat import text
from simulator.chat.first_message import (
    FirstMessageOutcome,
    first_message_outcome,
    has_first_message,
    read_first_message,
)
from simulator.connect_server.control.contract import Operation
from simulator.errors import RemoteProtocolError
from simulator.io.account import Account, TextMessage
from simulator.io.surprises import take_surprises
from simulator.io.user import User
from simulator.sip.message import Request, Response, parse
from simulator.sut.actions import ActionFailed
from simulator.sut.base import ServerUnderTest, Surroundings
from simulator.sut.capabilities import CAPABILITIES
from simulator.sut.remote import RemoteServer, identity_of
from simulator.sut.remote_users import RemoteMailbox
from simulator.sut.settings import SutSettings

if TYPE_CHECKING:
    from simulator.evidence.recorder import Record, Recorder

ABLE = ("receive", "show-presence", "observe-inbox")
"""What needs nobody at the server: its users exist, take messages by themselves, and let themselves be watched. What
reached them is what the server has accepted with 2xx; whether it shows that to the user, nobody can see from here."""


def wire_only(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The driver; more capabilities are those that the settings declare: open-federation, licences."""
    return WireServer(settings, around)


OTHER_DRIVER: Final = "nobody can tell this server anything: choose a driver that can, as http, command or manual"
DECLARED: Final = frozenset({*ABLE, "open-federation", "licences", "reach", "time"})
"What the server may have all the same, for which the usual hints are right."


class WireServer(RemoteServer):
    """A server that nobody can tell anything."""

    hints = MappingProxyType({name: OTHER_DRIVER for name in CAPABILITIES if name not in DECLARED})

    def __init__(self, settings: SutSettings, around: Surroundings) -> None:
        super().__init__(around, identity_of(settings, ABLE), _NoActions())
        self._names = {role: user.name for role, user in settings.users.items()}
        self._mark = around.recorder.mark()
        self._accounts: dict[str, Account] = {}

    def user(self, name: str = "alice") -> User:
        uri = f"sip:{self._names.get(name, name)}@{self.domain}"
        if uri not in self._accounts:
            self._accounts[uri] = account = Account(uri)
            account.inbox = AcceptedMessages(self._around, uri, self._mark)
        return User(self._around.loop, self.agent, self._accounts[uri])

    def take_surprises(self) -> list[str]:
        """The messages that the server has accepted for users of the test and that no expectation took."""
        return take_surprises(self._accounts.values())

    def begin_test(self) -> None:
        self._mark = self._around.recorder.mark()
        self._accounts.clear()


class _NoActions:
    """There is no way to do anything; and nothing is asked, as the capabilities are missing."""

    def can(self, action: str) -> bool:
        del action
        return False

    async def perform(self, operation: Operation, arguments: dict[str, Any]) -> BaseModel | None:
        del arguments
        raise ActionFailed(f"There is no way to do {operation.action}: the driver is wire-only.")

    async def close(self) -> None:
        """Nothing is open."""


class AcceptedMessages(RemoteMailbox[TextMessage]):
    """The messages to one user that the server has accepted with 2xx, as the partners' evidence has them."""

    def __init__(self, around: Surroundings, uri: str, mark: int) -> None:
        async def fetch(after: int, _wait: float) -> tuple[list[TextMessage], int]:
            found = accepted(around.recorder, mark, uri)
            return found[after:], len(found)

        super().__init__(around.loop, fetch)

    async def _until(self, reached: Callable[[], bool], within: float) -> None:
        """Whoever sent it has had the answer by now."""
        del reached, within
        await self.look()


def accepted(recorder: Recorder, mark: int, uri: str) -> list[TextMessage]:
    """What was sent to `uri` since the mark and answered with 2xx, in the order of the answers."""
    sent: dict[tuple[str, str, int], Request] = {}
    found: list[TextMessage] = []
    for record in recorder.since(mark):
        message = _message_of(record)
        if message is None:
            continue
        try:
            key = (record.who, message.call_id, message.cseq.number)
            to = message.to.parsed_uri.aor
        except RemoteProtocolError:  # likewise
            continue
        if isinstance(message, Request):
            if record.what == "sent" and message.method in ("MESSAGE", "INVITE") and to == uri:
                sent[key] = message
        elif record.what == "received" and 200 <= message.status < 300 and message.cseq.method in ("MESSAGE", "INVITE"):
            request = sent.pop(key, None)
            if request is not None:
                found += _texts(request, message, record.at)
    return found


def _message_of(record: Record) -> Request | Response | None:
    if record.layer != "sip":
        return None
    try:
        return parse(record.text.encode("utf-8", "surrogateescape"))
    except RemoteProtocolError:  # a partner that sends rubbish on purpose
        return None


def _texts(request: Request, response: Response, at: float) -> list[TextMessage]:
    sender = request.from_.parsed_uri.aor
    try:
        if request.method == "MESSAGE":
            body = text.read_body(request.headers.get("Content-Type"), request.body)
        elif has_first_message(request) and first_message_outcome(response) is FirstMessageOutcome.DELIVERED:
            first = read_first_message(request)
            if first is None:
                return []
            body = first
        else:
            return []
    except RemoteProtocolError:
        return []
    return [TextMessage(body.text, sender, request.content_type or text.PLAIN, at)]

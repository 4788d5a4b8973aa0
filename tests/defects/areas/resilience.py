"""Faults in what the server does when partners die, stall and come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import is_server


@defect(
    caught_by=("resilience/message-in-a-conversation[answer-lost]",),
    says=("got it 2 times",),
)
def sends_again_what_may_have_arrived(patch: pytest.MonkeyPatch) -> None:
    """A message whose connection died is sent again, though it may have arrived."""
    from simulator.io.chat_session import ChatSession
    from simulator.io.link_user import LinkLost

    send = ChatSession.send

    async def twice(self: Any, message: str, form: Any = None) -> Any:
        try:
            return await send(self, message, form)
        except LinkLost:
            if not is_server(self._agent):
                raise
            return await send(self, message, form)

    patch.setattr(ChatSession, "send", twice)


@defect(
    caught_by=("resilience/first-message[request-closed]", "resilience/message-in-a-conversation[request-closed]"),
    also=("routes",),
    says=("got it 0 times",),
)
def says_delivered_when_the_connection_dies(patch: pytest.MonkeyPatch) -> None:
    """A message that went down with its connection counts as delivered."""
    from simulator.io.user_agent import UserAgent
    from simulator.outcome import Outcome

    attempt = UserAgent._attempt

    async def hopeful(self: Any, account: Any, action: Any) -> Any:
        outcome = await attempt(self, account, action)
        lost = is_server(self) and not outcome.delivered and outcome.phase == "sip"
        return Outcome(True, 200, "OK", "message") if lost else outcome

    patch.setattr(UserAgent, "_attempt", hopeful)


@defect(
    caught_by=("resilience/first-message[connect-refused]", "resilience/first-message[handshake-garbage]"),
    also=("discovery", "routes", "trust", "certificates"),
)
def gives_a_partner_up_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A partner that could not be reached once is never dialled again."""
    from simulator.io.connections import Connections
    from simulator.io.link_user import LinkLost

    open_one, failed = Connections._open, dict[Any, LinkLost]()

    async def once(self: Any, way: Any) -> Any:
        if is_server(self._agent) and way in failed:
            raise failed[way]
        try:
            return await open_one(self, way)
        except LinkLost as error:
            failed[way] = error
            raise

    patch.setattr(Connections, "_open", once)


@defect(caught_by=("resilience/deaf-partner-among-others[*]",), says=("messages to and from another partner",))
def dials_one_after_the_other(patch: pytest.MonkeyPatch) -> None:
    """While one partner is being dialled, every other one has to wait."""
    from simulator.io.connections import Connections

    link, turns = Connections.link, dict[Any, asyncio.Lock]()

    async def in_turn(self: Any, way: Any, call_id: str = "") -> Any:
        if not is_server(self._agent):
            return await link(self, way, call_id)
        async with turns.setdefault(self, asyncio.Lock()):
            return await link(self, way, call_id)

    patch.setattr(Connections, "link", in_turn)


@defect(caught_by=("resilience/silent-partner-among-others",))
def waits_for_one_answer_after_the_other(patch: pytest.MonkeyPatch) -> None:
    """While one message waits for its answer, no other one is sent."""
    from simulator.io.user_agent import UserAgent

    send_text, turns = UserAgent.send_text, dict[Any, asyncio.Lock]()

    async def in_turn(self: Any, *parts: Any) -> Any:
        if not is_server(self):
            return await send_text(self, *parts)
        async with turns.setdefault(self, asyncio.Lock()):
            return await send_text(self, *parts)

    patch.setattr(UserAgent, "send_text", in_turn)


@defect(caught_by=("resilience/sender-who-cannot-be-looked-up-yet",))
def looks_senders_up_one_after_the_other(patch: pytest.MonkeyPatch) -> None:
    """While one sender is being looked up, every other one has to wait."""
    from simulator.io.admission import Admission

    refusal_for, turns = Admission._refusal_for, dict[Any, asyncio.Lock]()

    async def in_turn(self: Any, link: Any, way: Any) -> Any:
        if not is_server(self._agent):
            return await refusal_for(self, link, way)
        async with turns.setdefault(self, asyncio.Lock()):
            return await refusal_for(self, link, way)

    patch.setattr(Admission, "_refusal_for", in_turn)


@defect(
    caught_by=(
        "resilience/partners-conversation-outlives-its-connection",
        "resilience/change-after-the-connection-ended",
    ),
    also=("presence", "chat", "policy", "routes", "licensing", "certificates"),
)
def ends_dialogs_with_their_connection(patch: pytest.MonkeyPatch) -> None:
    """When a connection ends, all conversations and subscriptions are forgotten."""
    from simulator.io.user_agent import UserAgent

    on_closed = UserAgent.on_closed

    def forgetful(self: Any, link: Any) -> None:
        on_closed(self, link)
        if is_server(self) and link.handshake is not None:
            self.chats.close()
            self.watches.close()
            self.dialogs.clear()

    patch.setattr(UserAgent, "on_closed", forgetful)


@defect(caught_by=("resilience/refusal-is-not-hammered",), also=("policy", "chat"), says=("for one attempt",))
def hammers_on_a_503(patch: pytest.MonkeyPatch) -> None:
    """A partner that answers 503 is asked again at once, ten times."""
    from simulator.io.chats import Chats

    open_one = Chats._open

    async def again(self: Any, *parts: Any) -> Any:
        for _ in range(10):
            opened = await open_one(self, *parts)
            if getattr(opened, "status", None) != 503 or not is_server(self._agent):
                break
        return opened

    patch.setattr(Chats, "_open", again)


@defect(caught_by=("resilience/partner-that-never-answers[*]",), says=("is still open after",))
def waits_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A request without an answer is never given up."""
    from simulator.io.link import Link

    plan = Link._plan_timeout

    def never(self: Any) -> None:
        if not hasattr(self._user, "peering") or not is_server(self._user):
            plan(self)

    patch.setattr(Link, "_plan_timeout", never)


@defect(
    caught_by=("resilience/connection-that-ended-between-two-messages",),
    also=("chat", "presence", "policy", "discovery/partner-that-moved*", "certificates/partner-renews-*"),
)
def keeps_a_dead_connection(patch: pytest.MonkeyPatch) -> None:
    """A connection that has ended is used for the next message all the same."""
    from simulator.io.connections import Connections

    link, kept = Connections.link, dict[Any, Any]()

    async def first_ever(self: Any, way: Any, call_id: str = "") -> Any:
        if not is_server(self._agent):
            return await link(self, way, call_id)
        if (self, way) not in kept:
            kept[self, way] = await link(self, way, call_id)
        return kept[self, way]

    patch.setattr(Connections, "link", first_ever)


@defect(caught_by=("resilience/notification-on-a-dying-connection[*]",), also=("presence",))
def gives_a_watcher_up_with_the_connection(patch: pytest.MonkeyPatch) -> None:
    """A watcher whose connection dies under a notification is forgotten."""
    from simulator.io.link_user import LinkLost
    from simulator.io.user_agent import UserAgent

    exchange = UserAgent.exchange

    async def once(self: Any, remote: str, request: Any) -> Any:
        if request.method != "NOTIFY" or not is_server(self):
            return await exchange(self, remote, request)
        link = await self.link_to_user(remote, request)
        try:
            return await link.request(request)
        except LinkLost:
            self.watches.close()
            raise

    patch.setattr(UserAgent, "exchange", once)

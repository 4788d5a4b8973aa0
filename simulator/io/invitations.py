"""What comes in by INVITE outside of dialogs: chats, and what is none (dialect facts §4.1, §4.2; RFC 3261 §13.3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.chat.first_message import confirming_options
from simulator.chat.invitation import InviteRefusal, Kind, classify_invite
from simulator.chat.text import ReadBody
from simulator.io.account import OfferSeen, Refusal, TextMessage
from simulator.io.chat_session import ChatSession
from simulator.sip.invite import InviteSession
from simulator.sip.message import Request
from simulator.sip.session_timer import SessionTimer, supports_timer

if TYPE_CHECKING:
    from simulator.io.dialect import Dialect
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.transaction import ServerTransaction

SAME_CONVERSATION = "there is an IM session with the same conversation ID"
HELD = (180, "Ringing")
"What the caller of a held invitation is told by a dialect that has no provisional answer of its own."


class PendingInvitation:
    """An invitation to a chat that has no final answer yet."""

    def __init__(
        self,
        agent: UserAgent,
        link: Link,
        transaction: ServerTransaction,
        chat: ChatSession,
        session: InviteSession,
        first: ReadBody | None,
    ) -> None:
        self._agent = agent
        self._link = link
        self._transaction = transaction
        self._session = session
        self.chat = chat
        self.given_up = asyncio.Event()
        "Set when the caller gives up."
        self.first = first
        "The text in the INVITE, where there is one that the dialect reads."

    @property
    def sender(self) -> str:
        """`sip:user@domain` of who invites."""
        return self.chat.remote

    @property
    def text(self) -> str | None:
        """The text that came with it."""
        return self.first.text if self.first is not None else None

    @property
    def open(self) -> bool:
        """Whether it still waits for an answer."""
        return self._session.answered_with is None

    def __str__(self) -> str:
        with_text = "" if self.text is None else f" with the text {self.text!r}"
        return f"an invitation from {self.sender}{with_text}"

    def ring(self, held: bool) -> None:
        """Send the provisional answers of the dialect, or 180 where it waits for a person and there are none."""
        dialect = self._agent.dialect
        if dialect.trying:
            self._agent.respond(self._link, self._transaction, 100)
        progress = dialect.progress or (HELD if held else None)
        if progress is not None:
            contact = self._agent.writer.contact(self.chat.account)
            response = self._session.ring(progress[0], reason=progress[1], headers=[("Contact", contact)])
            self._agent.writer.put_into_route(response)
            self._agent.send_response(self._link, self._transaction, response)

    def accept(self) -> bool:
        """Take the chat, and the text in the INVITE; False when the caller has given up."""
        if not self.open:
            return False
        confirmed: tuple[str, ...] = ()
        if self.first is not None:
            confirmed = confirming_options(self._agent.dialect.confirmation)
        self.chat.accept(self._link, self._transaction, [("Supported", tag) for tag in confirmed])
        self._agent.chats.begun(self.chat)
        if self.first is not None:
            account, first = self.chat.account, self.first
            account.inbox.put(TextMessage(first.text, self.sender, first.media_type, self._agent.now, embedded=True))
        return True

    def decline(self, status: int, reason: str | None = None) -> bool:
        """Refuse it; False when the caller has given up."""
        if not self.open:
            return False
        self._agent.send_response(self._link, self._transaction, self._session.reject(status, reason))
        return True

    def cancelled(self) -> None:
        """The caller gave up: 487 (RFC 3261 §9.2)."""
        response = self._session.receive_cancel()
        if response is not None:
            self._agent.send_response(self._link, self._transaction, response)
            self.given_up.set()


def receive_invite(agent: UserAgent, link: Link, transaction: ServerTransaction, request: Request) -> None:
    """Answer an INVITE outside of dialogs: a chat is begun or held, anything else is refused and remembered."""
    account = agent.account_for(link, transaction)
    if account is None:
        return
    offer = classify_invite(request, agent.dialect)
    remote = request.from_.parsed_uri.aor
    if isinstance(offer, InviteRefusal):
        refusal = _refusal(agent, offer)
        account.offers.put(OfferSeen(remote, offer.kind.value, refusal.status, agent.now))
        agent.refuse(link, transaction, refusal)
        return
    if agent.dialect.conversation_id and agent.chats.in_conversation(account, offer.conversation_id):
        agent.refuse(link, transaction, agent.peering.refusal("same_conversation", SAME_CONVERSATION))
        return
    timer = _session_timer(agent.dialect, request)
    session = InviteSession.answer(request, to_tag=transaction.to_tag, session_timer=timer)
    objection = session.objection()
    if objection is not None:
        agent.send_response(link, transaction, objection)
        return
    chat = ChatSession(agent, account, remote, session, conversation=offer.conversation_id or "")
    first = offer.first_message if agent.dialect.takes_first_message else None
    invitation = PendingInvitation(agent, link, transaction, chat, session, first)
    held = account.answers_when_told
    invitation.ring(held)
    if held:
        agent.chats.pending[transaction] = invitation
        account.invitations.put(invitation)
    else:
        invitation.accept()


def _refusal(agent: UserAgent, offer: InviteRefusal) -> Refusal:
    """How an invitation to something else is refused: a body that nobody reads by the row of the matrix, a call, a file
    or a conference as the dialect says."""
    if offer.kind is not Kind.UNKNOWN:
        return Refusal(offer.status, offer.reason, offer.sentence, headers=offer.headers)
    refusal = agent.peering.refusal("content_type", offer.sentence)
    return replace(refusal, headers=(*refusal.headers, *offer.headers)) if refusal.status == offer.status else refusal


def _session_timer(dialect: Dialect, request: Request) -> SessionTimer | None:
    if dialect.session_interval:
        return SessionTimer(dialect.session_interval)
    asked = dialect.session_timer and supports_timer(request) and request.session_expires is not None
    return SessionTimer() if asked else None

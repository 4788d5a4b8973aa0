"""Chat of the users of one user agent: IM sessions by INVITE with messages inside, and page-mode MESSAGE (RFC 3428)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from simulator.chat import text
from simulator.chat.composing import is_composing_type, read_composing, write_composing
from simulator.chat.first_message import OFFERS, FirstMessageOutcome, first_message_headers, first_message_outcome
from simulator.chat.formats import PLAIN, TextFormat
from simulator.errors import RemoteProtocolError
from simulator.io.account import Account, Refusal, TextMessage
from simulator.io.chat_session import GONE, ChatSession
from simulator.io.invitations import PendingInvitation, receive_invite
from simulator.io.texts import must_be_sendable
from simulator.io.typists import Typists
from simulator.outcome import Outcome
from simulator.sip.invite import InviteSession
from simulator.sip.message import Request, Response
from simulator.sip.reasons import REASONS
from simulator.sip.session_timer import SessionClock, SessionTimer

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.transaction import ServerTransaction

Pair = tuple[str, str]


class Chats:
    """All chats of a user agent."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._sessions: dict[Pair, ChatSession] = {}
        "The session in which the next message to somebody goes."
        self._last: dict[Pair, ChatSession] = {}
        "The last session of every pair, over or not."
        self._live: set[ChatSession] = set()
        "Every session that has not ended; after both have called at once there are two of a pair."
        self._opening: dict[Pair, asyncio.Task[ChatSession | Outcome]] = {}
        self._calling: dict[Pair, ChatSession] = {}
        self._paged: set[Pair] = set()
        "Pairs whose remote side last wrote outside of dialogs."
        self.typists = Typists(agent)
        self.pending: dict[ServerTransaction, PendingInvitation] = {}
        "Invitations that wait for their user."

    # -- sending ------------------------------------------------------------------------------------------------

    async def send(self, account: Account, remote: str, message: str, form: TextFormat | None = None) -> Outcome:
        """Deliver one text, opening the session that it needs; raises FederationFailed where nobody answered, and
        LocalProtocolError, before anything is sent, for a text that cannot be.

        When the peer says that the session is gone, nothing was delivered: a new one is opened, once.
        """
        must_be_sendable(message)
        pair = (account.uri, remote)
        if self._pages(pair):
            return await self._page(account, remote, *text.encode(message, *([form] if form else [])))
        outcome = Outcome(False, None, "the other side ended each session before a message could go", "message")
        for _ in range(2):
            session = self.session_with(account, remote)
            if session is None:
                opening = self._opening.get(pair)
                ours = opening is None
                opened = await self._opened(account, remote, message if form is None else None)
                if isinstance(opened, Outcome):
                    return opened
                if ours and opened.first_message_taken:
                    return Outcome(True, 200, "OK", "invite")
                session = opened
                if not session.usable:  # the other side, who called at the same time, has ended it meanwhile
                    continue
            outcome = await session.send(message, form)
            if outcome.status not in GONE:
                break
        return outcome

    async def tell_typing(self, account: Account, remote: str, active: bool) -> Outcome:
        """Tell the peer that the user types, or has stopped, opening the session that it needs."""
        pair, composing = (account.uri, remote), self._agent.dialect.composing
        if composing is None:
            return Outcome(False, None, "this product does not tell others who types", "policy")
        if self._pages(pair):
            _, content_type, body = write_composing(self._agent.dialect.composing_notice(active), "iscomposing")
            return await self._page(account, remote, content_type, body)
        session = self.session_with(account, remote) or await self._opened(account, remote, None)
        return session if isinstance(session, Outcome) else await session.tell_typing(active)

    async def reopen(self, account: Account, remote: str, *, same_conversation: bool) -> Outcome:
        """Send another INVITE to the peer of a session, as a client does that has lost it; with `same_conversation` it
        carries the `Ms-Conversation-ID` of that session."""
        running = self._sessions.get((account.uri, remote))
        conversation = running.conversation if running is not None and same_conversation else ""
        opened = await self._open(account, remote, None, conversation)
        return opened if isinstance(opened, Outcome) else Outcome(True, 200, "OK", "invite")

    def cancel(self, account: Account, remote: str) -> bool:
        """Give up on the INVITE to the peer that has no answer yet; False when there is none."""
        calling = self._calling.get((account.uri, remote))
        return calling is not None and calling.cancel()

    async def end(self, account: Account, remote: str) -> None:
        """Send BYE in the session between the two, if there is one."""
        session = self._sessions.get((account.uri, remote))
        if session is not None:
            await session.bye()

    def session_with(self, account: Account, remote: str) -> ChatSession | None:
        """The session in which the next message goes; None when it has to be opened first."""
        session = self._sessions.get((account.uri, remote))
        return session if session is not None and session.usable else None

    def last_session(self, account: Account, remote: str) -> ChatSession | None:
        """The last session between the two, which may be over; None when there was none."""
        return self._last.get((account.uri, remote))

    def _pages(self, pair: Pair) -> bool:
        match self._agent.dialect.im:
            case "page":
                return pair not in self._sessions
            case "as-peer":
                return pair in self._paged
            case _:
                return False

    async def _page(self, account: Account, remote: str, content_type: str, body: bytes) -> Outcome:
        request = self._agent.writer.standalone_request(
            "MESSAGE", account, remote, body=body, content_type=content_type
        )
        response = await self._agent.exchange(remote, request)
        return Outcome(response.status < 300, response.status, response.reason, "message")

    async def _opened(self, account: Account, remote: str, first: str | None) -> ChatSession | Outcome:
        """A new session between the two, which all who ask in the meantime wait for."""
        pair = (account.uri, remote)
        opening = self._opening.get(pair)
        if opening is None:
            opening = self._opening[pair] = asyncio.create_task(self._open(account, remote, first, ""))
            opening.add_done_callback(lambda _task: self._opening.pop(pair, None))
        return await asyncio.shield(opening)

    async def _open(self, account: Account, remote: str, first: str | None, conversation: str) -> ChatSession | Outcome:
        agent, dialect = self._agent, self._agent.dialect
        conversation = conversation or agent.writer.new_conversation()
        headers = agent.writer.invite_headers(account, remote, conversation)
        embeds = first is not None and bool(dialect.embeds) and len(first) <= dialect.embed_limit
        if embeds:
            assert first is not None
            headers += [*first_message_headers(first, dialect.embeds), ("Supported", OFFERS)]
        content_type, body = agent.writer.im_description()
        invite = agent.writer.initial_request(
            "INVITE", account, remote, headers=headers, body=body, content_type=content_type
        )
        asked = SessionTimer(dialect.session_interval) if dialect.session_interval else None
        usage = InviteSession.call(invite, session_timer=asked)
        if asked is None and dialect.session_timer:
            usage.clock = SessionClock(SessionTimer())  # not asked for, but kept when the callee wants one
        session = ChatSession(agent, account, remote, usage, conversation=conversation)
        self._calling[account.uri, remote] = session
        try:
            response = await session.call()
        finally:
            self._calling.pop((account.uri, remote), None)
        if response.status >= 300:
            return Outcome(False, response.status, response.reason, "invite")
        session.first_message_taken = embeds and self._is_confirmed(response)
        self._use(session)
        return session

    def _is_confirmed(self, response: Response) -> bool:
        """Whether the 200 says that the text in the INVITE was taken; one that cannot be read says nothing."""
        try:
            return first_message_outcome(response, self._agent.dialect.confirmation) is FirstMessageOutcome.DELIVERED
        except RemoteProtocolError as error:
            self._agent.log(f"A 200 to INVITE does not say clearly what became of the text: {error}")
            return False

    def _use(self, session: ChatSession) -> None:
        self._live.add(session)
        pair = (session.account.uri, session.remote)
        self._sessions[pair] = self._last[pair] = session

    # -- receiving ----------------------------------------------------------------------------------------------

    def on_invite(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Accept an IM session, or refuse what is none."""
        receive_invite(self._agent, link, transaction, request)

    def on_cancel(self, transaction: ServerTransaction) -> bool:
        """The caller of an invitation gave up; False when there is no such invitation any more."""
        invitation = self.pending.pop(transaction, None)
        if invitation is not None:
            invitation.cancelled()
        return invitation is not None

    def begun(self, session: ChatSession) -> None:
        """We have accepted a session; it replaces an older one of the pair, unless both sides have just called each
        other (dialect facts §4.2)."""
        pair = (session.account.uri, session.remote)
        self.pending = {key: one for key, one in self.pending.items() if one.chat is not session}
        older = self._sessions.get(pair)
        if older is not None and pair not in self._calling:
            if self._agent.dialect.ends_replaced_session:
                self._agent.in_background(older.bye())
            else:
                older.forget("another session took its place")
        self._paged.discard(pair)
        self._use(session)

    def in_conversation(self, account: Account, conversation: str | None) -> bool:
        """Whether a session of the user that has not ended carries this `Ms-Conversation-ID`."""
        return bool(conversation) and any(
            session.conversation == conversation and session.account is account for session in self._live
        )

    def on_page_message(self, link: Link, transaction: ServerTransaction) -> None:
        """Take a MESSAGE outside any dialog (RFC 3428 §7)."""
        account = self._agent.account_for(link, transaction)
        if account is None:
            return
        if self._agent.dialect.page_status:
            self._agent.respond(link, transaction, self._agent.dialect.page_status)
            return
        self._paged.add((account.uri, transaction.request.from_.parsed_uri.aor))
        self.take_body(link, transaction, account)

    def take_body(self, link: Link, transaction: ServerTransaction, account: Account) -> None:
        """Take what a MESSAGE or INFO brings, a text or a sign of typing, and answer 200; or say why not."""
        agent, request = self._agent, transaction.request
        sender = request.from_.parsed_uri.aor
        media_type = request.content_type or PLAIN
        try:
            if is_composing_type(media_type):
                composing = read_composing(request.headers.get("Content-Type") or "", request.body)
                self.typists.receive(account, sender, composing, request.method)
            elif request.method == "MESSAGE":
                read = text.read_body(request.headers.get("Content-Type"), request.body, prefer=agent.dialect.prefer)
                if account.inbox.full:
                    sentence = f"{account.uri} has {len(account.inbox)} messages that nobody has read"
                    agent.refuse(link, transaction, Refusal(480, "Temporarily Unavailable", sentence))
                    return
                self.typists.message(account, sender)
                account.inbox.put(TextMessage(read.text, sender, media_type, agent.now))
        except RemoteProtocolError as error:
            self._refuse_body(link, transaction, account, error)
            return
        agent.respond(link, transaction, 200)

    def _refuse_body(
        self, link: Link, transaction: ServerTransaction, account: Account, error: RemoteProtocolError
    ) -> None:
        sentence = f"for {account.uri}: {error}"
        if error.status_hint == 415:
            accept = [("Accept", ", ".join(text.READABLE))]
            refusal = self._agent.peering.refusal("content_type", sentence)
        else:
            accept, refusal = [], Refusal(error.status_hint, REASONS.get(error.status_hint, ""), sentence)
        self._agent.refuse(link, transaction, refusal, headers=accept)

    # -- the end ------------------------------------------------------------------------------------------------

    def farewells(self) -> list[Coroutine[Any, Any, object]]:
        """What ends every session properly where a connection is still there."""
        for invitation in tuple(self.pending.values()):
            invitation.decline(480)
        self.pending.clear()
        return [session.bye() for session in tuple(self._live) if self._agent.is_joined(session.remote)]

    def close(self) -> None:
        """Forget every session without a word."""
        self.typists.close()
        for session in tuple(self._live):
            session.forget("this side is closed")

    def forget(self, session: ChatSession) -> None:
        """Drop a session that has ended."""
        self._live.discard(session)
        pair = (session.account.uri, session.remote)
        if self._sessions.get(pair) is session:
            del self._sessions[pair]

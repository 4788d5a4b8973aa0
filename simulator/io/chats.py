"""Chat of the users of one user agent: IM sessions by INVITE with messages inside, and page-mode MESSAGE (RFC 3428)."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from simulator.chat import sdp, text
from simulator.errors import FederationFailed, RemoteProtocolError
from simulator.io.account import Account, Refusal, TextMessage
from simulator.io.link import RequestTimedOut
from simulator.outcome import Outcome
from simulator.sip.invite import InviteSession
from simulator.sip.message import Request, Response

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.timers import Timer
    from simulator.io.user_agent import UserAgent
    from simulator.sip.transaction import ServerTransaction

GONE = frozenset({408, 480, 481})
"Answers to an in-dialog MESSAGE that say the session is over; it is opened again (dialect facts §4.2)."

Pair = tuple[str, str]


class ChatSession:
    """One IM session between a local and a remote user: an INVITE session that carries MESSAGE, INFO and BYE."""

    def __init__(self, agent: UserAgent, account: Account, remote: str, session: InviteSession) -> None:
        self._agent = agent
        self._session = session
        self.account = account
        self.remote = remote
        self._timer: Timer | None = None
        self._invites: dict[int, tuple[Link, ServerTransaction]] = {}
        "The INVITEs that we answered, by CSeq number: their 2xx is repeated until the ACK comes."

    @property
    def ended(self) -> bool:
        """Whether no message can be sent in it any more."""
        return self._session.ended

    async def send(self, message: str) -> Outcome:
        """Send one text in the dialog; the final response is the delivery report (dialect facts §4.5)."""
        content_type, body = text.encode(message)
        request = self._session.request(
            "MESSAGE", headers=self._agent.writer.request_headers(), body=body, content_type=content_type
        )
        response = await self._exchange(request)
        if response.status in GONE:
            self._drop()
        return Outcome(response.status < 300, response.status, response.reason, "message")

    async def bye(self) -> None:
        """End the session; the peer's answer does not change that (RFC 3261 §15.1.1)."""
        for request in self._session.bye(self._agent.now):
            await self._exchange(request)

    async def call(self, invite: Request) -> Response:
        """The caller's side: send the INVITE, acknowledge the answer, and return it."""
        link = await self._agent.link_to_user(self.remote, invite)
        response = await link.request(invite, on_response=lambda answer: self._take_response(link, answer))
        if self._session.dialog is not None and not self.ended:
            self._agent.writer.drop_own_routes(self._session.dialog)
            self._agent.dialogs[self._session.dialog.id] = self
        return response

    def accept(self, link: Link, transaction: ServerTransaction) -> None:
        """The callee's side: take the session."""
        agent = self._agent
        response = self._session.accept(
            agent.now,
            headers=[("Contact", agent.writer.contact(self.account)), ("Allow", ", ".join(agent.dialect.allow))],
            body=sdp.im_offer(
                agent.writer.media_address, accept_types=agent.dialect.accept_types, own_uri=self.account.uri
            ),
            content_type=sdp.CONTENT_TYPE,
        )
        agent.writer.put_into_route(response)
        self._invites[transaction.request.cseq.number] = link, transaction
        assert self._session.dialog is not None
        agent.dialogs[self._session.dialog.id] = self
        agent.send_response(link, transaction, response)
        self._settle()

    def on_ack(self, request: Request) -> None:
        """The ACK to a 2xx of ours came."""
        self._invites.pop(request.cseq.number, None)
        self._send_later(self._session.receive_ack(request, self._agent.now))
        self._settle()

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Answer a request inside the dialog."""
        if request.method == "INVITE":
            self._invites[request.cseq.number] = link, transaction
        response = self._session.receive_request(request, self._agent.now)
        if response is not None:
            self._agent.send_response(link, transaction, response)
        elif request.method == "MESSAGE":
            self._agent.chats.take_text(link, transaction, self.account)
        elif request.method == "INFO":
            self._agent.respond(link, transaction, 200)
        else:
            self._agent.not_allowed(link, transaction)
        self._settle()

    def _take_response(self, link: Link, response: Response) -> None:
        for request in self._session.receive_response(response, self._agent.now):
            self._agent.writer.leave_out_own_route(request)
            if request.method == "ACK":
                link.acknowledge(request)
            else:
                link.request(request)

    async def _exchange(self, request: Request) -> Response:
        try:
            link = await self._agent.link_to_user(self.remote, request)
            response = await link.request(request)
        except FederationFailed as error:
            status = 408 if isinstance(error, RequestTimedOut) else 503
            self._send_later(self._session.request_failed(request, str(error), status=status, now=self._agent.now))
            raise
        else:
            self._take_response(link, response)
            return response
        finally:
            self._settle()

    def _send_later(self, requests: list[Request]) -> None:
        for request in requests:
            self._agent.in_background(self._exchange(request))

    def _settle(self) -> None:
        """Keep the timer and the registers true after anything happened."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        when = self._session.next_timeout()
        if when is not None:
            self._timer = self._agent.timers.call_at(when, self._on_timeout)
        elif self.ended:
            self._drop()

    def _on_timeout(self) -> None:
        self._timer = None
        for message in self._session.handle_timeout(self._agent.now):
            if isinstance(message, Request):
                self._send_later([message])
            else:
                link, transaction = self._invites[message.cseq.number]
                link.respond(transaction, message)
        self._settle()

    def _drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._session.dialog is not None:
            self._agent.dialogs.pop(self._session.dialog.id, None)
        self._agent.chats.forget(self)


class Chats:
    """All chats of a user agent."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._sessions: dict[Pair, ChatSession] = {}
        self._opening: dict[Pair, asyncio.Task[ChatSession | Outcome]] = {}

    async def send(self, account: Account, remote: str, message: str) -> Outcome:
        """Deliver one text, opening the session that it needs; raises FederationFailed where nobody answered.

        When the peer says that the session is gone, nothing was delivered: a new one is opened, once.
        """
        for _ in range(2):
            session = await self._session(account, remote)
            if isinstance(session, Outcome):
                return session
            outcome = await session.send(message)
            if outcome.status not in GONE:
                break
        return outcome

    async def _session(self, account: Account, remote: str) -> ChatSession | Outcome:
        """The open session between the two, or a new one, which all who ask in the meantime wait for."""
        pair = (account.uri, remote)
        session = self._sessions.get(pair)
        if session is not None:
            return session
        opening = self._opening.get(pair)
        if opening is None:
            opening = self._opening[pair] = asyncio.create_task(self._open(account, remote))
            opening.add_done_callback(lambda _task: self._opening.pop(pair, None))
        return await asyncio.shield(opening)

    async def end(self, account: Account, remote: str) -> None:
        """Send BYE in the session between the two, if there is one."""
        session = self._sessions.get((account.uri, remote))
        if session is not None:
            await session.bye()

    def farewells(self) -> list[Coroutine[Any, Any, object]]:
        """What ends every session properly where a connection is still there."""
        sessions = tuple(self._sessions.values())
        return [session.bye() for session in sessions if self._agent.is_joined(session.remote)]

    def forget(self, session: ChatSession) -> None:
        """Drop a session that has ended."""
        pair = (session.account.uri, session.remote)
        if self._sessions.get(pair) is session:
            del self._sessions[pair]

    async def _open(self, account: Account, remote: str) -> ChatSession | Outcome:
        agent = self._agent
        headers = [("Supported", option) for option in agent.dialect.supported]
        if agent.dialect.conversation_id:
            headers.append(("Ms-Conversation-ID", base64.b64encode(secrets.token_bytes(22)).decode()))
        headers.append(("Allow", ", ".join(agent.dialect.allow)))
        invite = agent.writer.initial_request(
            "INVITE",
            account,
            remote,
            headers=headers,
            body=sdp.im_offer(agent.writer.media_address, accept_types=agent.dialect.accept_types),
            content_type=sdp.CONTENT_TYPE,
        )
        session = ChatSession(agent, account, remote, InviteSession.call(invite))
        response = await session.call(invite)
        if response.status >= 300:
            return Outcome(False, response.status, response.reason, "invite")
        self._sessions[account.uri, remote] = session
        return session

    # -- receiving ----------------------------------------------------------------------------------------------

    def on_invite(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Accept an IM session, or refuse what is none (488)."""
        agent = self._agent
        account = agent.account_for(link, transaction)
        if account is None:
            return
        offer = sdp.parse_im_sdp(request.body) if request.body else None
        if isinstance(offer, sdp.ImRefusal):
            agent.refuse(link, transaction, Refusal(offer.status, "Not Acceptable Here", offer.reason))
            return
        remote = request.from_.parsed_uri.aor
        session = ChatSession(agent, account, remote, InviteSession.answer(request, to_tag=transaction.to_tag))
        session.accept(link, transaction)
        self._sessions[account.uri, remote] = session

    def on_page_message(self, link: Link, transaction: ServerTransaction) -> None:
        """Take a MESSAGE outside any dialog (RFC 3428 §7)."""
        account = self._agent.account_for(link, transaction)
        if account is not None:
            self.take_text(link, transaction, account)

    def take_text(self, link: Link, transaction: ServerTransaction, account: Account) -> None:
        """Put the text of a MESSAGE into the user's inbox and answer 200, or say why not (415 with Accept)."""
        request = transaction.request
        content_type = request.headers.get("Content-Type")
        try:
            message = text.decode_body(content_type, request.body)
        except RemoteProtocolError as error:
            accept = [("Accept", ", ".join(text.READABLE))] if error.status_hint == 415 else []
            self._agent.log(f"MESSAGE for {account.uri} refused with {error.status_hint}: {error}")
            self._agent.respond(link, transaction, error.status_hint, headers=accept)
            return
        sender = request.from_.parsed_uri.aor
        account.inbox.put(TextMessage(message, sender, request.content_type or text.PLAIN, self._agent.now))
        self._agent.respond(link, transaction, 200)

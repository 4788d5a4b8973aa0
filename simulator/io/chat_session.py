"""One IM session between a local and a remote user: INVITE, MESSAGE, INFO and BYE in one dialog (dialect facts §4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from simulator.chat import sdp, text
from simulator.chat.composing import IS_COMPOSING, write_composing
from simulator.chat.formats import PLAIN_TEXT, TextFormat, accepts, choose
from simulator.errors import FederationFailed, RemoteProtocolError
from simulator.io.account import Account
from simulator.io.link_user import RequestTimedOut
from simulator.io.timers import Alarm
from simulator.outcome import Outcome
from simulator.sip.invite import InviteSession, SessionState
from simulator.sip.message import Request, Response

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.io.user_agent import UserAgent
    from simulator.sip.dialog import DialogId
    from simulator.sip.transaction import ServerTransaction

GONE = frozenset({408, 480, 481})
"Answers to an in-dialog MESSAGE that say the session is over; it is opened again (dialect facts §4.2)."


def _no_chat(request: Request) -> int | None:
    """What refuses an offer that would make something else of a chat of two."""
    if request.content_type != "application/sdp":
        return None
    description = sdp.parse_im_sdp(request.body)
    return description.status if isinstance(description, sdp.ImRefusal) else None


class ChatSession:
    """An INVITE session that carries texts, from the side that called or that was called."""

    def __init__(
        self, agent: UserAgent, account: Account, remote: str, session: InviteSession, *, conversation: str = ""
    ) -> None:
        """`conversation` is its `Ms-Conversation-ID`, if it has one."""
        self._agent = agent
        self._session = session
        self.account = account
        self.remote = remote
        self.conversation = conversation
        self.peer_types: tuple[str, ...] = ()
        "The accept-types of the peer's session description; none: it takes everything."
        self.first_message_taken = False
        "Whether the callee said that it has the text of our INVITE."
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        "Done with the reason when the session has ended."
        self._takes_info = True
        self._form = PLAIN_TEXT
        self._key: DialogId | None = None
        self._calling: tuple[Link, asyncio.Future[Response]] | None = None
        self._used = agent.now
        self._alarm = Alarm(agent.timers, self._on_timeout)
        self._invites: dict[int, tuple[Link, ServerTransaction]] = {}
        "The INVITEs that we answered, by CSeq number: their 2xx is repeated until the ACK comes."

    @property
    def peer(self) -> str:
        """`sip:user@domain` of the other side."""
        return self.remote

    @property
    def ended(self) -> bool:
        """Whether it is over, and everything about it was said."""
        return self._session.ended

    @property
    def usable(self) -> bool:
        """Whether a message can be sent in it."""
        return not self.over.done() and self._session.state in (SessionState.ACCEPTED, SessionState.ESTABLISHED)

    # -- sending ------------------------------------------------------------------------------------------------

    async def send(self, message: str, form: TextFormat | None = None) -> Outcome:
        """Send one text in the dialog, in `form` or as the peer takes it; the final response is the delivery report
        (dialect facts §4.5)."""
        content_type, body = text.encode(message, form or self._form)
        response = await self._ask("MESSAGE", content_type, body)
        if response.status in GONE:
            self._drop(f"the peer answered MESSAGE with {response.status}")
        return Outcome(response.status < 300, response.status, response.reason, "message")

    async def tell_typing(self, active: bool) -> Outcome:
        """Say that the user types, or has stopped, in a way that the peer knows: as the dialect does where the peer
        does not say, by RFC 3994 where its SDP names that and its Allow has no INFO."""
        composing = self._agent.dialect.composing
        if composing == "info" and not self._takes_info and IS_COMPOSING in self.peer_types:
            composing = "iscomposing"
        if composing is None or (composing == "iscomposing" and not accepts(self.peer_types, IS_COMPOSING)):
            return Outcome(False, None, f"{self.remote} is not told who types: it does not take it", "policy")
        method, content_type, body = write_composing(self._agent.dialect.composing_notice(active), composing)
        response = await self._ask(method, content_type, body)
        if response.status in GONE:
            self._drop(f"the peer answered {method} with {response.status}")
        return Outcome(response.status < 300, response.status, response.reason, method.lower())

    async def bye(self) -> None:
        """End the session; the peer's answer does not change that (RFC 3261 §15.1.1)."""
        requests = self._session.bye(self._agent.now)
        self._settle()
        for request in requests:
            await self._exchange(request)

    async def _ask(self, method: str, content_type: str, body: bytes) -> Response:
        self._used = self._agent.now
        headers = self._agent.writer.message_headers(self.account)
        return await self._exchange(
            self._session.request(method, headers=headers, body=body, content_type=content_type)
        )

    # -- the caller's side --------------------------------------------------------------------------------------

    async def call(self) -> Response:
        """Send the INVITE, acknowledge the answer, and return it; an interval that is too short is tried longer."""
        invite, again = self._session.invite, list[Request]()
        while True:
            try:
                link = await self._agent.link_to_user(self.remote, invite)
                answer = link.request(invite, on_response=partial(self._take_answer, link, again))
                self._calling = link, answer
                response = await answer
            except FederationFailed as error:
                self._session.request_failed(invite, str(error))
                self._settle()
                raise
            finally:
                self._calling = None
            if not again:
                return response
            invite = again.pop()

    def cancel(self) -> bool:
        """Give up on an INVITE that has no answer yet (RFC 3261 §9.1); False when there is none."""
        if self._calling is None:
            return False
        link, answer = self._calling
        self._session.give_up()
        link.cancel(answer)
        return True

    def _take_answer(self, link: Link, again: list[Request], response: Response) -> None:
        requests = self._session.receive_response(response, self._agent.now)
        again += [request for request in requests if request.method == "INVITE"]
        if 200 <= response.status < 300:
            self.describe(response)
        self._pass_on(link, [request for request in requests if request.method != "INVITE"])
        self._settle()

    # -- the callee's side --------------------------------------------------------------------------------------

    def accept(self, link: Link, transaction: ServerTransaction, headers: Sequence[tuple[str, str]] = ()) -> None:
        """Take the session; `headers` go into the 200 beside those that every 200 of the dialect has."""
        agent = self._agent
        content_type, body = agent.writer.im_description(own_uri=self.account.uri)
        response = self._session.accept(
            agent.now,
            headers=[("Contact", agent.writer.contact(self.account)), *agent.writer.answer_headers(), *headers],
            body=body,
            content_type=content_type,
        )
        agent.writer.put_into_route(response)
        self._invites[transaction.request.cseq.number] = link, transaction
        agent.send_response(link, transaction, response)
        self.describe(self._session.invite)
        self._settle()

    def on_ack(self, request: Request) -> None:
        """The ACK to a 2xx of ours came."""
        self._invites.pop(request.cseq.number, None)
        if request.body and not self.peer_types:
            self.describe(request)
        self._send_later(self._session.receive_ack(request, self._agent.now))
        self._settle()

    # -- inside the dialog --------------------------------------------------------------------------------------

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """Answer a request inside the dialog."""
        if request.method == "INVITE":
            self._invites[request.cseq.number] = link, transaction
        response = self._session.receive_request(request, self._agent.now, unacceptable=_no_chat)
        if response is None and request.method in ("MESSAGE", "INFO"):
            self._used = self._agent.now
            self._agent.chats.take_body(link, transaction, self.account)
            return
        if response is not None:
            self._agent.send_response(link, transaction, response)
        else:
            self._agent.not_allowed(link, transaction)
        self._settle()

    def describe(self, message: Request | Response) -> None:
        """Learn from the peer's INVITE, 200 or ACK what it takes."""
        try:
            if "Allow" in message.headers:
                self._takes_info = "INFO" in message.allow
            description = sdp.parse_im_sdp(message.body) if message.body else None
        except RemoteProtocolError as error:
            self._agent.log(f"What {self.remote} says of itself cannot be read: {error}")
            return
        if isinstance(description, sdp.ImDescription):
            self.peer_types = description.accept_types
            self._form = choose(self.peer_types, self._agent.dialect.formats) or PLAIN_TEXT

    def forget(self, because: str) -> None:
        """End it on this side without a word; what the peer still sends in it is answered with 481."""
        self._drop(because)

    # -- parts --------------------------------------------------------------------------------------------------

    async def _exchange(self, request: Request) -> Response:
        try:
            link = await self._agent.link_to_user(self.remote, request)
            response = await link.request(request, on_response=partial(self._take_response, link))
        except FederationFailed as error:
            timed_out = isinstance(error, RequestTimedOut)
            status = 408 if timed_out else 503
            self._send_later(self._session.request_failed(request, str(error), status=status, now=self._agent.now))
            if timed_out:
                self._drop(f"{request.method} got no answer")
            self._settle()
            raise
        return response

    def _take_response(self, link: Link, response: Response) -> None:
        requests = self._session.receive_response(response, self._agent.now)
        if requests or response.cseq.method not in ("MESSAGE", "INFO") or self.ended:
            self._pass_on(link, requests)
            self._settle()

    def _pass_on(self, link: Link, requests: list[Request]) -> None:
        for request in requests:
            self._agent.writer.leave_out_own_route(request)
            if request.method == "ACK":
                link.acknowledge(request)
            else:
                self._send_later([request])

    def _send_later(self, requests: list[Request]) -> None:
        for request in requests:
            self._agent.in_background(self._exchange(request))

    def _settle(self) -> None:
        """Keep the timer and the register of dialogs true after anything happened."""
        dialog = self._session.dialog
        if self.ended:
            self._drop(self._session.ended_because)
            return
        if dialog is not None:
            self._agent.writer.drop_own_routes(dialog)
            if dialog.id != self._key:
                if self._key is not None:
                    self._agent.dialogs.pop(self._key, None)
                self._key = dialog.id
                self._agent.dialogs[dialog.id] = self
        idle = self._agent.dialect.session_idle_seconds
        due = self._session.next_timeout()
        if idle and dialog is not None:
            due = min(self._used + idle, due if due is not None else self._used + idle)
        self._alarm.set(due)

    def _on_timeout(self) -> None:
        now, idle = self._agent.now, self._agent.dialect.session_idle_seconds
        if idle and now >= self._used + idle:
            self._used = now
            self._send_later(self._session.bye(now))
        for message in self._session.handle_timeout(now):
            if isinstance(message, Request):
                self._send_later([message])
            else:
                link, transaction = self._invites[message.cseq.number]
                link.respond(transaction, message)
        self._settle()

    def _drop(self, because: str) -> None:
        self._alarm.set(None)
        if self._key is not None:
            self._agent.dialogs.pop(self._key, None)
            self._key = None
        if not self.over.done():
            self.over.set_result(because)
        self._agent.chats.forget(self)

"""A session begun by INVITE, from either side, to its end (RFC 3261 §13 to §15, RFC 3311, RFC 6026)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from random import randint
from typing import Literal

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog, DialogState
from simulator.sip.fields import new_tag
from simulator.sip.message import Request, Response
from simulator.sip.transaction import Timers

Headers = Iterable[tuple[str, str]]


class SessionState(Enum):
    """Where a session stands, for both sides."""

    INVITED = "invited"
    "The INVITE is out, or in, and has no answer but 100."
    RINGING = "ringing"
    "A provisional response above 100 went by."
    ACCEPTED = "accepted"
    "Callee only: the 2xx is out, its ACK has not come."
    ESTABLISHED = "established"
    ENDING = "ending"
    "Our BYE is out."
    ENDED = "ended"


class InviteSession:
    """One session, caller or callee. Reads no clock and sends nothing itself.

    What a method returns has to be sent in that order: an ACK by `send_ack`, other requests by `send_request`,
    responses on the server transaction they answer. Hand in every response to those requests, `request_failed` where
    none came, and each request whose dialog id is `id`. Session timers (RFC 4028) are not kept.
    """

    def __init__(self, role: Literal["caller", "callee"], invite: Request, timers: Timers | None) -> None:
        """Use `call` or `answer`."""
        self.role = role
        self.invite = invite
        "The INVITE that began it."
        self.state = SessionState.INVITED
        self.dialog: Dialog | None = None
        self.answered_with: Response | None = None
        "The final response to the INVITE, received or sent."
        self.ended_because = ""
        "Once ENDED: why, as a sentence without its stop."
        self.local_tag = invite.from_.tag if role == "caller" else new_tag()
        self._timers = timers or Timers()
        self._acks: dict[tuple[int, str], Request] = {}
        self._own_invite: int | None = None if role == "callee" else invite.cseq.number
        self._bye_cseq: int | None = None
        self._bye_when_acked = False
        self._gave_up = False
        self._description: tuple[bytes, str | None] = (invite.body, invite.headers.get("Content-Type"))
        self._unacked: Response | None = None
        self._resend_at = self._resend_pause = self._give_up_at = 0.0

    @classmethod
    def call(cls, invite: Request, *, timers: Timers | None = None) -> InviteSession:
        """The caller's side; send `invite` itself. Its From has a tag, and it has a Contact."""
        if invite.method != "INVITE" or not invite.from_.tag:
            raise LocalProtocolError("A session begins with an INVITE whose From has a tag (RFC 3261 §8.1.1.3).")
        return cls("caller", invite, timers)

    @classmethod
    def answer(cls, invite: Request, *, timers: Timers | None = None, to_tag: str | None = None) -> InviteSession:
        """The callee's side of an INVITE that came; go on with `ring`, `accept` or `reject`. Give the server
        transaction's `to_tag`, so that a CANCEL is answered with the same. Raises RemoteProtocolError, to be answered
        with its status hint, where Contact or Record-Route cannot be read."""
        _ = invite.contact, invite.record_routes
        session = cls("callee", invite, timers)
        session._description = (b"", None)
        if to_tag is not None:
            session.local_tag = to_tag
        return session

    @property
    def id(self) -> tuple[str, str, str] | None:
        """The dialog's id, as `Dialog.id_of` gives it for what comes in; None while there is no dialog."""
        return None if self.dialog is None else self.dialog.id

    @property
    def ended(self) -> bool:
        return self.state is SessionState.ENDED

    # Callee: answers to the INVITE

    def ring(self, status: int = 180, *, headers: Headers = (), reason: str | None = None) -> Response:
        """A provisional response above 100, which makes the early dialog. `headers` should bring a Contact."""
        self._need("callee", SessionState.INVITED, SessionState.RINGING)
        response = self.invite.respond(status, reason, to_tag=self.local_tag, headers=headers)
        if self.dialog is None:
            self.dialog = Dialog.as_callee(self.invite, response)
        self.state = SessionState.RINGING
        return response

    def accept(
        self, now: float, *, headers: Headers, body: bytes = b"", content_type: str | None = None, status: int = 200
    ) -> Response:
        """The 2xx, with our Contact among `headers` and our session description as body. It is repeated by
        `handle_timeout` until its ACK comes."""
        self._need("callee", SessionState.INVITED, SessionState.RINGING)
        response = self.invite.respond(
            status, to_tag=self.local_tag, headers=headers, body=body, content_type=content_type
        )
        self._description = (body, content_type)
        if self.dialog is None:
            self.dialog = Dialog.as_callee(self.invite, response)
        self.dialog.contact = response.headers.get("Contact")
        self.dialog.state = DialogState.CONFIRMED
        self.answered_with = response
        self.state = SessionState.ACCEPTED
        self._await_ack(response, now)
        return response

    def reject(self, status: int, reason: str | None = None, *, headers: Headers = ()) -> Response:
        """A final response of 300 or above; the session is over."""
        self._need("callee", SessionState.INVITED, SessionState.RINGING)
        response = self.invite.respond(status, reason, to_tag=self.local_tag, headers=headers)
        self.answered_with = response
        self._end(f"we refused with {status}")
        return response

    def receive_cancel(self) -> Response | None:
        """The caller gave up: the 487 to send on the INVITE's transaction, or None when a final response was sent."""
        if self.role != "callee" or self.state not in (SessionState.INVITED, SessionState.RINGING):
            return None
        response = self.reject(487)
        self.ended_because = "the caller cancelled"
        return response

    def receive_ack(self, ack: Request, now: float) -> list[Request]:  # noqa: ARG002
        """The ACK of a 2xx of ours; may release a BYE that had to wait for it (§15)."""
        if self._unacked is None or ack.cseq.number != self._unacked.cseq.number:
            return []
        self._unacked = None
        if self.state is SessionState.ACCEPTED:
            self.state = SessionState.ESTABLISHED
        if self._bye_when_acked:
            self._bye_when_acked = False
            return [self._bye()]
        return []

    # Caller: responses to the INVITE, and both sides: responses to requests in the dialog

    def receive_response(self, response: Response, now: float) -> list[Request]:  # noqa: ARG002
        """A response to any request of this session; what it asks for: the ACK of a 2xx, also when it is repeated, and
        the BYE of a 2xx that nobody wants any more (cancelled, or another branch of a fork, §13.2.2.4)."""
        try:
            if response.cseq.method != "INVITE":
                self._response_in_dialog(response)
                return []
            if self.role == "caller" and response.cseq.number == self.invite.cseq.number:
                return self._initial_response(response)
            return self._reinvite_response(response)
        except RemoteProtocolError as error:
            self._end(f"a response could not be read: {error.reason}")
            return []

    def request_failed(self, request: Request, sentence: str) -> None:
        """A request of this session got no final response (TransactionFailed). Without its INVITE or BYE it is over;
        what an unanswered MESSAGE or INFO means for it is yours to decide, `bye` included."""
        first = self.role == "caller" and request.cseq.number == self.invite.cseq.number
        if request.method == "BYE" or (request.method == "INVITE" and first):
            self._end(sentence.rstrip("."))
        elif request.method == "INVITE":
            self._own_invite = None

    def give_up(self) -> None:
        """Say that the caller cancels: call `SipConnection.cancel` as well. A 2xx that still comes is ended by BYE."""
        self._need("caller", SessionState.INVITED, SessionState.RINGING)
        self._gave_up = True

    # Both sides, in the dialog

    def request(
        self, method: str, *, headers: Headers = (), body: bytes = b"", content_type: str | None = None
    ) -> Request:
        """A request in the session, without Via: MESSAGE, INFO, UPDATE, a new INVITE. `bye` ends it."""
        if self.dialog is None or self.state not in (SessionState.ESTABLISHED, SessionState.ACCEPTED):
            raise LocalProtocolError(f"No {method} in a session that is {self.state.value}.")
        if method == "INVITE" and (self._own_invite is not None or self._unacked is not None):
            raise LocalProtocolError("Another INVITE of this session is not answered yet (RFC 3261 §14.1).")
        request = self.dialog.request(method, headers=headers, body=body, content_type=content_type)
        if method == "INVITE":
            self._own_invite = request.cseq.number
        if method in ("INVITE", "UPDATE") and body:
            self._description = (body, content_type)
        return request

    def bye(self, now: float) -> list[Request]:  # noqa: ARG002
        """End the session: its BYE; nothing when it ends already or when a callee must wait for the ACK first (§15),
        which then brings the BYE. Before the 2xx a caller cancels and a callee rejects instead."""
        if self.state in (SessionState.ENDING, SessionState.ENDED):
            return []
        self._need(self.role, SessionState.ACCEPTED, SessionState.ESTABLISHED)
        if self.state is SessionState.ACCEPTED:
            self._bye_when_acked = True
            return []
        return [self._bye()]

    def receive_request(self, request: Request, now: float) -> Response | None:
        """A request of the peer in this dialog: the response to send, or None for one that is yours to answer (MESSAGE,
        INFO and whatever else is no matter of the session). BYE, re-INVITE and UPDATE are answered here."""
        if self.dialog is None:
            return request.respond(481, to_tag=self.local_tag)
        try:
            refusal = self.dialog.receive(request)
        except RemoteProtocolError as error:
            return request.respond(error.status_hint)
        if refusal is not None:
            return refusal
        if request.method == "BYE":
            self._unacked = None
            self._end("the peer ended it")
            return request.respond(200)
        if request.method == "INVITE":
            return self._answer_reinvite(request, now)
        if request.method == "UPDATE":
            return self._answer_update(request)
        return None

    # Time

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due: only while a 2xx of ours waits for its ACK."""
        return None if self._unacked is None else min(self._resend_at, self._give_up_at)

    def handle_timeout(self, now: float) -> list[Request | Response]:
        """What is due: the 2xx again, on the transaction of its INVITE, after T1, 2*T1 up to T2 (§13.3.1.4); after
        64*T1 without ACK the BYE."""
        if self._unacked is None:
            return []
        if now >= self._give_up_at:
            self._unacked = None
            self.ended_because = "the ACK never came"
            return [self._bye()]
        if now < self._resend_at:
            return []
        self._resend_pause = min(2 * self._resend_pause, self._timers.t2)
        self._resend_at = now + self._resend_pause
        return [self._unacked]

    # Parts

    def _need(self, role: str, *states: SessionState) -> None:
        if self.role != role or self.state not in states:
            raise LocalProtocolError(f"A {self.role} cannot do that in a session that is {self.state.value}.")

    def _end(self, because: str) -> None:
        if self.state is not SessionState.ENDED:
            self.state = SessionState.ENDED
            self.ended_because = self.ended_because or because
        if self.dialog is not None:
            self.dialog.terminate()

    def _bye(self) -> Request:
        assert self.dialog is not None
        bye = self.dialog.request("BYE")
        self._bye_cseq = bye.cseq.number
        self.state = SessionState.ENDING
        return bye

    def _response_in_dialog(self, response: Response) -> None:
        number, method = response.cseq
        if self.dialog is not None:
            self.dialog.update(response)
        if response.status >= 200:
            if method == "BYE" and number == self._bye_cseq:
                self._end("we ended it")
            elif self.dialog is not None and self.dialog.state is DialogState.TERMINATED:
                self._end(f"the peer answered {method} with {response.status}")

    def _initial_response(self, response: Response) -> list[Request]:
        status = response.status
        if status >= 300:
            if self.answered_with is None:
                self.answered_with = response
                self._end(f"the peer refused with {status}")
            return []
        if status < 200:
            if status > 100 and response.to.tag and self.dialog is None:
                self.dialog = Dialog.as_caller(self.invite, response)
            elif self.dialog is not None and self.dialog.id == Dialog.id_of(response):
                self.dialog.update(response)
            if status > 100 and self.state is SessionState.INVITED:
                self.state = SessionState.RINGING
            return []
        return self._initial_success(response)

    def _initial_success(self, response: Response) -> list[Request]:
        """The first 2xx makes the session; again, it gets its ACK again; one of another branch gets ACK and BYE."""
        number = self.invite.cseq.number
        known = self._acks.get((number, response.to.tag or ""))
        if known is not None:
            return [known]
        if self.answered_with is not None:
            stranger = Dialog.as_caller(self.invite, response)
            return [self._ack(stranger, number), stranger.request("BYE")]
        if self.dialog is not None and self.dialog.id == Dialog.id_of(response):
            self.dialog.update(response)
        else:
            self.dialog = Dialog.as_caller(self.invite, response)
        self.answered_with = response
        self._own_invite = None
        ack = self._ack(self.dialog, number)
        self.state = SessionState.ESTABLISHED
        return [ack, self._bye()] if self._gave_up else [ack]

    def _reinvite_response(self, response: Response) -> list[Request]:
        dialog, number = self.dialog, response.cseq.number
        if dialog is None:
            return []
        known = self._acks.get((number, response.to.tag or ""))
        if known is not None:
            return [known]
        dialog.update(response)
        if response.status >= 200 and number == self._own_invite:
            self._own_invite = None
        if dialog.state is DialogState.TERMINATED:
            self._end(f"the peer answered INVITE with {response.status}")
        return [self._ack(dialog, number)] if 200 <= response.status < 300 else []

    def _ack(self, dialog: Dialog, number: int) -> Request:
        ack = dialog.ack(number)
        self._acks[number, dialog.remote.tag or ""] = ack
        return ack

    def _answer_reinvite(self, request: Request, now: float) -> Response:
        """§14.2: 500 while an earlier one of the peer is open, 491 while one of ours is, else our description again."""
        if self.state is SessionState.ENDING:
            return request.respond(481)
        if self._unacked is not None:
            return request.respond(500, headers=[("Retry-After", str(randint(0, 10)))])
        if self._own_invite is not None:
            return request.respond(491)
        response = self._agree(request, *self._description)
        self._await_ack(response, now)
        return response

    def _answer_update(self, request: Request) -> Response:
        """RFC 3311 §5.2: without an offer it only refreshes; an offer gets our description, 491 while ours is open."""
        if not request.body:
            return self._agree(request, b"", None)
        if self._own_invite is not None:
            return request.respond(491)
        return self._agree(request, *self._description)

    def _agree(self, request: Request, body: bytes, content_type: str | None) -> Response:
        contact = self.dialog.contact if self.dialog is not None else None
        headers = [("Contact", contact)] if contact else []
        return request.respond(200, headers=headers, body=body, content_type=content_type if body else None)

    def _await_ack(self, response: Response, now: float) -> None:
        self._unacked = response
        self._resend_pause = self._timers.t1
        self._resend_at = now + self._resend_pause
        self._give_up_at = now + self._timers.patience

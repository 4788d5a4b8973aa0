"""How a session comes about by INVITE, on either side (RFC 3261 §13, RFC 4028 §7, §9, RFC 6026)."""

from __future__ import annotations

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog, DialogState
from simulator.sip.message import Request, Response
from simulator.sip.renegotiation import Change, Unacknowledged
from simulator.sip.session import Headers, Session
from simulator.sip.session import SessionState as SessionState  # part of this module for those who hold sessions
from simulator.sip.session_timer import SessionTimer
from simulator.sip.transaction import Timers


class InviteSession(Session):
    """One session, caller or callee. Reads no clock and sends nothing itself.

    What a method returns has to be sent in that order: an ACK by `send_ack`, other requests by `send_request`,
    responses on the server transaction they answer, which their CSeq number tells. Hand in every response to those
    requests, `request_failed` where none came, and each request whose dialog id is `id`; after each of these ask
    `next_timeout`. A session timer (RFC 4028) is kept only where one is asked for by a `SessionTimer`.
    """

    @classmethod
    def call(
        cls, invite: Request, *, timers: Timers | None = None, session_timer: SessionTimer | None = None
    ) -> InviteSession:
        """The caller's side; send its `invite`, which with a `session_timer` is a copy with the headers for that. The
        From of `invite` has a tag, and it has a Contact."""
        if invite.method != "INVITE" or not invite.from_.tag:
            raise LocalProtocolError("A session begins with an INVITE whose From has a tag (RFC 3261 §8.1.1.3).")
        session = cls("caller", invite, timers, session_timer)
        if session.clock is not None:
            session.invite = _with_headers(invite, session.clock.ask([*invite.headers]))
        session._changes.begin(invite.cseq.number, Change("INVITE"))
        return session

    @classmethod
    def answer(
        cls,
        invite: Request,
        *,
        timers: Timers | None = None,
        to_tag: str | None = None,
        session_timer: SessionTimer | None = None,
    ) -> InviteSession:
        """The callee's side of an INVITE that came; go on with `ring`, `accept` or `reject`, with a `session_timer`
        after `objection`. Give the server transaction's `to_tag`, so that a CANCEL is answered with the same. Raises
        RemoteProtocolError, to be answered with its status hint, where Contact or Record-Route cannot be read."""
        _ = invite.contact, invite.record_routes
        session = cls("callee", invite, timers, session_timer)
        session._description = (b"", None)
        if to_tag is not None:
            session.local_tag = to_tag
        return session

    # Callee: answers to the INVITE

    def objection(self) -> Response | None:
        """The 422 to send instead of any other answer, because the INVITE asks for too short a session interval; the
        session is over then. None, also where no session timer is kept, when there is nothing to object (RFC 4028 §9).
        """
        self._need("callee", SessionState.INVITED)
        response = None if self.clock is None else self.clock.refusal(self.invite)
        if response is None:
            return None
        return self.reject(422, headers=[("Min-SE", response.headers.get("Min-SE") or "")])

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
        headers = [*headers, *([] if self.clock is None else self.clock.grant(self.invite, now))]
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
        self._unacked = Unacknowledged(response, now, self._timers)
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

    # Caller: responses to the INVITE

    def receive_response(self, response: Response, now: float) -> list[Request]:
        """A response to any request of this session; what it asks for: the ACK of a 2xx, also when it is repeated, the
        BYE of a 2xx that nobody wants any more (cancelled, or another branch of a fork, §13.2.2.4) and of a 408 in the
        dialog (§12.2.1.2), and after a 422 the same request with a longer interval (RFC 4028 §7.3)."""
        try:
            if self._began(response):
                return self._initial_response(response, now)
        except RemoteProtocolError as error:
            return self._unreadable(error)
        return super().receive_response(response, now)

    def give_up(self) -> None:
        """Say that the caller cancels: call `SipConnection.cancel` as well. A 2xx that still comes is ended by BYE."""
        self._need("caller", SessionState.INVITED, SessionState.RINGING)
        self._gave_up = True

    def _initial_response(self, response: Response, now: float) -> list[Request]:
        status = response.status
        if status >= 300:
            return self._initial_failure(response) if self.answered_with is None else []
        if status < 200:
            if status > 100 and response.to.tag and self.dialog is None:
                self.dialog = Dialog.as_caller(self.invite, response)
            elif self.dialog is not None and self.dialog.id == Dialog.id_of(response):
                self.dialog.update(response)
            if status > 100 and self.state is SessionState.INVITED:
                self.state = SessionState.RINGING
            return []
        return self._initial_success(response, now)

    def _initial_failure(self, response: Response) -> list[Request]:
        """The end of it, unless a 422 only wants a longer session interval."""
        number = self.invite.cseq.number
        self._changes.close(number)
        if self.clock is not None and not self._gave_up and self.clock.raise_interval(response):
            again = self.invite.copy()
            for name in ("Session-Expires", "Min-SE"):
                again.headers.remove(name)
            again.headers.set("CSeq", f"{number + 1} INVITE")
            self.invite = _with_headers(again, self.clock.ask([*again.headers]))
            self.dialog = None
            self.state = SessionState.INVITED
            self._changes.begin(number + 1, Change("INVITE"))
            return [self.invite]
        self.answered_with = response
        self._end(f"the peer refused with {response.status}")
        return []

    def _initial_success(self, response: Response, now: float) -> list[Request]:
        """The first 2xx makes the session; again, it gets its ACK again; one of another branch gets ACK and BYE."""
        number = self.invite.cseq.number
        known = self._acks.get((number, response.to.tag or ""))
        if known is not None:
            return [known]
        if self.answered_with is not None:
            stranger = Dialog.as_caller(self.invite, response)
            return [self._ack(stranger, number), stranger.request("BYE")]
        if self.clock is not None:
            self.clock.agreed(response, now)
        if self.dialog is not None and self.dialog.id == Dialog.id_of(response):
            self.dialog.update(response)
        else:
            self.dialog = Dialog.as_caller(self.invite, response)
        self.answered_with = response
        self._changes.close(number)
        ack = self._ack(self.dialog, number)
        self.state = SessionState.ESTABLISHED
        return [ack, self._bye()] if self._gave_up else [ack]


def _with_headers(request: Request, headers: Headers) -> Request:
    copy = request.copy()
    for name, value in headers:
        copy.headers.add(name, value)
    return copy

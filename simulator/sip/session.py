"""A session of an INVITE in its dialog: new offers, refreshes, the end (RFC 3261 §14, §15, RFC 3311, RFC 4028)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from random import randint
from typing import Literal

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog, DialogState
from simulator.sip.fields import new_tag
from simulator.sip.message import Request, Response
from simulator.sip.renegotiation import Change, Changes, Unacknowledged
from simulator.sip.session_timer import SessionClock, SessionTimer
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


_OPEN = (SessionState.ACCEPTED, SessionState.ESTABLISHED)


class Session:
    """What both sides of a session do alike, once there is a dialog; `InviteSession` is how it comes about."""

    def __init__(
        self,
        role: Literal["caller", "callee"],
        invite: Request,
        timers: Timers | None,
        session_timer: SessionTimer | None,
    ) -> None:
        """Use `InviteSession.call` or `InviteSession.answer`."""
        self.role = role
        self.invite = invite
        "The INVITE that began it, or the last one of several tries (422)."
        self.state = SessionState.INVITED
        self.dialog: Dialog | None = None
        self.answered_with: Response | None = None
        "The final response to the INVITE, received or sent."
        self.ended_because = ""
        "Once ENDED: why, as a sentence without its stop."
        self.local_tag = invite.from_.tag if role == "caller" else new_tag()
        self._timers = timers or Timers()
        self.clock = None if session_timer is None else SessionClock(session_timer)
        "The session timer; None where none was asked for."
        self._acks: dict[tuple[int, str], Request] = {}
        self._changes = Changes(we_called=role == "caller")
        self._bye_cseq: int | None = None
        self._bye_when_acked = False
        self._gave_up = False
        self._description: tuple[bytes, str | None] = (invite.body, invite.headers.get("Content-Type"))
        self._unacked: Unacknowledged | None = None
        self._final_due: tuple[Response, float] | None = None

    @property
    def id(self) -> tuple[str, str, str] | None:
        """The dialog's id, as `Dialog.id_of` gives it for what comes in; None while there is no dialog."""
        return None if self.dialog is None else self.dialog.id

    @property
    def ended(self) -> bool:
        return self.state is SessionState.ENDED

    # Responses to requests in the dialog

    def receive_response(self, response: Response, now: float) -> list[Request]:
        """A response to a request in the dialog; what it asks for: the ACK of a 2xx, also when it is repeated, the BYE
        of a 408 (§12.2.1.2), and after a 422 the same request with a longer interval (RFC 4028 §7.3)."""
        try:
            if response.cseq.method == "INVITE":
                return self._reinvite_response(response, now)
            return self._response_in_dialog(response, now)
        except RemoteProtocolError as error:
            return self._unreadable(error)

    def request_failed(
        self, request: Request, sentence: str, *, status: int = 408, now: float | None = None
    ) -> list[Request]:
        """A request of this session got no final response: `status` as TransactionFailed has it, and the time.

        Without its INVITE or BYE the session is over; a re-INVITE or UPDATE that timed out ends it by the BYE returned
        (§12.2.1.2, RFC 4028 §10), one lost with its connection may be tried again. What an unanswered MESSAGE or INFO
        means for the session is yours to decide, `bye` included.
        """
        change = self._changes.close(request.cseq.number) if request.method in ("INVITE", "UPDATE") else None
        if request.method == "BYE" or self._began(request):
            self._end(sentence.rstrip("."))
        elif change is not None and status == 408:
            return self._end_by_bye(sentence.rstrip("."))
        elif change is not None and change.is_refresh and self.clock is not None and now is not None:
            self.clock.put_off(now)
        return []

    # What either side does

    def request(
        self, method: str, *, headers: Headers = (), body: bytes = b"", content_type: str | None = None
    ) -> Request:
        """A request in the session, without Via: MESSAGE, INFO, UPDATE, a new INVITE; before the 2xx, in the early
        dialog, only an UPDATE without offer. `bye` ends it. An INVITE or UPDATE that gets 491 is tried again by itself,
        by `handle_timeout`, unless another is made before."""
        early = method == "UPDATE" and not body and self.state is SessionState.RINGING
        if self.dialog is None or not (early or self.state in (SessionState.ESTABLISHED, SessionState.ACCEPTED)):
            raise LocalProtocolError(f"No {method} in a session that is {self.state.value}.")
        if method in ("INVITE", "UPDATE"):
            return self._change(Change(method, tuple(headers), body, content_type))
        return self.dialog.request(method, headers=headers, body=body, content_type=content_type)

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

    def receive_request(
        self, request: Request, now: float, *, unacceptable: Callable[[Request], int | None] | None = None
    ) -> Response | None:
        """A request of the peer in this dialog: the response to send, or None for one that is yours to answer (MESSAGE,
        INFO and whatever else is no matter of the session). BYE, re-INVITE and UPDATE are answered here; `unacceptable`
        gives the status that refuses an offer in one of the latter, which leaves the session as it is (§14.2)."""
        if self.dialog is None:
            return request.respond(481, to_tag=self.local_tag)
        try:
            refusal = self.dialog.receive(request)
            if refusal is not None:
                return refusal
            if request.method == "BYE":
                return self._answer_bye(request, now)
            if request.method in ("INVITE", "UPDATE"):
                status = unacceptable(request) if unacceptable is not None and request.body else None
                if status is not None:
                    return request.respond(status)
                return self._answer_change(request, now)
        except RemoteProtocolError as error:
            return request.respond(error.status_hint)
        return None

    def receive_ack(self, ack: Request, now: float) -> list[Request]:  # noqa: ARG002
        """The ACK of a 2xx of ours; may release a BYE that had to wait for it (§15)."""
        if self._unacked is None or ack.cseq.number != self._unacked.response.cseq.number:
            return []
        self._unacked = None
        if self.state is SessionState.ACCEPTED:
            self.state = SessionState.ESTABLISHED
        if self._bye_when_acked:
            self._bye_when_acked = False
            return [self._bye()]
        return []

    # Time

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None while nothing waits for time."""
        if self._final_due is not None:
            return self._final_due[1]
        moments = [] if self._unacked is None else [self._unacked.next_timeout()]
        clock = self.clock
        if clock is not None and clock.end_at is not None and self.state in _OPEN:
            moments.append(clock.end_at)
        if self._free:
            refresh_at = None if clock is None else clock.refresh_at
            moments += [at for at in (self._changes.retry_at, refresh_at) if at is not None]
        return min(moments, default=None)

    def handle_timeout(self, now: float) -> list[Request | Response]:
        """What is due: the 2xx again after T1, 2*T1 up to T2, and its BYE after 64*T1 without ACK (§13.3.1.4); the BYE
        of a session that nobody refreshed; a refresh of ours; what met a change of the peer (491), once more; the 487
        to an INVITE whose caller said BYE (§15.1.2)."""
        if self._final_due is not None:
            (final, _), self._final_due = self._final_due, None
            self._end(self.ended_because)
            return [final]
        if self._unacked is not None:
            if now >= self._unacked.give_up_at:
                self._unacked = None
                return [*self._end_by_bye("the ACK never came")]
            if self._unacked.due(now):
                return [self._unacked.response]
        clock = self.clock
        if clock is not None and clock.end_at is not None and now >= clock.end_at and self.state in _OPEN:
            clock.stop()
            self.ended_because = "nobody refreshed it in time"
            return [*self.bye(now)]
        if not self._free:
            return []
        if self._changes.retry_at is not None and now >= self._changes.retry_at:
            return [self._change(self._changes.take_refused())]
        if clock is not None and clock.refresh_at is not None and now >= clock.refresh_at:
            clock.refresh_at = None
            offer = self._description if clock.refresh_method == "INVITE" else (b"", None)
            return [self._change(Change(clock.refresh_method, (), *offer, is_refresh=True))]
        return []

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

    @property
    def _free(self) -> bool:
        """Whether an INVITE of ours may go out."""
        quiet = not self._changes.offer_open and not self._changes.refresh_open
        return self.state is SessionState.ESTABLISHED and self._unacked is None and quiet

    def _change(self, change: Change) -> Request:
        """Send it, with the headers of the session timer. LocalProtocolError where another is in its way."""
        assert self.dialog is not None
        blocked = change.method == "INVITE" and self._unacked is not None
        if blocked or (self._changes.offer_open and (change.body or change.method == "INVITE")):
            raise LocalProtocolError("Another INVITE or offer of this session is not answered yet (RFC 3261 §14.1).")
        headers = change.headers if self.clock is None else (*change.headers, *self.clock.ask(change.headers))
        request = self.dialog.request(
            change.method, headers=headers, body=change.body, content_type=change.content_type
        )
        self._changes.begin(request.cseq.number, change)
        return request

    def _end_by_bye(self, because: str) -> list[Request]:
        """The BYE; of a callee without its ACK as late as in `bye`."""
        if self.state not in _OPEN:
            return []
        self.ended_because = self.ended_because or because
        if self.state is SessionState.ACCEPTED and self._unacked is not None:
            self._bye_when_acked = True
            return []
        return [self._bye()]

    def _bye(self) -> Request:
        assert self.dialog is not None
        bye = self.dialog.request("BYE")
        self._bye_cseq = bye.cseq.number
        self.state = SessionState.ENDING
        return bye

    def _response_in_dialog(self, response: Response, now: float) -> list[Request]:
        number, method = response.cseq
        if response.status < 200 or self.dialog is None:
            return []
        if method == "BYE":
            if number == self._bye_cseq:
                self._end("we ended it")
            return []
        change = self._changes.close(number) if method == "UPDATE" else None
        if response.status == 408:
            return self._end_by_bye(f"the peer answered {method} with 408")
        self.dialog.update(response)
        if self.dialog.state is DialogState.TERMINATED:
            self._end(f"the peer answered {method} with {response.status}")
        return [] if change is None else self._changed(change, response, now)

    def _changed(self, change: Change, response: Response, now: float) -> list[Request]:
        """A final response to an INVITE or UPDATE of ours in the dialog, other than 408."""
        if response.status < 300:
            if change.body:
                self._description = (change.body, change.content_type)
            if self.clock is not None:
                self.clock.agreed(response, now)
        elif self.state not in _OPEN:
            return []
        elif response.status == 422 and self.clock is not None and self.clock.raise_interval(response):
            return [self._change(change)]
        elif change.is_refresh:
            self._refresh_refused(response, now)
        elif response.status == 491:
            self._changes.try_again(change, now)
        return []

    def _refresh_refused(self, response: Response, now: float) -> None:
        """RFC 4028 §10: try again as the response allows; when nothing helps, the session is ended in time."""
        assert self.clock is not None
        if response.cseq.method == "UPDATE" and response.status in (405, 501):
            self.clock.refuse_update()
            self.clock.put_off(now, 0)
            return
        self.clock.put_off(now, self._changes.pause() if response.status == 491 else _retry_after(response))

    def _reinvite_response(self, response: Response, now: float) -> list[Request]:
        dialog, (number, _), status = self.dialog, response.cseq, response.status
        if dialog is None or status < 200:
            return []
        known = self._acks.get((number, response.to.tag or ""))
        if known is not None:
            return [known]
        change = self._changes.close(number)
        if status == 408:
            return self._end_by_bye("the peer answered INVITE with 408")
        dialog.update(response)
        if dialog.state is DialogState.TERMINATED:
            self._end(f"the peer answered INVITE with {status}")
        ack = [self._ack(dialog, number)] if status < 300 else []
        return ack if change is None else [*ack, *self._changed(change, response, now)]

    def _ack(self, dialog: Dialog, number: int) -> Request:
        ack = dialog.ack(number)
        self._acks[number, dialog.remote.tag or ""] = ack
        return ack

    def _answer_bye(self, request: Request, now: float) -> Response:
        """A BYE before our final response leaves the INVITE open: its 487 is due at once (§15.1.2)."""
        self._unacked = None
        if self.role == "callee" and self.state is SessionState.RINGING:
            self.answered_with = self.invite.respond(487, to_tag=self.local_tag)
            self._final_due = (self.answered_with, now)
            self.state = SessionState.ENDING
            self.ended_because = "the peer ended it"
        else:
            self._end("the peer ended it")
        return request.respond(200)

    def _answer_change(self, request: Request, now: float) -> Response:
        """A re-INVITE (§14.2) or UPDATE (RFC 3311 §5.2): our description again, or why it has to wait: 500 while an
        earlier INVITE of the peer is open, 491 while an offer of ours is. An UPDATE without offer only refreshes."""
        if self.state is SessionState.ENDING:
            return request.respond(481)
        is_invite = request.method == "INVITE"
        if is_invite or request.body:
            unanswered = self.role == "callee" and self.state is SessionState.RINGING
            if unanswered or (is_invite and self._unacked is not None):
                return request.respond(500, headers=[("Retry-After", str(randint(0, 10)))])
            if self._changes.offer_open:
                return request.respond(491)
        refusal = None if self.clock is None else self.clock.refusal(request)
        if refusal is not None:
            return refusal
        contact = self.dialog.contact if self.dialog is not None else None
        headers = [("Contact", contact)] if contact else []
        if self.clock is not None and self.state is not SessionState.RINGING:
            headers += self.clock.grant(request, now)
        body, content_type = self._description if is_invite or request.body else (b"", None)
        response = request.respond(200, headers=headers, body=body, content_type=content_type if body else None)
        if is_invite:
            self._unacked = Unacknowledged(response, now, self._timers)
        return response

    def _began(self, message: Request | Response) -> bool:
        """Whether this is the INVITE of ours that began the session, or a response to it."""
        return self.role == "caller" and message.cseq == self.invite.cseq

    def _unreadable(self, error: RemoteProtocolError) -> list[Request]:
        self._end(f"a response could not be read: {error.reason}")
        return []


def _retry_after(response: Response) -> float | None:
    """Seconds; None where the peer does not say, or not in a way that can be read."""
    try:
        return None if response.retry_after is None else float(response.retry_after.seconds)
    except RemoteProtocolError:
        return None

"""Users of INVITE sessions at both ends of a pair of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.sip.events import (
    AckReceived,
    CancelReceived,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
)
from simulator.sip.invite import InviteSession, SessionState
from simulator.sip.message import Request, Response
from simulator.sip.session_timer import SessionTimer
from simulator.sip.transaction import ClientTransaction, ServerTransaction

if TYPE_CHECKING:
    from tests.sip.wire import Calls, End, Pair

ALLOW = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, MESSAGE")
BOB = [("Contact", "<sip:bob@bob.test;opaque=user:epid:b;gruu>"), ("Supported", "ms-sender"), ALLOW]
SDP = "application/sdp"


class Phone:
    """The user of one end: sends what its session asks for and answers what the session leaves to it."""

    def __init__(self, end: End, pair: Pair, session_timer: SessionTimer | None) -> None:
        self.end = end
        self.pair = pair
        self.session_timer = session_timer
        self.session: InviteSession | None = None
        self.invite_transaction: ClientTransaction | ServerTransaction | None = None
        self.for_user: list[Request] = []
        self.statuses: list[tuple[str, int]] = []
        self._answering: dict[int, ServerTransaction] = {}

    @property
    def talk(self) -> InviteSession:
        assert self.session is not None
        return self.session

    def call(self, invite: Request) -> None:
        self.session = InviteSession.call(invite, session_timer=self.session_timer)
        self.send(self.session.invite)

    def send(self, *messages: Request | Response) -> None:
        """Send what the session gave: each response on the transaction of the INVITE with its CSeq number."""
        connection, now = self.end.connection, self.pair.now
        for message in messages:
            if isinstance(message, Response):
                connection.send_response(self._answering[message.cseq.number], message, now)
            elif message.method == "ACK":
                connection.send_ack(message)
            else:
                sent = connection.send_request(message, now)
                if message.method == "INVITE" and message.to.tag is None:
                    self.invite_transaction = sent

    def cancel(self) -> None:
        """Give up an INVITE that has no final response."""
        self.talk.give_up()
        assert isinstance(self.invite_transaction, ClientTransaction)
        self.end.connection.cancel(self.invite_transaction, self.pair.now)

    def work(self) -> bool:
        """Take the events one by one; whether there were any."""
        now, worked = self.pair.now, bool(self.end.events)
        while self.end.events:
            event = self.end.events.pop(0)
            if isinstance(event, RequestReceived):
                self._request(event)
            elif isinstance(event, AckReceived):
                self.send(*self.talk.receive_ack(event.request, now))
            elif isinstance(event, CancelReceived):
                self.send(*filter(None, [self.talk.receive_cancel()]))
            elif isinstance(event, ResponseReceived):
                self.statuses.append((event.response.cseq.method, event.response.status))
                if event.response.cseq.method != "CANCEL":
                    self.send(*self.talk.receive_response(event.response, now))
            elif isinstance(event, TransactionFailed) and isinstance(event.transaction, ClientTransaction):
                request = event.transaction.request
                if request.method != "CANCEL":
                    self.send(*self.talk.request_failed(request, event.sentence, status=event.status, now=now))
        return worked

    def time(self) -> bool:
        """Do what is due; whether anything was."""
        if self.session is None or (at := self.session.next_timeout()) is None or at > self.pair.now:
            return False
        self.send(*self.session.handle_timeout(self.pair.now))
        return True

    def _request(self, event: RequestReceived) -> None:
        if event.request.method == "INVITE":
            self._answering[event.request.cseq.number] = event.transaction
            if event.request.to.tag is None:
                self.session = InviteSession.answer(
                    event.request, to_tag=event.transaction.to_tag, session_timer=self.session_timer
                )
                self.invite_transaction = event.transaction
                self.send(*filter(None, [self.session.objection()]))
                return
        response = self.talk.receive_request(event.request, self.pair.now)
        if response is None:
            self.for_user.append(event.request)
            response = event.request.respond(200)
        self.end.connection.send_response(event.transaction, response, self.pair.now)


class Line:
    """alice and bob with their phones."""

    def __init__(
        self, pair: Pair, calls: Calls, *, alice: SessionTimer | None = None, bob: SessionTimer | None = None
    ) -> None:
        self.pair = pair
        self.alice = Phone(pair.alice, pair, alice)
        self.bob = Phone(pair.bob, pair, bob)
        self.calls = calls

    def run(self) -> None:
        """Carry messages and let both work until nothing moves."""
        self.pair.flow()
        while self.alice.work() | self.bob.work() | self.alice.time() | self.bob.time():
            self.pair.flow()

    def advance(self, seconds: float) -> None:
        """Carry what is there, then step through the timers of sessions and connections, the earliest first."""
        self.run()
        end = self.pair.now + seconds
        while True:
            sessions = [phone.session for phone in (self.alice, self.bob) if phone.session is not None]
            moments = [at for session in sessions if (at := session.next_timeout()) is not None]
            moments += [
                at for end in (self.pair.alice, self.pair.bob) if (at := end.connection.next_timeout()) is not None
            ]
            moment = min([end, *moments])
            self.pair.advance(max(0.0, moment - self.pair.now))
            self.run()
            if moment >= end:
                return

    def ring(self, **more: str) -> None:
        """alice calls, bob has the INVITE."""
        self.alice.call(self.calls.request("INVITE", body="v=0 alice", **more))
        self.run()

    def establish(self, **more: str) -> None:
        self.ring(**more)
        self.bob.send(self.bob.talk.ring(headers=BOB))
        self.bob.send(self.bob.talk.accept(self.pair.now, headers=BOB, body=b"v=0 bob", content_type=SDP))
        self.run()
        assert self.states() == (SessionState.ESTABLISHED, SessionState.ESTABLISHED)

    def states(self) -> tuple[SessionState, SessionState]:
        return self.alice.talk.state, self.bob.talk.state

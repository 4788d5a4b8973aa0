"""The four transactions against the rules of RFC 3261 §17, RFC 6026 and RFC 4320, in whatever order things happen.

The rules are stated here by what goes over the wire and what the user is told, without the tables of the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from unittest import TestCase

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.errors import LocalProtocolError
from simulator.sip.connection import SipConnection
from simulator.sip.events import (
    AckReceived,
    CancelReceived,
    Event,
    RequestReceived,
    RequestRefused,
    ResponseDiscarded,
    ResponseReceived,
    TransactionFailed,
)
from simulator.sip.message import Request, Response
from simulator.sip.transaction import ClientTransaction, ServerTransaction, Timers
from tests.sip.wire import Calls

PATIENCE = 32.0
"64*T1 in seconds: timers B, F, H, L and M."

indexes = st.integers(0, 3)
pauses = st.sampled_from([0.0, 0.125, 0.25, 1.0, 1.0, 3.5, 3.5, 7.0, 16.0, 31.75, 32.0])
frailties = st.sampled_from([False, False, False, True])
"Whether the connection may be lost in a run; where it may, it soon is."
provisionals = st.sampled_from([100, 180, 183])
successes = st.sampled_from([200, 202])
failures = st.sampled_from([302, 408, 481, 487, 503, 603])


class Station(RuleBasedStateMachine):
    """One connection, its clock, and all that came out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.calls = Calls()
        self.wire: list[tuple[float, Request | Response]] = []
        "What was sent, and when."
        self.told: list[Event] = []
        self.lost_at: float | None = None
        self.frail = False

    def connect(self, timers: Timers, *, trying: bool = False) -> None:
        self.timers = timers
        self.connection = SipConnection(
            sent_by="us.test",
            timers=timers,
            trying=trying,
            tap=lambda way, message: self.wire.append((self.now, message)) if way == "out" else None,
        )

    def collect(self) -> list[Event]:
        """The events since the last time."""
        fresh: list[Event] = []
        while (event := self.connection.next_event()) is not None:
            fresh.append(event)
        self.told += fresh
        return fresh

    def feed(self, *messages: Request | Response) -> list[Event]:
        for message in messages:
            self.connection.receive_data(bytes(message), self.now)
        return self.collect()

    def sent(self, start: int) -> list[Request | Response]:
        """What went out since the wire was `start` long."""
        return [message for _, message in self.wire[start:]]

    @rule(seconds=pauses)
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.connection.next_timeout()) is not None and at <= end:
            assert at >= self.now, "a timer was overdue"
            self.now = at
            self.connection.handle_timeout(self.now)
            self.collect()
        self.now = end
        self.connection.handle_timeout(self.now)
        assert self.collect() == [], "a timer ran out that had not announced itself"

    @precondition(lambda self: self.frail and self.lost_at is None)
    @rule()
    def lose(self) -> None:
        self.lost_at = self.now
        self.connection.connection_lost("reset", self.now)
        self.collect()


@dataclass(eq=False)
class Sent:
    """A request of ours, and what the peer did about it."""

    transaction: ClientTransaction
    at: float
    answers: list[tuple[float, Response]] = field(default_factory=list)
    "What the peer sent in answer, and when."
    gave_up: bool = False

    def first(self, at_least: int) -> float | None:
        """When the first response of this status or above came."""
        return next((at for at, response in self.answers if response.status >= at_least), None)


class Client(Station):
    """What every client transaction owes its user; the subclasses say when patience ends."""

    method = ""

    def __init__(self) -> None:
        super().__init__()
        self.sent_requests: list[Sent] = []

    @initialize(linger=st.sampled_from([0.0, 16.0]), frail=frailties)
    def begin(self, linger: float, frail: bool) -> None:
        self.frail = frail
        self.connect(Timers(d=linger, k=linger))
        self.send()

    @rule()
    def send(self) -> None:
        transaction = self.connection.send_request(self.calls.request(self.method), self.now)
        self.sent_requests.append(Sent(transaction, self.now))
        self.collect()

    def one(self, index: int) -> Sent:
        """Counted from the last one, and then round again."""
        return self.sent_requests[-1 - index % len(self.sent_requests)]

    @rule(index=indexes, status=provisionals | provisionals | successes | failures, tag=st.sampled_from(["a", "b"]))
    def answer(self, index: int, status: int, tag: str) -> None:
        self._answer(index, status, tag)

    @rule(statuses=st.lists(provisionals | successes | failures, min_size=1, max_size=4))
    def answer_a_fresh_one(self, statuses: list[int]) -> None:
        self.send()
        for status in statuses:
            self._answer(0, status, "a")

    def _answer(self, index: int, status: int, tag: str) -> None:
        sent = self.one(index)
        response = sent.transaction.request.respond(status, to_tag=tag if status > 100 else None)
        if self.lost_at is None and self.failed(sent) is None:
            sent.answers.append((self.now, response))
        self.feed(response)

    @rule(index=indexes)
    def answer_somebody_else(self, index: int) -> None:
        response = self.one(index).transaction.request.respond(200)
        response.headers.set("Via", "SIP/2.0/TLS us.test;branch=z9hG4bKanother")
        if self.lost_at is None:
            assert [type(event) for event in self.feed(response)] == [ResponseDiscarded]

    def of(self, sent: Sent) -> list[ResponseReceived | TransactionFailed]:
        """What the user was told about this request."""
        return [
            event
            for event in self.told
            if isinstance(event, ResponseReceived | TransactionFailed) and event.transaction is sent.transaction
        ]

    def failed(self, sent: Sent) -> TransactionFailed | None:
        return next((event for event in self.of(sent) if isinstance(event, TransactionFailed)), None)

    def deadline(self, sent: Sent) -> float | None:
        """When patience ends, unless a final response came before; None for never. A 1xx prolongs nothing."""
        return sent.at + PATIENCE

    @invariant()
    def the_user_is_told_each_response_in_order_until_the_end_and_the_end_once(self) -> None:
        for sent in self.sent_requests:
            statuses = [event.response.status for event in self.of(sent) if isinstance(event, ResponseReceived)]
            came = [response.status for _, response in sent.answers]
            finals = [status for status in statuses if status >= 200]
            assert statuses[: len(statuses) - len(finals)] == [status for status in statuses if status < 200]
            assert len(finals) <= 1 or (self.method == "INVITE" and all(status < 300 for status in finals))
            until_final = next((number for number, status in enumerate(came) if status >= 200), len(came))
            assert statuses[: until_final + 1] == came[: until_final + 1]
            failure = self.failed(sent)
            if failure is not None:
                assert self.of(sent).count(failure) == 1
                assert self.of(sent)[-1] is failure
                assert not finals

    @invariant()
    def patience_ends_at_its_moment_and_not_before(self) -> None:
        for sent in self.sent_requests:
            failure, final, deadline = self.failed(sent), sent.first(200), self.deadline(sent)
            late = deadline is not None and deadline <= self.now and (final is None or final > deadline)
            if failure is not None and failure.reason == "timeout":
                assert failure.at == deadline
                assert failure.status == 408
            elif failure is not None:
                assert failure.at == max(sent.at, self.lost_at or 0)
            else:
                assert not (late and self.lost_at is None)
                assert self.lost_at is None or final is not None

    def teardown(self) -> None:
        if not hasattr(self, "connection"):
            return
        self.wait(1_000.0)
        rings = [
            sent
            for sent in self.sent_requests
            if self.lost_at is None and not sent.first(200) and not self.failed(sent)
        ]
        assert self.connection.open_transactions == len(rings)
        assert all(sent.first(100) is not None and self.method == "INVITE" and not sent.gave_up for sent in rings)
        assert self.connection.next_timeout() is None


class ClientNonInvite(Client):
    method = "MESSAGE"

    @invariant()
    def nothing_but_the_requests_goes_out(self) -> None:
        assert {message.start_line.split()[0] for _, message in self.wire} <= {"MESSAGE"}


class ClientInvite(Client):
    method = "INVITE"

    def cancels(self, sent: Sent) -> list[float]:
        branch = sent.transaction.request.top_via.branch
        return [
            at
            for at, message in self.wire
            if isinstance(message, Request) and message.method == "CANCEL" and message.top_via.branch == branch
        ]

    def deadline(self, sent: Sent) -> float | None:
        """A phone may ring for ever, unless we have given up (§9.1)."""
        first = sent.first(100)
        if first is None or first > sent.at + PATIENCE:
            return sent.at + PATIENCE
        cancels = self.cancels(sent)
        return cancels[0] + PATIENCE if cancels else None

    @rule(index=indexes, ring=st.sampled_from(["before", "after", "not at all"]))
    def cancel(self, index: int, ring: str) -> None:
        sent = self.one(index)
        if ring == "before":
            self._answer(index, 180, "a")
        self._cancel(sent)
        if ring == "after":
            self._answer(index, 180, "a")

    @rule(ring=st.sampled_from(["before", "after", "not at all"]))
    def cancel_a_fresh_one(self, ring: str) -> None:
        self.send()
        self.cancel(0, ring)

    def _cancel(self, sent: Sent) -> None:
        self.connection.cancel(sent.transaction, self.now)
        sent.gave_up = sent.gave_up or (not sent.first(200) and not self.failed(sent))
        self.collect()

    @invariant()
    def a_cancel_goes_out_once_after_a_provisional_response_and_before_the_final_one(self) -> None:
        for sent in self.sent_requests:
            cancels, first, final = self.cancels(sent), sent.first(100), sent.first(200)
            rang = first is not None and first != final
            assert len(cancels) <= 1
            for at in cancels:
                assert sent.gave_up
                assert first is not None
                assert first <= at
                assert final is None or at <= final
            assert not rang or not sent.gave_up or cancels or self.lost_at is not None or self.failed(sent)

    @invariant()
    def an_ack_goes_out_for_each_failure_as_long_as_it_is_known_and_never_for_a_success(self) -> None:
        for sent in self.sent_requests:
            invite = sent.transaction.request
            acks = [
                message
                for _, message in self.wire
                if isinstance(message, Request) and message.method == "ACK" and message.call_id == invite.call_id
                and message.top_via.branch == invite.top_via.branch
            ]  # fmt: skip
            end = sent.first(200)
            finals = [(at, response) for at, response in sent.answers if response.status >= 200]
            wanted = []
            if end is not None and finals[0][1].status >= 300:
                later = [response for at, response in finals[1:] if response.status >= 300 and at < end + self.timers.d]
                wanted = [finals[0][1], *later]
            assert [ack.to.raw for ack in acks] == [response.to.raw for response in wanted]
            assert all(str(ack.cseq) == f"{invite.cseq.number} ACK" for ack in acks)


@dataclass(eq=False)
class Received:
    """A request of the peer, and what we did about it."""

    request: Request
    transaction: ServerTransaction
    at: float
    responses: list[tuple[float, Response]] = field(default_factory=list)
    "Those of the user."
    acked_at: float | None = None
    cancelled_at: float | None = None
    "When the last CANCEL was answered in a transaction of its own."
    forked_until: float = 0.0
    "Until when a request lives that came by another branch and was answered."

    @property
    def final(self) -> tuple[float, Response] | None:
        return next((item for item in self.responses if item[1].status >= 200), None)


class Server(Station):
    """What every server transaction owes the wire and its user."""

    method = ""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []

    @initialize(linger=st.sampled_from([0.0, 16.0]), trying=st.booleans(), frail=frailties)
    def begin(self, linger: float, trying: bool, frail: bool) -> None:
        self.frail = frail
        self.trying = trying
        self.connect(Timers(i=linger, j=linger), trying=trying)
        self.receive()

    def request(self, branch: str) -> Request:
        request = self.calls.request(self.method)
        request.headers.prepend("Via", f"SIP/2.0/TLS them.test;branch=z9hG4bK{branch}")
        return request

    @precondition(lambda self: len(self.received) < 4 and self.lost_at is None)
    @rule()
    def receive(self) -> None:
        (event,) = self.feed(self.request(str(len(self.received))))
        assert isinstance(event, RequestReceived)
        self.received.append(Received(event.request, event.transaction, self.now))

    def one(self, index: int) -> Received:
        return self.received[index % len(self.received)]

    def lives(self, received: Received) -> bool:
        """Whether the peer's repetitions still belong to it."""
        if received.final is None:
            return True
        at, response = received.final
        if self.method != "INVITE":
            return self.now < at + self.timers.j
        if received.acked_at is not None and response.status >= 300:
            return self.now < received.acked_at + self.timers.i
        return self.now < at + PATIENCE

    @property
    def hundred_after(self) -> float:
        return 0.2 if self.method == "INVITE" else 3.5

    def hundred(self, received: Received) -> bool:
        """Whether a 100 of the connection went out: nothing else had, when it was due."""
        due = received.at + self.hundred_after
        before = [at for at, _ in received.responses if at < due]
        return self.trying and self.now >= due and not before and (self.lost_at is None or self.lost_at >= due)

    @rule(index=indexes, status=provisionals | successes | failures)
    def answer(self, index: int, status: int) -> None:
        received, start = self.one(index), len(self.wire)
        response = received.request.respond(status, to_tag="ours" if status > 100 else None)
        final = received.final
        again = final is not None and final[1].status < 300 and 200 <= status < 300 and self.lives(received)
        allowed = (final is None or again) if self.method == "INVITE" else final is None
        if self.method != "INVITE" and (status == 408 or 100 < status < 200):
            allowed = False
        if self.lost_at is not None:
            self.connection.send_response(received.transaction, response, self.now)
            assert self.sent(start) == []
        elif allowed:
            self.connection.send_response(received.transaction, response, self.now)
            assert self.sent(start) == [response]
            received.responses.append((self.now, response))
        else:
            with pytest.raises(LocalProtocolError):
                self.connection.send_response(received.transaction, response, self.now)
            assert self.sent(start) == []
        assert self.collect() == []

    def repeat(self, index: int) -> None:
        """The peer sends its request once more: it meets the last response, or silence, but never the user."""
        received, start = self.one(index), len(self.wire)
        if not self.lives(received):
            return
        assert self.feed(received.request) == []
        answers = self.sent(start)
        silent = self.method == "INVITE" and received.final is not None and (
            received.final[1].status < 300 or received.acked_at is not None
        )  # fmt: skip
        if silent or not (received.responses or self.hundred(received)):
            assert answers == []
        elif received.responses:
            assert answers == [received.responses[-1][1]]
        else:
            assert [answer.start_line for answer in answers] == ["SIP/2.0 100 Trying"]

    def merge(self, index: int) -> None:
        """It comes by another branch: 482 as long as the first is worked on (§8.2.2.2), and then a request like any."""
        received, start = self.one(index), len(self.wire)
        other = received.request.copy()
        other.headers.set("Via", f"SIP/2.0/TLS them.test;branch=z9hG4bKfork{len(self.told)}")
        (event,) = self.feed(other)
        if self.lives(received) or self.now < received.forked_until:
            assert isinstance(event, RequestRefused)
            assert [answer.start_line.split()[1] for answer in self.sent(start)] == ["482"]
            if index % 2:
                return
        else:
            assert isinstance(event, RequestReceived)
            self.connection.respond(event.transaction, 503, self.now)
            received.forked_until = self.now + (self.timers.i if self.method == "INVITE" else self.timers.j)
        if self.method == "INVITE":
            assert self.feed(ack_of(other)) == []

    @invariant()
    def nothing_fails_that_the_user_has_not_seen(self) -> None:
        known = {received.transaction for received in self.received}
        assert {event.transaction for event in self.told if isinstance(event, TransactionFailed)} <= known

    @invariant()
    def a_request_reaches_its_user_once_and_has_one_final_response(self) -> None:
        for received in self.received:
            events = [event for event in self.told if isinstance(event, RequestReceived)]
            assert [event.transaction for event in events].count(received.transaction) == 1
            finals = {
                bytes(message)
                for _, message in self.wire
                if isinstance(message, Response)
                and message.top_via.branch == received.request.top_via.branch
                and message.cseq.method == self.method
                and message.status >= 200
            }
            statuses = [response.status for _, response in received.responses if response.status >= 200]
            assert len(finals) <= max(1, len({status for status in statuses if status < 300}))

    @invariant()
    def a_100_goes_out_when_it_is_due_and_nothing_else_went_out(self) -> None:
        for received in self.received:
            branch = received.request.top_via.branch
            mine = sum(response.status == 100 for _, response in received.responses)
            hundreds = [
                at
                for at, message in self.wire
                if isinstance(message, Response) and message.status == 100 and message.top_via.branch == branch
            ]
            if mine == 0:
                assert bool(hundreds) == self.hundred(received)
                assert not hundreds or hundreds[0] == received.at + self.hundred_after
            if not self.trying and mine == 0:
                assert hundreds == []

    @invariant()
    def only_a_lost_connection_or_a_missing_ack_fails_a_transaction(self) -> None:
        for received in self.received:
            failures = [
                event
                for event in self.told
                if isinstance(event, TransactionFailed) and event.transaction is received.transaction
            ]
            assert len(failures) <= 1
            final = received.final
            expected: tuple[str, float] | None = None
            if final is not None and self.method == "INVITE" and final[1].status >= 300:
                due = final[0] + PATIENCE
                gone = self.lost_at is not None and self.lost_at < due
                if received.acked_at is None and due <= self.now and not gone:
                    expected = ("timeout", due)
            elif final is None and self.lost_at is not None:
                expected = ("connection", self.lost_at)
            assert [(event.reason, event.at) for event in failures] == ([expected] if expected else [])

    def teardown(self) -> None:
        if not hasattr(self, "connection"):
            return
        self.wait(1_000.0)
        waiting = [received for received in self.received if received.final is None and self.lost_at is None]
        assert self.connection.open_transactions == len(waiting)
        assert self.connection.next_timeout() is None


class ServerNonInvite(Server):
    method = "MESSAGE"

    @precondition(lambda self: self.lost_at is None)
    @rule(index=indexes, what=st.sampled_from(["repeat", "merge"]))
    def peer_goes_on(self, index: int, what: str) -> None:
        if what == "repeat":
            self.repeat(index)
        else:
            self.merge(index)


class ServerInvite(Server):
    method = "INVITE"

    @precondition(lambda self: self.lost_at is None)
    @rule(index=indexes, what=st.sampled_from(["acknowledge", "repeat", "merge", "cancel", "acknowledge otherwise"]))
    def peer_goes_on(self, index: int, what: str) -> None:
        if what == "repeat":
            self.repeat(index)
        elif what == "merge":
            self.merge(index)
        elif what == "cancel":
            self.cancel(index)
        elif what == "acknowledge":
            self.acknowledge(index)
        else:
            self.acknowledge_by_a_branch_of_its_own()

    def acknowledge(self, index: int) -> None:
        """With the branch of the INVITE: absorbed after a failure, handed on after a success (RFC 6026 §7.1)."""
        received, start = self.one(index), len(self.wire)
        if not self.lives(received):
            return
        events = self.feed(ack_of(received.request))
        assert self.sent(start) == []
        final = received.final
        if final is not None and final[1].status < 300:
            (event,) = events
            assert isinstance(event, AckReceived)
            assert event.transaction is received.transaction
        else:
            assert events == []
        if final is not None and received.acked_at is None:
            received.acked_at = self.now

    def cancel(self, index: int) -> None:
        """Answered at once; the user hears of it only where there is something left to cancel (§9.2)."""
        received, start = self.one(index), len(self.wire)
        cancel = related(received.request, "CANCEL")
        repeated = received.cancelled_at is not None and self.now < received.cancelled_at + self.timers.j
        events = self.feed(cancel)
        (answer,) = self.sent(start)
        assert isinstance(answer, Response)
        assert str(answer.cseq) == "1 CANCEL"
        if repeated:
            assert events == []
            return
        received.cancelled_at = self.now
        assert answer.status == (200 if self.lives(received) else 481)
        assert [type(event) for event in events] == ([CancelReceived] if received.final is None else [])

    def acknowledge_by_a_branch_of_its_own(self) -> None:
        ack = related(self.request("own-ack"), "ACK")
        (event,) = self.feed(ack)
        assert isinstance(event, AckReceived)
        assert event.transaction is None


def related(invite: Request, method: str) -> Request:
    """The ACK of a failure or the CANCEL that goes with an INVITE."""
    request = Request(method, invite.uri, invite.headers.copy())
    request.headers.set("CSeq", f"{invite.cseq.number} {method}")
    return request


def ack_of(invite: Request) -> Request:
    return related(invite, "ACK")


def half_as_many(machine: type[Station]) -> type[TestCase]:
    """The test of a machine, with half the examples that the profile says: each has many steps."""
    case: type[TestCase] = machine.TestCase
    case.settings = settings(machine.TestCase.settings, max_examples=settings().max_examples // 2)  # type: ignore[attr-defined]
    return case


TestClientInvite = half_as_many(ClientInvite)
TestClientNonInvite = half_as_many(ClientNonInvite)
TestServerInvite = half_as_many(ServerInvite)
TestServerNonInvite = half_as_many(ServerNonInvite)

"""Two connections joined in memory: transactions, matching, keep-alives, bad peers, loss (RFC 3261 §17, §18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import LocalProtocolError
from simulator.sip.connection import SipConnection
from simulator.sip.events import (
    AckReceived,
    CancelReceived,
    ConnectionBroken,
    PingReceived,
    PongReceived,
    RequestReceived,
    RequestRefused,
    ResponseDiscarded,
    ResponseReceived,
    TransactionFailed,
)
from simulator.sip.merging import RequestRegister
from simulator.sip.message import Request, parse
from simulator.sip.transaction import ClientTransaction, ServerTransaction, State, Timers

if TYPE_CHECKING:
    from tests.sip.wire import Calls, Pair


def invited(pair: Pair, calls: Calls) -> tuple[ClientTransaction, ServerTransaction]:
    """alice's INVITE has reached bob."""
    ours = pair.alice.connection.send_request(calls.request("INVITE"), pair.now)
    pair.flow()
    return ours, pair.bob.take(RequestReceived).transaction


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_message_goes_over_and_its_answer_comes_back(pair: Pair, calls: Calls, chunk: int) -> None:
    ours = pair.alice.connection.send_request(calls.request(body="hello"), pair.now)
    pair.flow(chunk=chunk)
    received = pair.bob.take(RequestReceived)
    assert received.request.body == b"hello"
    assert bytes(received.request) == bytes(ours.request)
    assert received.request.top_via.sent_by == "alice.test:5061"

    pair.bob.connection.respond(received.transaction, 202, pair.now)
    pair.flow(chunk=chunk)
    answer = pair.alice.take(ResponseReceived)
    assert answer.transaction is ours
    assert (answer.response.status, answer.response.to.tag) == (202, received.transaction.to_tag)
    assert received.transaction.responded
    assert pair.alice.connection.open_transactions == pair.bob.connection.open_transactions == 0
    assert pair.alice.connection.next_timeout() is None


def test_the_callers_request_stays_as_it_was_so_that_it_can_go_to_another_connection(pair: Pair, calls: Calls) -> None:
    request = calls.request()
    before = bytes(request)
    first = pair.alice.connection.send_request(request, pair.now)
    second = pair.alice.connection.send_request(request, pair.now)
    assert bytes(request) == before
    assert first.key != second.key


def test_everything_that_is_due_leaves_in_one_piece(pair: Pair, calls: Calls) -> None:
    for _ in range(3):
        pair.alice.connection.send_request(calls.request(), pair.now)
    data = pair.alice.connection.data_to_send()
    assert data.count(b"MESSAGE sip:") == 3
    assert pair.alice.connection.data_to_send() == b""


def test_events_come_in_the_order_of_the_wire_and_answers_find_their_requests(pair: Pair, calls: Calls) -> None:
    ours = [pair.alice.connection.send_request(calls.request(body=str(number)), pair.now) for number in range(5)]
    pair.flow()
    received = [pair.bob.take(RequestReceived) for _ in range(5)]
    assert [event.request.body for event in received] == [b"0", b"1", b"2", b"3", b"4"]
    for event in reversed(received):
        pair.bob.connection.respond(event.transaction, 200, pair.now)
    pair.flow()
    assert [pair.alice.take(ResponseReceived).transaction for _ in range(5)] == ours[::-1]


def test_nothing_answers_by_itself_not_even_100(pair: Pair, calls: Calls) -> None:
    _, theirs = invited(pair, calls)
    pair.advance(20)
    assert pair.bob.sent == b""
    trying = pair.bob.connection.respond(theirs, 100, pair.now)
    assert trying.to.tag is None


# 100 by choice


def patient(pair: Pair, timers: Timers | None = None) -> Pair:
    """bob's connection says 100 by itself."""
    pair.bob.connection = SipConnection(sent_by="bob.test", trying=True, timers=timers)
    return pair


def answer(pair: Pair) -> bytes:
    """The status line that bob sends next."""
    return pair.bob.connection.data_to_send().partition(b"\r\n")[0]


@pytest.mark.parametrize(("method", "moment"), [("INVITE", 0.2), ("MESSAGE", 3.5)])
def test_a_request_without_answer_gets_a_100_when_it_is_due(
    pair: Pair, calls: Calls, method: str, moment: float
) -> None:
    """RFC 3261 §17.2.1 and RFC 4320 §4.1."""
    patient(pair).alice.connection.send_request(calls.request(method), pair.now)
    pair.flow()
    assert pair.bob.connection.next_timeout() == pair.now + moment
    pair.bob.connection.handle_timeout(pair.now + moment - 0.01)
    assert answer(pair) == b""
    pair.advance(moment)
    trying = pair.alice.take(ResponseReceived).response
    assert (trying.status, trying.to.tag) == (100, None)
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 486, pair.now)
    pair.flow()
    assert pair.alice.take(ResponseReceived).response.status == 486


@pytest.mark.parametrize("status", [100, 180, 486])
def test_a_request_that_was_answered_gets_no_100_any_more(pair: Pair, calls: Calls, status: int) -> None:
    patient(pair).alice.connection.send_request(calls.request("INVITE"), pair.now)
    pair.flow()
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, status, pair.now)
    pair.flow()
    pair.advance(10)
    assert pair.alice.take(ResponseReceived).response.status == status
    assert pair.alice.events == []


def test_a_100_can_go_out_at_once_and_meets_the_repetition_of_its_invite(pair: Pair) -> None:
    patient(pair, Timers(trying=0))
    invite = REPEATED.format(method="INVITE", via=VIAS[0])
    for _ in range(2):
        pair.to_bob(invite)
        assert answer(pair) == b"SIP/2.0 100 Trying"
    pair.bob.take(RequestReceived)
    assert pair.bob.events == []


# Merged requests


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_a_request_that_came_by_another_branch_is_merged_while_the_first_is_worked_on(pair: Pair, method: str) -> None:
    pair.to_bob(REPEATED.format(method=method, via=VIAS[0]))
    theirs = pair.bob.take(RequestReceived).transaction
    pair.to_bob(REPEATED.format(method=method, via=VIAS[0] + "fork"))
    assert answer(pair) == b"SIP/2.0 482 Loop Detected"
    assert pair.bob.take(RequestRefused).request.top_via.branch == "z9hG4bK1fork"

    pair.bob.connection.respond(theirs, 486, pair.now)
    assert answer(pair) == b"SIP/2.0 486 Busy Here"
    if method == "INVITE":
        pair.to_bob(REPEATED.format(method="ACK", via=VIAS[0]))
    pair.to_bob(REPEATED.format(method=method, via=VIAS[0] + "later"))
    pair.bob.take(RequestReceived)


def test_the_ack_of_a_merged_invite_ends_it_without_a_word(pair: Pair) -> None:
    for via in (VIAS[0], VIAS[0] + "fork"):
        pair.to_bob(REPEATED.format(method="INVITE", via=via))
    assert pair.bob.connection.open_transactions == 2
    pair.to_bob(REPEATED.format(method="ACK", via=VIAS[0] + "fork"))
    assert pair.bob.connection.open_transactions == 1
    assert [type(event) for event in pair.bob.events] == [RequestReceived, RequestRefused]


def test_a_merged_invite_whose_ack_never_comes_is_forgotten_without_a_word(pair: Pair) -> None:
    for via in (VIAS[0], VIAS[0] + "fork"):
        pair.to_bob(REPEATED.format(method="INVITE", via=via))
    pair.bob.events.clear()
    pair.advance(32)
    assert pair.bob.connection.open_transactions == 1
    assert pair.bob.events == []


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("CSeq: 1 MESSAGE", "CSeq: 2 MESSAGE"),
        ("Call-ID: 1", "Call-ID: 2"),
        ("From: <sip:a@a.test>;tag=1", "From: <sip:a@a.test>;tag=2"),
        ("To: <sip:bob@bob.test>", "To: <sip:bob@bob.test>;tag=in-a-dialog"),
    ],
)
def test_requests_that_differ_or_belong_to_a_dialog_are_not_merged(pair: Pair, there: str, here: str) -> None:
    first = REPEATED.format(method="MESSAGE", via=VIAS[0])
    pair.to_bob(first + first.replace(there, here).replace("z9hG4bK1", "z9hG4bK2"))
    pair.bob.take(RequestReceived)
    pair.bob.take(RequestReceived)


def test_connections_that_share_a_register_find_requests_merged_that_others_do_not(pair: Pair) -> None:
    def received(connection: SipConnection, branch: str) -> type:
        invite = REPEATED.format(method="INVITE", via=VIAS[0] + branch).replace("\n", "\r\n")
        connection.receive_data(invite.encode(), pair.now)
        return type(connection.next_event())

    register = RequestRegister()
    one, two = (SipConnection(sent_by="bob.test", register=register) for _ in range(2))
    alone = SipConnection(sent_by="bob.test")
    kinds = [received(one, "a"), received(two, "b"), received(alone, "c")]
    assert kinds == [RequestReceived, RequestRefused, RequestReceived]
    one.connection_lost("closed", pair.now)
    assert len(register) == 0
    assert received(two, "d") is RequestReceived


# INVITE


def test_a_refused_invite_is_acknowledged_by_itself(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 486, pair.now)
    pair.flow()
    assert pair.alice.take(ResponseReceived).response.status == 486
    assert pair.bob.events == []
    _, ack = [message for way, message in pair.bob.seen if way == "in"]
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri, ack.cseq) == ("ACK", ours.request.uri, (1, "ACK"))
    assert ack.top_via.raw == ours.request.top_via.raw
    assert ack.from_.raw == ours.request.from_.raw
    assert ack.to.tag == theirs.to_tag
    assert (ours.state, theirs.state) == (State.TERMINATED, State.TERMINATED)
    assert pair.bob.connection.next_timeout() is None


def test_the_ack_of_a_refused_invite_goes_the_way_of_the_invite(pair: Pair, calls: Calls) -> None:
    route = "<sip:edge.bob.test:5061;transport=tls;lr;ms-route-sig=aa/b+C=>;x"
    pair.alice.connection.send_request(calls.request("INVITE", Route=route), pair.now)
    pair.flow()
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 404, pair.now)
    pair.flow()
    _, ack = [message for way, message in pair.bob.seen if way == "in"]
    assert ack.routes == (route,)


def test_a_refused_invite_without_ack_is_reported_after_timer_h(pair: Pair, calls: Calls) -> None:
    _, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 486, pair.now)
    pair.bob.connection.data_to_send()
    pair.advance(31.9)
    assert pair.bob.events == []
    pair.advance(0.1)
    failed = pair.bob.take(TransactionFailed)
    assert (failed.transaction, failed.reason) == (theirs, "timeout")
    assert "ACK" in failed.sentence


def test_the_ack_of_an_accepted_invite_is_an_event_of_its_own(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 200, pair.now)
    pair.flow()
    assert pair.alice.take(ResponseReceived).response.status == 200
    assert pair.alice.sent_lines() == [ours.request.start_line]
    sent = pair.alice.connection.send_ack(calls.request("ACK"))
    pair.flow()
    ack = pair.bob.take(AckReceived)
    assert bytes(ack.request) == bytes(sent)
    assert ack.transaction is None
    assert sent.top_via.branch != ours.request.top_via.branch


def test_a_repeated_200_comes_again_until_timer_m_and_the_invite_is_then_forgotten(pair: Pair, calls: Calls) -> None:
    """RFC 6026 §7: both ends keep an accepted INVITE for 64*T1."""
    ours, theirs = invited(pair, calls)
    response = pair.bob.connection.respond(theirs, 200, pair.now)
    pair.flow()
    pair.advance(20)
    pair.bob.connection.send_response(theirs, response, pair.now)
    pair.flow()
    assert [pair.alice.take(ResponseReceived).transaction for _ in range(2)] == [ours, ours]
    pair.advance(11.9)
    assert (ours.state, theirs.state) == (State.ACCEPTED, State.ACCEPTED)
    pair.advance(0.1)
    assert pair.alice.connection.open_transactions == pair.bob.connection.open_transactions == 0
    assert pair.alice.events == pair.bob.events == []


# CANCEL


def test_a_cancel_reaches_its_invite_and_is_answered_by_itself_with_the_same_to_tag(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 180, pair.now)
    pair.flow()
    cancelling = pair.alice.connection.cancel(ours, pair.now)
    pair.flow()
    assert cancelling is not None
    assert cancelling.cancels is ours
    assert pair.bob.take(CancelReceived).transaction is theirs
    pair.bob.connection.respond(theirs, 487, pair.now)
    pair.flow()
    ringing, cancelled, terminated = (pair.alice.take(ResponseReceived) for _ in range(3))
    assert (ringing.response.status, cancelled.response.status, terminated.response.status) == (180, 200, 487)
    assert (cancelled.transaction, terminated.transaction) == (cancelling, ours)
    assert cancelled.response.to.tag == ringing.response.to.tag == terminated.response.to.tag
    assert pair.alice.connection.open_transactions == pair.bob.connection.open_transactions == 0


def test_the_answer_to_a_cancel_has_the_tag_that_the_user_gave_the_invite(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.send_response(theirs, calls.respond(theirs.request, 180, "of-the-user"), pair.now)
    pair.flow()
    pair.alice.connection.cancel(ours, pair.now)
    pair.flow()
    assert pair.alice.take(ResponseReceived).response.to.tag == "of-the-user"
    assert pair.alice.take(ResponseReceived).response.to.tag == "of-the-user"


def test_the_cancel_has_the_identity_of_its_invite(pair: Pair, calls: Calls) -> None:
    """RFC 3261 §9.1: Request-URI, Call-ID, To, From, Route and CSeq number as in the INVITE, its Via alone."""
    request = calls.request("INVITE", Route="<sip:edge.bob.test;lr;sig=x>")
    ours = pair.alice.connection.send_request(request, pair.now)
    pair.flow()
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 100, pair.now)
    pair.flow()
    cancelling = pair.alice.connection.cancel(ours, pair.now)
    assert cancelling is not None
    cancel, invite = cancelling.request, ours.request
    assert (cancel.uri, cancel.call_id, cancel.cseq) == (invite.uri, invite.call_id, (1, "CANCEL"))
    assert (cancel.from_.raw, cancel.to.raw, cancel.routes) == (invite.from_.raw, invite.to.raw, invite.routes)
    assert [via.raw for via in cancel.vias] == [invite.top_via.raw]


def test_a_cancel_before_any_provisional_response_waits_for_it(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    assert pair.alice.connection.cancel(ours, pair.now) is None
    pair.flow()
    assert pair.bob.events == []
    pair.bob.connection.respond(theirs, 100, pair.now)
    pair.flow()
    assert pair.bob.take(CancelReceived).transaction is theirs


def test_a_cancel_after_the_final_response_does_nothing(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 200, pair.now)
    pair.flow()
    before = pair.alice.sent
    assert pair.alice.connection.cancel(ours, pair.now) is None
    pair.flow()
    assert pair.alice.sent == before


def test_a_cancel_that_crosses_the_200_is_answered_but_is_no_event(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 180, pair.now)
    pair.flow()
    pair.bob.connection.respond(theirs, 200, pair.now)
    pair.alice.connection.cancel(ours, pair.now)
    pair.flow()
    assert pair.bob.events == []
    assert [pair.alice.take(ResponseReceived).response.cseq.method for _ in range(3)] == ["INVITE", "INVITE", "CANCEL"]


def test_a_cancelled_invite_without_final_response_ends_after_64_t1(pair: Pair, calls: Calls) -> None:
    ours, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 180, pair.now)
    pair.flow()
    pair.advance(3600)
    assert ours.state is State.PROCEEDING
    pair.alice.connection.cancel(ours, pair.now)
    pair.flow()
    pair.advance(32)
    assert pair.alice.events[-1] == TransactionFailed(
        ours, "timeout", "No final response to INVITE within 32 seconds (timer C).", at=pair.now
    )


def test_a_cancel_of_nothing_gets_481(pair: Pair) -> None:
    pair.to_bob(
        "CANCEL sip:bob@bob.test SIP/2.0\nVia: SIP/2.0/TLS a.test;branch=z9hG4bKnone\nFrom: <sip:a@a.test>;tag=1\n"
        "To: <sip:bob@bob.test>\nCall-ID: 1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n"
    )
    assert pair.bob.events == []
    assert pair.bob.connection.data_to_send().startswith(b"SIP/2.0 481 ")


def test_only_an_invite_can_be_cancelled(pair: Pair, calls: Calls) -> None:
    ours = pair.alice.connection.send_request(calls.request(), pair.now)
    with pytest.raises(LocalProtocolError, match="MESSAGE"):
        pair.alice.connection.cancel(ours, pair.now)


# Time and loss


def test_a_silent_peer_fails_the_request_after_timer_f(pair: Pair, calls: Calls) -> None:
    ours = pair.alice.connection.send_request(calls.request(), pair.now)
    assert pair.alice.connection.next_timeout() == pair.now + 32
    pair.flow()
    pair.advance(31.9)
    assert pair.alice.events == []
    pair.advance(0.1)
    sentence = "No final response to MESSAGE within 32 seconds (timer F)."
    failed = pair.alice.take(TransactionFailed)
    assert failed == TransactionFailed(ours, "timeout", sentence, at=pair.now)
    assert failed.status == 408


def test_a_provisional_response_does_not_prolong_timer_f(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.advance(30)
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 100, pair.now)
    pair.flow()
    pair.advance(2)
    assert pair.alice.take(ResponseReceived).response.status == 100
    assert pair.alice.take(TransactionFailed).reason == "timeout"


def test_an_answer_after_the_timeout_is_discarded(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.advance(32)
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 200, pair.now)
    pair.flow()
    pair.alice.take(TransactionFailed)
    assert pair.alice.take(ResponseDiscarded).response.status == 200


def test_handling_a_timeout_too_early_changes_nothing(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.alice.connection.handle_timeout(pair.now + 31)
    assert pair.alice.connection.next_event() is None
    assert pair.alice.connection.next_timeout() == pair.now + 32


def test_the_loss_of_the_connection_fails_all_that_is_unanswered_and_nothing_else(pair: Pair, calls: Calls) -> None:
    answered = pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 200, pair.now)
    waiting = pair.alice.connection.send_request(calls.request(), pair.now)
    ringing, theirs = invited(pair, calls)
    pair.flow()
    assert pair.alice.take(ResponseReceived).transaction is answered
    pair.alice.connection.connection_lost("reset by peer", pair.now)
    pair.bob.connection.connection_lost("reset by peer", pair.now)
    pair.flow()
    failed = [pair.alice.take(TransactionFailed) for _ in range(2)]
    assert {event.transaction for event in failed} == {waiting, ringing}
    assert {(event.reason, event.sentence) for event in failed} == {
        ("connection", "The connection was lost: reset by peer.")
    }
    assert pair.alice.events == []
    assert pair.alice.connection.open_transactions == 0
    assert pair.alice.connection.next_timeout() is None
    assert theirs in {event.transaction for event in pair.bob.events if isinstance(event, TransactionFailed)}


def test_after_the_loss_requests_fail_at_once_and_answers_go_nowhere(pair: Pair, calls: Calls) -> None:
    _, theirs = invited(pair, calls)
    pair.bob.connection.connection_lost("closed", pair.now)
    pair.flow()
    pair.bob.events.clear()
    late = pair.bob.connection.send_request(calls.request(), pair.now)
    pair.bob.connection.respond(theirs, 200, pair.now)
    pair.flow()
    failed = pair.bob.take(TransactionFailed)
    assert (failed.transaction, failed.status) == (late, 503)
    assert pair.bob.sent == b""


# What must not be sent


def test_a_second_final_response_is_a_mistake_of_ours(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    theirs = pair.bob.take(RequestReceived).transaction
    pair.bob.connection.respond(theirs, 200, pair.now)
    with pytest.raises(LocalProtocolError, match="answered before"):
        pair.bob.connection.respond(theirs, 500, pair.now)


def test_what_nobody_answers_has_no_transaction_and_an_answer_to_it_is_discarded(pair: Pair, calls: Calls) -> None:
    """BENOTIFY, MS-SIP 3.5.5.3."""
    sent = pair.alice.connection.send_one_way(calls.request("BENOTIFY"))
    assert pair.alice.connection.open_transactions == 0
    pair.flow()
    theirs = pair.bob.take(RequestReceived)
    assert bytes(theirs.request) == bytes(sent)
    pair.bob.connection.respond(theirs.transaction, 405, pair.now)
    pair.flow()
    assert pair.alice.take(ResponseDiscarded).response.status == 405


@pytest.mark.parametrize("status", [101, 180, 408])
def test_a_non_invite_is_never_answered_with_408_nor_rung(pair: Pair, calls: Calls, status: int) -> None:
    """RFC 4320 §4.1 and §4.2."""
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    with pytest.raises(LocalProtocolError, match="RFC 4320"):
        pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, status, pair.now)


def test_a_provisional_after_the_200_of_an_invite_is_a_mistake_of_ours(pair: Pair, calls: Calls) -> None:
    _, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 200, pair.now)
    with pytest.raises(LocalProtocolError):
        pair.bob.connection.respond(theirs, 180, pair.now)


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_are_no_requests_of_their_own(pair: Pair, calls: Calls, method: str) -> None:
    with pytest.raises(LocalProtocolError, match=method):
        pair.alice.connection.send_request(calls.request(method), pair.now)


def test_a_via_of_ones_own_is_sent_as_it_is_and_its_branch_only_once(pair: Pair, calls: Calls) -> None:
    request = calls.request()
    request.headers.prepend("Via", "SIP/2.0/TLS other.test;branch=z9hG4bKmine")
    ours = pair.alice.connection.send_request(request, pair.now, add_via=False)
    assert [via.raw for via in ours.request.vias] == ["SIP/2.0/TLS other.test;branch=z9hG4bKmine"]
    with pytest.raises(LocalProtocolError, match="in use"):
        pair.alice.connection.send_request(request, pair.now, add_via=False)


# Repetitions


REPEATED = (
    "{method} sip:bob@bob.test SIP/2.0\nVia: {via}\nFrom: <sip:a@a.test>;tag=1\nTo: <sip:bob@bob.test>\nCall-ID: 1\n"
    "CSeq: 1 {method}\nContent-Length: 0\n\n"
)
VIAS = ["SIP/2.0/TLS a.test;branch=z9hG4bK1", "SIP/2.0/TLS 192.0.2.2:2616;ms-received-cid=3E8A00"]


@pytest.mark.parametrize("via", VIAS, ids=["branch", "no branch"])
def test_a_request_that_comes_again_is_absorbed_and_meets_the_provisional_response(pair: Pair, via: str) -> None:
    invite = REPEATED.format(method="INVITE", via=via)
    pair.to_bob(invite)
    theirs = pair.bob.take(RequestReceived).transaction
    pair.to_bob(invite)
    assert pair.bob.events == []
    pair.bob.connection.respond(theirs, 180, pair.now)
    ringing = pair.bob.connection.data_to_send()
    pair.to_bob(invite)
    assert pair.bob.events == []
    assert pair.bob.connection.data_to_send() == ringing


@pytest.mark.parametrize("via", VIAS, ids=["branch", "no branch"])
def test_old_and_new_peers_acknowledge_and_cancel_their_invites(pair: Pair, via: str) -> None:
    pair.to_bob(REPEATED.format(method="INVITE", via=via))
    theirs = pair.bob.take(RequestReceived).transaction
    pair.to_bob(REPEATED.format(method="CANCEL", via=via))
    assert pair.bob.take(CancelReceived).transaction is theirs
    pair.bob.connection.respond(theirs, 487, pair.now)
    assert theirs.state is State.COMPLETED
    pair.to_bob(REPEATED.format(method="ACK", via=via))
    assert pair.bob.events == []
    assert pair.bob.connection.open_transactions == 0


def test_an_ack_with_the_branch_of_an_accepted_invite_still_reaches_the_session(pair: Pair) -> None:
    pair.to_bob(REPEATED.format(method="INVITE", via=VIAS[0]))
    theirs = pair.bob.take(RequestReceived).transaction
    pair.bob.connection.respond(theirs, 200, pair.now)
    pair.to_bob(REPEATED.format(method="ACK", via=VIAS[0]))
    assert pair.bob.take(AckReceived).transaction is theirs


def test_where_timer_j_runs_the_final_response_answers_the_repetition(
    make_pair: Callable[[Timers], Pair],
) -> None:
    pair = make_pair(Timers(j=32.0))
    pair.to_bob(REPEATED.format(method="MESSAGE", via=VIAS[0]))
    pair.bob.connection.respond(pair.bob.take(RequestReceived).transaction, 200, pair.now)
    answer = pair.bob.connection.data_to_send()
    pair.to_bob(REPEATED.format(method="MESSAGE", via=VIAS[0]))
    assert pair.bob.connection.data_to_send() == answer
    pair.advance(32)
    assert pair.bob.connection.open_transactions == 0


def test_a_forgotten_request_leaves_nothing_behind(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.bob.connection.forget(pair.bob.take(RequestReceived).transaction)
    assert pair.bob.connection.open_transactions == 0
    assert pair.bob.sent == b""


def test_a_thousand_answered_requests_leave_no_timer_and_no_transaction(pair: Pair, calls: Calls) -> None:
    request = calls.request()
    for _ in range(1_000):
        pair.alice.connection.send_request(request, pair.now)
        pair.bob.connection.receive_data(pair.alice.connection.data_to_send(), pair.now)
        event = pair.bob.connection.next_event()
        assert isinstance(event, RequestReceived)
        pair.bob.connection.respond(event.transaction, 200, pair.now)
        pair.alice.connection.receive_data(pair.bob.connection.data_to_send(), pair.now)
        assert isinstance(pair.alice.connection.next_event(), ResponseReceived)
        pair.alice.seen.clear()
        pair.bob.seen.clear()
    assert pair.alice.connection.open_transactions == pair.bob.connection.open_transactions == 0
    assert pair.alice.connection.next_timeout() is pair.bob.connection.next_timeout() is None


# Whatever happens, every request has one end


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["MESSAGE", "INVITE", "answer", "cancel", "wait", "flow"]),
        st.integers(0, 3),
        st.sampled_from([100, 180, 200, 202, 404, 486, 487, 603]),
        st.floats(0, 40),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(steps=STEPS, loss=st.booleans())
def test_every_request_ends_once_with_a_final_response_or_a_failure(
    new_pair: Callable[[], Pair], calls: Calls, steps: list[tuple[str, int, int, float]], loss: bool
) -> None:
    pair = new_pair()
    ours: list[ClientTransaction] = []
    theirs: list[ServerTransaction] = []
    for what, which, status, seconds in steps:
        if what in ("MESSAGE", "INVITE"):
            ours.append(pair.alice.connection.send_request(calls.request(what), pair.now))
        elif what == "answer" and theirs:
            transaction = theirs[which % len(theirs)]
            allowed = transaction.method == "INVITE" or status == 100 or status >= 200
            if allowed and not transaction.responded and not transaction.finished:
                pair.bob.connection.respond(transaction, status, pair.now)
        elif what == "cancel" and ours and (invite := ours[which % len(ours)]).method == "INVITE":
            pair.alice.connection.cancel(invite, pair.now)
        elif what == "wait":
            pair.advance(seconds)
        else:
            pair.flow()
        theirs = [event.transaction for event in pair.bob.events if isinstance(event, RequestReceived)]
    pair.flow()
    if loss:
        pair.alice.connection.connection_lost("reset", pair.now)
        pair.alice.drain()
    else:
        pair.advance(200)

    for sent in ours:
        ends = [
            event
            for event in pair.alice.events
            if (isinstance(event, TransactionFailed) and event.transaction is sent)
            or (isinstance(event, ResponseReceived) and event.transaction is sent and event.response.is_final)
        ]
        rings_on = not loss and sent.method == "INVITE" and sent.state is State.PROCEEDING
        assert len(ends) == (0 if rings_on else 1), (sent, ends)
        assert sent.finished != rings_on
    waiting = [sent for sent in ours if not sent.finished]
    assert pair.alice.connection.open_transactions == len(waiting)
    assert pair.alice.connection.next_timeout() is None


# Peers that do as they please


def test_negotiate_without_branch_and_with_max_forwards_0_is_an_ordinary_request(pair: Pair) -> None:
    pair.to_bob(
        "NEGOTIATE sip:192.0.2.1:5061 SIP/2.0\nVia: SIP/2.0/TLS 192.0.2.2:2616\nCSeq: 1 NEGOTIATE\nCall-ID: 8d8b\n"
        "From: <sip:edge.contoso.test>;tag=98\nTo: <sip:connect.fabrikam.test>\nCompression: LZ77-8K\nMax-Forwards: 0\n"
        "Content-Length: 0\n\n"
    )
    received = pair.bob.take(RequestReceived)
    pair.bob.connection.respond(received.transaction, 405, pair.now)
    response = parse(pair.bob.connection.data_to_send())
    assert response.top_via.raw == "SIP/2.0/TLS 192.0.2.2:2616"


def test_a_ping_is_answered_by_itself_between_two_messages(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.alice.connection.send_ping()
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.bob.take(RequestReceived)
    pair.bob.take(PingReceived)
    pair.bob.take(RequestReceived)
    assert pair.bob.sent == b"\r\n"
    pair.alice.take(PongReceived)


def test_a_response_to_nothing_is_told_and_does_no_harm(pair: Pair, calls: Calls) -> None:
    pair.bob.connection.send_raw(
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS alice.test;branch=z9hG4bKnever\r\nCSeq: 1 MESSAGE\r\n"
        b"Content-Length: 0\r\n\r\n"
        b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    )
    pair.flow()
    assert "no request" in pair.alice.take(ResponseDiscarded).reason
    assert "Via" in pair.alice.take(ResponseDiscarded).reason
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    pair.bob.take(RequestReceived)


def test_a_response_of_another_method_is_no_answer(pair: Pair, calls: Calls) -> None:
    pair.alice.connection.send_request(calls.request(), pair.now)
    pair.flow()
    response = pair.bob.take(RequestReceived).request.respond(200)
    response.headers.set("CSeq", "1 INVITE")
    pair.bob.connection.send_raw(bytes(response))
    pair.flow()
    pair.alice.take(ResponseDiscarded)


@pytest.mark.parametrize(
    ("header", "bad"),
    [
        ("CSeq: 1 MESSAGE", "CSeq: 1 INVITE"),
        ("CSeq: 1 MESSAGE", "CSeq: 99999999999 MESSAGE"),
        ("CSeq: 1 MESSAGE", "CSeq: one MESSAGE"),
        ("From: <sip:a@a.test>;tag=1", "From: <sip:a@a.test;tag=1"),
        ("To: <sip:bob@bob.test>", "To: <sip:bob@bob.test>\nTo: <sip:carol@bob.test>"),
    ],
)
def test_a_malformed_header_is_answered_with_400_and_the_stream_goes_on(pair: Pair, header: str, bad: str) -> None:
    good = REPEATED.format(method="MESSAGE", via=VIAS[0])
    pair.to_bob(good.replace(header, bad) + good)
    refused = pair.bob.take(RequestRefused)
    answer = pair.bob.connection.data_to_send()
    assert answer.startswith(b"SIP/2.0 400 ")
    assert refused.response is not None
    assert bytes(refused.response) == answer
    pair.bob.take(RequestReceived)


def test_the_ack_of_a_malformed_invite_stays_in_its_transaction(pair: Pair) -> None:
    pair.to_bob(REPEATED.format(method="INVITE", via=VIAS[0]).replace("From: <sip:a@a.test>", "From: <sip:a@a.test"))
    pair.to_bob(REPEATED.format(method="ACK", via=VIAS[0]))
    pair.bob.take(RequestRefused)
    assert pair.bob.events == []
    assert pair.bob.connection.open_transactions == 0


def test_a_malformed_repetition_is_answered_beside_the_transaction_that_it_names(pair: Pair) -> None:
    good = REPEATED.format(method="INVITE", via=VIAS[0])
    pair.to_bob(good)
    theirs = pair.bob.take(RequestReceived).transaction
    pair.to_bob(good.replace("From: <sip:a@a.test>", "From: <sip:a@a.test"))
    assert answer(pair) == b"SIP/2.0 400 Bad Request"
    pair.bob.connection.respond(theirs, 200, pair.now)
    assert theirs.state is State.ACCEPTED


def test_a_malformed_ack_is_never_answered(pair: Pair) -> None:
    pair.to_bob(REPEATED.format(method="ACK", via=VIAS[0]).replace("CSeq: 1 ACK", "CSeq: x ACK"))
    assert pair.bob.take(RequestRefused).response is None
    assert pair.bob.connection.data_to_send() == b""


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_request_that_cannot_be_answered_breaks_the_connection(pair: Pair, name: str) -> None:
    good = REPEATED.format(method="MESSAGE", via=VIAS[0])
    without = "".join(line for line in good.splitlines(keepends=True) if not line.startswith(f"{name}:"))
    pair.to_bob(good + without + good.replace("z9hG4bK1", "z9hG4bK2"))
    pair.bob.take(RequestReceived)
    assert name in str(pair.bob.take(ConnectionBroken).error)
    pair.to_bob(good)
    assert pair.bob.events == []


def test_a_message_over_the_limit_is_answered_before_the_connection_is_given_up(pair: Pair) -> None:
    over = REPEATED.format(method="MESSAGE", via=VIAS[0]).replace("Content-Length: 0", "Content-Length: 9999999")
    pair.to_bob(over)
    assert pair.bob.take(RequestRefused).request.method == "MESSAGE"
    assert pair.bob.take(ConnectionBroken).error.status_hint == 413
    assert pair.bob.connection.data_to_send().startswith(b"SIP/2.0 413 ")


def test_garbage_breaks_the_connection_with_one_event(pair: Pair) -> None:
    pair.to_bob("this is no SIP\n\n")
    pair.to_bob("nor this\n\n")
    pair.bob.take(ConnectionBroken)
    assert pair.bob.events == []


def test_the_tap_sees_also_what_makes_no_event(pair: Pair, calls: Calls) -> None:
    _, theirs = invited(pair, calls)
    pair.bob.connection.respond(theirs, 486, pair.now)
    pair.flow()
    ways = [(way, message.start_line.split()[0]) for way, message in pair.bob.seen]
    assert ways == [("in", "INVITE"), ("out", "SIP/2.0"), ("in", "ACK")]


def test_a_connection_needs_no_tap(calls: Calls) -> None:
    connection = SipConnection(sent_by="alice.test")
    connection.send_request(calls.request(), 0.0)
    assert b"\r\nVia: SIP/2.0/TLS alice.test;branch=z9hG4bK" in connection.data_to_send()

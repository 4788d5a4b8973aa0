"""Sessions of two real user agents over a pair of connections, and the races that RFC 3261 §13 to §15 speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog
from simulator.sip.invite import InviteSession, SessionState
from simulator.sip.message import Request
from simulator.sip.transaction import ServerTransaction
from tests.sip.phones import BOB, SDP, Line

if TYPE_CHECKING:
    from tests.sip.wire import Calls, Pair


@pytest.fixture
def line(pair: Pair, calls: Calls) -> Line:
    return Line(pair, calls)


ENDED = (SessionState.ENDED, SessionState.ENDED)


def test_a_session_rings_is_accepted_carries_messages_and_ends(line: Line) -> None:
    line.establish()
    assert line.alice.talk.id is not None
    assert line.alice.talk.answered_with is not None
    assert line.alice.talk.answered_with.body == b"v=0 bob"

    line.alice.send(line.alice.talk.request("MESSAGE", body=b"hello", content_type="text/plain"))
    line.bob.send(line.bob.talk.request("INFO", body=b"<x/>", content_type="application/xml"))
    line.run()
    assert [request.body for request in line.bob.for_user + line.alice.for_user] == [b"hello", b"<x/>"]

    line.alice.send(*line.alice.talk.bye(line.pair.now))
    line.run()
    assert line.states() == ENDED
    assert (line.alice.talk.ended_because, line.bob.talk.ended_because) == ("we ended it", "the peer ended it")
    assert line.pair.alice.sent_lines()[1].startswith("ACK sip:bob@bob.test;opaque=user:epid:b;gruu ")


def test_ringing_is_told_to_the_caller(line: Line) -> None:
    line.ring()
    line.bob.send(line.bob.talk.ring(101, reason="Progress Report", headers=BOB))
    line.run()
    assert line.states() == (SessionState.RINGING, SessionState.RINGING)
    assert line.alice.talk.id == Dialog.id_of(line.bob.talk.reject(486))


def test_100_is_not_ringing(line: Line) -> None:
    line.ring()
    assert isinstance(line.bob.invite_transaction, ServerTransaction)
    line.pair.bob.connection.respond(line.bob.invite_transaction, 100, line.pair.now)
    line.run()
    assert line.alice.talk.state is SessionState.INVITED
    assert line.alice.talk.id is None


def test_a_refused_session_is_over_on_both_sides(line: Line) -> None:
    line.ring()
    line.bob.send(line.bob.talk.reject(488, headers=[("Warning", '309 a "no"')]))
    line.run()
    assert line.states() == ENDED
    assert line.alice.talk.answered_with is not None
    assert line.alice.talk.answered_with.status == 488
    assert line.alice.talk.ended_because == "the peer refused with 488"
    assert line.alice.talk.bye(line.pair.now) == []


def test_a_cancelled_session_ends_with_487(line: Line) -> None:
    line.ring()
    line.bob.send(line.bob.talk.ring(headers=BOB))
    line.run()
    line.alice.cancel()
    line.run()
    assert line.states() == ENDED
    assert line.alice.statuses == [("INVITE", 180), ("CANCEL", 200), ("INVITE", 487)]
    assert line.bob.talk.ended_because == "the caller cancelled"


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_ended_by_bye(line: Line) -> None:
    """RFC 3261 §9.1 and §15: the CANCEL came too late, so the session is there and has to be ended."""
    line.ring()
    line.bob.send(line.bob.talk.ring(headers=BOB))
    line.run()
    line.bob.send(line.bob.talk.accept(line.pair.now, headers=BOB))
    line.alice.cancel()
    line.run()
    assert [text.split()[0] for text in line.pair.alice.sent_lines()] == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert line.states() == ENDED


def test_byes_that_cross_end_both_sides_and_both_get_200(line: Line) -> None:
    line.establish()
    line.alice.statuses.clear()
    line.alice.send(*line.alice.talk.bye(line.pair.now))
    line.bob.send(*line.bob.talk.bye(line.pair.now))
    line.run()
    assert line.states() == ENDED
    assert line.alice.statuses == line.bob.statuses == [("BYE", 200)]


def test_a_second_bye_is_not_sent(line: Line) -> None:
    line.establish()
    assert len(line.alice.talk.bye(line.pair.now)) == 1
    assert line.alice.talk.bye(line.pair.now) == []


def test_a_callee_waits_with_its_bye_until_the_ack(line: Line) -> None:
    """RFC 3261 §15."""
    line.ring()
    line.bob.send(line.bob.talk.accept(line.pair.now, headers=BOB))
    assert line.bob.talk.bye(line.pair.now) == []
    line.run()
    assert line.states() == ENDED
    assert [text.split()[0] for text in line.pair.bob.sent_lines()] == ["SIP/2.0", "BYE"]


def test_a_callee_whose_update_fails_waits_with_its_bye_until_the_ack_too(line: Line) -> None:
    line.ring()
    line.bob.send(line.bob.talk.accept(line.pair.now, headers=BOB))
    update = line.bob.talk.request("UPDATE")
    assert line.bob.talk.request_failed(update, "No final response.") == []
    line.run()
    assert line.states() == ENDED
    assert line.bob.talk.ended_because == "No final response"


def test_a_200_is_repeated_ever_more_slowly_until_its_ack(line: Line) -> None:
    """RFC 3261 §13.3.1.4: T1, doubled up to T2."""
    line.ring()
    start = line.pair.now
    accepted = line.bob.talk.accept(start, headers=BOB)
    moments = []
    while (at := line.bob.talk.next_timeout()) is not None:
        again = line.bob.talk.handle_timeout(at)
        moments.append(at - start)
        if again != [accepted]:
            break
    assert moments == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32.0]
    assert isinstance(again[0], Request)
    assert (again[0].method, line.bob.talk.state) == ("BYE", SessionState.ENDING)
    line.bob.talk.receive_response(again[0].respond(200), start)
    assert line.bob.talk.ended_because == "the ACK never came"


def test_each_repeated_200_gets_the_same_ack_again(line: Line) -> None:
    line.ring()
    accepted = line.bob.talk.accept(line.pair.now, headers=BOB)
    line.bob.send(accepted, accepted)
    line.run()
    acks = [bytes(message) for _, message in line.pair.bob.seen if message.start_line.startswith("ACK")]
    assert len(acks) == 2
    assert line.alice.talk.state is SessionState.ESTABLISHED


def test_the_ack_stops_the_repetition_and_only_that_of_its_own_number(line: Line) -> None:
    line.ring()
    line.bob.talk.accept(line.pair.now, headers=BOB)
    assert line.bob.talk.dialog is not None
    wrong = line.calls.peer_request(line.bob.talk.dialog, "ACK", 99)
    line.bob.talk.receive_ack(wrong, line.pair.now)
    assert line.bob.talk.next_timeout() is not None
    line.bob.talk.receive_ack(line.calls.peer_request(line.bob.talk.dialog, "ACK", 1), line.pair.now)
    assert line.bob.talk.next_timeout() is None


def test_a_second_200_from_another_branch_of_a_fork_is_acknowledged_and_ended(line: Line) -> None:
    line.establish()
    stranger = line.calls.respond(line.alice.talk.invite, 200, "carols", Contact="<sip:carol@bob.test>")
    ack, bye = line.alice.talk.receive_response(stranger, line.pair.now)
    assert (ack.method, bye.method, bye.to.tag, bye.uri) == ("ACK", "BYE", "carols", "sip:carol@bob.test")
    assert line.alice.talk.state is SessionState.ESTABLISHED
    assert line.alice.talk.receive_response(stranger, line.pair.now) == [ack]


def test_a_new_invite_refreshes_the_target_and_gets_the_description_again(line: Line) -> None:
    line.establish()
    moved = [("Contact", "<sip:alice@elsewhere.test>")]
    line.alice.send(line.alice.talk.request("INVITE", headers=moved, body=b"v=0 again", content_type=SDP))
    line.run()
    assert line.alice.statuses[-1] == ("INVITE", 200)
    final = next(message for way, message in reversed(line.pair.alice.seen) if way == "in")
    assert (final.body, final.content_type) == (b"v=0 bob", SDP)
    assert final.contact is not None
    assert line.bob.talk.request("MESSAGE").uri == "sip:alice@elsewhere.test"
    assert line.bob.talk.next_timeout() is None
    assert line.states() == (SessionState.ESTABLISHED, SessionState.ESTABLISHED)


def test_an_update_without_offer_is_answered_without_one(line: Line) -> None:
    line.establish()
    line.alice.send(line.alice.talk.request("UPDATE"))
    line.alice.send(line.alice.talk.request("UPDATE", body=b"v=0", content_type=SDP))
    line.run()
    bodies = [message.body for _, message in line.pair.alice.seen if message.cseq.method == "UPDATE"]
    assert bodies == [b"", b"v=0", b"", b"v=0 bob"]


def test_new_invites_that_cross_are_both_told_to_wait(line: Line) -> None:
    """RFC 3261 §14.2."""
    line.establish()
    line.alice.statuses.clear()
    for phone in (line.alice, line.bob):
        phone.send(phone.talk.request("INVITE", body=b"v=0", content_type=SDP))
    line.run()
    assert line.alice.statuses == line.bob.statuses == [("INVITE", 491)]
    line.alice.send(line.alice.talk.request("INVITE", body=b"v=0", content_type=SDP))
    line.run()
    assert line.alice.statuses[-1] == ("INVITE", 200)
    line.advance(10)
    assert line.alice.statuses == [("INVITE", 491), ("INVITE", 200)], "what was made anew is not tried again"
    assert line.bob.statuses == [("INVITE", 491), ("INVITE", 200)]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_changes_that_crossed_are_tried_again_the_callers_after_the_callees(line: Line, method: str) -> None:
    """RFC 3261 §14.1: 2.1 to 4 seconds for who made the Call-ID, up to 2 for the other; RFC 3311 §5.2 likewise."""
    line.establish()
    for phone, offer in ((line.alice, b"v=0 more of alice"), (line.bob, b"v=0 more of bob")):
        phone.send(phone.talk.request(method, headers=[("Subject", "x")], body=offer, content_type=SDP))
    line.run()
    start = line.pair.now
    for phone, least, most in ((line.bob, 0.0, 2.0), (line.alice, 2.1, 4.0)):
        at = phone.talk.next_timeout()
        assert at is not None
        assert least <= at - start <= most
    line.advance(2.05)
    assert (line.alice.statuses[-1], line.bob.statuses[-1]) == ((method, 491), (method, 200))
    line.advance(2)
    assert line.alice.statuses[-1] == line.bob.statuses[-1] == (method, 200)
    sent = [message for way, message in line.pair.alice.seen if way == "out" and isinstance(message, Request)]
    tries = [request for request in sent if request.body == b"v=0 more of alice"]
    assert [request.headers.get("Subject") for request in tries] == ["x", "x"]
    assert line.alice.talk.next_timeout() is line.bob.talk.next_timeout() is None


def test_a_description_that_was_refused_is_not_ours(line: Line) -> None:
    line.establish()
    offer = line.alice.talk.request("INVITE", body=b"v=0 refused", content_type=SDP)
    line.alice.talk.receive_response(line.calls.respond(offer, 488), line.pair.now)
    line.bob.send(line.bob.talk.request("UPDATE", body=b"v=0", content_type=SDP))
    line.run()
    assert line.pair.bob.seen[-1][1].body == b"v=0 alice"


def test_an_offer_of_ours_makes_one_of_the_peer_wait_but_no_update_without(line: Line) -> None:
    line.establish()
    line.alice.talk.request("UPDATE", body=b"v=0", content_type=SDP)
    for method, body, status in (("INVITE", b"", 491), ("UPDATE", b"v=0", 491), ("UPDATE", b"", 200)):
        line.bob.send(line.bob.talk.request(method, body=body, content_type=SDP if body else None))
        line.run()
        assert line.bob.statuses[-1] == (method, status)
    for second in ("INVITE", "UPDATE"):
        with pytest.raises(LocalProtocolError, match="not answered"):
            line.alice.talk.request(second, body=b"v=0", content_type=SDP)
    line.alice.talk.request("UPDATE")


def test_an_early_dialog_can_be_updated_but_not_renegotiated(line: Line) -> None:
    """RFC 3311 §5.2: before the answer to its INVITE, the caller's next offer gets 500 and the callee's 491."""
    line.ring()
    line.bob.send(line.bob.talk.ring(headers=BOB))
    line.run()
    line.alice.send(line.alice.talk.request("UPDATE", headers=[("Contact", "<sip:alice@moved.test>")]))
    line.run()
    assert line.alice.statuses[-1] == ("UPDATE", 200)
    assert line.bob.talk.dialog is not None
    assert line.bob.talk.dialog.target == "sip:alice@moved.test"
    for phone in (line.alice, line.bob):
        with pytest.raises(LocalProtocolError):
            phone.talk.request("UPDATE", body=b"v=0", content_type=SDP)
    answers = []
    for phone in (line.alice, line.bob):
        assert phone.talk.dialog is not None
        early = line.calls.peer_request(phone.talk.dialog, "UPDATE", 50)
        early.set_body(b"v=0", SDP)
        answers.append(phone.talk.receive_request(early, line.pair.now))
    ours, theirs = answers
    assert ours is not None
    assert theirs is not None
    assert (ours.status, theirs.status) == (491, 500)
    assert 0 <= int(theirs.headers.get("Retry-After") or -1) <= 10


def test_a_bye_before_the_200_ends_the_invite_with_487(line: Line) -> None:
    """RFC 3261 §15.1.2; only other callers than ours say BYE where they could cancel."""
    line.ring()
    line.bob.send(line.bob.talk.ring(headers=BOB))
    line.run()
    assert line.alice.talk.dialog is not None
    line.alice.send(line.alice.talk.dialog.request("BYE"))
    line.run()
    assert sorted(line.alice.statuses) == [("BYE", 200), ("INVITE", 180), ("INVITE", 487)]
    assert line.states() == ENDED
    assert line.bob.talk.ended_because == "the peer ended it"
    assert line.bob.talk.next_timeout() is None


def test_a_second_invite_of_ours_waits_for_the_first(line: Line) -> None:
    line.establish()
    line.alice.talk.request("INVITE")
    with pytest.raises(LocalProtocolError, match="not answered"):
        line.alice.talk.request("INVITE")


def test_a_new_invite_before_the_ack_of_the_first_is_put_off(line: Line) -> None:
    line.ring()
    line.bob.talk.accept(line.pair.now, headers=BOB)
    assert line.bob.talk.dialog is not None
    again = line.calls.peer_request(line.bob.talk.dialog, "INVITE", 2)
    response = line.bob.talk.receive_request(again, line.pair.now)
    assert response is not None
    assert response.status == 500
    assert 0 <= int(response.headers.get("Retry-After") or -1) <= 10


def test_a_481_to_a_message_says_that_the_session_is_gone(line: Line) -> None:
    line.establish()
    message = line.alice.talk.request("MESSAGE")
    line.alice.talk.receive_response(line.calls.respond(message, 481), line.pair.now)
    assert line.alice.talk.ended
    assert line.alice.talk.ended_because == "the peer answered MESSAGE with 481"


def test_a_refused_message_leaves_the_session_as_it_is(line: Line) -> None:
    line.establish()
    message = line.alice.talk.request("MESSAGE")
    line.alice.talk.receive_response(line.calls.respond(message, 488), line.pair.now)
    assert line.alice.talk.state is SessionState.ESTABLISHED


def test_a_bye_that_nobody_answers_ends_the_session_all_the_same(line: Line) -> None:
    line.establish()
    line.alice.send(*line.alice.talk.bye(line.pair.now))
    line.pair.alice.connection.data_to_send()
    line.advance(32)
    assert line.alice.talk.ended
    assert "BYE" in line.alice.talk.ended_because


def test_a_new_invite_lost_with_its_connection_leaves_the_session_and_the_next_may_go(line: Line) -> None:
    line.establish()
    lost = line.alice.talk.request("INVITE")
    assert line.alice.talk.request_failed(lost, "The connection was lost.", status=503) == []
    assert line.alice.talk.state is SessionState.ESTABLISHED
    line.alice.talk.request("INVITE")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_change_that_nobody_answers_ends_the_session_by_bye(line: Line, method: str) -> None:
    """RFC 3261 §12.2.1.2."""
    line.establish()
    line.alice.send(line.alice.talk.request(method))
    line.pair.alice.connection.data_to_send()
    line.advance(32)
    assert line.states() == ENDED
    assert method in line.alice.talk.ended_because
    assert line.bob.talk.ended_because == "the peer ended it"


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "MESSAGE"])
def test_a_408_ends_the_session_by_bye(line: Line, method: str) -> None:
    line.establish()
    request = line.alice.talk.request(method)
    (bye,) = line.alice.talk.receive_response(line.calls.respond(request, 408), line.pair.now)
    assert bye.method == "BYE"
    line.alice.send(bye)
    line.run()
    assert line.states() == ENDED
    assert line.alice.talk.ended_because == f"the peer answered {method} with 408"


def test_an_invite_that_nobody_answers_ends_the_session(line: Line) -> None:
    line.alice.call(line.calls.request("INVITE"))
    line.pair.alice.connection.data_to_send()
    line.advance(32)
    assert line.alice.talk.ended
    assert "timer B" in line.alice.talk.ended_because


def test_after_the_end_every_request_gets_481(line: Line) -> None:
    line.establish()
    dialog = line.alice.talk.dialog
    assert dialog is not None
    line.bob.send(*line.bob.talk.bye(line.pair.now))
    line.run()
    late = line.alice.talk.receive_request(line.calls.peer_request(dialog, "MESSAGE", 99), line.pair.now)
    assert late is not None
    assert late.status == 481


def test_an_out_of_order_message_is_refused_by_the_session(line: Line) -> None:
    line.establish()
    assert line.alice.talk.dialog is not None
    first = line.calls.peer_request(line.alice.talk.dialog, "MESSAGE", 5)
    assert line.alice.talk.receive_request(first, line.pair.now) is None
    stale = line.alice.talk.receive_request(first, line.pair.now)
    assert stale is not None
    assert stale.status == 500


def test_what_a_role_or_state_forbids_is_a_mistake_of_ours(line: Line) -> None:
    line.ring()
    for forbidden in (
        line.alice.talk.ring,
        lambda: line.alice.talk.reject(486),
        lambda: line.alice.talk.bye(0.0),
        lambda: line.alice.talk.request("MESSAGE"),
        line.bob.talk.give_up,
    ):
        with pytest.raises(LocalProtocolError):
            forbidden()
    line.bob.talk.reject(486)
    with pytest.raises(LocalProtocolError):
        line.bob.talk.ring()


def test_an_invite_whose_contact_cannot_be_read_makes_no_session(calls: Calls) -> None:
    invite = calls.request("INVITE")
    invite.headers.set("Contact", "<sip:alice@alice.test")
    with pytest.raises(RemoteProtocolError):
        InviteSession.answer(invite)


def test_a_response_that_cannot_be_read_ends_the_session_with_a_sentence(line: Line) -> None:
    line.establish()
    update = line.alice.talk.request("UPDATE")
    line.alice.talk.receive_response(line.calls.respond(update, 200, Contact="<sip:bob@bob.test"), line.pair.now)
    assert line.alice.talk.ended_because.startswith("a response could not be read: ")

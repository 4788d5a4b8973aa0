"""Session timers of two sessions over a pair of connections, and the table of refreshers of RFC 4028 §9."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.invite import InviteSession, SessionState
from simulator.sip.message import Request
from simulator.sip.session_timer import SessionClock, SessionTimer
from tests.sip.phones import ALLOW, BOB, SDP, Line

if TYPE_CHECKING:
    from tests.sip.wire import Calls, Pair

NOW = 1000.0
TIMER = SessionTimer(interval=600)
ESTABLISHED = (SessionState.ESTABLISHED, SessionState.ESTABLISHED)
ENDED = (SessionState.ENDED, SessionState.ENDED)


@pytest.fixture
def line(pair: Pair, calls: Calls) -> Line:
    """Both sides know session timers; alice allows UPDATE."""
    line = Line(pair, calls, alice=TIMER, bob=TIMER)
    line.establish(Allow=ALLOW[1])
    return line


def received(calls: Calls, **more: str) -> Request:
    invite = calls.request("INVITE", **more)
    invite.headers.prepend("Via", "SIP/2.0/TLS alice.test;branch=z9hG4bK1")
    return invite


def requests(line: Line, method: str) -> list[Request]:
    """Those of alice, then those of bob."""
    seen = [message for end in (line.pair.alice, line.pair.bob) for way, message in end.seen if way == "out"]
    return [message for message in seen if isinstance(message, Request) and message.method == method]


def test_without_a_session_timer_nothing_of_it_is_said_and_a_session_lasts(pair: Pair, calls: Calls) -> None:
    line = Line(pair, calls, bob=TIMER)
    line.alice.session_timer = None
    invite = calls.request("INVITE")
    assert InviteSession.call(invite).invite is invite
    line.bob.session_timer = None
    line.establish(Session_Expires="90", Supported="timer")
    line.advance(10_000)
    assert line.states() == ESTABLISHED
    assert not any("Session-Expires" in message.headers for way, message in pair.bob.seen if way == "out")


def test_the_caller_asks_and_the_callee_grants(line: Line) -> None:
    invite = line.alice.talk.invite
    assert invite.headers.get("Session-Expires") == "600"
    assert invite.headers.get_all("Supported") == ["timer"]
    assert "Min-SE" not in invite.headers
    answer = line.alice.talk.answered_with
    assert answer is not None
    assert answer.headers.get("Session-Expires") == "600;refresher=uac"
    assert answer.headers.get("Require") == "timer"
    assert line.alice.talk.next_timeout() == line.pair.now + 300
    assert line.bob.talk.next_timeout() == line.pair.now + 568


def test_a_refreshed_session_lasts(line: Line) -> None:
    line.advance(3_000)
    assert line.states() == ESTABLISHED
    refreshes = requests(line, "UPDATE")
    assert len(refreshes) == 10
    assert {request.headers.get("Session-Expires") for request in refreshes} == {"600;refresher=uac"}
    assert {request.body for request in refreshes} == {b""}
    assert refreshes[0].contact is not None


def test_a_peer_that_does_not_allow_update_is_refreshed_by_invite_with_the_description_again(
    pair: Pair, calls: Calls
) -> None:
    line = Line(pair, calls, alice=TIMER, bob=SessionTimer(we_refresh=True))
    line.establish()
    assert line.bob.talk.clock is not None
    assert line.bob.talk.clock.we_refresh
    line.advance(300)
    (refresh,) = requests(line, "INVITE")[1:]
    assert (refresh.body, refresh.content_type) == (b"v=0 bob", SDP)
    assert refresh.headers.get("Session-Expires") == "600;refresher=uac"
    line.advance(3_000)
    assert line.states() == ESTABLISHED


@pytest.mark.parametrize("status", [405, 501])
def test_a_peer_that_does_not_know_update_after_all_is_refreshed_by_invite(line: Line, status: int) -> None:
    (refresh,) = line.alice.talk.handle_timeout(line.pair.now + 300)
    assert isinstance(refresh, Request)
    line.alice.talk.receive_response(line.calls.respond(refresh, status), line.pair.now + 300)
    (again,) = line.alice.talk.handle_timeout(line.pair.now + 300)
    assert isinstance(again, Request)
    assert (refresh.method, again.method) == ("UPDATE", "INVITE")


def test_a_change_of_either_side_refreshes_too_and_keeps_the_roles(line: Line) -> None:
    line.advance(200)
    line.bob.send(line.bob.talk.request("INVITE", body=b"v=0 b", content_type=SDP))
    line.run()
    assert requests(line, "INVITE")[-1].headers.get("Session-Expires") == "600;refresher=uas"
    assert line.alice.talk.next_timeout() == line.pair.now + 300
    assert line.bob.talk.next_timeout() == line.pair.now + 568


def test_a_session_that_nobody_refreshes_is_ended_by_bye_before_its_time_is_over(line: Line) -> None:
    """RFC 4028 §10: 32 seconds before, or a third of a short interval."""
    start = line.pair.now
    assert line.bob.talk.handle_timeout(start + 567) == []
    (bye,) = line.bob.talk.handle_timeout(start + 568)
    assert isinstance(bye, Request)
    assert bye.method == "BYE"
    line.bob.send(bye)
    line.run()
    assert line.states() == ENDED
    assert line.bob.talk.ended_because == "nobody refreshed it in time"
    clock = SessionClock(TIMER)
    clock.agreed(line.calls.respond(line.alice.talk.invite, 200, Session_Expires="90;refresher=uas"), NOW)
    assert clock.end_at == NOW + 60


def test_a_refresh_without_answer_ends_the_session_by_bye(line: Line) -> None:
    line.advance(299)
    line.alice.send(*line.alice.talk.handle_timeout(line.pair.now + 1))
    line.pair.alice.connection.data_to_send()
    line.advance(33)
    assert line.states() == ENDED
    assert "UPDATE" in line.alice.talk.ended_because


@pytest.mark.parametrize(
    ("status", "more", "pause"),
    [(500, {"Retry_After": "7 (busy);duration=9"}, 7), (503, {}, 134), (500, {"Retry_After": "soon"}, 134)],
)
def test_a_refused_refresh_is_tried_again_as_the_peer_says_or_after_half_of_what_is_left(
    line: Line, status: int, more: dict[str, str], pause: float
) -> None:
    at = line.pair.now + 300
    (refresh,) = line.alice.talk.handle_timeout(at)
    assert isinstance(refresh, Request)
    assert line.alice.talk.next_timeout() == line.pair.now + 568
    line.alice.talk.receive_response(line.calls.respond(refresh, status, **more), at)
    assert line.alice.talk.next_timeout() == at + pause
    assert line.alice.talk.state is SessionState.ESTABLISHED


def test_a_refresh_lost_with_its_connection_is_tried_again(line: Line) -> None:
    at = line.pair.now + 300
    (refresh,) = line.alice.talk.handle_timeout(at)
    assert isinstance(refresh, Request)
    assert line.alice.talk.request_failed(refresh, "The connection was lost.", status=503, now=at) == []
    assert line.alice.talk.next_timeout() == at + 134


def test_a_refresh_by_invite_that_meets_one_of_the_peer_is_tried_again_soon(pair: Pair, calls: Calls) -> None:
    line = Line(pair, calls, alice=SessionTimer(600, method="INVITE"), bob=TIMER)
    line.establish()
    pair.now += 300
    line.bob.send(line.bob.talk.request("INVITE", body=b"v=0", content_type=SDP))
    line.alice.send(*line.alice.talk.handle_timeout(pair.now))
    line.run()
    at = line.alice.talk.next_timeout()
    assert at is not None
    assert 2.1 <= at - pair.now <= 4.0
    bobs = line.bob.talk.next_timeout()
    assert bobs is not None
    line.advance(bobs - pair.now)
    assert line.alice.talk.next_timeout() == pytest.approx(pair.now + 300), (
        "the INVITE of bob, tried again, has refreshed it"
    )
    line.advance(3_000)
    assert line.states() == ESTABLISHED


def test_too_short_an_interval_gets_422_and_the_caller_asks_again_for_what_the_callee_wants(
    pair: Pair, calls: Calls
) -> None:
    line = Line(pair, calls, alice=SessionTimer(interval=120), bob=SessionTimer(interval=1800, minimum=300))
    line.ring()
    assert line.alice.statuses == [("INVITE", 422)]
    first, second = requests(line, "INVITE")
    assert (second.cseq.number, second.call_id, second.from_.raw) == (2, first.call_id, first.from_.raw)
    assert (second.headers.get("Session-Expires"), second.headers.get("Min-SE")) == ("300", "300")
    line.bob.send(line.bob.talk.accept(pair.now, headers=BOB))
    line.run()
    assert line.states() == ESTABLISHED
    line.advance(1_000)
    assert line.states() == ESTABLISHED
    assert {message.headers.get("Min-SE") for message in requests(line, "UPDATE")} <= {"300"}


@pytest.mark.parametrize("minimum", ["120", "90", "", "soon"])
def test_a_422_that_makes_no_sense_is_a_refusal(calls: Calls, minimum: str) -> None:
    session = InviteSession.call(calls.request("INVITE"), session_timer=SessionTimer(interval=120))
    refusal = calls.respond(session.invite, 422, **({"Min_SE": minimum} if minimum else {}))
    assert session.receive_response(refusal, NOW) == []
    assert session.ended


def test_who_gave_up_does_not_call_again_after_a_422(calls: Calls) -> None:
    session = InviteSession.call(calls.request("INVITE"), session_timer=TIMER)
    session.give_up()
    assert session.receive_response(calls.respond(session.invite, 422, Min_SE="900"), NOW) == []
    assert session.ended


def test_a_refresh_that_is_too_short_is_refused_and_asked_again(line: Line) -> None:
    (refresh,) = line.alice.talk.handle_timeout(line.pair.now + 300)
    assert isinstance(refresh, Request)
    (again,) = line.alice.talk.receive_response(line.calls.respond(refresh, 422, Min_SE="900"), line.pair.now)
    assert (again.method, again.cseq.number) == (refresh.method, refresh.cseq.number + 1)
    assert again.headers.get("Session-Expires") == "900;refresher=uac"
    assert line.bob.talk.dialog is not None
    brief = line.calls.peer_request(line.bob.talk.dialog, "UPDATE", 70, Supported="timer", Session_Expires="89")
    refusal = line.bob.talk.receive_request(brief, line.pair.now)
    assert refusal is not None
    assert (refusal.status, refusal.headers.get("Min-SE")) == (422, "90")


def test_a_200_without_session_expires_means_that_there_is_no_session_timer(pair: Pair, calls: Calls) -> None:
    line = Line(pair, calls, alice=TIMER)
    line.establish()
    assert line.alice.talk.clock is not None
    assert (line.alice.talk.clock.interval, line.alice.talk.next_timeout()) == (None, None)


def test_a_caller_without_session_timers_is_refreshed_by_the_callee_until_its_answer_turns_the_timer_off(
    pair: Pair, calls: Calls
) -> None:
    line = Line(pair, calls, bob=TIMER)
    line.establish(Allow=ALLOW[1])
    answer = line.alice.talk.answered_with
    assert answer is not None
    assert answer.headers.get("Session-Expires") == "600;refresher=uas"
    assert "Require" not in answer.headers
    assert line.bob.talk.next_timeout() == pair.now + 300
    line.advance(2_000)
    assert line.states() == ESTABLISHED
    assert len(requests(line, "UPDATE")) == 1
    assert line.bob.talk.next_timeout() is None


@pytest.mark.parametrize(
    ("asked", "minimum", "granted"),
    [(None, None, 600), ("400", None, 400), ("4000", None, 600), ("4000", "900", 900), (None, "900", 900)],
)
def test_the_callee_shortens_but_never_below_the_callers_minimum(
    calls: Calls, asked: str | None, minimum: str | None, granted: int
) -> None:
    more = {name: value for name, value in (("Session_Expires", asked), ("Min_SE", minimum)) if value is not None}
    clock = SessionClock(TIMER)
    (name, value), *_ = clock.grant(received(calls, Supported="timer", **more), NOW)
    assert (name, value.partition(";")[0]) == ("Session-Expires", str(granted))
    assert clock.end_at == NOW + granted - 32


@pytest.mark.parametrize(
    ("knows", "asked", "we_refresh", "role"),
    [
        (False, "300", None, "uas"),
        (False, "300", False, "uas"),
        (True, "300", None, "uac"),
        (True, "300", True, "uas"),
        (True, "300;refresher=uac", True, "uac"),
        (True, "300;refresher=UAS", False, "uas"),
    ],
)
def test_the_refresher_is_who_the_caller_names_else_who_the_callee_chooses_else_who_can(
    calls: Calls, knows: bool, asked: str, we_refresh: bool | None, role: str
) -> None:
    """RFC 4028 §9, Table 2."""
    clock = SessionClock(SessionTimer(we_refresh=we_refresh))
    more = {"k": "100rel, Timer"} if knows else {}
    headers = clock.grant(received(calls, x=asked, **more), NOW)
    assert headers[0] == ("Session-Expires", f"300;refresher={role}")
    assert (("Require", "timer") in headers) == knows
    assert clock.we_refresh == (role == "uas")
    assert (clock.refresh_at is not None) == (role == "uas")


@pytest.mark.parametrize(
    ("said", "we_refresh"), [("300;refresher=uac", True), ("300;refresher=uas", False), ("300", True)]
)
def test_the_answer_tells_the_caller_who_refreshes(calls: Calls, said: str, we_refresh: bool) -> None:
    clock = SessionClock(TIMER)
    clock.agreed(calls.respond(received(calls), 200, Session_Expires=said), NOW)
    assert (clock.we_refresh, clock.interval) == (we_refresh, 300)


@pytest.mark.parametrize(("we_refresh", "role"), [(True, ";refresher=uac"), (False, ";refresher=uas"), (None, "")])
def test_a_caller_may_say_who_is_to_refresh(calls: Calls, we_refresh: bool | None, role: str) -> None:
    session = InviteSession.call(calls.request("INVITE"), session_timer=SessionTimer(we_refresh=we_refresh))
    assert session.invite.headers.get("Session-Expires") == f"1800{role}"


def test_headers_that_the_user_gives_stand(calls: Calls) -> None:
    invite = calls.request("INVITE", Session_Expires="77", k="100rel, timer")
    session = InviteSession.call(invite, session_timer=TIMER)
    assert bytes(session.invite) == bytes(invite)


@pytest.mark.parametrize(
    "make", [lambda: SessionTimer(interval=89), lambda: SessionTimer(minimum=89), lambda: SessionTimer(100, 101)]
)
def test_no_interval_is_shorter_than_90_seconds(make: Callable[[], SessionTimer]) -> None:
    with pytest.raises(LocalProtocolError):
        make()


@pytest.mark.parametrize("value", ["", "soon", "-1", "90;;", "90;refresher=me"])
def test_a_session_expires_that_cannot_be_read_is_the_peers_mistake(line: Line, value: str) -> None:
    assert line.bob.talk.dialog is not None
    update = line.calls.peer_request(line.bob.talk.dialog, "UPDATE", 70, Supported="timer", Session_Expires=value)
    refusal = line.bob.talk.receive_request(update, line.pair.now)
    assert refusal is not None
    assert refusal.status == 400
    assert line.states() == ESTABLISHED
    with pytest.raises(RemoteProtocolError):
        SessionClock(TIMER).grant(received(line.calls, Session_Expires=value), NOW)

"""The four machines against the rules of RFC 3261 §17, RFC 6026 and RFC 4320, stated here without their tables."""

from __future__ import annotations

import itertools

import pytest

from simulator.sip.headers import Headers
from simulator.sip.message import Request
from simulator.sip.transaction import (
    CLIENT_INVITE,
    CLIENT_NON_INVITE,
    SERVER_INVITE,
    SERVER_NON_INVITE,
    Action,
    ClientTransaction,
    Input,
    Machine,
    ServerTransaction,
    State,
    Timers,
    Transaction,
    kind_of_status,
    server_key,
)
from simulator.sip.transaction_layer import Alarms

MACHINES = [CLIENT_INVITE, CLIENT_NON_INVITE, SERVER_INVITE, SERVER_NON_INVITE]
CLIENTS = [CLIENT_INVITE, CLIENT_NON_INVITE]
SERVERS = [SERVER_INVITE, SERVER_NON_INVITE]
REQUEST = Request("INVITE", "sip:bob@bob.test", Headers())


def by_name(machine: Machine) -> str:
    return machine.name


def walk(machine: Machine, *inputs: Input) -> tuple[State, list[Action]]:
    """Where a fresh transaction stands after these inputs, and all it was told to do."""
    transaction = Transaction(machine, REQUEST, ())
    done: list[Action] = []
    for given in inputs:
        done += transaction.step(given) or ()
    return transaction.state, done


@pytest.mark.parametrize("machine", MACHINES, ids=by_name)
def test_every_state_can_be_reached_and_left_and_nothing_leaves_the_last(machine: Machine) -> None:
    reached = {machine.initial}
    for _ in State:
        reached |= {after for (before, _given), (after, _) in machine.rows.items() if before in reached}
    assert {before for before, _ in machine.rows} == reached - {State.TERMINATED}
    assert State.TERMINATED in reached


@pytest.mark.parametrize("machine", MACHINES, ids=by_name)
def test_a_state_has_a_row_for_its_timer_exactly_when_a_timer_runs_in_it(machine: Machine) -> None:
    assert {state for state, given in machine.rows if given is Input.TIMER} == set(machine.timers)
    assert set(machine.timers.values()) <= set(Timers().lengths())


@pytest.mark.parametrize("machine", MACHINES, ids=by_name)
def test_the_loss_of_the_connection_ends_every_state(machine: Machine) -> None:
    for state in {before for before, _ in machine.rows}:
        assert machine.rows[state, Input.LOST][0] is State.TERMINATED


@pytest.mark.parametrize("machine", CLIENTS, ids=by_name)
def test_a_client_hands_over_every_response_up_to_the_first_failure_and_no_later_one(machine: Machine) -> None:
    for responses in itertools.product((Input.PROVISIONAL, Input.FAILURE), repeat=4):
        _, done = walk(machine, *responses)
        until_failure = [*itertools.takewhile(lambda given: given is Input.PROVISIONAL, responses)]
        wanted = len(until_failure) + (Input.FAILURE in responses)
        assert done.count(Action.DELIVER) == wanted, responses


def test_only_an_invite_is_acknowledged_and_each_failure_of_it_each_time_it_comes() -> None:
    assert walk(CLIENT_INVITE, Input.FAILURE, Input.FAILURE)[1].count(Action.ACKNOWLEDGE) == 2
    assert walk(CLIENT_INVITE, Input.SUCCESS, Input.SUCCESS)[1].count(Action.ACKNOWLEDGE) == 0
    assert walk(CLIENT_NON_INVITE, Input.FAILURE, Input.FAILURE)[1] == [Action.DELIVER]


def test_a_repeated_success_of_an_invite_reaches_the_user_again_but_a_late_failure_does_not() -> None:
    state, done = walk(CLIENT_INVITE, Input.SUCCESS, Input.SUCCESS, Input.FAILURE)
    assert (state, done) == (State.ACCEPTED, [Action.DELIVER, Action.DELIVER])


def test_an_invite_that_rings_waits_forever_unless_it_was_cancelled() -> None:
    assert walk(CLIENT_INVITE, Input.PROVISIONAL, Input.TIMER)[0] is State.PROCEEDING
    state, done = walk(CLIENT_INVITE, Input.PROVISIONAL, Input.CANCEL, Input.PROVISIONAL, Input.TIMER)
    assert state is State.TERMINATED
    assert done[-1] is Action.TIME_OUT


def test_an_invite_without_a_provisional_response_must_not_be_cancelled() -> None:
    assert (State.CALLING, Input.CANCEL) not in CLIENT_INVITE.rows


@pytest.mark.parametrize("machine", CLIENTS, ids=by_name)
def test_silence_ends_a_request_in_a_timeout_and_after_the_answer_quietly(machine: Machine) -> None:
    assert walk(machine, Input.TIMER) == (State.TERMINATED, [Action.TIME_OUT])
    assert walk(machine, Input.FAILURE, Input.TIMER)[1].count(Action.TIME_OUT) == 0


@pytest.mark.parametrize("machine", SERVERS, ids=by_name)
def test_a_server_sends_one_final_response_at_most(machine: Machine) -> None:
    for first, second in itertools.product((Input.SUCCESS, Input.FAILURE), repeat=2):
        repeated_success = machine is SERVER_INVITE and first is second is Input.SUCCESS
        _, done = walk(machine, Input.PROVISIONAL, first, second, Input.PROVISIONAL)
        assert done.count(Action.SEND) == (3 if repeated_success else 2), (first, second)


def test_a_repeated_request_is_met_with_the_last_response_except_where_the_rfc_wants_silence() -> None:
    assert walk(SERVER_NON_INVITE, Input.REQUEST)[1] == []
    assert walk(SERVER_NON_INVITE, Input.PROVISIONAL, Input.REQUEST)[1][-1] is Action.RESEND
    assert walk(SERVER_NON_INVITE, Input.SUCCESS, Input.REQUEST)[1][-1] is Action.RESEND
    assert walk(SERVER_INVITE, Input.REQUEST)[1] == []
    assert walk(SERVER_INVITE, Input.PROVISIONAL, Input.REQUEST)[1] == [Action.SEND, Action.RESEND]
    assert walk(SERVER_INVITE, Input.FAILURE, Input.REQUEST)[1][-1] is Action.RESEND
    assert walk(SERVER_INVITE, Input.FAILURE, Input.ACK, Input.REQUEST)[1] == [Action.SEND]
    assert walk(SERVER_INVITE, Input.SUCCESS, Input.REQUEST)[1] == [Action.SEND]


def test_the_ack_of_a_failure_stays_in_the_transaction_and_that_of_a_success_goes_to_the_user() -> None:
    assert walk(SERVER_INVITE, Input.FAILURE, Input.ACK) == (State.CONFIRMED, [Action.SEND])
    assert walk(SERVER_INVITE, Input.SUCCESS, Input.ACK)[1][-1] is Action.DELIVER
    assert walk(SERVER_INVITE, Input.PROVISIONAL, Input.ACK) == (State.PROCEEDING, [Action.SEND])


def test_a_failure_without_ack_is_reported_but_a_success_without_ack_is_the_matter_of_the_session() -> None:
    assert walk(SERVER_INVITE, Input.FAILURE, Input.TIMER) == (State.TERMINATED, [Action.SEND, Action.TIME_OUT])
    assert walk(SERVER_INVITE, Input.SUCCESS, Input.TIMER) == (State.TERMINATED, [Action.SEND])


def test_an_unanswered_non_invite_never_answers_itself() -> None:
    """RFC 4320 §4.2: no 408 to a non-INVITE request; only a 100 (§4.1)."""
    assert walk(SERVER_NON_INVITE, Input.TIMER, Input.TIMER) == (State.PROCEEDING, [Action.TRY])


@pytest.mark.parametrize("machine", SERVERS, ids=by_name)
def test_a_100_is_due_only_as_long_as_nothing_was_sent(machine: Machine) -> None:
    assert walk(machine, Input.TIMER)[1] == [Action.TRY]
    for sent in (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE):
        assert Action.TRY not in walk(machine, sent, Input.TIMER)[1]


def test_a_100_is_late_when_a_client_over_udp_would_repeat_at_its_slowest_pace() -> None:
    """RFC 4320 §4.1: timer E is 0.5, 1, 2 and then T2, 3.5 seconds after the request."""
    assert Timers().late == 3.5
    assert Timers(t1=1.0).late == 3.0


def test_statuses_are_sorted_at_their_borders() -> None:
    kinds = [kind_of_status(status) for status in (100, 199, 200, 299, 300, 699)]
    assert kinds == [
        Input.PROVISIONAL, Input.PROVISIONAL, Input.SUCCESS, Input.SUCCESS, Input.FAILURE, Input.FAILURE
    ]  # fmt: skip


def test_on_a_stream_only_waiting_costs_time() -> None:
    lengths = Timers(t1=0.1).lengths()
    assert all(lengths[letter] == pytest.approx(6.4) for letter in "BCFHLM")
    assert all(lengths[letter] == 0 for letter in "DIJK")


def incoming(method: str, via: str, *, cseq: int = 1, tag: str = "a", uri: str = "sip:bob@bob.test") -> Request:
    headers = [
        ("Via", via), ("From", f"<sip:alice@alice.test>;tag={tag}"), ("To", "<sip:bob@bob.test>"), ("Call-ID", "c1"),
        ("CSeq", f"{cseq} {method}"),
    ]  # fmt: skip
    return Request.build(method, uri, headers)


COOKIE = "SIP/2.0/TLS Alice.test:5061;branch=z9hG4bKx"


def test_a_branch_with_the_cookie_tells_a_transaction_together_with_its_sender_and_method() -> None:
    key = server_key(incoming("MESSAGE", COOKIE), "MESSAGE")
    assert server_key(incoming("MESSAGE", COOKIE.replace("Alice", "alice"), cseq=2), "MESSAGE") == key
    assert server_key(incoming("MESSAGE", COOKIE.replace("5061", "5062")), "MESSAGE") != key
    assert server_key(incoming("INFO", COOKIE), "INFO") != key
    assert server_key(incoming("MESSAGE", COOKIE + "y"), "MESSAGE") != key


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/TLS 192.0.2.2:2616;ms-received-cid=1",
        "SIP/2.0/TLS 192.0.2.2;branch=1",
        "SIP/2.0/TLS 192.0.2.2;branch=z9hG4bK",
    ],
)
def test_without_the_cookie_the_old_identifiers_tell_a_transaction(via: str) -> None:
    key = server_key(incoming("INVITE", via), "INVITE")
    assert server_key(incoming("ACK", via), "INVITE") == key
    assert server_key(incoming("INVITE", via, cseq=2), "INVITE") != key
    assert server_key(incoming("INVITE", via, tag="b"), "INVITE") != key
    assert server_key(incoming("INVITE", via.replace("192.0.2.2", "192.0.2.3")), "INVITE") != key
    assert server_key(incoming("INVITE", via, uri="sip:other@bob.test"), "INVITE") != key


def test_transactions_are_keys_of_their_own_even_when_alike() -> None:
    one, other = (ClientTransaction(REQUEST, "z9hG4bK1") for _ in range(2))
    assert len({one, other}) == 2
    assert one.key == other.key


def test_the_to_tag_of_a_server_transaction_is_made_once_and_taken_from_the_dialog_where_there_is_one() -> None:
    fresh = ServerTransaction(incoming("INVITE", COOKIE), ())
    assert fresh.to_tag == fresh.to_tag
    request = incoming("INVITE", COOKIE)
    request.headers.set("To", "<sip:bob@bob.test>;tag=known")
    assert ServerTransaction(request, ()).to_tag == "known"


def test_alarms_are_due_in_the_order_of_time_whatever_their_lengths() -> None:
    alarms = Alarms()
    slow, quick, never = (Transaction(CLIENT_INVITE, REQUEST, ()) for _ in range(3))
    alarms.set(slow, 32.0, 0.0)
    alarms.set(never, 32.0, 1.0)
    alarms.set(quick, 5.0, 2.0)
    assert alarms.next() == 7.0
    alarms.cancel(never, 32.0)
    assert list(alarms.due(6.9)) == []
    assert list(alarms.due(7.0)) == [quick]
    assert list(alarms.due(100.0)) == [slow]
    assert alarms.next() is None
    assert len(alarms) == 0

"""Queues are bounded: what does not fit is refused with a word, and nothing is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.dns import FaultKind
from simulator.federation import Federation
from simulator.io import admission, mailbox
from simulator.partner import GENERIC
from simulator.sut import EmbeddedServer

QUEUE = 5


def test_more_requests_than_may_wait_for_a_partner_are_refused_and_the_others_arrive(federation: Federation) -> None:
    bob = federation.partner(GENERIC.but(name="short-queue", queue=QUEUE)).user("bob")
    alice = federation.sut.user("alice")
    server = federation.sut
    with (
        ThreadPoolExecutor(2 * QUEUE) as pool,
        federation.dns.fault(f"_sipfederationtls._tcp.{server.domain}", FaultKind.LATE, delay=1.0),
    ):
        asked = federation.dns.query_count
        waiting = [pool.submit(bob.chat_with(alice).say, f"text {number}") for number in range(2 * QUEUE)]
        federation.dns.expect_query(f"_sipfederationtls._tcp.{server.domain}", since=asked)
        outcomes = [future.result() for future in waiting]

    refused = [outcome for outcome in outcomes if not outcome.delivered]
    assert len(refused) == QUEUE
    assert {outcome.phase for outcome in refused} == {"queue"}
    assert refused[0].reason == f"{QUEUE} requests wait for {server.domain} already; this one was not sent."
    assert len(alice.messages) == QUEUE
    alice.ignores_messages()


def test_more_requests_than_may_wait_for_a_look_up_are_answered_503(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(federation.sut, EmbeddedServer)
    monkeypatch.setattr(admission, "MAX_HELD", QUEUE)
    partner = federation.partner(GENERIC)
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    with (
        ThreadPoolExecutor(2 * QUEUE) as pool,
        federation.dns.fault(f"_sipfederationtls._tcp.{partner.domain}", FaultKind.LATE, delay=1.0),
    ):
        waiting = [pool.submit(bob.chat_with(alice).say, f"text {number}") for number in range(2 * QUEUE)]
        outcomes = [future.result() for future in waiting]

    assert [outcome.status for outcome in outcomes].count(503) == len(outcomes) - len(alice.messages)
    assert len(alice.messages) == QUEUE
    alice.ignores_messages()


def test_a_user_whose_inbox_is_full_gets_no_more_and_the_sender_is_told(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(federation.sut, EmbeddedServer)
    monkeypatch.setattr(mailbox, "UNREAD", QUEUE)
    bob, alice = federation.partner(GENERIC).user("bob"), federation.sut.user("alice")
    chat = bob.chat_with(alice)
    for number in range(QUEUE):
        chat.say(f"text {number}").must_succeed()

    chat.say("one too many").must_fail(status=480)

    alice.expect_message("text 0")
    chat.say("another").must_succeed()
    assert [message.text for message in alice.messages] == [*(f"text {number}" for number in range(QUEUE)), "another"]

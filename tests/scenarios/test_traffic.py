"""What scenarios say of the traffic they saw, when it is not as it must be."""

from __future__ import annotations

import pytest

from simulator.errors import ExpectationFailed
from simulator.federation import Federation
from simulator.outcome import Outcome
from simulator.scenarios.traffic import (
    answers_of,
    answers_to,
    must_be_told,
    must_have_got,
    must_not_hammer,
    requests_to,
)


def test_a_failure_without_status_and_words_tells_nobody_anything() -> None:
    must_be_told(Outcome(False, 403, "Forbidden", "invite"))
    must_be_told(Outcome(False, None, "There is no SRV record.", "discovery"))

    with pytest.raises(
        ExpectationFailed, match="must be told why the message failed, but got neither status nor words"
    ):
        must_be_told(Outcome(False, None, " ", "invite", subject="the message"))
    with pytest.raises(ExpectationFailed, match="Expected a failure with status 403"):
        must_be_told(Outcome(False, 504, "Server time-out", "invite"), 403)


def test_messages_that_are_missing_double_or_too_many_are_named(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    for text in ("one", "two", "two", "x" * 500):
        bob.chat_with(alice).say(text).must_succeed()

    must_have_got(alice, ["one", "two", "two", "x" * 500])
    with pytest.raises(
        ExpectationFailed,
        match=r"got 3 in all and got 4: 'three' never came; 'two' came 2 times; nobody was to get 'x{180,}…\.",
    ):
        must_have_got(alice, ["one", "two", "three"])
    with pytest.raises(ExpectationFailed, match="the order is another"):
        must_have_got(alice, ["x" * 500, "two", "one", "two"])


def test_what_was_said_is_told_apart_by_partner_and_side(federation: Federation) -> None:
    partner, other = federation.partner(), federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("in").must_succeed()
    other.user("berta").chat_with(alice).say("in").must_succeed()
    alice.chat_with(bob).say("out").must_succeed()
    alice.ignores_messages()
    bob.ignores_messages()

    assert [request.method for request in requests_to(federation, partner, "INVITE", "MESSAGE")] == ["MESSAGE"]
    assert not requests_to(federation, other, "MESSAGE")
    assert [answer.status for answer in answers_to(federation, partner, "INVITE")] == [200]
    assert [answer.status for answer in answers_of(federation, partner, "MESSAGE")] == [200]


def test_attempts_outside_of_dialogs_are_counted(federation: Federation) -> None:
    partner = federation.partner()
    alice = federation.sut.user("alice")
    for _ in range(3):
        alice.chat_with(f"nobody@{partner.domain}").say("Hello?").must_fail()

    must_not_hammer(federation, partner, "INVITE", at_most=3)
    with pytest.raises(ExpectationFailed, match=r"the server sent 3 requests \(INVITE\) to .* at most 2 are in order"):
        must_not_hammer(federation, partner, "INVITE")

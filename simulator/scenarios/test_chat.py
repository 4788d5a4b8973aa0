"""Chat between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.scenarios import scenario

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")


@scenario(level="must", sources=("R2", "R39", "R40", "R41"), needs=NEEDS)
def test_open_to_the_partner(federation: Federation) -> None:
    """A message to a domain that only DNS knows reaches the partner's user."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(bob).say("Hello from Acme").must_succeed()

    bob.expect_message("Hello from Acme", from_=alice)


@scenario(level="must", sources=("R2", "R15", "R50"), needs=INBOUND)
def test_open_from_the_partner(federation: Federation) -> None:
    """A partner that finds the server by its SRV record reaches a user as user@domain."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("Hello from Fabrikam").must_succeed()

    alice.expect_message("Hello from Fabrikam", from_=bob)


@scenario(level="must", sources=("R2", "R39"), needs=NEEDS)
def test_conversation_in_both_directions(federation: Federation) -> None:
    """In one conversation each side's messages arrive once and in order."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    to_bob, to_alice = alice.chat_with(bob), bob.chat_with(alice)

    for number in range(3):
        to_bob.say(f"question {number}").must_succeed()
        to_alice.say(f"answer {number}").must_succeed()

    assert [message.text for message in bob.messages] == [f"question {number}" for number in range(3)]
    assert [message.text for message in alice.messages] == [f"answer {number}" for number in range(3)]


@scenario(level="must", sources=("R2", "R27", "R28", "R31"), needs=("chat", "static-routes", "observe-inbox"))
def test_direct_to_the_partner(federation: Federation) -> None:
    """A message to a domain with a static route and without an SRV record reaches the partner's user."""
    partner = federation.direct_partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(bob).say("Hello by static route").must_succeed()

    bob.expect_message("Hello by static route", from_=alice)


@scenario(level="must", sources=("R2", "R27", "R47"), needs=("receive", "static-routes", "observe-inbox"))
def test_direct_from_the_partner(federation: Federation) -> None:
    """A partner that is joined by static routes alone reaches a user."""
    partner = federation.direct_partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("Hello by static route").must_succeed()

    alice.expect_message("Hello by static route", from_=bob)


@scenario(level="must", sources=("RFC 3261 §8.2.2.1", "dialect §5.3"), needs=("receive",))
def test_unknown_user_is_not_found(federation: Federation) -> None:
    """A message to a user that the server does not have is answered with 404."""
    bob = federation.partner().user("bob")

    bob.chat_with(f"nobody@{federation.sut.domain}").say("Is anybody there?").must_fail(status=404)


@scenario(level="must", sources=("R2", "RFC 3428 §4"), needs=NEEDS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Grüße aus Köln", id="umlauts"),
        pytest.param("שלום", id="right-to-left"),
        pytest.param("👋🏽 ok", id="emoji"),
        pytest.param("two\r\nlines", id="two-lines"),
        pytest.param(" ", id="blank"),
        pytest.param("x" * 5000, id="long"),
    ],
)
def test_text_arrives_unchanged(federation: Federation, text: str) -> None:
    """Any text arrives in both directions as it was written."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(bob).say(text).must_succeed()
    bob.expect_message(text, from_=alice)
    bob.chat_with(alice).say(text).must_succeed()
    alice.expect_message(text, from_=bob)

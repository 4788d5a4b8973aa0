"""A message over a limit is answered, and the connection ends with a sentence."""

from __future__ import annotations

from simulator.federation import Federation
from simulator.partner import SFB_2019


def test_a_message_over_the_limit_is_answered_413_and_the_next_one_goes_through(federation: Federation) -> None:
    partner = federation.partner(SFB_2019.but(name="small", max_body=400_000))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    to_bob = alice.chat_with(bob).say("x" * 1_100_000)
    to_alice = bob.chat_with(alice).say("y" * 1_100_000)

    to_bob.must_fail(status=413)
    to_alice.must_fail(status=413)
    partner.edge.must_log("the body of 1100000 bytes is over 1000000")
    alice.chat_with(bob).say("after").must_succeed()
    bob.chat_with(alice).say("after").must_succeed()
    bob.expect_message("after")
    alice.expect_message("after")


def test_a_long_first_text_follows_the_invite_as_a_message(federation: Federation) -> None:
    """In a header of the INVITE it would go over what servers take of headers."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    for text in ("x" * 8000, "y" * 8001, "z" * 100_000):
        bob.chat_with(alice).say(text).must_succeed()
        alice.expect_message(text)
        bob.chat_with(alice).close()

    invites = [record.text for record in federation.records if record.text.startswith("INVITE ")]
    assert ["ms-im-format:" in invite for invite in invites] == [True, False, False]

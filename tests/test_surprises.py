"""What arrives unasked fails the test, with a sentence; what a test asked for does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.federation import Engine, Federation
from simulator.partner import SFB_2019


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    engine.start_embedded()
    yield engine
    assert engine.close() == []


@pytest.fixture
def closed(engine: Engine) -> Iterator[Federation]:
    """A federation that a test closes itself."""
    yield Federation(engine)


def test_a_message_that_nothing_expected(closed: Federation) -> None:
    alice, bob = closed.sut.user("alice"), closed.partner().user("bob")
    alice.chat_with(bob).say("taken").must_succeed()
    alice.chat_with(bob).say("left").must_succeed()
    bob.chat_with(alice).say("at the server").must_succeed()
    bob.expect_message("taken")

    assert closed.close() == [
        f"{bob.uri} got the message 'left' from {alice.uri}, which nothing expected.",
        f"{alice.uri} got the message 'at the server' from {bob.uri}, which nothing expected.",
    ]


def test_typing_that_nothing_expected_and_no_message_followed(closed: Federation) -> None:
    alice = closed.sut.user("alice")
    bob, berta, carl = (closed.partner().user(name) for name in ("bob", "berta", "carl"))
    for user in (bob, berta, carl):
        user.ignores_messages()
        alice.chat_with(user).say("open").must_succeed()
        alice.chat_with(user).typing().must_succeed()
    alice.chat_with(berta).say("it ended in a message").must_succeed()
    alice.chat_with(carl).stops_typing().must_succeed()

    (sentence,) = closed.close()

    assert sentence.startswith(f"{bob.uri} was told that {alice.uri} types")


def test_an_offer_that_nothing_expected(closed: Federation) -> None:
    bob, berta = closed.partner().user("bob"), closed.partner().user("berta")
    bob.offers(berta, "audio").must_fail()

    (sentence,) = closed.close()

    assert sentence.startswith(f"{berta.uri} was offered sound, video or other media by {bob.uri} (refused with 488)")


def test_an_invitation_that_nobody_answered(closed: Federation) -> None:
    alice, bob = closed.sut.user("alice"), closed.partner().user("bob")
    bob.answers_when_told()
    saying = alice.chat_with(bob).start_saying("please")
    bob.expect_invitation()
    partner = closed.partner()
    other = partner.user("berta")
    other.answers_when_told()
    also = alice.chat_with(other).start_saying("please")
    came = partner.agent.accounts[other.uri].invitations
    assert partner._loop.run(came.find(lambda _one: True, within=5))

    (sentence,) = closed.close()

    assert sentence == f"{other.uri} got an invitation from {alice.uri}, which nothing expected."
    assert saying.outcome().must_fail(status=480)
    assert also.outcome().must_fail(status=480), "who leaves declines what is still open"


def test_a_notification_without_a_subscription(closed: Federation) -> None:
    here, there = closed.partner(), closed.partner()
    bob, berta = here.user("bob"), there.user("berta")

    async def send() -> int:
        request = here.agent.writer.initial_request("NOTIFY", here.agent.accounts[bob.uri], berta.uri)
        return (await here.agent.exchange(berta.uri, request)).status

    assert here._loop.run(send()) == 481

    assert closed.close() == [f"{berta.uri} got a NOTIFY from {bob.uri} without having subscribed."]


def test_what_is_no_surprise(closed: Federation) -> None:
    """Notifications of a watch, also one that is over, watchers, and messages that are read as a list or ignored."""
    alice, bob = closed.sut.user("alice"), closed.partner(SFB_2019).user("bob")
    watch = bob.watch(alice)
    alice.set_presence("busy")
    alice.watch(bob)
    watch.stop()
    alice.ignores_messages()
    bob.chat_with(alice).say("whatever").must_succeed()
    alice.chat_with(bob).say("read").must_succeed()
    assert [message.text for message in bob.messages] == ["read"]

    assert closed.close() == []

"""The sessions that chats are held in: how they begin, go on, cross each other and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.chat_cases import CONFIRMATIONS, DECLINED
from simulator.scenarios.steps import must_chat_both_ways
from simulator.scenarios.traffic import (
    answers_of,
    answers_to,
    must_be_told,
    must_have_got,
    must_not_hammer,
    requests_to,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.federation import Federation
    from simulator.io.user import User


NEEDS = ("chat", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")
OUTBOUND = ("chat", "open-federation")
PERSONAS = ("sfb-2019", "teams", "generic")


@scenario(level="must", sources=("R2", "dialect §4.1", "dialect §4.2"), needs=NEEDS)
@cases("persona", *PERSONAS)
@cases("first", "partner", "user")
def test_product_of_the_partner(federation: Federation, persona: str, first: str) -> None:
    """A conversation with {persona} works in both directions, whoever begins it."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    to_bob, to_alice = (alice, bob), (bob, alice)

    for writer, reader in (to_bob, to_alice, to_bob) if first == "user" else (to_alice, to_bob, to_alice):
        writer.chat_with(reader).say("Hello").must_succeed()
        reader.expect_message("Hello", from_=writer)


@scenario(
    level="should",
    sources=("R2", "dialect §4.2"),
    needs=INBOUND,
    outcomes={
        "delivered": "ok",
        "failed 405": ("tolerable", "Whether page mode is taken is not documented; sessions are what S4B uses."),
        "failed 403": ("tolerable", "Likewise."),
        "failed 501": ("tolerable", "Likewise."),
    },
)
def test_page_mode(federation: Federation) -> None:
    """A MESSAGE outside of any session, as in RFC 3428, is taken or refused with a status that says so."""
    alice, bob = federation.sut.user("alice"), federation.partner("generic").user("bob")

    outcome = bob.chat_with(alice).say("by page")

    happened(outcome)
    if outcome.delivered:
        alice.expect_message("by page", from_=bob)


@scenario(level="must", sources=("R2", "dialect §2.1"), needs=OUTBOUND)
def test_route_set_comes_back_unchanged(federation: Federation) -> None:
    """Requests of the server in a session carry the Record-Route of the partner's edge as it was, byte for byte."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    for text in ("one", "two", "three"):
        alice.chat_with(bob).say(text).must_succeed()
        bob.expect_message(text, from_=alice)

    answers = [answer for answer in answers_of(federation, partner, "INVITE") if answer.status == 200]
    # What an INVITE had already came from the server's own side, which takes it off again.
    own = {route for invite in requests_to(federation, partner, "INVITE") for route in invite.record_routes}
    wanted = {
        answer.call_id: [route for route in reversed(answer.record_routes) if route not in own] for answer in answers
    }
    for message in requests_to(federation, partner, "ACK", "MESSAGE"):
        given = wanted.get(message.call_id, [])
        assert list(message.routes) == given, (
            f"the {message.method} to {message.uri} does not carry the Record-Route of the 200 to its INVITE: "
            f"{_first_difference(message.routes, given)}"
        )


@scenario(level="must", sources=("R2", "dialect §4.2"), needs=INBOUND)
@cases("confirmation", *CONFIRMATIONS)
def test_first_text_in_the_invite(federation: Federation, confirmation: str) -> None:
    """A first text that travels in the INVITE arrives once, confirmed in the 200 or sent again by the caller."""
    from simulator.partner import SFB_2019

    caller = SFB_2019.but(name="caller", confirmation=confirmation)
    alice, bob = federation.sut.user("alice"), federation.partner(caller).user("bob")

    bob.chat_with(alice).say("first").must_succeed()
    bob.chat_with(alice).say("second").must_succeed()

    arrived = [message.text for message in alice.messages]
    happened({1: "once", 2: "twice"}.get(arrived.count("first"), "lost"))
    assert arrived[-1:] == ["second"], f"the last message must be 'second', but what arrived is {arrived!r}"


@scenario(level="must", sources=("R2", "dialect §4.2"), needs=OUTBOUND)
@cases("callee", Case("reads-the-invite", True), Case("ignores-the-invite", False))
def test_first_text_to_a_partner(federation: Federation, callee: bool) -> None:
    """The first text of a session arrives once, whether the partner reads texts in an INVITE or not."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="callee", consumes=callee))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(bob).say("first").must_succeed()
    alice.chat_with(bob).say("second").must_succeed()

    must_have_got(bob, ["first", "second"])


@scenario(level="must", sources=("R2", "dialect §4.1"), needs=INBOUND)
@cases("length", Case("longest-in-an-invite", 8000), Case("too-long-for-an-invite", 8001))
def test_long_first_text(federation: Federation, length: int) -> None:
    """A first text of {length} characters, with an INVITE of many kilobytes, arrives whole."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    text = ("0123456789" * 900)[:length]

    bob.chat_with(alice).say(text).must_succeed()

    alice.expect_message(text, from_=bob)


@scenario(
    level="should",
    sources=("dialect §4.2",),
    needs=INBOUND,
    outcomes={
        "failed 488": "ok",
        "delivered": ("tolerable", "Microsoft's clients refuse a conversation that they are in; others need not look."),
    },
)
def test_conversation_that_is_open_already(federation: Federation) -> None:
    """An INVITE with the Ms-Conversation-ID of a session that is there harms neither that session nor a message."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    chat = bob.chat_with(alice)
    chat.say("one").must_succeed()

    outcome = chat.reopen(same_conversation=True)
    chat.say("two").must_succeed()

    must_have_got(alice, ["one", "two"])
    happened(outcome)


@scenario(level="must", sources=("dialect §4.2",), needs=NEEDS)
def test_new_session_replaces_the_old(federation: Federation) -> None:
    """A caller who has lost the session calls again; messages of both sides arrive once from then on."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    chat, back = bob.chat_with(alice), alice.chat_with(bob)
    chat.say("one").must_succeed()
    chat.forget()

    chat.say("two").must_succeed()
    back.say("three").must_succeed()
    chat.say("four").must_succeed()

    must_have_got(alice, ["one", "two", "four"])
    must_have_got(bob, ["three"])


@scenario(level="must", sources=("dialect §4.2", "RFC 3261 §12.2.1.2"), needs=OUTBOUND)
def test_session_that_the_partner_has_lost(federation: Federation) -> None:
    """481 to a message means that it was not delivered: the server opens a new session and sends it again, once."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = alice.chat_with(bob)
    chat.say("one").must_succeed()
    bob.chat_with(alice).forget()

    chat.say("two").must_succeed()

    must_have_got(bob, ["one", "two"])
    must_not_hammer(federation, partner, "INVITE")


@scenario(level="must", sources=("dialect §4.2",), needs=OUTBOUND)
def test_answer_that_takes_its_time(federation: Federation) -> None:
    """A partner's user who takes the chat only later, ms-delayed-accept, gets the message then, once."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    bob.answers_when_told()

    saying = alice.chat_with(bob).start_saying("Are you there?")
    bob.expect_invitation(from_=alice).accept()

    saying.outcome().must_succeed()
    bob.expect_message("Are you there?", from_=alice)


@scenario(level="must", sources=("dialect §4.5", "RFC 3261 §21.4"), needs=OUTBOUND)
@cases("status", *DECLINED)
def test_declined_invitation(federation: Federation, status: int) -> None:
    """The sender is told that the partner refused with {status}, once, and the next message is tried anew."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.answers_when_told()

    saying = alice.chat_with(bob).start_saying("Hello?")
    bob.expect_invitation(from_=alice).decline(status)
    told = saying.outcome()
    if status == 503 and told.status == 500:
        status = 500  # what a proxy makes of it: nobody else shall leave this server alone (RFC 3261 §16.7 item 6)
    must_be_told(told, status)
    must_not_hammer(federation, partner, "INVITE", at_most=1)
    bob.must_have_no_message()
    bob.answers_when_told(False)

    alice.chat_with(bob).say("And now?").must_succeed()

    bob.expect_message("And now?", from_=alice)


@scenario(level="must", sources=("dialect §4.2",), needs=INBOUND)
@cases("ends", "partner", Case("user", needs=("chat",)))
@cases("then", "partner", Case("user", needs=("chat",)))
def test_conversation_after_the_end(federation: Federation, ends: str, then: str) -> None:
    """After one side has ended the session the next message, of either side, opens a new one and arrives once."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    if both := "chat" in federation.sut.capabilities:
        alice.chat_with(bob).say("before").must_succeed()
    bob.chat_with(alice).say("before").must_succeed()

    (bob.chat_with(alice) if ends == "partner" else alice.chat_with(bob)).close()
    writer, reader = (bob, alice) if then == "partner" else (alice, bob)
    writer.chat_with(reader).say("after").must_succeed()

    must_have_got(reader, ["before", "after"])
    must_have_got(writer, ["before"] if both else [])


@scenario(level="must", sources=("dialect §4.2", "F3.10"), needs=(*NEEDS, "time"))
@cases("persona", "sfb-2019", "teams")
def test_session_that_ends_after_ten_quiet_minutes(federation: Federation, persona: str) -> None:
    """A reply after the partner's session has ended for want of messages opens a new one and arrives once."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    chat = bob.chat_with(alice)
    chat.say("question").must_succeed()
    alice.expect_message("question", from_=bob)

    federation.advance(minutes=11)
    chat.expect_end()
    alice.chat_with(bob).say("answer").must_succeed()

    must_have_got(bob, ["answer"])


@scenario(level="must", sources=("RFC 4028 §9", "dialect §4.2"), needs=(*NEEDS, "time"))
@cases("caller", "partner", "user")
def test_session_timer(federation: Federation, caller: str) -> None:
    """A session for which the partner wants a session timer is refreshed, by whom they agree, and lives on."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="asks", session_interval=120, session_idle_seconds=0))
    alice, anna, bob = federation.sut.user("alice"), federation.sut.user("anna"), partner.user("bob")
    one, other = (bob, alice) if caller == "partner" else (alice, bob)
    one.chat_with(other).say("before").must_succeed()
    other.expect_message("before", from_=one)

    for number in range(4):
        federation.advance(65)
        bob.chat_with(anna).say(f"fence {number}").must_succeed()  # what was due has gone out before
        anna.expect_message(f"fence {number}", from_=bob)
    if not bob.chat_with(alice).is_open:
        refused = [answer for answer in answers_to(federation, partner, "INVITE", "UPDATE") if answer.status >= 300]
        how = f"a refresh was answered {refused[-1].status} {refused[-1].reason}" if refused else "it was not refreshed"
        raise ExpectationFailed(f"The session must live on for as long as it is refreshed, but it ended: {how}.")

    alice.chat_with(bob).say("after").must_succeed()
    bob.expect_message("after", from_=alice)


@scenario(level="must", sources=("R2", "RFC 3261 §14.1"), needs=NEEDS)
def test_both_call_at_once(federation: Federation) -> None:
    """When both sides open a session at the same time, every message arrives once."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    sayings = [bob.chat_with(alice).start_saying("to alice"), alice.chat_with(bob).start_saying("to bob")]
    for saying in sayings:
        saying.outcome().must_succeed()
    bob.chat_with(alice).say("again").must_succeed()
    alice.chat_with(bob).say("again").must_succeed()

    must_have_got(alice, ["to alice", "again"])
    must_have_got(bob, ["to bob", "again"])


@scenario(level="must", sources=("R2", "RFC 3261 §15"), needs=NEEDS)
@cases("ends", "partner", "user")
def test_message_that_crosses_a_bye(federation: Federation, ends: str) -> None:
    """A message that crosses the other side's BYE arrives once, or its sender is told that it did not."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    writer, closer = (alice, bob) if ends == "partner" else (bob, alice)
    writer.chat_with(closer).say("before").must_succeed()

    saying = writer.chat_with(closer).start_saying("crossing")
    closer.chat_with(writer).close()
    outcome = saying.outcome()
    writer.chat_with(closer).say("after").must_succeed()

    _arrived_or_told(closer, "crossing", outcome.delivered)


@scenario(level="must", sources=("R2", "RFC 3261 §15"), needs=NEEDS)
def test_both_end_at_once(federation: Federation) -> None:
    """Sessions that both sides end, one right after the other, leave nothing behind that harms the next."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    for _ in range(3):
        alice.chat_with(bob).say("round").must_succeed()
        bob.expect_message("round", from_=alice)
        bob.chat_with(alice).close()
        alice.chat_with(bob).close()

    must_chat_both_ways(federation, partner)


def _arrived_or_told(reader: User, text: str, delivered: bool) -> None:
    times = [message.text for message in reader.messages].count(text)
    if times != int(delivered):
        said = "was told that it arrived" if delivered else "was told that it did not arrive"
        raise ExpectationFailed(f"The sender of {text!r} {said}, and it arrived {times} times.")


def _first_difference(got: Sequence[str], wanted: Sequence[str]) -> str:
    """Where two route sets part: which value, and what stands there in place of what."""
    if len(got) != len(wanted):
        return f"it has {len(got)} Route values where {len(wanted)} were given"
    one, other = next((one, other) for one, other in zip(got, wanted, strict=True) if one != other)
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"after {one[max(0, at - 20) : at]!r} stands {one[at : at + 40]!r} in place of {other[at : at + 40]!r}"

"""Chat between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.chat_cases import (
    BASIC_TEXTS,
    EDGE_CASES,
    FORMS,
    INFOS,
    OFFERS,
    TEXTS,
    forms_of,
)
from simulator.scenarios.traffic import must_be_told, must_have_got, must_not_hammer, requests_to

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.io.actions import OfferKind


NEEDS = ("chat", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")
OUTBOUND = ("chat", "open-federation")


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

    must_have_got(bob, [f"question {number}" for number in range(3)])
    must_have_got(alice, [f"answer {number}" for number in range(3)])


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


# -- what is said -------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "RFC 3428 §4"), needs=INBOUND)
@cases("text", *TEXTS)
def test_text_from_the_partner(federation: Federation, text: str) -> None:
    """A text of a partner's user arrives as it was written: {text}."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    bob.chat_with(alice).say(text).must_succeed()

    alice.expect_message(text, from_=bob)


@scenario(level="must", sources=("R2", "RFC 3428 §4"), needs=OUTBOUND)
@cases("text", *TEXTS)
def test_text_to_the_partner(federation: Federation, text: str) -> None:
    """A text of a user arrives at the partner as it was written: {text}."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    alice.chat_with(bob).say(text).must_succeed()

    bob.expect_message(text, from_=alice)


@scenario(level="must", sources=("R2", "RFC 3428 §4", "dialect §4.1"), needs=INBOUND)
@cases("persona", "teams", "generic")
@cases("text", *BASIC_TEXTS)
def test_text_from_other_products(federation: Federation, persona: str, text: str) -> None:
    """A text of a user of {persona} arrives as it was written, by session or by page."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")

    bob.chat_with(alice).say(text).must_succeed()

    alice.expect_message(text, from_=bob)


@scenario(
    level="info",
    sources=("R2", "dialect §4.2"),
    needs=INBOUND,
    outcomes={"arrived": "ok", "arrived otherwise": "ok", "refused": "ok"},
)
@cases("text", *EDGE_CASES)
def test_unusual_text(federation: Federation, text: str) -> None:
    """A text that few clients send, {text}, arrives or is refused, and the chat goes on."""
    alice, bob = federation.sut.user("alice"), federation.partner("generic").user("bob")

    outcome = bob.chat_with(alice).say(text)
    bob.chat_with(alice).say("and on").must_succeed()

    arrived = [message.text for message in alice.messages]
    assert arrived[-1:] == ["and on"], f"the last message must be 'and on', but what arrived is {arrived!r}"
    assert len(arrived) == (2 if outcome.delivered else 1), f"{outcome}, and what arrived is {arrived!r}"
    happened("refused" if not outcome.delivered else "arrived" if arrived[0] == text else "arrived otherwise")


@scenario(level="must", sources=("R2", "dialect §4.3"), needs=INBOUND)
@cases("form", *FORMS)
@cases("text", Case("markup-and-emoji", "Grüße & <b>👋🏽</b>"), Case("two-lines", "two\r\nlines"))
def test_form_of_a_text(federation: Federation, form: str, text: str) -> None:
    """A text in {form} is read as the text that it says, or refused as a media type that was not asked for."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    outcome = bob.chat_with(alice).say(text, form=form)

    happened(outcome)
    if outcome.delivered:
        arrived = alice.expect_message(from_=bob).text.replace("\r\n", "\n")
        wanted = text.replace("\r\n", "\n")
        assert arrived == wanted, f"the user must read {wanted!r}, but reads {arrived!r}"


@scenario(level="must", sources=("R2", "dialect §4.1"), needs=OUTBOUND)
@cases("takes", *forms_of(("text/plain",), ("text/plain", "text/html"), ("text/plain", "text/rtf", "multipart/*")))
def test_form_that_the_partner_takes(federation: Federation, takes: tuple[str, ...]) -> None:
    """A partner is sent texts in a form that its session description takes: {takes}."""
    from simulator.chat.formats import accepts
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="takes", accept_types=takes))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    for text in ("one", "two"):
        alice.chat_with(bob).say(text).must_succeed()
        bob.expect_message(text, from_=alice)

    sent = {message.content_type for message in requests_to(federation, partner, "MESSAGE")}
    assert all(accepts(takes, media_type or "text/plain") for media_type in sent), (
        f"it was sent {sent}, but takes {takes}"
    )


@scenario(level="must", sources=("R2",), needs=INBOUND)
@cases(
    "answered",
    Case("both-ways", True, needs=("chat",), words="each answered by one"),
    Case("from-the-partner", False, words="none of them answered"),
)
def test_many_messages_keep_their_order(federation: Federation, answered: bool) -> None:
    """Thirty messages of a partner's user, one after the other and {answered}, arrive once each and in order."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    numbers = [str(number) for number in range(30)]

    for number in numbers:
        bob.chat_with(alice).say(number).must_succeed()
        if answered:
            alice.chat_with(bob).say(number).must_succeed()

    must_have_got(alice, numbers)
    must_have_got(bob, numbers if answered else [])


@scenario(level="must", sources=("R2",), needs=INBOUND)
def test_messages_sent_at_once(federation: Federation) -> None:
    """Messages that a partner's user sends without waiting for the answers arrive once each."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    chat = bob.chat_with(alice)

    sayings = [chat.start_saying(str(number)) for number in range(10)]
    for saying in sayings:
        saying.outcome().must_succeed()

    arrived = sorted(message.text for message in alice.messages)
    assert arrived == list("0123456789"), f"each of ten messages must arrive once, but what arrived is {arrived}"


@scenario(level="must", sources=("R2", "R50"), needs=INBOUND)
@cases(
    "both",
    Case("both-ways", True, needs=("chat",), words="everybody"),
    Case("from-the-partner", False, words="each of the two here"),
)
def test_everybody_gets_their_own(federation: Federation, both: bool) -> None:
    """Of two users here and two there {both} gets what was written to them, from who wrote it."""
    partner = federation.partner()
    ours = [federation.sut.user(name) for name in ("alice", "anna")]
    theirs = [partner.user(name) for name in ("bob", "berta")]

    for one in ours:
        for other in theirs:
            if both:
                one.chat_with(other).say(f"{one.uri} to {other.uri}").must_succeed()
            other.chat_with(one).say(f"{other.uri} to {one.uri}").must_succeed()

    for reader, writers in (
        *((one, theirs) for one in ours),
        *((other, ours if both else []) for other in theirs),
    ):
        for message in reader.messages:
            shown = f"from {message.sender}: {message.text!r}"
            assert message.text == f"{message.sender} to {reader.uri}", (
                f"{reader.uri} was shown a message {shown}; the text says who wrote it to whom"
            )
        must_have_got(reader, [f"{writer.uri} to {reader.uri}" for writer in writers])


# -- what is no text ----------------------------------------------------------------------------------------------


@scenario(level="should", sources=("dialect §4.4",), needs=INBOUND)
@cases("persona", *INFOS)
def test_typing_is_no_message(federation: Federation, persona: str) -> None:
    """The sign that a partner's user types, by {persona}, is answered with 2xx and shown as no message."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    alice.ignores("typing")
    chat = bob.chat_with(alice)
    chat.say("before").must_succeed()

    chat.typing().must_succeed()
    chat.stops_typing().must_succeed()
    chat.say("after").must_succeed()

    must_have_got(alice, ["before", "after"])


@scenario(level="should", sources=("dialect §4.4",), needs=(*INBOUND, "typing"))
@cases("persona", *INFOS)
def test_typing_is_shown(federation: Federation, persona: str) -> None:
    """A user is shown that a partner's user types, by {persona}, and has stopped."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    chat = bob.chat_with(alice)
    chat.say("before").must_succeed()
    alice.expect_message("before", from_=bob)

    chat.typing().must_succeed()
    alice.expect_typing(from_=bob)
    chat.stops_typing().must_succeed()

    alice.expect_typing(from_=bob, active=False)


@scenario(level="should", sources=("dialect §4.4",), needs=(*OUTBOUND, "typing"))
@cases("persona", *INFOS)
def test_typing_is_told(federation: Federation, persona: str) -> None:
    """A partner's user is told that a user types in a form that the partner takes, {persona}."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    chat = alice.chat_with(bob)
    chat.say("before").must_succeed()
    bob.expect_message("before", from_=alice)

    chat.typing().must_succeed()
    bob.expect_typing(from_=alice)
    chat.say("after").must_succeed()

    bob.expect_message("after", from_=alice)


@scenario(level="must", sources=("F5.3", "dialect §4.2"), needs=INBOUND)
@cases("kind", *OFFERS)
def test_what_is_no_chat_of_two(federation: Federation, kind: OfferKind) -> None:
    """An offer of {kind} is refused with a final status, and the chat that is open goes on."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    alice.ignores("offers")
    chat = bob.chat_with(alice)
    chat.say("before").must_succeed()

    bob.offers(alice, kind).must_fail(phase="invite")
    chat.say("after").must_succeed()

    must_have_got(alice, ["before", "after"])


@scenario(level="must", sources=("dialect §4.5", "dialect §5.3"), needs=OUTBOUND)
@cases(
    "name, status",
    Case("unknown-user", "nobody", 404, words="somebody who does not exist"),
    Case("signed-out", "away", 480, words="somebody who is nowhere signed in"),
)
def test_somebody_who_is_not_there(federation: Federation, name: str, status: int) -> None:
    """Who writes to {name} is told so, and reaches others of the same partner."""
    partner = federation.partner()
    alice, berta = federation.sut.user("alice"), partner.user("berta")
    if name == "away":
        partner.tenant(partner.domain).sign_out("away")

    must_be_told(alice.chat_with(f"{name}@{partner.domain}").say("Hello?"), status)

    must_not_hammer(federation, partner, "INVITE", "MESSAGE")
    alice.chat_with(berta).say("Hello").must_succeed()
    berta.expect_message("Hello", from_=alice)


@scenario(level="must", sources=("dialect §4.5", "dialect §5.3"), needs=OUTBOUND)
def test_somebody_who_comes_back(federation: Federation) -> None:
    """A message to somebody who has signed in again is delivered: an earlier 480 is not remembered."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    partner.tenant(partner.domain).sign_out("bob")
    alice.chat_with(bob).say("Hello?").must_fail(status=480)
    partner.tenant(partner.domain).sign_in("bob")

    alice.chat_with(bob).say("Hello").must_succeed()

    bob.expect_message("Hello", from_=alice)

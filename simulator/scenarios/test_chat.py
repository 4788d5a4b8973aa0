"""Chat between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.chat_cases import (
    BASIC_TEXTS,
    CONFIRMATIONS,
    DECLINED,
    EDGE_CASES,
    FORMS,
    INFOS,
    OFFERS,
    TEXTS,
    forms_of,
)
from simulator.scenarios.steps import must_chat_both_ways
from simulator.scenarios.traffic import answers_of, must_be_told, must_have_got, must_not_hammer, requests_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.federation import Federation
    from simulator.io.actions import OfferKind
    from simulator.io.user import User


NEEDS = ("chat", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")
OUTBOUND = ("chat", "open-federation")
PERSONAS = ("sfb-2019", "teams", "generic")


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


# -- sessions -----------------------------------------------------------------------------------------------------


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
    assert bob.chat_with(alice).is_open, "the session ended: it was not refreshed, or a refresh was refused"

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

"""Chat between two sides that both keep the dialect of Skype for Business, and between unlike ones (facts §4)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import pytest

from simulator.chat.rules import NOT_IMPLEMENTED
from simulator.errors import ExpectationFailed, LocalProtocolError
from simulator.federation import Federation
from simulator.io.actions import OfferKind
from simulator.io.link import Link
from simulator.outcome import Outcome
from simulator.partner import SFB_2019
from simulator.partner.personas import Persona, persona_named
from simulator.sip.message import Request
from simulator.sip.transaction import ServerTransaction

Wire = Callable[[str], list[str]]
GENERIC = persona_named("generic")
TEAMS = persona_named("teams")
LATE = SFB_2019.but(name="sends-it-again", confirmation="never")


def test_the_first_text_travels_in_the_invite(federation: Federation, wire: Wire) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))

    outcome = bob.chat_with(berta).say("qwe")

    assert outcome.must_succeed().phase == "invite"
    assert berta.expect_message("qwe", from_=bob).embedded
    (invite,) = wire("INVITE ")
    assert f"ms-text-format: text/plain; charset=UTF-8; ms-body={base64.b64encode(b'qwe').decode()}" in invite
    assert invite.count("ms-im-format:") == 2
    assert "Supported: ms-embedded-first-message" in invite
    assert "Supported: ms-text-format" in wire("SIP/2.0 200")[0]
    assert not wire("MESSAGE ")


@pytest.mark.parametrize("caller", [SFB_2019, LATE], ids=lambda persona: persona.name)
@pytest.mark.parametrize("callee", [SFB_2019, LATE], ids=lambda persona: persona.name)
def test_the_first_text_arrives_once_or_is_sent_again(
    federation: Federation, wire: Wire, caller: Persona, callee: Persona
) -> None:
    """A callee that does not confirm has not read it; a caller that trusts no confirmation sends it twice."""
    bob, berta = federation.partner(caller).user("bob"), federation.partner(callee).user("berta")

    bob.chat_with(berta).say("once").must_succeed()

    twice = caller is LATE and callee is SFB_2019
    assert [message.text for message in berta.messages] == ["once"] * (2 if twice else 1)
    assert len(wire("MESSAGE ")) == (0 if caller is callee is SFB_2019 else 1)


def test_a_server_that_does_not_read_the_invites_text_gets_it_as_message(federation: Federation, wire: Wire) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    bob.chat_with(alice).say("hello").must_succeed()

    assert not alice.expect_message("hello", from_=bob).embedded
    assert len(wire("MESSAGE ")) == 1


def test_a_refused_invitation_delivers_nothing(federation: Federation) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    berta.answers_when_told()

    saying = bob.chat_with(berta).start_saying("please")
    invitation = berta.expect_invitation(from_=bob)
    assert invitation.text == "please"
    assert not saying.is_over
    invitation.decline(603)

    saying.outcome().must_fail(status=603)
    berta.must_have_no_message()


def test_a_held_invitation_is_accepted_later_and_its_text_is_there_then(federation: Federation, wire: Wire) -> None:
    """`ms-delayed-accept`: the 200 comes when the user opens the toast (dialect facts §4.2)."""
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    berta.answers_when_told()
    chat = bob.chat_with(berta)
    saying = chat.start_saying("please")
    invitation = berta.expect_invitation()
    berta.must_have_no_message()
    assert wire("SIP/2.0 100 Trying")
    assert wire("SIP/2.0 101 Progress Report")

    invitation.accept()

    saying.outcome().must_succeed()
    berta.expect_message("please", from_=bob)
    chat.say("more").must_succeed()
    berta.expect_message("more")


def test_the_caller_can_give_up(federation: Federation) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    berta.answers_when_told()
    saying = bob.chat_with(berta).start_saying("please")
    invitation = berta.expect_invitation()

    saying.cancel()

    saying.outcome().must_fail(status=487)
    invitation.expect_cancel()
    with pytest.raises(ExpectationFailed, match="cannot be accepted any more: the caller gave up"):
        invitation.accept()
    with pytest.raises(ExpectationFailed, match="no open invitation to cancel"):
        saying.cancel()


def test_a_repeated_conversation_id_is_refused_and_a_new_one_replaces_the_session(
    federation: Federation, wire: Wire
) -> None:
    here = federation.partner()
    bob, berta = here.user("bob"), federation.partner().user("berta")
    chat, back = bob.chat_with(berta), berta.chat_with(bob)
    chat.say("one").must_succeed()

    first = here._loop.call(here.agent.chat_session, here.agent.accounts[bob.uri], berta.uri)
    assert first is not None
    chat.reopen(same_conversation=True).must_fail(status=488)
    chat.say("two").must_succeed()
    chat.reopen().must_succeed()
    chat.say("three").must_succeed()
    back.say("four").must_succeed()

    assert [message.text for message in berta.messages] == ["one", "two", "three"]
    bob.expect_message("four")
    assert len(wire("INVITE ")) == 3
    assert here._loop.run(asyncio.wait_for(first.over, 5)) == "the peer ended it"
    assert len(wire("BYE ")) == 1, "the older session was ended by its callee"


def test_both_call_at_once_and_every_message_arrives(federation: Federation) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))

    sayings = [bob.chat_with(berta).start_saying("to berta"), berta.chat_with(bob).start_saying("to bob")]
    for saying in sayings:
        saying.outcome().must_succeed()
    bob.chat_with(berta).say("again to berta").must_succeed()
    berta.chat_with(bob).say("again to bob").must_succeed()

    assert [message.text for message in berta.messages] == ["to berta", "again to berta"]
    assert [message.text for message in bob.messages] == ["to bob", "again to bob"]


def test_who_is_calling_does_not_end_the_session_that_is_there(federation: Federation, wire: Wire) -> None:
    """Both have lost it, as each believes, and call at once: whichever session wins, no message meets a BYE."""
    here, there = federation.partner(), federation.partner()
    bob, berta = here.user("bob"), there.user("berta")
    bob.chat_with(berta).say("one").must_succeed()
    bob.answers_when_told()
    account = there.agent.accounts[berta.uri]
    calling = there._loop.submit(there.agent.reopen_chat(account, bob.uri, same_conversation=False))
    invitation = bob.expect_invitation()

    bob.chat_with(berta).reopen().must_succeed()
    bob.chat_with(berta).say("fence").must_succeed()
    assert not wire("BYE ")
    invitation.accept()

    calling.result(5).must_succeed()
    bob.chat_with(berta).say("two").must_succeed()
    berta.chat_with(bob).say("three").must_succeed()
    assert [message.text for message in berta.messages] == ["one", "fence", "two"]
    bob.expect_message("three")


def test_a_server_for_both_goes_the_way_that_its_partner_went_last(federation: Federation, wire: Wire) -> None:
    partner = federation.partner(LATE)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    account = partner.agent.accounts[bob.uri]

    async def page() -> int:
        request = partner.agent.writer.standalone_request(
            "MESSAGE", account, alice.uri, body=b"by page", content_type="text/plain"
        )
        return (await partner.agent.exchange(alice.uri, request)).status

    assert partner._loop.run(page()) == 200
    alice.chat_with(bob).say("by page, too").must_succeed()
    assert not wire("INVITE ")
    bob.chat_with(alice).say("by session").must_succeed()
    alice.chat_with(bob).say("by session, too").must_succeed()

    assert len(wire("INVITE ")) == 1
    assert "\r\nRoute:" in next(message for message in wire("MESSAGE ") if message.endswith("by session, too"))
    assert [message.text for message in alice.messages] == ["by page", "by session"]
    assert [message.text for message in bob.messages] == ["by page, too", "by session, too"]


def test_a_session_ends_after_ten_quiet_minutes(federation: Federation, wire: Wire) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    chat = bob.chat_with(berta)
    chat.say("one").must_succeed()
    federation.advance(590)
    chat.say("two").must_succeed()
    federation.advance(590)
    assert chat.is_open, "the second message kept it"

    federation.advance(11)

    assert "ended it" in chat.expect_end()
    assert wire("BYE ")
    chat.say("three").must_succeed()
    assert [message.text for message in berta.messages] == ["one", "two", "three"]


def test_a_message_never_goes_into_a_session_that_is_being_ended(federation: Federation, wire: Wire) -> None:
    here = federation.partner()
    bob, berta = here.user("bob"), federation.partner().user("berta")
    bob.chat_with(berta).say("one").must_succeed()
    account = here.agent.accounts[bob.uri]

    async def end_and_say() -> Outcome:
        ending = asyncio.create_task(here.agent.end_chat(account, berta.uri))
        await asyncio.sleep(0)  # the BYE is on its way
        outcome = await here.agent.send_text(account, berta.uri, "two")
        await ending
        return outcome

    here._loop.run(end_and_say()).must_succeed()

    assert len(wire("INVITE ")) == 2
    assert [message.text for message in berta.messages] == ["one", "two"]


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_session_timer_is_kept_and_refreshed(federation: Federation, wire: Wire, direction: str) -> None:
    """RFC 4028, in both roles; S4B itself asks for none."""
    asking = SFB_2019.but(name="asks", session_interval=120)
    bob, alice = federation.partner(asking).user("bob"), federation.sut.user("alice")
    one, other = (bob, alice) if direction == "out" else (alice, bob)
    chat = one.chat_with(other)
    chat.say("one").must_succeed()
    other.expect_message("one")

    for _ in range(4):
        federation.advance(61)
        bob.watch(alice).outcome.must_succeed()  # a fence: what was due has gone out before
    assert chat.is_open

    assert len(wire("UPDATE ")) >= 2
    assert "Session-Expires: 120" in wire("INVITE ")[0] + wire("SIP/2.0 200")[0]


def test_a_lost_session_is_opened_again_and_the_text_is_sent_once_more(federation: Federation, wire: Wire) -> None:
    """481 says that nothing was delivered (dialect facts §4.2)."""
    bob, berta = federation.partner(), federation.partner()
    chat = bob.user("bob").chat_with(berta.user("berta"))
    chat.say("one").must_succeed()
    berta.user("berta").chat_with(bob.user("bob")).forget()

    chat.say("two").must_succeed()

    assert [message.text for message in berta.user("berta").messages] == ["one", "two"]
    assert len(wire("SIP/2.0 481")) == 1
    assert len(wire("INVITE ")) == 2


class LostSession:
    """Answers every request inside a dialog with one status, also with 408, which only a proxy that is none sends."""

    def __init__(self, status: int, peer: str) -> None:
        self.status = status
        self.peer = peer

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        del transaction
        link._sip.send_raw(bytes(request.respond(self.status)))


@pytest.mark.parametrize("status", [408, 480, 481])
def test_a_text_that_came_to_nothing_with_its_session_is_sent_in_a_new_one(
    federation: Federation, wire: Wire, status: int
) -> None:
    """Dialect facts §4.2, for the server and for a partner alike."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.ignores_messages()
    chat = alice.chat_with(bob)
    chat.say("one").must_succeed()
    (dialog,) = partner.agent.dialogs
    partner._loop.call(partner.agent.dialogs.__setitem__, dialog, LostSession(status, alice.uri))

    chat.say("two").must_succeed()

    assert len(wire("MESSAGE ")) == 3
    assert len(wire("INVITE ")) == 2
    assert [message.text for message in bob.messages] == ["one", "two"]


@pytest.mark.parametrize(("status", "sessions"), [(480, 3), (481, 3), (500, 1), (606, 1)])
def test_a_message_that_the_peer_cannot_take_now_goes_into_a_new_session_once(
    federation: Federation, wire: Wire, status: int, sessions: int
) -> None:
    """480 and 481 end the session, any other refusal is for the text alone (dialect facts §4.2)."""
    partner = federation.partner(SFB_2019.but(filtered=status))
    partner.policy.filtered = ("forbidden",)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.ignores_messages()
    chat = alice.chat_with(bob)
    chat.say("one").must_succeed()

    chat.say("forbidden").must_fail(status=status)
    chat.say("three").must_succeed()

    assert len(wire("INVITE ")) == sessions
    assert [message.text for message in bob.messages] == ["one", "three"]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("plain", "text/plain"),
        ("plain+font", "text/plain"),
        ("html", "text/html"),
        ("rtf", "text/rtf"),
        ("alternative", "multipart/alternative"),
    ],
)
def test_every_form_of_a_text_is_read(federation: Federation, form: str, media_type: str) -> None:
    bob, alice = federation.partner().user("bob"), federation.sut.user("alice")

    bob.chat_with(alice).say("Grüße & <b>👋🏽</b>", form=form).must_succeed()

    assert alice.expect_message("Grüße & <b>👋🏽</b>", from_=bob).content_type == media_type


def test_texts_are_written_as_the_peers_session_description_takes_them(federation: Federation) -> None:
    alice, bob, berta = (
        federation.sut.user("alice"),
        federation.partner(LATE).user("bob"),
        federation.partner(LATE).user("berta"),
    )

    bob.chat_with(alice).say("to a server for plain text").must_succeed()
    bob.chat_with(berta).say("to one that renders alternatives").must_succeed()

    assert alice.expect_message().content_type == "text/plain"
    assert berta.expect_message().content_type == "multipart/alternative"


def test_page_mode_is_answered_in_page_mode(federation: Federation, wire: Wire) -> None:
    """RFC 3428; a server for both goes the way that its partner went last."""
    alice, bob = federation.sut.user("alice"), federation.partner(GENERIC).user("bob")

    bob.chat_with(alice).say("by page").must_succeed()
    alice.chat_with(bob).say("back").must_succeed()

    alice.expect_message("by page", from_=bob)
    bob.expect_message("back", from_=alice)
    assert not wire("INVITE ")
    assert not [message for message in wire("MESSAGE ") if "\r\nContact:" in message]


def test_page_mode_can_be_refused(federation: Federation) -> None:
    """Whether S4B takes it is not known (dialect facts §4.2)."""
    strict = SFB_2019.but(name="no-pages", page_status=405)
    bob, berta = federation.partner(GENERIC).user("bob"), federation.partner(strict).user("berta")

    bob.chat_with(berta).say("by page").must_fail(status=405)


@pytest.mark.parametrize(
    ("persona", "came_by"), [(SFB_2019, "INFO"), (GENERIC, "MESSAGE")], ids=["keyboard", "iscomposing"]
)
def test_typing_is_told_in_both_directions(federation: Federation, persona: Persona, came_by: str) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    to_alice, to_bob = bob.chat_with(alice), alice.chat_with(bob)
    to_alice.say("hello").must_succeed()
    alice.expect_message("hello")

    to_alice.typing().must_succeed()
    to_bob.typing().must_succeed()
    to_bob.stops_typing().must_succeed()

    assert alice.expect_typing(from_=bob).came_by == came_by
    assert bob.expect_typing(from_=alice).came_by == came_by
    bob.expect_typing(from_=alice, active=False)
    with pytest.raises(ExpectationFailed, match=r"expected to be told within 0.01 s that .* types; what came was: not"):
        bob.expect_typing(from_=alice, within=0.01)


def test_typing_goes_by_rfc_3994_to_a_peer_without_info(federation: Federation) -> None:
    """Its Allow names no INFO, and its session description names isComposing."""
    alice, bob = federation.sut.user("alice"), federation.partner(GENERIC).user("bob")
    alice.chat_with(bob).say("by session").must_succeed()
    bob.expect_message("by session")

    alice.chat_with(bob).typing().must_succeed()

    assert bob.expect_typing(from_=alice).came_by == "MESSAGE"


@pytest.mark.parametrize("persona", [SFB_2019, GENERIC], ids=["keyboard", "iscomposing"])
def test_who_falls_silent_counts_as_idle(federation: Federation, persona: Persona) -> None:
    """RFC 3994 §3.3: after the time that the sign named, or 120 seconds; a message ends it at once."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    chat = bob.chat_with(alice)
    chat.typing().must_succeed()
    alice.expect_typing(from_=bob)
    federation.advance(125)
    assert alice.expect_typing(from_=bob, active=False).came_by == "silence"

    chat.typing().must_succeed()
    chat.say("done").must_succeed()
    alice.expect_message("done")
    federation.advance(125)
    chat.say("fence").must_succeed()
    alice.expect_message("fence")
    with pytest.raises(ExpectationFailed, match="has stopped typing"):
        alice.expect_typing(from_=bob, active=False, within=0.01)


def test_teams_tells_nobody_who_types(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner(TEAMS).user("bob")

    bob.chat_with(alice).typing().must_fail(phase="policy")


OFFERS: tuple[OfferKind, ...] = (
    "audio",
    "video",
    "application-sharing",
    "file",
    "old-file",
    "conference",
    "multiparty",
)


@pytest.mark.parametrize("kind", OFFERS)
def test_what_is_no_chat_of_two_is_refused_and_the_chat_goes_on(federation: Federation, kind: OfferKind) -> None:
    alice, bob, berta = (
        federation.sut.user("alice"),
        federation.partner().user("bob"),
        federation.partner().user("berta"),
    )
    for other in (alice, berta):
        chat = bob.chat_with(other)
        chat.say("before").must_succeed()

        status = bob.offers(other, kind).must_fail(phase="invite").status

        chat.say("after").must_succeed()
        assert [message.text for message in other.messages] == ["before", "after"]
        if kind == "multiparty" and other is alice:
            assert status == 420, "it requires an extension that the server does not know"
        else:
            assert other.expect_offer(from_=bob).status == status == 488


def test_the_answer_to_an_offer_is_a_switch(federation: Federation) -> None:
    other = SFB_2019.but(name="like-sipe", media=NOT_IMPLEMENTED)
    bob, berta = federation.partner().user("bob"), federation.partner(other).user("berta")

    bob.offers(berta, "audio").must_fail(status=501)

    assert berta.expect_offer().kind == "sound, video or other media"


@pytest.mark.parametrize("text", ["half \ud83d", "\udc4b half", "nul \0 inside"], ids=ascii)
@pytest.mark.parametrize("persona", [SFB_2019, GENERIC], ids=lambda persona: persona.name)
def test_what_no_message_can_carry_is_refused_before_anything_is_sent(
    federation: Federation, wire: Wire, text: str, persona: Persona
) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")

    with pytest.raises(LocalProtocolError, match="and cannot be sent; leave it out"):
        bob.chat_with(alice).say(text)

    assert not wire("")
    bob.chat_with(alice).say("sound").must_succeed()
    alice.expect_message("sound")


def test_texts_composed_in_another_way_stay_as_they_are(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    composed, decomposed = "é", "e\u0301"

    for text in (composed, decomposed, "שלום עולם", "👩‍👩‍👧", "x" * 100_000):
        bob.chat_with(alice).say(text).must_succeed()
        alice.expect_message(text)
        alice.chat_with(bob).say(text).must_succeed()
        bob.expect_message(text)


def test_misses_say_how_the_nearest_message_differs(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    for text in ("Hello Alice", "something else"):
        bob.chat_with(alice).say(text).must_succeed()

    with pytest.raises(
        ExpectationFailed, match=r"The nearest, 'Hello Alice', has 'Alice' at character 7 instead of 'Bob'"
    ):
        alice.expect_message("Hello Bob", within=0.01)
    with pytest.raises(ExpectationFailed, match=r"The nearest, 'Hello Alice', is from sip:bob@.* instead of sip:x@y"):
        alice.expect_message("Hello Alice", from_="x@y.test", within=0.01)
    alice.ignores_messages()


def test_a_connection_that_breaks_leaves_the_session(federation: Federation, wire: Wire) -> None:
    """A dialog is no matter of one connection: the next message goes over a new one."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = bob.chat_with(alice)
    chat.say("one").must_succeed()

    def cut() -> None:
        for link in tuple(partner.agent.transport.links):
            link.close()

    partner._loop.call(cut)
    chat.say("two").must_succeed()

    assert [message.text for message in alice.messages] == ["one", "two"]
    assert len(wire("INVITE ")) == 1


def test_messages_sent_at_once_keep_their_order_also_with_the_first_in_the_invite(federation: Federation) -> None:
    here, there = federation.partner(), federation.partner()
    bob, berta = here.user("bob"), there.user("berta")
    account = here.agent.accounts[bob.uri]

    async def send_all() -> list[Outcome]:
        return await asyncio.gather(*(here.agent.send_text(account, berta.uri, str(n)) for n in range(20)))

    assert all(outcome.delivered for outcome in here._loop.run(send_all()))
    assert [message.text for message in berta.messages] == [str(n) for n in range(20)]

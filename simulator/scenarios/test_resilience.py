"""Partners that die, stall and come back: a message is delivered once, or its sender is told that it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.by_hand import by_hand
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.fault_cases import AT_ONCE, IN_TIME, Fault
from simulator.scenarios.grades import Outcomes
from simulator.scenarios.steps import must_chat_both_ways
from simulator.scenarios.traffic import answers_to, must_be_told, must_have_got, must_have_got_in_any_order

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.io.conversation import Saying
    from simulator.io.user import User
    from simulator.partner import Partner


NEEDS = ("chat", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")
REACHING = ("reach", "open-federation")
BOTH_WAYS = ("reach", "receive", "open-federation", "observe-inbox")

OR_TOLD: Outcomes = {
    "delivered": "ok",
    "failed": ("tolerable", "The sender is told; a server that tries again over a new connection spares them that."),
}


# -- a message on its way to a partner ----------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "C19", "RFC 3261 §8.1.3.1"), needs=REACHING)
@cases("fault", *AT_ONCE)
def test_first_message(federation: Federation, fault: Fault) -> None:
    """When {fault} at the first message, its sender is told, and once that is over the next message arrives."""
    partner = federation.partner()
    undo = fault.begin(federation, partner)

    server_contacts(federation, partner, text="meets the fault").must_have_come_once_or_failed()
    undo()

    server_contacts(federation, partner, text="afterwards").must_succeed()


@scenario(level="must", sources=("R2", "C19", "RFC 3261 §17.1.2.2"), needs=NEEDS)
@cases("fault", *IN_TIME)
def test_first_message_that_waits(federation: Federation, fault: Fault) -> None:
    """When {fault}, the sender is told within 40 seconds, and once that is over the next message arrives."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    undo = fault.begin(federation, partner)

    saying = alice.chat_with(bob).start_saying("meets the fault")
    fault.met(federation, partner)
    federation.advance(fault.waits)

    must_be_told(saying.outcome())
    undo()
    alice.chat_with(bob).say("afterwards").must_succeed()
    bob.expect_message("afterwards", from_=alice)
    bob.must_have_no_message()


@scenario(level="must", sources=("R2", "RFC 3261 §17.1.2.2"), needs=(*NEEDS, "time"))
@cases("when", Case("first", "the first message"), Case("in-dialog", "a message in a conversation"))
def test_partner_that_never_answers(federation: Federation, when: str) -> None:
    """When {when} gets no answer at all, its sender is told after 32 seconds, and the next one arrives."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = alice.chat_with(bob)
    if when != "the first message":
        chat.say("before").must_succeed()
        bob.expect_message("before", from_=alice)
    silence = partner.edge.falls_silent()

    saying = chat.start_saying("unheard")
    silence.must_have_happened()
    federation.advance(200)

    must_be_told(saying.outcome())
    silence.end()
    chat.say("afterwards").must_succeed()
    bob.expect_message("afterwards", from_=alice)
    bob.must_have_no_message()


@scenario(level="must", sources=("R2", "RFC 3261 §17.1.2.2", "RFC 4320 §4"), needs=(*NEEDS, "time"))
def test_partner_that_answers_late(federation: Federation) -> None:
    """A partner that takes ten seconds for its answer gets the message once, and its sender learns that it did."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    late = partner.edge.answers_late(10, times=1)

    saying = alice.chat_with(bob).start_saying("slowly")
    late.must_have_happened()
    federation.advance(10)

    saying.outcome().must_succeed()
    bob.expect_message("slowly", from_=alice)
    bob.must_have_no_message()


@scenario(level="must", sources=("R39", "C19", "RFC 1035 §4.2.1"), needs=(*NEEDS, "time"))
def test_dns_that_answers_late(federation: Federation) -> None:
    """Where the DNS takes two seconds for its answer, the message arrives once, after that."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    federation.dns.fault(partner.domain.srv_name, "late", delay=2, times=1)

    saying = alice.chat_with(bob).start_saying("slowly")
    federation.wait_for_query(partner.domain.srv_name, "SRV")
    federation.advance(2)

    saying.outcome().must_succeed()
    bob.expect_message("slowly", from_=alice)
    bob.must_have_no_message()


# -- a message in a conversation ----------------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "RFC 3261 §12.2.1"), needs=REACHING)
@cases("fault", *AT_ONCE[2:])
def test_message_in_a_conversation(federation: Federation, fault: Fault) -> None:
    """When {fault} after a first message arrived, none is lost without a word, and none comes twice."""
    partner = federation.partner()
    server_contacts(federation, partner, text="before").must_succeed()
    undo = fault.begin(federation, partner)

    server_contacts(federation, partner, text="meets the fault").must_have_come_once_or_failed()
    undo()

    server_contacts(federation, partner, text="afterwards").must_succeed()
    partner.user("bob").must_have_no_message()


@scenario(level="must", sources=("R2", "RFC 3261 §18.1.1"), needs=BOTH_WAYS)
def test_connection_that_ended_between_two_messages(federation: Federation) -> None:
    """A partner that has ended an idle connection is dialled again for the next message."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    server_contacts(federation, partner, text="before").must_succeed()
    partner.edge.drops_connections()
    bob.chat_with(alice).say("still there?").must_succeed()  # the server has read the end by now
    alice.expect_message("still there?", from_=bob)

    server_contacts(federation, partner, text="after").must_succeed()

    bob.must_have_no_message()


@scenario(level="should", sources=("R2", "RFC 3261 §12"), needs=INBOUND)
def test_partners_conversation_outlives_its_connection(federation: Federation) -> None:
    """A conversation is no connection: a partner goes on with it over a new one."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = bob.chat_with(alice)
    for number in range(3):
        chat.say(f"part {number}").must_succeed()
        partner.edge.drops_connections()

    must_have_got(alice, [f"part {number}" for number in range(3)])
    begun = len(answers_to(federation, partner, "INVITE"))
    assert begun <= 1, (
        f"the partner had to begin its one conversation {begun} times: "
        "the server forgot it with the connection over which it had begun, and answered 481 in it"
    )


@scenario(level="must", sources=("R2", "RFC 3261 §12.2.1.2"), needs=REACHING, outcomes=OR_TOLD)
@cases("word", Case("without-a-word", None), Case("with-a-word", "deactivated"))
def test_partner_that_restarts_in_a_conversation(federation: Federation, word: str | None) -> None:
    """After a restart of the partner, the next message arrives or its sender is told; the one after that arrives."""
    partner = federation.partner()
    server_contacts(federation, partner, text="before").must_succeed()

    partner.restart(reason=word)

    contact = server_contacts(federation, partner, text="next")
    happened(contact.outcome)
    contact.must_have_come_once_or_failed()
    server_contacts(federation, partner, text="afterwards").must_succeed()
    partner.user("bob").must_have_no_message()


@scenario(level="must", sources=("R2", "RFC 3261 §12.2.2"), needs=INBOUND)
def test_partner_that_restarts_comes_back(federation: Federation) -> None:
    """A partner that has restarted begins a new conversation, and the one that it forgot is not in the way."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("before").must_succeed()
    partner.restart()

    bob.chat_with(alice).say("after").must_succeed()

    must_have_got(alice, ["before", "after"])


@scenario(level="must", sources=("R2", "RFC 3261 §15.1.1"), needs=NEEDS)
@cases(
    "taken",
    Case("before-it-is-taken", False),
    Case("instead-of-the-answer", True),
)
def test_connection_that_ends_at_the_good_bye(federation: Federation, taken: bool) -> None:
    """A connection that dies while a conversation is ended does not keep the users from another one."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    chat = alice.chat_with(bob)
    chat.say("before").must_succeed()
    bob.expect_message("before", from_=alice)
    partner.edge.closes_on("BYE", taken=taken, times=1)

    chat.close()

    chat.say("after").must_succeed()
    bob.expect_message("after", from_=alice)
    bob.must_have_no_message()


# -- a message on its way from a partner --------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "RFC 3261 §18.3"), needs=INBOUND)
@cases("share", Case("nothing", 0.0), Case("half", 0.5), Case("all-but-the-end", 0.99))
def test_message_that_was_cut_off(federation: Federation, share: float) -> None:
    """A message that ends in the middle with its connection ({share} of it came) is not delivered; others are."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    message = by_hand(federation, partner, "MESSAGE", body="cut off")
    wire = partner.edge.wire()

    wire.send(message[: int(len(message) * share)])
    wire.close()

    _must_serve(federation, alice)
    alice.must_have_no_message()


@scenario(level="must", sources=("R2", "RFC 3261 §18.2.2"), needs=INBOUND)
def test_partner_that_does_not_wait_for_the_answer(federation: Federation) -> None:
    """A message whose sender hangs up before the answer is delivered at most once, and others are served."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    alice.ignores_messages()
    wire = partner.edge.wire()

    wire.send(by_hand(federation, partner, "MESSAGE", body="in a hurry"))
    wire.close()

    _must_serve(federation, alice)
    times = [message.text for message in alice.messages].count("in a hurry")
    assert times <= 1, f"a message whose sender hung up came {times} times; it was sent once"


# -- several partners and several connections ---------------------------------------------------------------------


@scenario(level="must", sources=("R2", "R38", "C19"), needs=(*NEEDS, "time"))
@cases("fault", *IN_TIME)
def test_deaf_partner_among_others(federation: Federation, fault: Fault) -> None:
    """While one message waits because {fault}, messages to and from another partner pass at once."""
    deaf, other = federation.partner(), federation.partner()
    alice = federation.sut.user("alice")
    undo = fault.begin(federation, deaf)
    saying = alice.chat_with(deaf.user("bob")).start_saying("unheard")
    fault.met(federation, deaf)

    must_chat_both_ways(federation, other)

    _must_still_wait(saying, deaf, other)
    federation.advance(fault.waits)
    must_be_told(saying.outcome())
    undo()


@scenario(level="must", sources=("R2", "R38"), needs=(*NEEDS, "time"))
def test_silent_partner_among_others(federation: Federation) -> None:
    """While one partner leaves a message unanswered, messages to and from another partner pass at once."""
    deaf, other = federation.partner(), federation.partner()
    silence = deaf.edge.falls_silent()
    saying = federation.sut.user("alice").chat_with(deaf.user("bob")).start_saying("unheard")
    silence.must_have_happened()

    must_chat_both_ways(federation, other)

    _must_still_wait(saying, deaf, other)
    federation.advance(200)
    must_be_told(saying.outcome())


@scenario(level="must", sources=("R39", "C19", "F0.2"), needs=(*INBOUND, "time"))
def test_sender_who_cannot_be_looked_up_yet(federation: Federation) -> None:
    """While the server waits for the DNS to say who a sender is, other senders are let in at once."""
    slow, other = federation.partner(), federation.partner()
    alice = federation.sut.user("alice")
    federation.dns.fault(slow.domain.srv_name, "late", delay=1)
    saying = slow.user("bob").chat_with(alice).start_saying("from the slow one")
    federation.wait_for_query(slow.domain.srv_name, "SRV")

    other.user("bob").chat_with(alice).say("from the other one").must_succeed()

    alice.expect_message("from the other one")
    _must_still_wait(saying, slow, other)
    federation.advance(1)
    saying.outcome().must_succeed()
    alice.expect_message("from the slow one")


@scenario(level="must", sources=("dialect §1.3", "RFC 3261 §18.2.2"), needs=INBOUND)
def test_four_connections_at_once(federation: Federation) -> None:
    """An edge that uses four connections at once gets every answer, and each message is shown once."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="four-at-once", connections=4, connect_at_once=True))
    alice = federation.sut.user("alice")
    people = [partner.user(f"user{number}") for number in range(8)]

    sayings = [one.chat_with(alice).start_saying(f"from {one.uri}") for one in people]
    for saying in sayings:
        saying.outcome().must_succeed()

    must_have_got_in_any_order(alice, [f"from {one.uri}" for one in people])


@scenario(level="must", sources=("dialect §1.3", "RFC 3261 §18.2.2"), needs=("receive", "open-federation"))
def test_answers_go_back_where_requests_came_from(federation: Federation) -> None:
    """Of four connections of a partner, each gets the answer to the request that went over it."""
    partner = federation.partner()
    wires = [partner.edge.wire() for _ in range(4)]

    for number, wire in enumerate(wires):
        wire.send(by_hand(federation, partner, instead={"Call-ID": f"Call-ID: on-{number}-{{number}}"}))

    for number, wire in enumerate(wires):
        call = wire.expect_answer("OPTIONS").call_id
        assert call.startswith(f"on-{number}-"), f"connection {number} got the answer to {call}"


@scenario(level="should", sources=("F1.17", "F1.19", "C19"), needs=REACHING, outcomes=OR_TOLD)
def test_server_that_dies_beside_a_living_one(federation: Federation) -> None:
    """When the server that a partner was reached at dies, the next message goes to its other one."""
    first = federation.partner(srv=False)
    second = federation.partner(domain=first.domain, fqdn=first.domain.child("second"), srv=False)
    with federation.zones.edit(str(first.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 10, 0, first.edge.port, str(first.edge.fqdn))
        zone.srv("_sipfederationtls._tcp", 20, 0, second.edge.port, str(second.edge.fqdn))
    before = server_contacts(federation, first, text="before")
    before.must_succeed()
    before.end()

    first.edge.breaks_down()

    contact = server_contacts(federation, second, text="after")
    happened(contact.outcome)
    contact.must_have_come_once_or_failed()
    first.user("bob").must_have_no_message()


# -- in the end ---------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "C19"), needs=REACHING)
def test_refusal_is_not_hammered(federation: Federation) -> None:
    """A message that a partner answers with 503 is not sent again and again, whatever Retry-After says."""
    partner = federation.partner()
    partner.edge.answers(None, 503, headers=[("Retry-After", "0")])

    contact = server_contacts(federation, partner)

    contact.must_be_told()
    contact.must_not_hammer()


@scenario(level="must", sources=("R2", "RFC 3261 §18.4"), needs=(*NEEDS, "time"))
def test_idle_connection_is_opened_again(federation: Federation) -> None:
    """A connection that the partner ends after an idle hour is opened again for the next message."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="ends-idle-ones", idle_incoming_seconds=300.0))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("before").must_succeed()
    bob.expect_message("before", from_=alice)

    federation.advance(hours=1)
    bob.chat_with(alice).say("still there?").must_succeed()  # the server has read the end by now
    alice.expect_message("still there?", from_=bob)

    alice.chat_with(bob).say("after").must_succeed()
    bob.expect_message("after", from_=alice)
    bob.must_have_no_message()


@scenario(level="must", sources=("R2", "R37", "RFC 3261 §18.1.1"), needs=REACHING)
def test_many_messages_over_one_connection(federation: Federation) -> None:
    """Messages of several users to one partner share connections: no more than four are opened."""
    partner = federation.partner()
    for name in ("alice", "anna"):
        for other in ("bob", "bill", "berta"):
            server_contacts(federation, partner, other, by=name).must_succeed()

    assert partner.edge.connections <= 4, f"{partner.edge.connections} connections are open"


def _must_still_wait(saying: Saying, slow: Partner, other: Partner) -> None:
    """What concerns `slow` has no end yet, while messages to or from `other` have passed."""
    if saying.is_over:
        raise ExpectationFailed(
            f"Messages to or from {other.domain} passed only after what waited for {slow.domain} was over "
            f"({saying.outcome()}): the server makes everybody wait for one."
        )


def _must_serve(federation: Federation, user: User) -> None:
    """A user of another partner reaches the server's user."""
    other = federation.partner().user("other")
    other.chat_with(user).say("from another one").must_succeed()
    user.expect_message("from another one", from_=other)

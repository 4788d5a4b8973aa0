"""What the server makes of answers of the DNS that never come, that change, or that depend on who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, record_sets, scenario
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.record_sets import SERVICE, edge_record, missing_for, record_for
from simulator.scenarios.steps import must_be_turned_away, must_chat_both_ways, must_have_reached_nobody
from simulator.scenarios.traffic import must_be_told

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("reach", "open-federation")
BOTH_WAYS = ("reach", "receive", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")

TTL = 120
UNANSWERED = (
    Case("no-answer", words="nothing comes back"),
    Case("tc-without-tcp", words="the answer is cut short, and nothing comes back over TCP", sources=("RFC 7766 §5",)),
    Case("wrong-id", words="the only answer carries another id", sources=("RFC 5452 §9.1",)),
    Case("wrong-question", words="the only answer is to another question", sources=("RFC 5452 §9.1",)),
)
"Faults of the DNS that leave a question unanswered, for whoever takes care."


# -- answers that never come, or come late --------------------------------------------------------------------------


@scenario(level="must", sources=("R40", "F1.22"), needs=("chat", "open-federation", "time"))
@cases("fault", *UNANSWERED)
def test_lookup_without_an_answer(federation: Federation, fault: str) -> None:
    """Where the question for the SRV record is not answered ({fault}), nobody is contacted, and the sender is told."""
    partner = federation.partner()
    federation.dns.fault(partner.domain.srv_name, fault)

    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying("Hello?")
    federation.wait_for_query(partner.domain.srv_name, "SRV")
    _must_reach_somebody_else(federation)
    federation.advance(40)

    must_be_told(saying.outcome())
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R7", "R41", "F1.22"), needs=("chat", "open-federation", "time"))
@cases("fault", *UNANSWERED)
def test_address_lookup_without_an_answer(federation: Federation, fault: str) -> None:
    """Where the question for the target's address is not answered ({fault}), the sender is told."""
    partner = federation.partner()
    federation.dns.fault(str(partner.edge.fqdn), fault)

    saying = federation.sut.user("alice").chat_with(partner.user("bob")).start_saying("Hello?")
    federation.wait_for_query(str(partner.edge.fqdn), "A")
    _must_reach_somebody_else(federation)
    federation.advance(40)

    must_be_told(saying.outcome())
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R40", "F0.2", "RFC 3261 §17.1.1.2"), needs=(*INBOUND, "time"))
@cases("fault", *UNANSWERED)
def test_sender_without_an_answer(federation: Federation, fault: str) -> None:
    """A sender about whom the DNS does not answer ({fault}) is not believed, and gets an answer in half a minute."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    federation.dns.fault(partner.domain.srv_name, fault)

    saying = partner.user("bob").chat_with(alice).start_saying("Trust me")
    federation.wait_for_query(partner.domain.srv_name, "SRV")
    must_have_reached_nobody(federation, alice)
    federation.advance(30)

    outcome = must_be_turned_away(saying.outcome())
    if outcome.status is None:
        raise ExpectationFailed(
            f"The server under test must answer the sender, but {outcome}. Half a minute after the question for "
            f"{partner.domain.srv_name}, which the DNS left open, it had not: when does it give such a question up?"
        )
    must_have_reached_nobody(federation, alice)


@scenario(level="should", sources=("C19", "F1.21"), needs=NEEDS)
def test_late_answer(federation: Federation) -> None:
    """An answer of the DNS that comes a moment late is waited for."""
    partner = federation.partner()
    federation.dns.fault(partner.domain.srv_name, "late", delay=0.05)

    server_contacts(federation, partner).must_succeed()


# -- answers that change --------------------------------------------------------------------------------------------


@scenario(level="should", sources=("C19", "RFC 2308 §7"), needs=NEEDS)
@cases("fault", "servfail", "refused")
def test_broken_lookup_is_asked_again(federation: Federation, fault: str) -> None:
    """A lookup that went wrong ({fault}) is not held against the partner: the next message gets through."""
    partner = federation.partner()
    with federation.dns.fault(partner.domain.srv_name, fault):
        server_contacts(federation, partner, text="too early").must_fail()

    server_contacts(federation, partner, text="in time").must_succeed()


@scenario(level="must", sources=("C19", "F1.6", "RFC 2308 §5"), needs=NEEDS)
def test_missing_record_is_asked_for_again(federation: Federation) -> None:
    """A partner that publishes its SRV record later is reached once the negative TTL, here 0, is over."""
    partner = federation.partner(srv=False)
    server_contacts(federation, partner, text="too early").must_fail()
    edge_record(federation, partner)

    contact = server_contacts(federation, partner, text="in time")

    contact.must_have_asked(partner.domain.srv_name, "SRV")
    contact.must_succeed()


@scenario(level="must", sources=("C19", "F1.6", "RFC 2308 §5"), needs=(*NEEDS, "time"))
def test_record_that_was_missing_two_minutes_ago(federation: Federation) -> None:
    """A partner that has published its SRV record since is reached once the negative TTL, two minutes, is over."""
    partner = federation.partner(srv=False)
    missing_for(federation, partner, TTL)
    server_contacts(federation, partner, text="too early").must_fail()
    edge_record(federation, partner)

    federation.advance(TTL + 1)

    server_contacts(federation, partner, text="in time").must_succeed()


@scenario(level="must", sources=("C19", "F0.2", "RFC 2308 §5"), needs=INBOUND)
def test_sender_is_believed_once_its_record_is_there(federation: Federation) -> None:
    """A sender who was refused for want of an SRV record comes in once the record is there."""
    partner = federation.partner(srv=False)
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    must_be_turned_away(bob.chat_with(alice).say("too early"))
    edge_record(federation, partner)

    bob.chat_with(alice).say("in time").must_succeed()

    alice.expect_message("in time", from_=bob)
    alice.must_have_no_message()


@scenario(level="must", sources=("C19", "F0.2", "RFC 2181 §8"), needs=(*INBOUND, "time"))
def test_sender_whose_record_was_taken_away(federation: Federation) -> None:
    """A sender whose SRV record is gone is not believed on a new connection once the TTL, two minutes, is over."""
    partner = federation.partner(srv=False)
    record_for(federation, partner, TTL)
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    bob.chat_with(alice).say("before").must_succeed()
    alice.expect_message("before", from_=bob)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.remove(SERVICE, "SRV")
    partner.edge.drops_connections()

    federation.advance(TTL + 1)

    must_be_turned_away(partner.user("eve").chat_with(alice).say("Trust me"))
    must_have_reached_nobody(federation, alice)


@scenario(level="should", sources=("C19", "F1.6", "RFC 2181 §8"), needs=NEEDS)
def test_partner_that_moved(federation: Federation) -> None:
    """A partner whose SRV record points elsewhere now is reached there once the old answer's TTL, here 0, is over."""
    old = federation.partner()
    server_contacts(federation, old, text="before").must_succeed()
    new = federation.partner(domain=old.domain, fqdn=old.domain.child("new"), srv=False)
    with federation.zones.edit(str(old.domain)) as zone:
        zone.remove("_sipfederationtls._tcp", "SRV")
    edge_record(federation, new)
    old.edge.stop()

    contact = server_contacts(federation, new, text="after")

    contact.must_have_asked(old.domain.srv_name, "SRV")
    contact.must_succeed()


@scenario(level="must", sources=("C19", "F1.6", "RFC 2181 §8"), needs=(*NEEDS, "time"))
def test_partner_that_moved_two_minutes_ago(federation: Federation) -> None:
    """A partner whose SRV record points elsewhere now is reached there once the TTL, two minutes, is over."""
    old = federation.partner(srv=False)
    record_for(federation, old, TTL)
    server_contacts(federation, old, text="before").must_succeed()
    new = federation.partner(domain=old.domain, fqdn=old.domain.child("new"), srv=False)
    with federation.zones.edit(str(old.domain)) as zone:
        zone.remove(SERVICE, "SRV")
    record_for(federation, new, TTL)
    old.edge.stop()

    federation.advance(TTL + 1)

    contact = server_contacts(federation, new, text="after")

    contact.must_have_asked(old.domain.srv_name, "SRV")
    contact.must_succeed()


# -- answers that depend on who asks --------------------------------------------------------------------------------


@scenario(level="must", sources=("R28", "C17"), needs=NEEDS)
def test_the_servers_own_view_counts(federation: Federation) -> None:
    """Where inner and outer DNS say different things, the server goes where its own DNS points (split view)."""
    partner = federation.partner()
    with record_sets.not_seen_by_itself(federation, partner):
        server_contacts(federation, partner).must_succeed()


@scenario(level="must", sources=("R28", "C17"), needs=NEEDS)
def test_partner_that_only_others_see(federation: Federation) -> None:
    """A partner whose records are in another view of the DNS than the server's is not reached (split view)."""
    partner = federation.partner(srv=False)
    with record_sets.seen_by_itself_only(federation, partner):
        contact = server_contacts(federation, partner)

        contact.must_fail()
        contact.must_have_asked(partner.domain.srv_name, "SRV")
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R16", "R17", "R45", "C17"), needs=BOTH_WAYS)
def test_own_name_leads_elsewhere_inside(federation: Federation) -> None:
    """Chats pass where the server's own name has one address inside and another outside, as behind a firewall."""
    partner = federation.partner()

    with record_sets.server_elsewhere_inside(federation, partner):
        must_chat_both_ways(federation, partner)


# -- steps ----------------------------------------------------------------------------------------------------------


def _must_reach_somebody_else(federation: Federation) -> None:
    """While one lookup waits, a message to another partner passes; by then the server has read what came back."""
    bob, alice = federation.partner().user("bob"), federation.sut.user("alice")
    alice.chat_with(bob).say("meanwhile").must_succeed()
    bob.expect_message("meanwhile", from_=alice)

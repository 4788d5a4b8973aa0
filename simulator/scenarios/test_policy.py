"""What a partner's administrator may have set, and how the server copes: it tells its user and keeps others working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.policy_cases import (
    ADMITTING,
    ANSWERS,
    DIRECTIONS,
    ORGS,
    REFUSING,
    UNVERIFIED_ANSWERS,
    VERIFICATION,
    WATCHERS,
    answer,
    edge_policy,
    must_pass,
    tenant_policy,
)
from simulator.scenarios.steps import must_chat_both_ways, must_have_reached_nobody
from simulator.scenarios.traffic import must_be_told, must_have_got, must_not_hammer, requests_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.federation import Federation
    from simulator.partner import FederationPolicy

NEEDS = ("chat", "open-federation", "observe-inbox")
OUTBOUND = ("chat", "open-federation")
REACHING = ("reach", "open-federation")
BOTH_WAYS = ("reach", "receive", "open-federation", "observe-inbox")
WATCHING = ("presence", "open-federation")
INBOUND = ("receive", "open-federation", "observe-inbox")


# -- lists of Skype for Business ----------------------------------------------------------------------------------


@scenario(level="must", sources=("R2", "R81", "F1.3"))
@cases("to_the_partner", *DIRECTIONS)
@cases("prepare", *ADMITTING)
def test_lists_that_admit(
    federation: Federation, prepare: Callable[[Federation, FederationPolicy], None], to_the_partner: bool
) -> None:
    """Messages pass with a partner whose edge {prepare}."""
    partner = federation.partner()
    prepare(federation, edge_policy(partner))

    must_pass(federation, partner, to_the_partner)


@scenario(level="must", sources=("R1", "F1.3"))
@cases("to_the_partner", *WATCHERS)
@cases("prepare", *ADMITTING)
def test_presence_with_lists_that_admit(
    federation: Federation, prepare: Callable[[Federation, FederationPolicy], None], to_the_partner: bool
) -> None:
    """Presence passes with a partner whose edge {prepare}."""
    partner = federation.partner()
    prepare(federation, edge_policy(partner))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    (alice.watch(bob) if to_the_partner else bob.watch(alice)).expect()


@scenario(level="must", sources=("R2", "R81", "F4.5"), needs=BOTH_WAYS)
@cases("prepare", *REFUSING)
def test_lists_that_refuse(federation: Federation, prepare: Callable[[Federation, FederationPolicy], None]) -> None:
    """A user who writes to a partner whose edge {prepare} is told so, once, and others are reached."""
    partner = federation.partner()
    prepare(federation, edge_policy(partner))

    contact = server_contacts(federation, partner)

    contact.must_be_told()
    contact.must_not_hammer()
    must_chat_both_ways(federation, federation.partner())


@scenario(level="must", sources=("R2", "R81"), needs=INBOUND)
@cases("prepare", *REFUSING)
def test_lists_that_refuse_ones_own_users(
    federation: Federation, prepare: Callable[[Federation, FederationPolicy], None]
) -> None:
    """Nothing reaches the server's users from a partner whose own edge {prepare}."""
    partner = federation.partner()
    prepare(federation, edge_policy(partner))
    alice = federation.sut.user("alice")

    partner.user("bob").chat_with(alice).say("Hello?").must_fail(phase="policy")

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R1", "F1.32", "F4.5"), needs=WATCHING)
@cases("prepare", *REFUSING)
def test_presence_with_lists_that_refuse(
    federation: Federation, prepare: Callable[[Federation, FederationPolicy], None]
) -> None:
    """A user who watches somebody at a partner whose edge {prepare} is told so, and sees others."""
    partner = federation.partner()
    prepare(federation, edge_policy(partner))
    alice = federation.sut.user("alice")

    must_be_told(alice.watch(partner.user("bob")).outcome)

    must_not_hammer(federation, partner, "SUBSCRIBE")
    alice.watch(federation.partner().user("berta")).expect("available")


@scenario(level="must", sources=("R81", "F3.13", "F4.5"), needs=REACHING)
@cases("row", *ANSWERS)
def test_answer_to_a_blocked_domain(federation: Federation, row: tuple[int, str, bool]) -> None:
    """A blocked domain may be answered {row}: the sender is told the status, and is delivered once it is unblocked."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="blocks", domain_blocked=answer(row)))
    policy = edge_policy(partner)
    policy.block(federation.sut.domain)

    contact = server_contacts(federation, partner)
    contact.must_be_told(row[0])
    contact.must_not_hammer()
    policy.remove(federation.sut.domain)

    server_contacts(federation, partner, text="Hello").must_succeed()


@scenario(level="must", sources=("R81", "F4.2"), needs=NEEDS)
def test_blocked_in_the_middle_of_a_conversation(federation: Federation) -> None:
    """A domain that is blocked while its users chat: the next message fails, and after the block they go on."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("before").must_succeed()
    bob.chat_with(alice).say("before").must_succeed()
    alice.expect_message("before", from_=bob)

    edge_policy(partner).block(federation.sut.domain)
    must_be_told(alice.chat_with(bob).say("meanwhile"))
    edge_policy(partner).remove(federation.sut.domain)
    alice.chat_with(bob).say("after").must_succeed()

    must_have_got(bob, ["before", "after"])


@scenario(level="must", sources=("R1", "R81"), needs=WATCHING)
def test_watched_when_the_domain_is_blocked(federation: Federation) -> None:
    """A partner that blocks the domain refuses notifications too: others are still notified, and it may watch again."""
    partner, other = federation.partner(), federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch, others = bob.watch(alice), other.user("berta").watch(alice)
    watch.expect("available")
    others.expect("available")

    edge_policy(partner).block(federation.sut.domain)
    for state in ("busy", "offline", "away"):
        alice.set_presence(state)
        others.expect(state)
    edge_policy(partner).remove(federation.sut.domain)

    bob.watch(alice).expect("away")


# -- hosting providers and verification ---------------------------------------------------------------------------


@scenario(level="must", sources=("F0.3", "F4.7", "C9"), needs=(*OUTBOUND, "identity"))
@cases(
    "provider, delivered",
    Case("enabled", True, True, words="an enabled hosting provider"),
    Case("disabled", False, False, words="a disabled hosting provider"),
    Case("none", None, False, words="no hosting provider"),
)
def test_hosting_provider(federation: Federation, provider: bool | None, delivered: bool) -> None:
    """A server outside its own domain is taken by a partner to whom it is {provider}, or its user is told the 504."""
    domain = federation.fresh_domain("hosted")
    server = federation.server(domain, f"edge.{federation.fresh_domain('provider')}")
    partner = federation.partner()
    if provider is not None:
        edge_policy(partner).add_hosting_provider(server.fqdn, enabled=provider)
    alice, bob = server.user("alice"), partner.user("bob")

    outcome = alice.chat_with(bob).say("Hello?")

    if delivered:
        outcome.must_succeed()
        bob.expect_message("Hello?", from_=alice)
    else:
        must_be_told(outcome, 504)
        must_not_hammer(federation, partner, "INVITE", "MESSAGE")


@scenario(level="must", sources=("F1.7", "dialect §2.2"), needs=OUTBOUND)
@cases("terms, delivered", *VERIFICATION)
def test_verification_level(federation: Federation, terms: dict[str, Any], delivered: bool) -> None:
    """A message to a partner that {terms} is delivered, or its sender is told that it was not."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="verifies", unmarked=terms.get("unmarked", "verified")))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    edge_policy(partner).allow(federation.sut.domain, verification=terms["level"])
    if "contact" in terms:
        partner.tenant(partner.domain).add_contact("bob", alice.uri)

    outcome = alice.chat_with(bob).say("Hello?")

    if delivered:
        outcome.must_succeed()
        bob.expect_message("Hello?", from_=alice)
    else:
        must_be_told(outcome, 403)
        must_not_hammer(federation, partner, "INVITE", "MESSAGE")


@scenario(
    level="info",
    sources=("F1.7", "F1.10", "dialect §5.3"),
    needs=OUTBOUND,
    outcomes={
        "failed 403": "ok",
        "failed 480": "ok",
        "delivered": "ok",
        "failed 481": (
            "tolerable",
            "The partner took the INVITE in silence, and then knows no session.",
        ),
    },
)
@cases("status", *UNVERIFIED_ANSWERS)
def test_answer_to_an_unverified_sender(federation: Federation, status: int) -> None:
    """However a partner treats an unverified sender, {status}, the sender gets one answer, and a contact is heard."""
    from simulator.partner import SFB_2019, Answer

    partner = federation.partner(SFB_2019.but(name="verifies", unverified_sender=Answer(status, "As it is")))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    edge_policy(partner).discovered_verification = "AlwaysUnverifiable"

    happened(alice.chat_with(bob).say("Hello?"))
    must_not_hammer(federation, partner, "INVITE", "MESSAGE", at_most=3)
    bob.must_have_no_message()
    partner.tenant(partner.domain).add_contact("bob", alice.uri)

    alice.chat_with(bob).say("Hello").must_succeed()

    bob.expect_message("Hello", from_=alice)


# -- a user's own policy ------------------------------------------------------------------------------------------


@scenario(level="must", sources=("F3.8", "F4.3", "F4.5"), needs=REACHING)
@cases("persona", "sfb-2019", "teams", "generic")
def test_user_without_federation(federation: Federation, persona: str) -> None:
    """Who writes to a user whose policy allows no federation is told so with 403, and reaches a colleague."""
    partner = federation.partner(persona)
    partner.tenant(partner.domain).policy.user("bob").enable_federation_access = False

    contact = server_contacts(federation, partner)
    contact.must_be_told(403)
    server_contacts(federation, partner, "berta", text="Hello").must_succeed()

    contact.must_not_hammer()


@scenario(level="must", sources=("F3.8", "F4.5"), needs=OUTBOUND)
def test_user_who_loses_federation(federation: Federation) -> None:
    """In a conversation with a user whose policy changes the next message fails, and later ones arrive again."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    access = partner.tenant(partner.domain).policy.user("bob")
    alice.chat_with(bob).say("before").must_succeed()

    access.enable_federation_access = False
    must_be_told(alice.chat_with(bob).say("meanwhile"), 403)
    access.enable_federation_access = True
    alice.chat_with(bob).say("after").must_succeed()

    must_have_got(bob, ["before", "after"])


@scenario(level="must", sources=("F3.8",), needs=REACHING)
@cases("orgs, domains, delivered", *ORGS)
def test_lists_of_a_user(federation: Federation, orgs: Any, domains: set[str], delivered: bool) -> None:
    """A user of Teams who {orgs} is reached, or the sender is told."""
    partner = federation.teams()
    access = tenant_policy(partner).user("bob")
    access.communication_with_external_orgs = orgs
    named = {federation.sut.domain if one == "ours" else federation.fresh_domain("other") for one in domains}
    access.allowed_external_domains = access.blocked_external_domains = named

    contact = server_contacts(federation, partner)

    if delivered:
        contact.must_succeed()
    else:
        contact.must_be_told()
        contact.must_not_hammer()


@scenario(level="must", sources=("F3.8",), needs=REACHING)
def test_user_above_the_tenant(federation: Federation) -> None:
    """A user of Teams who may write to us is reached although the tenant blocks our domain, and a colleague is not."""
    partner = federation.teams()
    policy = tenant_policy(partner)
    policy.block(federation.sut.domain)
    policy.user("bob").communication_with_external_orgs = "AllowAllExternalDomains"

    server_contacts(federation, partner, "berta").must_be_told()

    server_contacts(federation, partner, text="Hello").must_succeed()


# -- what one message may say, and how many -----------------------------------------------------------------------


@scenario(level="must", sources=("dialect §5.3",), needs=OUTBOUND)
@cases("status", Case("606", 606), Case("403", 403))
def test_message_that_is_filtered(federation: Federation, status: int) -> None:
    """A message that the partner's filter refuses with {status} is not sent again, and the next one arrives."""
    from simulator.partner import SFB_2019, Answer

    partner = federation.partner(SFB_2019.but(name="filters", filtered=Answer(status, "Not Acceptable")))
    edge_policy(partner).filtered = ("http://",)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("before").must_succeed()

    must_be_told(alice.chat_with(bob).say("see http://example.test/"), status)
    alice.chat_with(bob).say("after").must_succeed()

    must_have_got(bob, ["before", "after"])
    tries = [one for one in requests_to(federation, partner, "MESSAGE") if b"http://" in one.body]
    assert len(tries) == 1, f"the message that was refused with {status} was sent {len(tries)} times"


@scenario(level="must", sources=("dialect §5.3", "dialect §7"), needs=OUTBOUND)
def test_message_that_is_too_large(federation: Federation) -> None:
    """A message larger than the partner takes is refused with 513; its sender is told, and the next one arrives."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="small", max_body=2000))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.chat_with(bob).say("before").must_succeed()

    must_be_told(alice.chat_with(bob).say("x" * 3000), 513)
    alice.chat_with(bob).say("after").must_succeed()

    must_have_got(bob, ["before", "after"])


@scenario(level="must", sources=("F1.5", "dialect §7"), needs=(*OUTBOUND, "time"))
def test_more_messages_than_a_discovered_partner_may_send(federation: Federation) -> None:
    """Beyond the rate of a discovered partner messages fail, their sender is told of each, and later ones arrive."""
    from simulator.partner import SFB_2019

    limited = SFB_2019.but(name="limits", limit_discovered=True, discovered_rate=10.0)
    partner = federation.partner(limited)
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    outcomes = [(str(number), alice.chat_with(bob).say(str(number))) for number in range(20)]
    federation.advance(5)
    alice.chat_with(bob).say("later").must_succeed()

    refused = [outcome for _, outcome in outcomes if not outcome.delivered]
    for outcome in refused:
        must_be_told(outcome)
    arrived = [number for number, outcome in outcomes if outcome.delivered]
    must_have_got(bob, [*arrived, "later"])


@scenario(level="must", sources=("F1.5", "dialect §7"), needs=OUTBOUND)
def test_more_people_than_a_discovered_partner_may_ask_for(federation: Federation) -> None:
    """Beyond the people that a discovered partner may ask for the sender is told, and earlier ones are reached."""
    from simulator.partner import SFB_2019

    limited = SFB_2019.but(name="limits", limit_discovered=True, discovered_contacts=3, suspicious_rate=20.0)
    partner = federation.partner(limited)
    alice, people = federation.sut.user("alice"), [partner.user(f"bob{number}") for number in range(4)]
    for bob in people[:3]:
        alice.chat_with(bob).say("Hello").must_succeed()
        bob.expect_message("Hello", from_=alice)

    must_be_told(alice.chat_with(people[3]).say("Hello?"), 403)
    must_not_hammer(federation, partner, "INVITE", "MESSAGE", at_most=3 + 2)
    alice.chat_with(people[0]).say("again").must_succeed()

    people[0].expect_message("again", from_=alice)
    assert partner.edge.watch_list, "the edge must have put the server on its watch list"


@scenario(level="must", sources=("F1.5", "dialect §7"), needs=(*OUTBOUND, "time"))
def test_listed_partner_has_no_limit(federation: Federation) -> None:
    """On the partner's allow list the server sends as much as its users write."""
    from simulator.partner import SFB_2019

    limited = SFB_2019.but(name="limits", limit_discovered=True, discovered_rate=2.0)
    partner = federation.partner(limited)
    edge_policy(partner).allow(federation.sut.domain)
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    for number in range(10):
        alice.chat_with(bob).say(str(number)).must_succeed()

    must_have_got(bob, [str(number) for number in range(10)])

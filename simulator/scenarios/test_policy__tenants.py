"""What the administrator of a Teams tenant may have set, and many tenants behind one edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import cases, scenario
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.policy_cases import (
    BELOW,
    DIRECTIONS,
    TENANTS_ADMITTING,
    TENANTS_REFUSING,
    must_pass,
    tenant_policy,
)
from simulator.scenarios.steps import must_not_be_astray
from simulator.scenarios.traffic import must_be_told, must_have_got, must_not_hammer

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.federation import Federation
    from simulator.partner import TenantPolicy

NEEDS = ("chat", "open-federation", "observe-inbox")
OUTBOUND = ("chat", "open-federation")
REACHING = ("reach", "open-federation")
WATCHING = ("presence", "open-federation")
INBOUND = ("receive", "open-federation", "observe-inbox")


# -- external access of a Teams tenant ----------------------------------------------------------------------------


@scenario(level="must", sources=("R76", "R80", "R81", "F3.5"))
@cases("to_the_partner", *DIRECTIONS)
@cases("prepare", *TENANTS_ADMITTING)
def test_tenant_that_admits(
    federation: Federation, prepare: Callable[[Federation, TenantPolicy], None], to_the_partner: bool
) -> None:
    """Messages pass with a Teams tenant that {prepare}."""
    partner = federation.teams()
    prepare(federation, tenant_policy(partner))

    must_pass(federation, partner, to_the_partner)


@scenario(level="must", sources=("R80", "R81", "F3.13"), needs=REACHING)
@cases("prepare", *TENANTS_REFUSING)
def test_tenant_that_refuses(federation: Federation, prepare: Callable[[Federation, TenantPolicy], None]) -> None:
    """A user who writes to a Teams tenant that {prepare} is told so, once, and another tenant there is reached."""
    partner = federation.teams(2)
    refusing, other = partner.tenants
    prepare(federation, tenant_policy(partner, refusing))

    contact = server_contacts(federation, partner)
    contact.must_be_told()
    contact.must_not_hammer()

    server_contacts(federation, partner, f"berta@{other}", text="Hello").must_succeed()


@scenario(level="must", sources=("R1", "R80", "R81"), needs=WATCHING)
@cases("prepare", *TENANTS_REFUSING)
def test_presence_of_a_tenant_that_refuses(
    federation: Federation, prepare: Callable[[Federation, TenantPolicy], None]
) -> None:
    """A user who watches somebody of a Teams tenant that {prepare} is told so, and sees another tenant there."""
    partner = federation.teams(2)
    refusing, other = partner.tenants
    prepare(federation, tenant_policy(partner, refusing))
    alice, bob, berta = federation.sut.user("alice"), partner.user("bob"), partner.user(f"berta@{other}")

    must_be_told(alice.watch(bob).outcome)

    must_not_hammer(federation, partner, "SUBSCRIBE")
    alice.watch(berta).expect("available")


@scenario(level="must", sources=("F0.8", "F3.6", "P11"), needs=(*OUTBOUND, "identity"))
@cases("above, all_subdomains, delivered", *BELOW)
def test_block_list_and_subdomains(federation: Federation, above: str, all_subdomains: bool, delivered: bool) -> None:
    """A Teams tenant that blocks a domain {above}; a sender who is kept out is told."""
    blocked = federation.fresh_domain("contoso")
    domain = f"{above}{blocked}"
    server = federation.server(domain, f"sip.{domain}")
    partner = federation.teams()
    policy = tenant_policy(partner)
    policy.block(blocked)
    policy.block_all_subdomains = all_subdomains
    alice, bob = server.user("alice"), partner.user("bob")

    outcome = alice.chat_with(bob).say("Hello?")

    if delivered:
        outcome.must_succeed()
        bob.expect_message("Hello?", from_=alice)
    else:
        must_be_told(outcome)


@scenario(level="must", sources=("R80", "F3.5"), needs=REACHING)
def test_external_access_is_switched_on(federation: Federation) -> None:
    """Once the tenant's administrator allows external access, the next message arrives: a refusal is not remembered."""
    partner = federation.teams()
    policy = tenant_policy(partner)
    policy.allow_federated_users = False
    server_contacts(federation, partner).must_be_told()

    policy.allow_federated_users = True

    server_contacts(federation, partner, text="Hello").must_succeed()


@scenario(level="must", sources=("F1.10", "F3.6"), needs=NEEDS)
def test_tenant_that_verifies(federation: Federation) -> None:
    """A Teams tenant that takes discovered partners for unverified: the sender is told, and a contact is delivered."""
    partner = federation.teams()
    tenant_policy(partner).treat_discovered_partners_as_unverified = True
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    must_be_told(alice.chat_with(bob).say("Hello?"))
    partner.tenant(partner.domain).add_contact("bob", alice.uri)
    alice.chat_with(bob).say("Hello").must_succeed()

    bob.expect_message("Hello", from_=alice)


# -- many tenants behind one edge ---------------------------------------------------------------------------------


@scenario(level="must", sources=("R76", "R79", "C9", "F3.1", "F4.7"), needs=("reach", "open-federation"))
def test_to_many_tenants_behind_one_edge(federation: Federation) -> None:
    """With eight Teams tenants behind one edge, whose users have the same name, each message reaches the right one."""
    partner = federation.teams(8)

    for tenant in partner.tenants:
        contact = server_contacts(federation, partner, f"bob@{tenant}", text=f"to {tenant}")
        must_not_be_astray(partner, f"to {tenant}", tenant)
        contact.must_succeed()

    for tenant in partner.tenants:
        if "chat" in federation.sut.capabilities:
            must_have_got(partner.user(f"bob@{tenant}"), [f"to {tenant}"])


@scenario(level="must", sources=("R76", "C9", "F0.3", "F4.7"), needs=INBOUND)
def test_from_many_tenants_behind_one_edge(federation: Federation) -> None:
    """Users of eight Teams tenants, whose edge is in none of their domains, reach a user over one connection."""
    partner = federation.teams(8)
    alice, everybody = federation.sut.user("alice"), [partner.user(f"bob@{tenant}") for tenant in partner.tenants]

    for bob in everybody:
        bob.chat_with(alice).say(f"from {bob.uri}").must_succeed()

    wanted = [(f"from {bob.uri}", bob.uri) for bob in everybody]
    got = [(message.text, message.sender) for message in alice.messages]
    assert got == wanted, f"{alice.uri} must have got {wanted} (text, sender), but got {got}"


@scenario(level="must", sources=("R1", "C9", "F0.3", "F4.7"), needs=("show-presence", "open-federation"))
def test_presence_is_shown_to_many_tenants(federation: Federation) -> None:
    """Users of three Teams tenants, whose edge is in none of their domains, may all watch a user."""
    partner = federation.teams(3)

    for tenant in partner.tenants:
        partner.user(f"bob@{tenant}").watch(federation.sut.user("alice")).expect()


@scenario(level="must", sources=("R1", "R76", "F4.7"), needs=WATCHING)
def test_presence_of_many_tenants(federation: Federation) -> None:
    """Of users of the same name in several tenants behind one edge a user sees the one watched."""
    partner = federation.teams(3)
    alice = federation.sut.user("alice")
    states = ("busy", "away", "offline")
    watches = []
    for tenant, state in zip(partner.tenants, states, strict=True):
        bob = partner.user(f"bob@{tenant}")
        bob.set_presence(state)
        watches.append(alice.watch(bob))

    for watch, state in zip(watches, states, strict=True):
        watch.expect(state)


@scenario(level="must", sources=("R1", "F4.7"), needs=WATCHING)
def test_watchers_of_many_tenants(federation: Federation) -> None:
    """Watchers of the same name in several tenants behind one edge each see every change."""
    partner = federation.teams(3)
    alice = federation.sut.user("alice")
    watches = [partner.user(f"bob@{tenant}").watch(alice) for tenant in partner.tenants]

    for watch in watches:
        watch.expect("available")
    for state in ("busy", "away"):
        alice.set_presence(state)
        for watch in watches:
            watch.expect(state)


@scenario(level="must", sources=("R38", "R81", "F4.7"), needs=NEEDS)
def test_one_tenant_of_many_blocks(federation: Federation) -> None:
    """One tenant that blocks the domain, in the middle of it all, does not disturb the others behind the same edge."""
    partner = federation.teams(3)
    alice = federation.sut.user("alice")
    first, second, third = (partner.user(f"bob@{tenant}") for tenant in partner.tenants)
    for bob in (first, second, third):
        alice.chat_with(bob).say("before").must_succeed()
        bob.expect_message("before", from_=alice)

    tenant_policy(partner, list(partner.tenants)[1]).block(federation.sut.domain)

    must_be_told(alice.chat_with(second).say("after"))
    for bob in (first, third):
        alice.chat_with(bob).say("after").must_succeed()
        bob.expect_message("after", from_=alice)
        bob.chat_with(alice).say("answer").must_succeed()
        alice.expect_message("answer", from_=bob)
    second.must_have_no_message()

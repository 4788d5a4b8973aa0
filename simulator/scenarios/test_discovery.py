"""How the server finds its partners, and how partners find it, when records are missing or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import scenario
from simulator.scenarios.steps import must_chat_both_ways, must_have_reached_nobody

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "open-federation", "observe-inbox")


@scenario(level="must", sources=("R40", "F1.22"), needs=NEEDS)
def test_no_srv(federation: Federation) -> None:
    """A domain without the SRV record is not reached, and the sender is told so."""
    partner = federation.partner(srv=False)
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    federation.wait_for_query(partner.domain.srv_name, "SRV")
    partner.edge.must_not_have_been_dialled()
    bob.must_have_no_message()


@scenario(level="must", sources=("R7", "R41", "F1.22"), needs=NEEDS)
def test_srv_without_address(federation: Federation) -> None:
    """An SRV record whose target has no address leads nowhere, and the sender is told so."""
    partner = federation.partner(a=False)
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    federation.wait_for_query(str(partner.edge.fqdn), "A")
    partner.edge.must_not_have_been_dialled()
    bob.must_have_no_message()


@scenario(level="must", sources=("R39",), needs=(*NEEDS, "switch-open-federation"))
def test_open_federation_off_outbound(federation: Federation) -> None:
    """With open federation switched off a partner that only DNS knows is not contacted."""
    partner = federation.partner()
    federation.sut.switch_open_federation(enabled=False)
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    partner.edge.must_not_have_been_dialled()
    bob.must_have_no_message()


@scenario(level="must", sources=("R39",), needs=("receive", "switch-open-federation", "observe-inbox"))
def test_open_federation_off_inbound(federation: Federation) -> None:
    """With open federation switched off a message of a partner that only DNS knows is refused."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    federation.sut.switch_open_federation(enabled=False)

    partner.user("bob").chat_with(alice).say("Hello?").must_fail()

    federation.sut.switch_open_federation(enabled=True)
    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R31", "R39"), needs=(*NEEDS, "switch-open-federation", "static-routes"))
def test_open_federation_off_leaves_static_routes(federation: Federation) -> None:
    """Static routes work while open federation is switched off."""
    partner = federation.direct_partner()
    federation.sut.switch_open_federation(enabled=False)

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("F0.2", "dialect §2.3"), needs=("receive", "open-federation", "observe-inbox"))
def test_sender_whose_domain_has_no_srv(federation: Federation) -> None:
    """A sender whose domain publishes no SRV record is not vouched for and is refused."""
    partner = federation.partner(srv=False)
    alice = federation.sut.user("alice")

    partner.user("bob").chat_with(alice).say("Trust me").must_fail()

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R76", "R79", "C9", "F3.1"), needs=NEEDS)
def test_target_outside_the_partners_domain(federation: Federation) -> None:
    """The server follows an SRV target outside the partner's domain, as every Teams tenant has one."""
    partner = federation.partner(fqdn=federation.fresh_domain("hoster").child("sipfed"))

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R9", "C2", "F1.14"), needs=("chat", "identity"))
def test_own_target_outside_the_domain_is_refused_by_sfb(federation: Federation) -> None:
    """Skype for Business refuses, in both directions, a server whose SRV target lies outside its domain."""
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("connect"))
    partner = federation.partner(opposite=server)
    alice, bob = server.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("to Acme").must_fail(phase="discovery")
    alice.chat_with(bob).say("from Acme").must_fail(status=504)

    partner.edge.must_log(str(server.fqdn))
    bob.must_have_no_message()

"""Static routes and their switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import scenario
from simulator.scenarios.steps import must_chat_both_ways, must_have_reached_nobody

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "static-routes", "observe-inbox")


@scenario(level="must", sources=("R37", "R38"), needs=NEEDS)
def test_one_switched_off_another_still_works(federation: Federation) -> None:
    """Switching a route off stops that partner in both directions and no other."""
    off, other = federation.direct_partner(), federation.direct_partner()
    alice, bob = federation.sut.user("alice"), off.user("bob")

    federation.sut.switch_route(off.domain, enabled=False)

    alice.chat_with(bob).say("Hello?").must_fail()
    bob.chat_with(alice).say("Hello?").must_fail()
    bob.must_have_no_message()
    alice.must_have_no_message()
    must_chat_both_ways(federation, other)


@scenario(level="must", sources=("R37",), needs=NEEDS)
def test_switched_off_while_connected(federation: Federation) -> None:
    """Switching a route off also stops a conversation that is under way."""
    partner = federation.direct_partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    to_bob, to_alice = alice.chat_with(bob), bob.chat_with(alice)
    to_bob.say("before").must_succeed()
    to_alice.say("before").must_succeed()

    federation.sut.switch_route(partner.domain, enabled=False)

    to_bob.say("after").must_fail()
    to_alice.say("after").must_fail()
    assert [message.text for message in bob.messages] == ["before"]
    assert [message.text for message in alice.messages] == ["before"]


@scenario(level="must", sources=("R37",), needs=NEEDS)
def test_switched_on_again(federation: Federation) -> None:
    """A route that is switched off and on again works as before, without being configured anew."""
    partner = federation.direct_partner()

    federation.sut.switch_route(partner.domain, enabled=False)
    federation.sut.switch_route(partner.domain, enabled=True)

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R31",), needs=(*NEEDS, "switch-open-federation"))
def test_connection_type_switched_off(federation: Federation) -> None:
    """No route works in either direction while the connection type is switched off."""
    partner = federation.direct_partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    federation.sut.switch_static_routes(enabled=False)
    federation.sut.switch_open_federation(enabled=False)

    alice.chat_with(bob).say("Hello?").must_fail()
    bob.chat_with(alice).say("Hello?").must_fail()
    bob.must_have_no_message()
    federation.sut.switch_open_federation(enabled=True)
    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R28", "R29"), needs=NEEDS)
def test_host_without_address(federation: Federation) -> None:
    """A route to a host that DNS does not know leads nowhere, and the sender is told so."""
    partner = federation.partner(srv=False, a=False)
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    bob.must_have_no_message()


@scenario(level="must", sources=("R27", "R52", "F1.15"), needs=NEEDS)
def test_names_need_no_relation(federation: Federation) -> None:
    """With static routes the partner's FQDN may lie outside its domain."""
    partner = federation.direct_partner(fqdn=federation.fresh_domain("hoster").child("edge"))

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R19", "R48", "R49"), needs=(*NEEDS, "open-federation"))
def test_source_port_is_dynamic(federation: Federation) -> None:
    """The server dials a partner, found by DNS or by a route, from a source port other than the one it listens on."""
    alice = federation.sut.user("alice")
    for partner in (federation.partner(), federation.direct_partner()):
        bob = partner.user("bob")
        alice.chat_with(bob).say("Hello").must_succeed()
        bob.expect_message("Hello", from_=alice)

        source = partner.edge.must_have_been_dialled()

        port = int(source.rpartition(":")[2])
        assert port >= 1024, f"it dialled from {source}"
        assert port != federation.sut.port, f"it dialled from {source}, the port it listens on"

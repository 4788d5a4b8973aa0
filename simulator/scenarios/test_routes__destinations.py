"""Where a static route leads: its host and port, beside an SRV record, and after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import happened, scenario
from simulator.scenarios.record_sets import refusing_port
from simulator.scenarios.steps import must_chat_both_ways
from simulator.scenarios.traffic import must_be_told

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "static-routes", "observe-inbox")


@scenario(level="must", sources=("R27", "R35", "C11"), needs=NEEDS)
def test_port_of_the_route(federation: Federation) -> None:
    """The port of a route, though called one for incoming connections, is the one that the partner is dialled at."""
    partner = federation.partner(srv=False, other_port=True)
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)

    federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello?").must_succeed()

    partner.user("bob").expect_message("Hello?")


@scenario(level="must", sources=("R27", "R30", "R35", "C11"), needs=NEEDS)
def test_port_where_nobody_listens(federation: Federation) -> None:
    """A route with a port where nobody listens leads nowhere; the port decides nothing about who may come in."""
    partner = federation.partner(srv=False)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    with refusing_port(partner.edge.address) as port:
        federation.sut.add_route(partner.domain, partner.edge.fqdn, port)

        must_be_told(alice.chat_with(bob).say("Hello?"))
        bob.chat_with(alice).say("Hello!").must_succeed()

    alice.expect_message("Hello!", from_=bob)
    partner.edge.must_not_have_been_dialled()


@scenario(level="should", sources=("R27", "F1.19", "C19"), needs=(*NEEDS, "open-federation"))
def test_route_beside_an_srv_record(federation: Federation) -> None:
    """For a domain that has a route and an SRV record, the route is the way that the administrator has chosen."""
    partner = federation.partner(srv=False)
    elsewhere = federation.partner(domain=partner.domain, fqdn=partner.domain.child("public"))
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)

    federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello?").must_succeed()

    partner.user("bob").expect_message("Hello?")
    elsewhere.edge.must_not_have_been_dialled()


@scenario(
    level="info",
    sources=("R37", "R39", "C19"),
    needs=(*NEEDS, "open-federation"),
    outcomes={
        "failed": "ok",
        "delivered": ("tolerable", "Nothing says whether a route that is off leaves the domain to open federation."),
    },
)
def test_switched_off_route_beside_an_srv_record(federation: Federation) -> None:
    """A domain whose route is switched off is not federated with, though it has an SRV record: that is the switch."""
    partner = federation.partner()
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port, enabled=False)
    bob = partner.user("bob")

    happened(federation.sut.user("alice").chat_with(bob).say("Hello?"))

    bob.ignores_messages()


@scenario(
    level="info",
    sources=("R31", "R39", "C19"),
    needs=(*NEEDS, "open-federation"),
    outcomes={
        "delivered": "ok",
        "failed": ("tolerable", "Nothing says whether routes of a type that is off keep their domains to themselves."),
    },
)
def test_connection_type_off_beside_an_srv_record(federation: Federation) -> None:
    """With static routes switched off as a type, a domain that has an SRV record is found by that."""
    partner = federation.partner()
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)
    federation.sut.switch_static_routes(enabled=False)
    bob = partner.user("bob")

    happened(federation.sut.user("alice").chat_with(bob).say("Hello?"))

    bob.ignores_messages()


@scenario(level="must", sources=("R31",), needs=NEEDS)
def test_connection_type_switched_on_again(federation: Federation) -> None:
    """Every route works as before when the connection type was switched off and on, without being configured anew."""
    one, other = federation.direct_partner(), federation.direct_partner()

    federation.sut.switch_static_routes(enabled=False)
    federation.sut.switch_static_routes(enabled=True)

    must_chat_both_ways(federation, one)
    must_chat_both_ways(federation, other)


@scenario(level="must", sources=("R27", "R32"), needs=NEEDS)
def test_route_is_changed(federation: Federation) -> None:
    """A route that is given another host leads there from then on, and no longer to the old one."""
    old = federation.direct_partner()
    alice = federation.sut.user("alice")
    alice.chat_with(old.user("bob")).say("before").must_succeed()
    old.user("bob").expect_message("before")
    new = federation.partner(domain=old.domain, fqdn=old.domain.child("new"), srv=False)

    federation.sut.add_route(new.domain, new.edge.fqdn, new.edge.port)
    alice.chat_with(old.user("bob")).close()

    outcome = alice.chat_with(new.user("bob")).say("after")
    if any(message.text == "after" for message in old.user("bob").messages):
        raise ExpectationFailed(
            f"The route to {old.domain} leads to {new.edge.fqdn} now, but the message came to the old host, "
            f"{old.edge.fqdn}: the server goes by the route as it was, or uses a connection that it has."
        )
    outcome.must_succeed()
    new.user("bob").expect_message("after", from_=alice)
    old.user("bob").must_have_no_message()


@scenario(level="must", sources=("R32", "RFC 3261 §19.1.4"), needs=NEEDS)
def test_domain_in_capitals(federation: Federation) -> None:
    """A route serves its domain however the sender spells it: capitals make no difference."""
    partner = federation.direct_partner()
    bob = partner.user("bob")

    federation.sut.user("alice").chat_with(f"bob@{str(partner.domain).upper()}").say("Hello?").must_succeed()

    bob.expect_message("Hello?")


@scenario(
    level="info",
    sources=("R28", "R29", "C13"),
    needs=NEEDS,
    outcomes={
        "delivered": "ok",
        "failed": ("tolerable", "The requirements speak of names that resolve, and not of aliases."),
    },
)
def test_host_is_an_alias(federation: Federation) -> None:
    """A route to a name that is an alias (CNAME) is followed: the name only has to resolve."""
    partner = federation.partner(srv=False, a=False)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a("host", partner.edge.address)
        zone.cname(str(partner.edge.fqdn), f"host.{partner.domain}")
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)
    bob = partner.user("bob")

    happened(federation.sut.user("alice").chat_with(bob).say("Hello?"))

    bob.ignores_messages()

"""Static routes and their switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import Case, cases, scenario
from simulator.scenarios.by_hand import by_hand, must_answer
from simulator.scenarios.steps import must_be_turned_away, must_chat_both_ways, must_have_reached_nobody
from simulator.scenarios.traffic import must_be_told, must_have_got

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "static-routes", "observe-inbox")
INBOUND = ("receive", "static-routes", "observe-inbox")
BAD_CERTIFICATES = ("expired", "not-yet-valid", "self-signed", "untrusted", "wildcard", "wrong-name")


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
    must_have_got(bob, ["before"])
    must_have_got(alice, ["before"])


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
        assert port >= 1024, f"the server must dial from a dynamic port (1024 and up), but dialled from {source}"
        assert port != federation.sut.port, f"the server dialled from {source}, the port that it listens on"


# -- one direction at a time --------------------------------------------------------------------------------------


@scenario(level="must", sources=("R27", "R31", "R37"), needs=NEEDS)
@cases(
    "enabled",
    Case("on", True, sentence="A user reaches a partner by a route that is switched on, and the partner is dialled."),
    Case("off", False, sentence="A user does not reach a partner by a route that is switched off; nobody is dialled."),
)
def test_outbound(federation: Federation, enabled: bool) -> None:
    """A user reaches a partner by its route when it is switched on."""
    partner = federation.partner(srv=False)
    bob = partner.user("bob")
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port, enabled=enabled)

    outcome = federation.sut.user("alice").chat_with(bob).say("Hello?")

    if enabled:
        outcome.must_succeed()
        bob.expect_message("Hello?")
        partner.edge.must_have_been_dialled()
    else:
        must_be_told(outcome)
        partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R31", "R37", "R47"), needs=INBOUND)
@cases(
    "enabled",
    Case("on", True, sentence="A partner whose route is switched on reaches a user, though DNS says nothing of it."),
    Case("off", False, sentence="A partner whose route is switched off is answered with a refusal."),
)
def test_inbound(federation: Federation, enabled: bool) -> None:
    """A partner reaches a user when its route is switched on."""
    partner = federation.partner(srv=False)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port, enabled=enabled)

    outcome = bob.chat_with(alice).say("Hello?")

    if enabled:
        outcome.must_succeed()
        alice.expect_message("Hello?", from_=bob)
    else:
        must_be_turned_away(outcome)
        alice.must_have_no_message()


# -- what a route does not open -----------------------------------------------------------------------------------


@scenario(level="must", sources=("R32", "R38"), needs=(*NEEDS, "switch-open-federation"))
@cases("relation", Case("subdomain", "emea.{domain}"), Case("similar", "sub{domain}"))
def test_route_serves_one_domain(federation: Federation, relation: str) -> None:
    """A route serves the one domain that it names, and neither one below it nor one that only looks similar."""
    partner = federation.direct_partner()
    other = federation.partner(domain=relation.format(domain=partner.domain))
    federation.sut.switch_open_federation(enabled=False)

    must_be_told(federation.sut.user("alice").chat_with(other.user("bob")).say("Hello?"))

    because = f"The message was to {other.domain}, and the one route there is serves {partner.domain} alone."
    other.edge.must_not_have_been_dialled(because=because)
    partner.edge.must_not_have_been_dialled(because=because)
    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R32", "R38", "F0.2"), needs=INBOUND)
def test_partner_of_one_route_speaks_for_no_other(federation: Federation) -> None:
    """The server of one route is refused when it claims to be of the domain of another route."""
    partner, victim = federation.direct_partner(), federation.direct_partner()
    liar = federation.partner(domain=victim.domain, fqdn=partner.edge.fqdn, srv=False, a=False)
    alice = federation.sut.user("alice")

    must_be_turned_away(liar.user("mallory").chat_with(alice).say("Trust me"))

    victim.user("bob").chat_with(alice).say("It is me").must_succeed()
    alice.expect_message("It is me", from_=victim.user("bob"))
    alice.must_have_no_message()


@scenario(level="must", sources=("R37", "R38"), needs=NEEDS)
def test_two_routes_to_one_server(federation: Federation) -> None:
    """Of two domains at one server, switching the route of one off leaves a conversation with the other alone."""
    partner = federation.teams(2)
    alice = federation.sut.user("alice")
    off, on = (tenant.user("bob") for tenant in partner.tenants.values())
    for domain in partner.tenants:
        federation.sut.add_route(domain, partner.edge.fqdn, partner.edge.port)
    first, second = alice.chat_with(off), alice.chat_with(on)
    for chat, bob in ((first, off), (second, on)):
        chat.say("before").must_succeed()
        bob.expect_message("before", from_=alice)

    federation.sut.switch_route(partner.domain, enabled=False)

    must_be_told(first.say("after"))
    second.say("after").must_succeed()
    on.expect_message("after", from_=alice)
    on.chat_with(alice).say("and back").must_succeed()
    alice.expect_message("and back", from_=on)
    must_be_turned_away(off.chat_with(alice).say("and back"))


@scenario(level="must", sources=("R31", "R38"), needs=(*NEEDS, "open-federation"))
def test_connection_type_off_leaves_open_federation(federation: Federation) -> None:
    """With static routes switched off, a conversation with a partner of open federation goes on."""
    direct, found = federation.direct_partner(), federation.partner()
    alice, bob = federation.sut.user("alice"), found.user("bob")
    chat = alice.chat_with(bob)
    chat.say("before").must_succeed()
    direct.user("bob").chat_with(alice).say("before").must_succeed()

    federation.sut.switch_static_routes(enabled=False)

    chat.say("after").must_succeed()
    must_have_got(bob, ["before", "after"])
    must_have_got(alice, ["before"])


# -- in the middle of something -----------------------------------------------------------------------------------


@scenario(level="must", sources=("R37",), needs=NEEDS)
def test_switched_off_while_the_partner_is_called(federation: Federation) -> None:
    """Switching a route off while an invitation waits for its answer delivers nothing, and the sender is told so."""
    partner = federation.direct_partner()
    bob = partner.user("bob")
    mishap = partner.edge.answers_late(60, "INVITE")
    saying = federation.sut.user("alice").chat_with(bob).start_saying("Hello?")
    mishap.must_have_happened()

    federation.sut.switch_route(partner.domain, enabled=False)

    must_be_told(saying.outcome())
    bob.must_have_no_message()


@scenario(level="must", sources=("R1", "R37", "R38"), needs=("show-presence", "static-routes"))
def test_watched_when_switched_off(federation: Federation) -> None:
    """Who watches by a route that is switched off sees no more and cannot ask anew; others still watch."""
    off, other = federation.direct_partner(), federation.direct_partner()
    alice = federation.sut.user("alice")
    watch = off.user("bob").watch(alice)
    watch.expect("available")
    still = other.user("bob").watch(alice)
    still.expect("available")

    federation.sut.switch_route(off.domain, enabled=False)

    watch.expect_state("terminated")
    off.user("bob").watch(alice).outcome.must_fail()
    other.user("bill").watch(alice).expect("available")


@scenario(level="must", sources=("R1", "R37", "R38"), needs=("presence", "static-routes"))
def test_watching_when_switched_off(federation: Federation) -> None:
    """What a partner's user shows after the route was switched off is not seen; another partner's user is."""
    off, other = federation.direct_partner(), federation.direct_partner()
    alice, bob, eve = federation.sut.user("alice"), off.user("bob"), other.user("eve")
    gone, still = alice.watch(bob), alice.watch(eve)
    gone.expect("available")
    still.expect("available")

    federation.sut.switch_route(off.domain, enabled=False)

    bob.set_presence("busy")
    eve.set_presence("busy")
    still.expect("busy")
    gone.must_not_have_seen("busy")


@scenario(level="must", sources=("R1", "R37"), needs=("presence", "static-routes"))
def test_watches_again_when_switched_on(federation: Federation) -> None:
    """After a route was switched off and on, users watch each other as before."""
    partner = federation.direct_partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.watch(bob).expect("available")
    bob.watch(alice).expect("available")

    federation.sut.switch_route(partner.domain, enabled=False)
    federation.sut.switch_route(partner.domain, enabled=True)

    bob.set_presence("away")
    alice.watch(bob).expect("away")
    bob.watch(alice).expect("available")


# -- the certificate at the other end -----------------------------------------------------------------------------


@scenario(level="must", sources=("R27", "R36", "R60", "F2.6"), needs=NEEDS)
@cases("certificate", *BAD_CERTIFICATES)
def test_bad_certificate_of_the_routes_server(federation: Federation, certificate: str) -> None:
    """A route to a server that shows a bad certificate ({certificate}) carries nothing in either direction."""
    partner = federation.direct_partner(certificate=certificate)
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    must_be_told(alice.chat_with(bob).say("Hello?"))
    must_be_turned_away(bob.chat_with(alice).say("Hello?"))

    alice.must_have_no_message()
    bob.must_have_no_message()


@scenario(level="must", sources=("R36", "R44"), needs=NEEDS)
def test_routes_server_speaks_no_tls(federation: Federation) -> None:
    """A route to a port where no TLS is spoken leads nowhere: the protocol is fixed to MTLS."""
    partner = federation.direct_partner()
    partner.edge.breaks_down("garbage")

    must_be_told(federation.sut.user("alice").chat_with(partner.user("bob")).say("Hello?"))

    partner.edge.recovers()
    must_chat_both_ways(federation, partner)


# -- from where partners come -------------------------------------------------------------------------------------


@scenario(level="must", sources=("R18", "R47", "C21"), needs=INBOUND)
def test_any_source(federation: Federation) -> None:
    """Whoever proves to be the server of a route is let in from whatever source address and port it comes."""
    partner = federation.direct_partner()
    alice = federation.sut.user("alice")
    sources = set()
    for number in range(3):
        wire = partner.edge.wire()
        sources.add(wire.source)
        wire.send(by_hand(federation, partner, "MESSAGE", body=f"message {number}"))
        must_answer(wire, "MESSAGE", what=f"a message of the route's own server that came from {wire.source}")
        alice.expect_message(f"message {number}")
    assert len(sources) == 3, f"the partner was to come from three ports, but came from {sources}"

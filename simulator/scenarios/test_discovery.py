"""How the server finds its partners, and how partners find it, when records are missing or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import Case, cases, happened, record_sets, scenario
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.record_cases import FOUND, NOT_FOUND
from simulator.scenarios.record_sets import SERVICE, RecordSet, refusing_port, srv
from simulator.scenarios.steps import (
    must_be_turned_away,
    must_chat_both_ways,
    must_have_reached_nobody,
    must_not_be_astray,
)

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("reach", "open-federation")
BOTH_WAYS = ("reach", "receive", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")

BROKEN_LOOKUPS = ("servfail", "refused", "formerr", "wrong-name", "tcp-reset")


@scenario(level="must", sources=("R40", "F1.22"), needs=NEEDS)
def test_no_srv(federation: Federation) -> None:
    """A domain without the SRV record is not reached, and the sender is told so."""
    partner = federation.partner(srv=False)

    contact = server_contacts(federation, partner)

    contact.must_fail()
    contact.must_have_asked(partner.domain.srv_name, "SRV")
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R7", "R41", "F1.22"), needs=NEEDS)
def test_srv_without_address(federation: Federation) -> None:
    """An SRV record whose target has no address leads nowhere, and the sender is told so."""
    partner = federation.partner(a=False)

    contact = server_contacts(federation, partner)

    contact.must_fail()
    contact.must_have_asked(str(partner.edge.fqdn), "A")
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R39",), needs=("chat", "switch-open-federation"))
def test_open_federation_off_outbound(federation: Federation) -> None:
    """With open federation switched off a partner that only DNS knows is not contacted."""
    partner = federation.partner()
    federation.sut.switch_open_federation(enabled=False)

    server_contacts(federation, partner).must_fail()

    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R39",), needs=("receive", "switch-open-federation", "observe-inbox"))
def test_open_federation_off_inbound(federation: Federation) -> None:
    """With open federation switched off a message of a partner that only DNS knows is refused."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    federation.sut.switch_open_federation(enabled=False)

    partner.user("bob").chat_with(alice).say("Hello?").must_fail()

    federation.sut.switch_open_federation(enabled=True)
    must_have_reached_nobody(federation, alice)


@scenario(
    level="must", sources=("R31", "R39"), needs=("chat", "observe-inbox", "switch-open-federation", "static-routes")
)
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


@scenario(level="must", sources=("R76", "R79", "C9", "F3.1"), needs=BOTH_WAYS)
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


@scenario(level="must", sources=("R9", "F1.13"), needs=("chat", "identity"))
def test_own_target_beside_one_outside_the_domain(federation: Federation) -> None:
    """Skype for Business finds a server by the one SRV target in its domain, although a better one lies outside."""
    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"))
    with federation.zones.edit(str(domain)) as zone:
        zone.remove(SERVICE, "SRV")
        zone.srv(SERVICE, 0, 0, server.port, str(federation.fresh_domain("hoster").child("connect")))
        zone.srv(SERVICE, 10, 0, server.port, str(server.fqdn))
    partner = federation.partner(opposite=server)
    alice, bob = server.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("to Acme").must_succeed()
    bob.chat_with(alice).close()
    alice.chat_with(bob).say("from Acme").must_succeed()

    alice.expect_message("to Acme", from_=bob)
    bob.expect_message("from Acme", from_=alice)


@scenario(level="must", sources=("F1.17", "F1.18", "C19"), needs=("receive", "identity"))
@cases(
    "failover, found",
    Case("by-priority", "all", True, words="tries the next priority"),
    Case("never", "best", False, words="knows no failover"),
)
def test_own_dead_server_beside_the_living_one(federation: Federation, failover: str, found: bool) -> None:
    """Where the first of a server's SRV targets is dead, it is found or not by a partner that {failover}."""
    from simulator.partner import SFB_2019

    domain = federation.fresh_domain("acme")
    server = federation.server(domain, domain.child("connect"))
    partner = federation.partner(SFB_2019.but(name=f"sfb-{failover}", failover=failover), opposite=server)
    with refusing_port(server.address) as port:
        with federation.zones.edit(str(domain)) as zone:
            zone.remove(SERVICE, "SRV").a("dead", server.address)
            zone.srv(SERVICE, 0, 0, port, f"dead.{domain}").srv(SERVICE, 10, 0, server.port, str(server.fqdn))
        outcome = partner.user("bob").chat_with(server.user("alice")).say("Hello!")

    if found:
        outcome.must_succeed()
        server.user("alice").expect_message("Hello!", from_=partner.user("bob"))
    else:
        outcome.must_fail(phase="connect")


@scenario(level="must", sources=("R39", "R40", "R41"), needs=NEEDS)
@cases("records", *FOUND)
def test_reached_by_its_records(federation: Federation, records: RecordSet) -> None:
    """A partner is reached at the edge that its SRV record names; here {records}."""
    partner = records.start(federation)

    contact = server_contacts(federation, partner)

    contact.must_succeed()
    contact.must_have_asked(partner.domain.srv_name, "SRV")


@scenario(level="must", sources=("R39", "R40", "F0.2"), needs=INBOUND)
@cases("records", *FOUND)
def test_believed_by_its_records(federation: Federation, records: RecordSet) -> None:
    """A message comes in when the sender's SRV record names a host in the client certificate; here {records}."""
    partner = records.start(federation)
    bob, alice = partner.user("bob"), federation.sut.user("alice")

    bob.chat_with(alice).say("Hello!").must_succeed()

    alice.expect_message("Hello!", from_=bob)


@scenario(level="must", sources=("R40", "F1.22"), needs=NEEDS)
@cases("records", *NOT_FOUND)
def test_not_reached_without_its_record(federation: Federation, records: RecordSet) -> None:
    """Without the one right SRV record nobody is contacted, and the sender is told so; here {records}."""
    partner = records.start(federation)

    contact = server_contacts(federation, partner)

    contact.must_fail()
    contact.must_have_asked(partner.domain.srv_name, "SRV")
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R40", "F0.2"), needs=INBOUND)
@cases("records", *NOT_FOUND)
def test_not_believed_without_its_record(federation: Federation, records: RecordSet) -> None:
    """A sender whose domain lacks the one right SRV record is refused; here {records}."""
    partner = records.start(federation)
    alice = federation.sut.user("alice")

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R27", "R28", "F1.15"), needs=("chat", "static-routes"))
@cases("records", *NOT_FOUND)
def test_static_route_needs_no_record(federation: Federation, records: RecordSet) -> None:
    """A static route leads to the partner, and vouches for it, whatever records its domain lacks; here {records}."""
    partner = records.start(federation)
    federation.sut.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)

    must_chat_both_ways(federation, partner)


@scenario(level="must", sources=("R40", "F1.22"), needs=NEEDS)
@cases("fault", *BROKEN_LOOKUPS)
def test_broken_lookup_outbound(federation: Federation, fault: str) -> None:
    """Where the question for the SRV record goes wrong ({fault}), nobody is contacted, and the sender is told so."""
    partner = federation.partner()
    federation.dns.fault(partner.domain.srv_name, fault)

    contact = server_contacts(federation, partner)

    contact.must_fail()
    contact.must_have_asked(partner.domain.srv_name, "SRV")
    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("R40", "F0.2"), needs=INBOUND)
@cases("fault", *BROKEN_LOOKUPS)
def test_broken_lookup_inbound(federation: Federation, fault: str) -> None:
    """A sender about whom the DNS gives no answer ({fault}) is not believed."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    federation.dns.fault(partner.domain.srv_name, fault)

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R7", "R41", "F1.22"), needs=NEEDS)
@cases("fault", "servfail", "refused", "cname-loop", "wrong-name")
def test_broken_address_lookup(federation: Federation, fault: str) -> None:
    """Where the SRV target cannot be resolved ({fault}), nobody is contacted, and the sender is told so."""
    partner = federation.partner()
    federation.dns.fault(str(partner.edge.fqdn), fault)

    server_contacts(federation, partner).must_fail()

    partner.edge.must_not_have_been_dialled()


@scenario(level="must", sources=("F1.19", "C19", "RFC 2782"), needs=NEEDS)
def test_lowest_priority_first(federation: Federation) -> None:
    """Of two servers of a partner, the one with the lower priority value gets the message, whatever the weights."""
    first = federation.partner(srv=False)
    second = federation.partner(domain=first.domain, fqdn=first.domain.child("second"), srv=False)
    with federation.zones.edit(str(first.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 20, 100, second.edge.port, str(second.edge.fqdn))
        zone.srv("_sipfederationtls._tcp", 10, 0, first.edge.port, str(first.edge.fqdn))

    attempt = server_contacts(federation, first)

    because = f"Its priority is 20, and that of {first.edge.fqdn} is 10: the lower value comes first."
    second.edge.must_not_have_been_dialled(because=because)  # first: that the wrong server refused would say less
    attempt.must_succeed()
    second.edge.must_not_have_been_dialled(because=because)


@scenario(
    level="should",
    sources=("F1.17", "F1.19", "C19"),
    needs=NEEDS,
    outcomes={
        "delivered": "ok",
        "failed": ("tolerable", "Microsoft's engineers never supported failover by SRV priorities (F1.17)."),
    },
)
@cases("priorities", Case("next-priority", (0, 10)), Case("same-priority", (0, 0), sources=("F1.18",)))
def test_dead_server_beside_a_living_one(federation: Federation, priorities: tuple[int, int]) -> None:
    """Where the best server of a partner refuses connections, the next one is tried."""
    partner = federation.partner(srv=False)
    with refusing_port(partner.edge.address) as port:
        with federation.zones.edit(str(partner.domain)) as zone:
            zone.a("dead", partner.edge.address)
            zone.srv("_sipfederationtls._tcp", priorities[0], 1000, port, f"dead.{partner.domain}")
            zone.srv("_sipfederationtls._tcp", priorities[1], 0, partner.edge.port, str(partner.edge.fqdn))
        contact = server_contacts(federation, partner)
        happened(contact.outcome)

    if contact.outcome.delivered:
        contact.must_succeed()
    else:
        contact.must_fail()


@scenario(level="must", sources=("R23", "F1.16", "C19", "RFC 2782"), needs=NEEDS)
def test_port_of_the_record(federation: Federation) -> None:
    """The port of the SRV record is used, and not 5061 whatever it says."""
    partner = federation.partner(other_port=True)

    server_contacts(federation, partner).must_succeed()


@scenario(
    level="should",
    sources=("F1.23", "C19", "RFC 3263 §4.2"),
    needs=NEEDS,
    outcomes={
        "delivered": "ok",
        "failed": ("tolerable", "Servers without IPv6 are the rule (F1.23)."),
    },
)
def test_address_of_ipv6_only(federation: Federation) -> None:
    """A partner with an AAAA record and no A record is reached."""
    partner = federation.partner(address="::1")

    happened(server_contacts(federation, partner).outcome)

    partner.user("bob").ignores_messages()


@scenario(
    level="info",
    sources=("R8", "F1.19", "F1.20", "C13"),
    needs=NEEDS,
    outcomes={
        "delivered": "ok",
        "failed": ("tolerable", "RFC 2782 forbids an alias as SRV target."),
    },
)
def test_alias_target_outbound(federation: Federation) -> None:
    """A partner whose SRV target is an alias (CNAME) is reached."""
    partner = RecordSet(record_sets.alias_target, a=False).start(federation)

    happened(server_contacts(federation, partner).outcome)

    partner.user("bob").ignores_messages()


@scenario(level="must", sources=("F1.20", "F2.6", "C13"), needs=NEEDS)
def test_alias_is_not_the_name_in_the_certificate(federation: Federation) -> None:
    """Behind an SRV target that is an alias, a certificate for the alias's host and not for the target is refused."""
    partner = federation.partner(srv=False)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.cname("federation", str(partner.edge.fqdn))
        zone.srv("_sipfederationtls._tcp", 0, 0, partner.edge.port, f"federation.{partner.domain}")

    server_contacts(federation, partner).must_fail()


@scenario(level="must", sources=("F1.24", "F1.19"), needs=NEEDS)
@cases("target", Case("address", "127.0.0.1"), Case("single-label", "localhost"))
def test_target_that_is_no_host_name(federation: Federation, target: str) -> None:
    """An SRV target that is no host name of the DNS ({target}) leads nowhere, and the sender is told so."""
    partner = federation.partner(srv=False)
    srv((0, 0, target))(federation, partner)

    server_contacts(federation, partner).must_fail()


@scenario(level="must", sources=("R76", "R77", "R79", "F4.7"), needs=NEEDS)
def test_many_tenants_of_one_provider(federation: Federation) -> None:
    """Tenants of Teams share one edge outside their domains; a message to each gets to that tenant's user."""
    teams = federation.teams(tenants=3)

    for number, tenant in enumerate(teams.tenants):
        contact = server_contacts(federation, teams, f"bob@{tenant}", text=f"to tenant {number}")
        must_not_be_astray(teams, f"to tenant {number}", tenant)
        contact.must_succeed()


@scenario(level="must", sources=("R76", "R79", "F0.2", "F4.7"), needs=INBOUND)
def test_many_tenants_come_in_on_one_edge(federation: Federation) -> None:
    """Messages of several tenants of Teams come in over the one edge that serves them all, each with its sender."""
    teams = federation.teams(tenants=3)
    alice = federation.sut.user("alice")

    for tenant in teams.tenants.values():
        tenant.user("bob").chat_with(alice).say("from a tenant").must_succeed()

    for tenant in teams.tenants.values():
        alice.expect_message("from a tenant", from_=tenant.user("bob"))


@scenario(level="must", sources=("R76", "F0.2"), needs=INBOUND)
def test_proven_for_one_domain_is_not_proven_for_another(federation: Federation) -> None:
    """An edge that may speak for one domain is not believed about a second one, on the same connection either."""
    teams = federation.teams(tenants=2)
    first, second = teams.tenants.values()
    alice = federation.sut.user("alice")
    with federation.zones.edit(str(second.domain)) as zone:
        zone.remove("_sipfederationtls._tcp", "SRV")
    first.user("bob").chat_with(alice).say("from the first").must_succeed()
    alice.expect_message("from the first", from_=first.user("bob"))

    must_be_turned_away(second.user("bob").chat_with(alice).say("from the second"))

    must_have_reached_nobody(federation, alice)

"""How the server's FQDN must relate to its domain, on the wire, and which names are the same and which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.names import Fqdn
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.steps import must_be_turned_away, must_have_reached_nobody

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.sut import ServerUnderTest


EXAMPLES = [
    pytest.param("connect.{acme}", True, id="R10-equal"),
    pytest.param("xphone.connect.{acme}", True, id="R11-direct-subdomain"),
    pytest.param("company.xphone.{acme}", False, id="R12-other-branch"),
    pytest.param("{acme}", False, id="R13-parent"),
    pytest.param("xphone.{acme}", False, id="R14-sibling"),
]


@scenario(level="must", sources=("R9", "R10", "R11", "R12", "R13", "R14", "R15"), needs=("chat", "identity"))
@pytest.mark.parametrize(("template", "allowed"), EXAMPLES)
def test_fqdn_of_the_domain_connect_acme(federation: Federation, template: str, allowed: bool) -> None:
    """A Skype for Business partner with open federation accepts the domain itself or one label below it as FQDN."""
    acme = federation.fresh_domain("acme")
    server = federation.server(f"connect.{acme}", Fqdn.parse(template.format(acme=acme)))
    partner = federation.partner(opposite=server)
    alice, bob = server.user("alice"), partner.user("bob")

    outward = bob.chat_with(alice).say("to Acme")
    bob.chat_with(alice).close()
    inward = alice.chat_with(bob).say("from Acme")

    if allowed:
        outward.must_succeed()
        inward.must_succeed()
        alice.expect_message("to Acme", from_=bob)
        bob.expect_message("from Acme", from_=alice)
    else:
        outward.must_fail(phase="discovery")
        inward.must_fail(status=504)
        bob.must_have_no_message()


# -- the rule, beyond the five examples ------------------------------------------------------------------------------

SFB = ("sfb-2015", "sfb-2019", "sfb-se", "teams")
BY_THE_RULE = (
    Case("two-labels-below", "sip.emea.connect.acme.com", False, sources=("C16",)),
    Case("label-boundary", "xconnect.acme.com", False, sources=("F1.11",)),
    Case("label-boundary-below", "sip.notconnect.acme.com", False, sources=("F1.11",)),
    Case("domain-as-prefix", "connect.acme.com.fabrikam.com", False, sources=("F1.11",)),
    Case("another-domain", "sip.fabrikam.com", False, sources=("C2", "R52")),
    Case("hyphens-and-digits", "x-1.connect.acme.com", True, sources=("F1.24",)),
    Case("longest-label", "a" * 63 + ".connect.acme.com", True, sources=("F7.2",)),
    Case("umlaut-as-punycode", "xn--bro-hoa.connect.acme.com", True, sources=("F1.24", "F7.5")),
)


@scenario(level="must", sources=("R9", "R15"), needs=("chat", "identity"), persona="sfb-2019")
@cases("fqdn, allowed", *BY_THE_RULE)
def test_name_rule(federation: Federation, fqdn: str, allowed: bool) -> None:
    """For connect.acme.com, Skype for Business accepts that FQDN, or one label before it, and no other; here {fqdn}."""
    acme, other = federation.fresh_domain("acme"), federation.fresh_domain("other")
    server = federation.server(
        f"connect.{acme}", fqdn.replace("acme.com", str(acme)).replace("fabrikam.com", str(other))
    )
    partner = federation.partner(opposite=server)

    (must_be_joined if allowed else must_not_be_joined)(server, partner)


@scenario(
    level="must", sources=("R27", "R52", "F1.15"), needs=("chat", "identity", "static-routes"), persona="sfb-2019"
)
@cases("fqdn, allowed", *BY_THE_RULE)
def test_no_name_rule_in_direct_federation(federation: Federation, fqdn: str, allowed: bool) -> None:
    """With direct federation on both sides the FQDN {fqdn} does for the domain connect.acme.com, as any would."""
    del allowed
    acme, other = federation.fresh_domain("acme"), federation.fresh_domain("other")
    server = federation.server(
        f"connect.{acme}", fqdn.replace("acme.com", str(acme)).replace("fabrikam.com", str(other))
    )

    must_be_joined(server, directly(federation, server))


# -- acme.de with connect.acme.com, as the help page has it -----------------------------------------------------------


@scenario(level="must", sources=("R20", "R23", "R9", "C1", "C2"), needs=("chat", "identity"))
@cases("persona", *SFB)
def test_sample_configuration_in_open_federation(federation: Federation, persona: str) -> None:
    """The sample, domain acme.de with FQDN connect.acme.com, is refused by {persona} with open federation."""
    server = federation.server(federation.fresh_domain("acme-de"), federation.fresh_domain("acme-com").child("connect"))

    must_not_be_joined(server, federation.partner(persona, opposite=server))


@scenario(level="must", sources=("R20", "R52", "C1", "F1.15"), needs=("chat", "identity", "static-routes"))
@cases("persona", "sfb-2015", "sfb-2019", "sfb-se")
def test_sample_configuration_in_direct_federation(federation: Federation, persona: str) -> None:
    """The sample configuration, domain acme.de with FQDN connect.acme.com, works with {persona} by static routes."""
    server = federation.server(federation.fresh_domain("acme-de"), federation.fresh_domain("acme-com").child("connect"))

    must_be_joined(server, directly(federation, server, persona))


@scenario(level="should", sources=("R20", "R52", "C1", "F1.11"), needs=("chat", "identity"), persona="generic")
def test_sample_configuration_with_plain_sip(federation: Federation) -> None:
    """A partner without Microsoft's name rule follows the SRV record of acme.de to connect.acme.com."""
    server = federation.server(federation.fresh_domain("acme-de"), federation.fresh_domain("acme-com").child("connect"))

    must_be_joined(server, federation.partner("generic", opposite=server))


@scenario(level="must", sources=("C3", "R15", "R23"), needs=("chat", "identity"))
@cases("persona", "sfb-2019", "teams", "generic")
def test_srv_record_under_the_wrong_domain(federation: Federation, persona: str) -> None:
    """A server whose SRV record was published under another domain, ergos.de for acme.de, is not found by {persona}."""
    acme = federation.fresh_domain("acme")
    ergos = federation.partner(srv=False, a=False)
    server = federation.server(acme, acme.child("connect"))
    with federation.zones.edit(str(acme)) as zone:
        zone.remove("_sipfederationtls._tcp", "SRV")
    with federation.zones.edit(str(ergos.domain)) as zone:
        zone.srv("_sipfederationtls._tcp", 0, 0, server.port, str(server.fqdn))
    partner = federation.partner(persona, opposite=server)

    must_not_be_joined(server, partner)


# -- names of partners -----------------------------------------------------------------------------------------------

TWINS = (
    Case("longer-first-label", "{name}", "sub{name}", sources=("F3.6",), words="subcontoso.com and contoso.com"),
    Case("one-below-the-other", "{name}", "sub.{name}", sources=("F3.6",), words="sub.contoso.com and contoso.com"),
    Case("sharp-s", "strasse.{name}", "xn--strae-oqa.{name}", sources=("F7.5",), words="strasse.de and straße.de"),
    Case("homograph", "acme.{name}", "xn--cme-5cd.{name}", sources=("F7.5",), words="acme.de and its Cyrillic twin"),
)


@scenario(level="must", sources=("R39", "F7.2"), needs=("reach", "open-federation"))
@cases("first, second", *TWINS)
def test_similar_names_are_two_partners(federation: Federation, first: str, second: str) -> None:
    """Names that look alike, as {first}, are two partners: each gets the messages that are for it."""
    name = federation.fresh_domain("contoso")
    partners = [federation.partner(domain=template.format(name=name)) for template in (first, second)]

    for partner in partners:
        server_contacts(federation, partner, text=f"to {partner.domain}").must_succeed()


@scenario(level="must", sources=("F0.2", "F7.2"), needs=("receive", "open-federation", "observe-inbox"))
@cases("first, second", *TWINS)
def test_similar_names_do_not_vouch_for_each_other(federation: Federation, first: str, second: str) -> None:
    """Of two domains that look alike, as {first}, one is not believed about users of the other."""
    name = federation.fresh_domain("contoso")
    victim = federation.partner(domain=first.format(name=name))
    own = second.format(name=name)
    impostor = federation.partner(domain=victim.domain, fqdn=f"sip.{own}", srv=False)
    alice = federation.sut.user("alice")

    must_be_turned_away(impostor.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R32", "R37", "R38", "F3.6"), needs=("chat", "open-federation", "static-routes"))
@cases("first, second", *TWINS)
def test_route_is_for_one_name(federation: Federation, first: str, second: str) -> None:
    """A static route that is switched off keeps one domain off, and none that looks alike, as {first}."""
    name = federation.fresh_domain("contoso")
    closed, other = (federation.partner(domain=template.format(name=name)) for template in (first, second))
    federation.sut.add_route(closed.domain, closed.edge.fqdn, closed.edge.port, enabled=False)
    alice = federation.sut.user("alice")

    alice.chat_with(closed.user("bob")).say("Hello?").must_fail()
    alice.chat_with(other.user("bob")).say("Hello!").must_succeed()

    other.user("bob").expect_message("Hello!", from_=alice)
    closed.user("bob").must_have_no_message()


@scenario(level="must", sources=("F7.2", "RFC 3261 §19.1.4"), needs=("chat", "open-federation"))
def test_capitals_in_the_address(federation: Federation) -> None:
    """An address with capitals in its domain is the same address."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    alice.chat_with(f"bob@{str(partner.domain).upper()}").say("Hello!").must_succeed()

    bob.expect_message("Hello!", from_=alice)


@scenario(
    level="info",
    sources=("F7.1", "F7.2", "RFC 3261 §25.1"),
    needs=("chat", "open-federation"),
    outcomes={"delivered": "ok", "failed": ("tolerable", "Few people write the dot, and the sender is told.")},
)
def test_dot_at_the_end_of_the_address(federation: Federation) -> None:
    """An address whose domain ends in a dot, which the grammar allows, is the same address."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    outcome = alice.chat_with(f"bob@{partner.domain}.").say("Hello!")
    happened(outcome)

    if outcome.delivered:
        bob.expect_message("Hello!", from_=alice)
    bob.must_have_no_message()


# -- steps -----------------------------------------------------------------------------------------------------------


def directly(federation: Federation, server: ServerUnderTest, persona: str = "sfb-2019") -> Partner:
    """A partner that is joined to this server by static routes only, in both directions."""
    from simulator.partner import FederationPolicy, Proxy

    policy = FederationPolicy(partner_discovery=False)
    policy.allow(server.domain, Proxy(server.fqdn, server.port))
    partner = federation.partner(persona, srv=False, policy=policy, opposite=server)
    server.add_route(partner.domain, partner.edge.fqdn, partner.edge.port)
    return partner


def must_be_joined(server: ServerUnderTest, partner: Partner) -> None:
    """A message gets through each way, each over a connection of its sender."""
    alice, bob = server.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("to Acme").must_succeed()
    bob.chat_with(alice).close()
    alice.chat_with(bob).say("from Acme").must_succeed()
    alice.expect_message("to Acme", from_=bob)
    bob.expect_message("from Acme", from_=alice)


def must_not_be_joined(server: ServerUnderTest, partner: Partner) -> None:
    """The partner does not find the server, and does not believe it."""
    alice, bob = server.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("to Acme").must_fail(phase="discovery")
    alice.chat_with(bob).say("from Acme").must_fail(status=504)
    bob.must_have_no_message()

"""Which certificates the server accepts of a partner, as the one who dials and as the one who is dialled, and which of
its own its partners accept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios import certificate_shapes as shapes
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.steps import must_be_turned_away, must_chat_both_ways, must_have_reached_nobody

if TYPE_CHECKING:
    from fakes.ca import Profile
    from simulator.federation import Federation
    from simulator.partner import Partner, Persona
    from simulator.sut import ServerUnderTest
    from simulator.trust import IPAddress

Role = Literal["dialled", "dialling"]

NEEDS = ("reach", "open-federation")
BOTH_WAYS = ("reach", "receive", "open-federation", "observe-inbox")
INBOUND = ("receive", "open-federation", "observe-inbox")
OWN = ("chat", "identity")


# -- the partner's certificate --------------------------------------------------------------------------------------


@scenario(level="must", sources=("R60", "F2.10"), needs=NEEDS)
@cases("certificate", *shapes.REFUSED)
def test_refused_as_the_dialled_server(federation: Federation, certificate: str) -> None:
    """A partner whose edge shows {certificate} is never sent a message."""
    partner = federation.partner(certificate=certificate)

    server_contacts(federation, partner).must_fail()

    partner.edge.must_have_been_dialled()


@scenario(level="must", sources=("R60", "F0.2"), needs=INBOUND)
@cases("certificate", *shapes.REFUSED)
def test_refused_as_the_dialling_client(federation: Federation, certificate: str) -> None:
    """A message that comes over a connection with {certificate} is not delivered."""
    partner = federation.partner(certificate=certificate)
    alice = federation.sut.user("alice")

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R60", "F2.10"), needs=NEEDS)
@cases("certificate", *shapes.ACCEPTED)
def test_accepted_as_the_dialled_server(federation: Federation, certificate: str) -> None:
    """A partner whose edge shows {certificate} gets the message."""
    server_contacts(federation, federation.partner(certificate=certificate)).must_succeed()


@scenario(level="must", sources=("R60", "F0.2"), needs=INBOUND)
@cases("certificate", *shapes.ACCEPTED)
def test_accepted_as_the_dialling_client(federation: Federation, certificate: str) -> None:
    """A message that comes over a connection with {certificate} is delivered."""
    bob, alice = federation.partner(certificate=certificate).user("bob"), federation.sut.user("alice")

    bob.chat_with(alice).say("Hello!").must_succeed()

    alice.expect_message("Hello!", from_=bob)


@scenario(level="info", sources=("C19",), needs=NEEDS)
@cases("certificate", *shapes.DOUBTFUL)
def test_doubtful_as_the_dialled_server(federation: Federation, certificate: str) -> None:
    """What becomes of a message to a partner that shows {certificate} is a matter of opinion."""
    partner = federation.partner(certificate=certificate)

    happened(server_contacts(federation, partner).outcome)

    partner.user("bob").ignores_messages()


@scenario(level="info", sources=("C19",), needs=INBOUND)
@cases("certificate", *shapes.DOUBTFUL)
def test_doubtful_as_the_dialling_client(federation: Federation, certificate: str) -> None:
    """What becomes of a message that comes over a connection with {certificate} is a matter of opinion."""
    alice = federation.sut.user("alice")

    happened(federation.partner(certificate=certificate).user("bob").chat_with(alice).say("Hello!"))

    alice.ignores_messages()


@scenario(level="must", sources=("R58", "F2.16", "F2.17"), needs=NEEDS)
def test_client_only_as_the_dialled_server(federation: Federation) -> None:
    """A certificate for client authentication only is refused of a server that is dialled."""
    partner = federation.partner(certificate="client-only")

    server_contacts(federation, partner).must_fail()

    partner.edge.must_have_been_dialled()


@scenario(level="info", sources=("R58", "F2.3", "F2.17"), needs=INBOUND, outcomes=shapes.CLIENT_ONLY_DIALLING)
def test_client_only_as_the_dialling_client(federation: Federation) -> None:
    """What becomes of a message over a certificate for client authentication only."""
    alice = federation.sut.user("alice")

    happened(federation.partner(certificate="client-only").user("bob").chat_with(alice).say("Hello!"))

    alice.ignores_messages()


@scenario(level="should", sources=("F2.13", "F2.15", "C4", "C7", "R67"), needs=BOTH_WAYS)
@cases("persona", *shapes.EVERY_PERSONA)
def test_partner_with_lets_encrypt_of_2026(federation: Federation, persona: str) -> None:
    """A certificate as Let's Encrypt issues it since 2026 carries chats in both directions with {persona}."""
    must_chat_both_ways(federation, federation.partner(persona, certificate="lets-encrypt-2026"))


# -- who speaks for whom --------------------------------------------------------------------------------------------


@scenario(level="must", sources=("F0.2", "F1.26", "F2.6"), needs=INBOUND)
def test_sender_of_another_domain(federation: Federation) -> None:
    """A partner with a good certificate of its own is not believed when it speaks for another one's domain."""
    victim = federation.partner()
    alice = federation.sut.user("alice")
    impostor = federation.partner(domain=victim.domain, fqdn=federation.fresh_domain("evil").child("sip"), srv=False)

    must_be_turned_away(impostor.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("F0.2", "F3.6", "F7.4"), needs=INBOUND)
@cases(
    "relation",
    Case("subcontoso", "sub{name}"),
    Case("as-prefix", "{name}.{other}"),
    Case("below-it", "sub.{name}"),
)
def test_certificate_of_a_similar_name(federation: Federation, relation: str) -> None:
    """A certificate for a name that only looks similar, as subcontoso.com, does not speak for contoso.com."""
    contoso = federation.partner(domain=federation.fresh_domain("contoso"))
    other = federation.fresh_domain("other")
    similar = f"sip.{relation.format(name=contoso.domain, other=other)}"
    alice = federation.sut.user("alice")
    impostor = federation.partner(domain=contoso.domain, fqdn=similar, srv=False)

    must_be_turned_away(impostor.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("F3.6",), needs=INBOUND)
def test_similar_domains_are_told_apart(federation: Federation) -> None:
    """Domains such as subcontoso.com and contoso.com are different partners, each with its own senders."""
    contoso = federation.partner(domain=federation.fresh_domain("contoso"))
    subcontoso = federation.partner(domain=f"sub{contoso.domain}")
    alice = federation.sut.user("alice")

    for partner in (contoso, subcontoso):
        partner.user("bob").chat_with(alice).say("from Bob").must_succeed()
        alice.expect_message("from Bob", from_=partner.user("bob"))


@scenario(level="must", sources=("F2.6", "F2.10"), needs=NEEDS)
def test_certificate_of_the_domain_and_not_of_the_target(federation: Federation) -> None:
    """A certificate that names the SIP domain and not the SRV target is refused: the target is what counts."""
    partner = federation.partner(certificate=named("{parent}"))

    server_contacts(federation, partner).must_fail()

    partner.edge.must_have_been_dialled()


@scenario(level="must", sources=("F0.2", "F2.6", "F2.10"), needs=INBOUND)
def test_sender_with_a_certificate_of_the_domain_only(federation: Federation) -> None:
    """A sender whose certificate names its SIP domain and not its SRV target is not believed."""
    alice = federation.sut.user("alice")
    partner = federation.partner(certificate=named("{parent}"))

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("F0.2", "R27"), needs=("receive", "static-routes", "observe-inbox"))
def test_sender_who_is_not_the_server_of_the_route(federation: Federation) -> None:
    """A sender whose certificate does not name the server of its domain's static route is refused."""
    partner = federation.partner()
    alice = federation.sut.user("alice")
    federation.sut.add_route(partner.domain, partner.domain.child("other"), partner.edge.port)

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


# -- routes to an address -------------------------------------------------------------------------------------------


@scenario(
    level="info",
    sources=("R33", "R34", "C12"),
    needs=("chat", "static-routes"),
    outcomes={
        "failed": "ok",
        "delivered": ("tolerable", "The certificate does not name the address: nothing proves who answers there."),
    },
)
@cases("role", "dialled", "dialling")
def test_route_to_an_address_that_the_certificate_lacks(federation: Federation, role: Role) -> None:
    """With a static route to an IP address, a certificate that names only the FQDN does not prove who is there."""
    partner = federation.partner(srv=False)
    federation.sut.add_route(partner.domain, address_of(partner), partner.edge.port)

    alice, bob = federation.sut.user("alice"), partner.user("bob")
    sender, receiver = (alice, bob) if role == "dialled" else (bob, alice)
    happened(sender.chat_with(receiver).say("Hello?"))

    receiver.ignores_messages()


@scenario(level="should", sources=("R33", "C12", "F2.20"), needs=("chat", "static-routes"))
@cases("certificate", "ip-address", "lets-encrypt-shortlived")
def test_route_to_an_address_that_the_certificate_names(federation: Federation, certificate: str) -> None:
    """With a static route to an IP address, a certificate that names the address carries chats in both directions."""
    partner = federation.partner(certificate=certificate, srv=False)
    federation.sut.add_route(partner.domain, address_of(partner), partner.edge.port)

    must_chat_both_ways(federation, partner)


# -- TLS ------------------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("F2.7", "R36", "R44"), needs=BOTH_WAYS)
@cases("version", "TLSv1.2", Case("TLSv1.3", level="should"))
def test_version_of_tls(federation: Federation, version: str) -> None:
    """A partner that speaks {version} only is federated with in both directions."""
    must_chat_both_ways(federation, federation.partner(speaking(version)))


@scenario(level="should", sources=("F2.7",), needs=NEEDS)
@cases("version", "TLSv1", "TLSv1.1")
def test_outdated_tls_of_the_dialled_server(federation: Federation, version: str) -> None:
    """A partner whose edge speaks nothing newer than {version} is never sent a message."""
    partner = federation.partner(speaking(version))

    server_contacts(federation, partner).must_fail()

    partner.edge.must_have_been_dialled()


@scenario(level="should", sources=("F2.7",), needs=INBOUND)
@cases("version", "TLSv1", "TLSv1.1")
def test_outdated_tls_of_the_dialling_client(federation: Federation, version: str) -> None:
    """A message of a partner that speaks nothing newer than {version} is not delivered."""
    alice = federation.sut.user("alice")

    must_be_turned_away(federation.partner(speaking(version)).user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="must", sources=("R36", "R44", "F2.17"), needs=INBOUND)
@cases("version", "TLSv1.2", "TLSv1.3")
def test_no_client_certificate(federation: Federation, version: str) -> None:
    """Whoever connects without a client certificate ({version}) gets no message through: the protocol is MTLS."""
    partner = federation.partner(speaking(version))
    partner.edge.present(None)
    alice = federation.sut.user("alice")

    must_be_turned_away(partner.user("bob").chat_with(alice).say("Trust me"))

    must_have_reached_nobody(federation, alice)


@scenario(level="should", sources=("F2.8", "C19"), needs=INBOUND)
@cases("server_name", Case("absent", "none"), Case("other", "parent"))
def test_server_name_in_tls(federation: Federation, server_name: str) -> None:
    """A partner that asks in TLS for no name, or for the domain's (SNI), still sees the server's certificate."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="sfb-sni", server_name=server_name))
    alice = federation.sut.user("alice")

    partner.user("bob").chat_with(alice).say("Hello!").must_succeed()

    alice.expect_message("Hello!", from_=partner.user("bob"))


# -- the server's own certificate -----------------------------------------------------------------------------------


@scenario(level="must", sources=("R56", "R60"), needs=OWN)
@cases("persona", *shapes.EVERY_PERSONA)
@cases("certificate", *shapes.OWN_ACCEPTED_BY_ALL)
def test_own_certificate_is_accepted(federation: Federation, certificate: str, persona: str) -> None:
    """A server with {certificate} federates with {persona}, in both TLS roles."""
    server = newcomer(federation, certificate)
    must_federate(server, federation.partner(persona, opposite=server))


@scenario(level="must", sources=("R56", "R60"), needs=OWN)
@cases("persona", *shapes.EVERY_PERSONA)
@cases("certificate", *shapes.OWN_REFUSED_BY_ALL)
def test_own_certificate_is_refused(federation: Federation, certificate: str, persona: str) -> None:
    """A server with {certificate} is refused by {persona}, in both TLS roles."""
    server = newcomer(federation, certificate)
    must_not_federate(server, federation.partner(persona, opposite=server))


@scenario(level="must", sources=("R56",), needs=OWN)
@cases("certificate, persona, accepted", *shapes.OWN)
def test_own_certificate(federation: Federation, certificate: str, persona: str, accepted: bool) -> None:
    """Whether {persona} takes {certificate} of the server is the same in both TLS roles."""
    server = newcomer(federation, certificate)
    partner = federation.partner(persona, opposite=server)
    (must_federate if accepted else must_not_federate)(server, partner)


@scenario(level="info", sources=("F1.6", "F2.4", "C19"), needs=OWN, persona="sfb-2019")
@cases("certificate, accepted", *shapes.OWN_STRICT)
def test_own_certificate_before_a_strict_edge(federation: Federation, certificate: str, accepted: bool) -> None:
    """A strict edge federates only where it can learn that nothing is revoked; here the server shows {certificate}."""
    from simulator import trust
    from simulator.partner import SFB_2019

    server = newcomer(federation, certificate)
    strict = replace(SFB_2019, name="sfb-strict", rules=trust.S4B_STRICT)
    partner = federation.partner(strict, opposite=server)
    (must_federate if accepted else must_not_federate)(server, partner)


@scenario(level="info", sources=("F2.4", "C19"), needs=OWN, persona="sfb-2019")
@cases("certificate, accepted", *shapes.OWN_BEFORE_RSA)
def test_own_certificate_before_an_edge_of_rsa(federation: Federation, certificate: str, accepted: bool) -> None:
    """An edge that takes RSA keys only federates or not by the server's key; here the server shows {certificate}."""
    from simulator.partner import SFB_2019

    server = newcomer(federation, certificate)
    rsa = replace(SFB_2019, name="sfb-rsa", rules=replace(SFB_2019.rules, key_kinds=frozenset({"rsa"})))
    partner = federation.partner(rsa, opposite=server)
    (must_federate if accepted else must_not_federate)(server, partner)


@scenario(level="must", sources=("F1.25", "F1.26", "F2.6"), needs=OWN)
def test_edge_says_which_name_was_missing(federation: Federation) -> None:
    """The log of an edge of Skype for Business says which name it missed in the server's certificate, on both ways."""
    server = newcomer(federation, "wrong-name")
    partner = federation.partner(opposite=server)

    must_not_federate(server, partner)

    partner.edge.must_log("SEC_E_WRONG_PRINCIPAL")
    partner.edge.must_log("SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH")


# -- steps ----------------------------------------------------------------------------------------------------------


def newcomer(federation: Federation, certificate: str) -> ServerUnderTest:
    """Another server of the kind that is tested, with names of its own and this certificate."""
    domain = federation.fresh_domain("acme")
    return federation.server(domain, domain.child("connect"), certificate=certificate)


def must_federate(server: ServerUnderTest, partner: Partner) -> None:
    """A message gets through each way, each over a connection of its sender."""
    alice, bob = server.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("to Acme").must_succeed()
    bob.chat_with(alice).close()
    alice.chat_with(bob).say("from Acme").must_succeed()
    alice.expect_message("to Acme", from_=bob)
    bob.expect_message("from Acme", from_=alice)


def must_not_federate(server: ServerUnderTest, partner: Partner) -> None:
    """No message gets through, whoever dials."""
    alice, bob = server.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("to Acme").must_fail(phase="tls")
    alice.chat_with(bob).say("from Acme").must_fail()
    bob.must_have_no_message()


def named(*names: str) -> Profile:
    """A certificate that is in order, apart from its names."""
    from fakes.ca import PROFILES

    return replace(PROFILES["dual"], name="named", about=f"Names {', '.join(names)}.", names=names)


def speaking(version: str) -> Persona:
    """A partner that speaks one version of TLS only."""
    from simulator.partner import SFB_2019

    return SFB_2019.but(name=f"sfb-{version.lower()}", tls_minimum=version, tls_maximum=version)


def address_of(partner: Partner) -> IPAddress:
    """Where its edge listens, for a static route without a name."""
    from ipaddress import ip_address

    return ip_address(partner.edge.address)

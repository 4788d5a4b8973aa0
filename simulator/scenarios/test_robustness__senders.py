"""Senders who claim to be somebody else, in whichever header: whom a server believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, scenario
from simulator.scenarios.by_hand import by_hand, must_refuse
from simulator.scenarios.steps import must_be_turned_away, must_serve_others

if TYPE_CHECKING:
    from simulator.federation import Federation


INBOUND = ("receive", "open-federation", "observe-inbox")


@scenario(level="must", sources=("dialect §2.2", "F0.2"), needs=INBOUND)
@cases(
    "headers",
    Case(
        "message-trust",
        (
            "ms-edge-proxy-message-trust: ms-source-type=AuthorizedServer;ms-ep-fqdn=edge.example;"
            "ms-source-verified-user=verified;ms-source-network=federation",
        ),
        words="ms-edge-proxy-message-trust",
    ),
    Case(
        "asserted-level",
        ("ms-asserted-verification-level: ms-source-verified-user=verified",),
        words="ms-asserted-verification-level",
    ),
    Case("split-domain", ("ms-split-domain-info: ms-traffic-type=SplitIntra",), words="ms-split-domain-info"),
    Case(
        "authenticated",
        ('Authentication-Info: NTLM rspauth="01000000", srand="1", snum="1"',),
        words="Authentication-Info",
    ),
)
def test_headers_that_claim_trust(federation: Federation, headers: tuple[str, ...]) -> None:
    """A partner that speaks for another one's domain is refused, whatever its headers say about trust ({headers})."""
    partner, victim = federation.partner(), federation.partner()
    wire = partner.edge.wire()
    lie = {"From": f"From: <sip:bob@{victim.domain}>;tag={{number}}"}

    wire.send(by_hand(federation, partner, "MESSAGE", instead=lie, more=headers, body="Trust me"))

    must_refuse(wire, "MESSAGE", what=f"a message of {partner.domain}'s edge in the name of {victim.domain}")
    federation.sut.user("alice").must_have_no_message()
    must_serve_others(federation)


@scenario(level="must", sources=("F0.2", "dialect §2.3", "RFC 3325 §5"), needs=INBOUND)
def test_sender_hidden_behind_an_asserted_identity(federation: Federation) -> None:
    """Who asserts an identity of their own domain does not so speak for another one's domain in From."""
    partner, victim = federation.partner(), federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()
    lie = {"From": f"From: <sip:bob@{victim.domain}>;tag={{number}}"}
    asserted = ["P-Asserted-Identity: <sip:mallory@{domain}>"]

    wire.send(by_hand(federation, partner, "MESSAGE", instead=lie, more=asserted, body="Trust me"))

    if wire.expect_answer("MESSAGE").status < 300:
        shown = [message.sender for message in alice.messages]
        if f"sip:bob@{victim.domain}" in shown:
            raise ExpectationFailed(
                f"Alice must not be shown a message of bob@{victim.domain}, for it came from the edge of "
                f"{partner.domain}: P-Asserted-Identity and From are both claims, and the server believed one unproven."
            )
    must_serve_others(federation)


@scenario(level="must", sources=("F0.2", "dialect §2.3", "RFC 3325 §5"), needs=INBOUND)
def test_asserted_identity_of_another_domain(federation: Federation) -> None:
    """An asserted identity counts no more than From: one of another one's domain is refused."""
    partner, victim = federation.partner(), federation.partner()
    alice = federation.sut.user("alice")
    wire = partner.edge.wire()
    asserted = [f"P-Asserted-Identity: <sip:bob@{victim.domain}>"]

    wire.send(by_hand(federation, partner, "MESSAGE", more=asserted, body="Trust me"))

    if wire.expect_answer("MESSAGE").status < 300:
        shown = [message.sender for message in alice.messages]
        if f"sip:bob@{victim.domain}" in shown:
            raise ExpectationFailed(
                f"Alice must not be shown a message of bob@{victim.domain}, for it came from the edge of "
                f"{partner.domain}: P-Asserted-Identity and From are both claims, and the server believed one unproven."
            )
    must_serve_others(federation)


@scenario(level="must", sources=("dialect §2.3", "RFC 3261 §16.4"), needs=INBOUND)
@cases(
    "route",
    Case("to-another-partner", "<sip:{victim};transport=tls;lr>"),
    Case("of-an-edge", "<sip:{victim};transport=tls;lr>;ms-edge-route"),
    Case("damaged", "<sip:{victim};;;lr"),
)
def test_route_of_a_stranger(federation: Federation, route: str) -> None:
    """A Route that a partner brings along leads nowhere: nothing is passed on to another partner."""
    partner, victim = federation.partner(), federation.partner()
    alice = federation.sut.user("alice")
    alice.ignores_messages()
    wire = partner.edge.wire()
    more = [f"Route: {route.format(victim=f'{victim.edge.fqdn}:{victim.edge.port}')}"]

    wire.send(by_hand(federation, partner, "MESSAGE", more=more, body="pass it on"))
    wire.expect_answer("MESSAGE")

    victim.edge.must_not_have_been_dialled()
    must_serve_others(federation)


@scenario(level="must", sources=("F0.2", "dialect §2.3"), needs=INBOUND)
def test_sender_of_the_servers_own_domain(federation: Federation) -> None:
    """A partner that claims to be a user of the server itself is refused."""
    partner = federation.partner()
    wire = partner.edge.wire()
    lie = {"From": "From: <sip:anna@{server}>;tag={number}"}

    wire.send(by_hand(federation, partner, "MESSAGE", instead=lie, body="It is me, Anna"))

    must_refuse(wire, "MESSAGE", what=f"a message of {partner.domain}'s edge in the name of the server's own anna")
    federation.sut.user("alice").must_have_no_message()
    must_serve_others(federation)


@scenario(level="must", sources=("F0.2", "R47"), needs=INBOUND)
def test_lie_does_not_spoil_the_connection(federation: Federation) -> None:
    """After a lie was refused, the same partner's honest message is delivered."""
    partner, victim = federation.partner(), federation.partner()
    liar = federation.partner(domain=victim.domain, fqdn=partner.edge.fqdn, srv=False, a=False)
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    must_be_turned_away(liar.user("bob").chat_with(alice).say("Trust me"))

    bob.chat_with(alice).say("It is me").must_succeed()

    alice.expect_message("It is me", from_=bob)
    alice.must_have_no_message()

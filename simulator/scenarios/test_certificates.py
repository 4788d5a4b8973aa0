"""The server's certificates: which there are, which one is chosen, and what becomes of a renewal (R54-R75, C8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.certificate_shapes import WORDS
from simulator.scenarios.contact import server_contacts
from simulator.scenarios.steps import must_chat_both_ways

if TYPE_CHECKING:
    from fakes.ca import Issued
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.sut.base import HeldCertificate

NEEDS = ("receive", "certificates")
AGING = ("receive", "observe-inbox", "certificates", "time")

FIT = (
    Case("dual", sources=("R58",), words=WORDS["dual"]),
    Case("lets-encrypt-2026", level="should", sources=("C7", "R67", "F2.15"), words=WORDS["lets-encrypt-2026"]),
    Case("lets-encrypt-tlsserver", level="should", sources=("C7", "F2.22"), words=WORDS["lets-encrypt-tlsserver"]),
    Case("lets-encrypt-shortlived", level="should", sources=("C8", "F2.20"), words=WORDS["lets-encrypt-shortlived"]),
    Case("47-day", sources=("C8", "F2.19"), words=WORDS["47-day"]),
    Case("rsa-2048", sources=("F2.4",), words=WORDS["rsa-2048"]),
    Case("no-cn", sources=("R56", "R64", "F2.22"), words=WORDS["no-cn"]),
    Case("san-second-entry", sources=("R56", "F2.1"), words=WORDS["san-second-entry"]),
)
UNFIT = (
    Case("wildcard", sources=("R57",), words=WORDS["wildcard"]),
    Case("wrong-name", sources=("R56",), words=WORDS["wrong-name"]),
    Case("expired", sources=("R67",), words=WORDS["expired"]),
    Case("not-yet-valid", sources=("R67",), words=WORDS["not-yet-valid"]),
    Case("self-signed", sources=("R66",), words=WORDS["self-signed"]),
    Case("client-only", sources=("R25", "R58"), words=WORDS["client-only"]),
    Case("rsa-1024", level="should", sources=("F7.4",), words=WORDS["rsa-1024"]),
)
PRESENTED = "The server presents a certificate that its partners refuse; it could have said so before."


# -- the store ------------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R62", "R63", "R65"), needs=("certificates",))
def test_one_certificate_is_active(federation: Federation) -> None:
    """The list of certificates shows exactly one as the one chosen for federation, and that it can be used."""
    active = active_certificate(federation)

    if not active.usable:
        raise ExpectationFailed(f"The active certificate {said(active)} must be usable.")


@scenario(level="must", sources=("R56", "R62", "R65"), needs=NEEDS)
def test_partner_sees_the_active_certificate(federation: Federation) -> None:
    """The certificate that a partner is shown is the one that the list shows as active."""
    must_be_shown(federation, federation.partner(), active_certificate(federation))


@scenario(level="must", sources=("R56", "R62"), needs=("certificates",))
def test_active_certificate_names_the_server(federation: Federation) -> None:
    """The active certificate is issued to the server's public FQDN."""
    active = active_certificate(federation)

    if str(federation.sut.fqdn) not in active.names:
        raise ExpectationFailed(f"The active certificate {said(active)} must name {federation.sut.fqdn}.")


@scenario(level="must", sources=("R63", "R68"), needs=("certificates",))
@cases("certificate", *FIT, Case("wildcard", sources=("R64",), words=WORDS["wildcard"]))
def test_added_certificate_is_listed_and_not_chosen(federation: Federation, certificate: str) -> None:
    """Who adds {certificate} finds it in the list, with its names, and what is active stays active."""
    before = active_certificate(federation)
    issued = federation.issue(federation.sut.fqdn, certificate)

    added = federation.sut.add_certificate(issued)

    listed = {one.fingerprint: one for one in federation.sut.list_certificates()}
    if fingerprint_of(issued) not in listed:
        raise ExpectationFailed(
            f"The certificate {fingerprint_of(issued)} must be listed; listed is {all_said(federation)}."
        )
    if set(listed[added.fingerprint].names) != set(names_of(issued)):
        raise ExpectationFailed(f"{said(listed[added.fingerprint])} must be listed with the names {names_of(issued)}.")
    if active_certificate(federation).fingerprint != before.fingerprint:
        raise ExpectationFailed(f"{said(before)} must stay active; listed is {all_said(federation)}.")


# -- choosing -------------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R65", "R75"), needs=NEEDS)
@cases("certificate", *FIT)
def test_activated_certificate_is_shown(federation: Federation, certificate: str) -> None:
    """After {certificate} was activated, partners that connect from then on see that one."""
    chosen = activate(federation, federation.issue(federation.sut.fqdn, certificate))

    must_be_shown(federation, federation.partner(), chosen)


@scenario(
    level="should",
    sources=("R56", "R58", "R65"),
    needs=NEEDS,
    outcomes={
        "refused": "ok",
        "not accepted by the partner": ("tolerable", PRESENTED),
        "accepted by the partner": ("not ok", "The partner must refuse this certificate: what did it see?"),
    },
)
@cases("certificate", *UNFIT)
def test_unfit_certificate_is_not_activated(federation: Federation, certificate: str) -> None:
    """Who activates {certificate} is told that it is not fit, and what is active stays active."""
    from simulator.sut.base import CertificateRefused

    before = active_certificate(federation)
    issued = federation.issue(federation.sut.fqdn, certificate)
    try:
        activate(federation, issued)
    except CertificateRefused:
        happened("refused")
        must_be_shown(federation, federation.partner(), before)
        return
    seen = federation.partner().edge.probe()
    happened("accepted by the partner" if seen.status is not None else "not accepted by the partner")


@scenario(level="must", sources=("R59", "R65"), needs=("certificates",))
def test_certificate_with_the_key_of_another(federation: Federation) -> None:
    """A certificate whose private key belongs to another one cannot be chosen."""
    from dataclasses import replace

    from simulator.sut.base import CertificateRefused

    issued, other = (federation.issue(federation.sut.fqdn) for _ in range(2))
    before = active_certificate(federation)
    try:
        activate(federation, replace(issued, key_pem=other.key_pem))
    except CertificateRefused:
        pass
    else:
        raise ExpectationFailed(
            "The server must refuse a certificate whose private key is another one's, but it took and activated it; "
            f"listed is {all_said(federation)}."
        )
    if active_certificate(federation).fingerprint != before.fingerprint:
        raise ExpectationFailed(f"{said(before)} must stay active; listed is {all_said(federation)}.")


@scenario(level="must", sources=("R65", "R75", "R58"), needs=("chat", "certificates"))
def test_activated_certificate_serves_both_roles(federation: Federation) -> None:
    """After another certificate was activated, chats go on in both directions: it serves in both TLS roles."""
    chosen = activate(federation, federation.issue(federation.sut.fqdn))
    partner = federation.partner()

    must_chat_both_ways(federation, partner)

    seen = partner.edge.seen_certificates
    if len(seen) < 2 or set(seen) != {chosen.fingerprint}:
        shown = ", ".join(one[:12] for one in seen) or "nothing"
        raise ExpectationFailed(f"{said(chosen)} must be shown in both TLS roles; the partner saw {shown}.")


@scenario(level="should", sources=("R65", "R75", "C19"), needs=("receive", "observe-inbox", "certificates"))
def test_activation_cuts_no_connection(federation: Federation) -> None:
    """A chat that is open while another certificate is activated goes on, over the connection that it has."""
    partner = federation.partner()
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    chat = bob.chat_with(alice)
    chat.say("before").must_succeed()
    alice.expect_message("before", from_=bob)
    connections = len(partner.edge.seen_certificates)

    activate(federation, federation.issue(federation.sut.fqdn))
    chat.say("after").must_succeed()

    alice.expect_message("after", from_=bob)
    more = len(partner.edge.seen_certificates) - connections
    if more:
        raise ExpectationFailed(
            "The chat must go on over the connection that it has, but after another certificate was activated "
            f"the partner had to open {more} more: the server ended the old one."
        )


@scenario(level="must", sources=("R65", "R75"), needs=NEEDS)
def test_back_to_the_certificate_before(federation: Federation) -> None:
    """The certificate that was active before can be activated again, and is shown again."""
    before = active_certificate(federation)
    activate(federation, federation.issue(federation.sut.fqdn))

    federation.sut.activate_certificate(before.fingerprint)

    must_be_shown(federation, federation.partner(), before)


# -- renewal --------------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R68", "C8", "F2.23"), needs=NEEDS)
def test_renewal_without_activation(federation: Federation) -> None:
    """A renewed certificate is not shown to anybody before it is activated by hand."""
    before = active_certificate(federation)
    federation.sut.add_certificate(federation.issue(federation.sut.fqdn))

    must_be_shown(federation, federation.partner(), before)


@scenario(level="must", sources=("R67", "R68", "C8", "F2.23"), needs=AGING)
@cases("persona", "sfb-2019", "teams", "generic")
def test_renewal_forgotten(federation: Federation, persona: str) -> None:
    """Where the renewed certificate was not activated before the old one ended, {persona} refuses the server."""
    activate(federation, federation.issue(federation.sut.fqdn, "two-hours"))
    federation.sut.add_certificate(federation.issue(federation.sut.fqdn))
    federation.advance(hours=2.5)

    federation.partner(persona).user("bob").chat_with(federation.sut.user("alice")).say("Hello?").must_fail(phase="tls")


@scenario(level="must", sources=("R67", "R68", "R75", "C8"), needs=AGING)
def test_renewal_after_the_end(federation: Federation) -> None:
    """A server whose certificate has ended federates again as soon as the renewed one is activated."""
    activate(federation, federation.issue(federation.sut.fqdn, "two-hours"))
    federation.advance(hours=2.5)
    bob, alice = federation.partner().user("bob"), federation.sut.user("alice")
    bob.chat_with(alice).say("too early").must_fail(phase="tls")

    activate(federation, federation.issue(federation.sut.fqdn))
    bob.chat_with(alice).say("in time").must_succeed()

    alice.expect_message("in time", from_=bob)


@scenario(
    level="info",
    sources=("R67", "C8", "C19", "F2.23"),
    needs=AGING,
    outcomes={
        "goes on": "ok",
        "ends": ("tolerable", "Whoever ends connections when a certificate ends is strict, and not wrong."),
    },
)
def test_expired_while_connected(federation: Federation) -> None:
    """A chat over a connection that was there before the server's certificate ended goes on; a new one is refused."""
    activate(federation, federation.issue(federation.sut.fqdn, "two-hours"))
    bob, alice = federation.partner("generic").user("bob"), federation.sut.user("alice")
    alice.ignores_messages()
    bob.chat_with(alice).say("before the end").must_succeed()
    federation.advance(minutes=125)

    happened("goes on" if bob.chat_with(alice).say("after the end").delivered else "ends")

    federation.partner().user("bob").chat_with(alice).say("from another").must_fail(phase="tls")


@scenario(
    level="info",
    sources=("R67", "C19"),
    needs=("receive", "observe-inbox", "time"),
    outcomes={
        "goes on": "ok",
        "ends": ("tolerable", "Whoever ends connections when a certificate ends is strict, and not wrong."),
    },
)
def test_partners_certificate_expires_while_connected(federation: Federation) -> None:
    """A chat over a connection that was there before the partner's certificate ended goes on."""
    partner = federation.partner("generic", certificate="two-hours")
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    alice.ignores_messages()
    bob.chat_with(alice).say("before the end").must_succeed()
    federation.advance(minutes=125)

    happened("goes on" if bob.chat_with(alice).say("after the end").delivered else "ends")


@scenario(level="must", sources=("R67", "R60"), needs=("chat", "open-federation", "time"))
def test_partner_forgets_to_renew(federation: Federation) -> None:
    """A partner whose certificate has ended meanwhile is not sent a message over a new connection."""
    partner = federation.partner(certificate="two-hours")
    bob = partner.user("bob")
    federation.advance(minutes=125)

    federation.sut.user("alice").chat_with(bob).say("Hello?").must_fail()

    bob.must_have_no_message()


@scenario(level="must", sources=("R67", "R60", "C8"), needs=("receive", "open-federation", "observe-inbox", "time"))
def test_partner_renews(federation: Federation) -> None:
    """A partner that shows a renewed certificate is believed again at once: nothing of the old one is kept."""
    partner = federation.partner(certificate="two-hours")
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    federation.advance(minutes=125)
    bob.chat_with(alice).say("too early").must_fail()

    partner.edge.present(federation.issue(partner.edge.fqdn))
    bob.chat_with(alice).say("in time").must_succeed()

    alice.expect_message("in time", from_=bob)
    alice.must_have_no_message()


@scenario(
    level="should", sources=("R67", "C8", "F2.20"), needs=("reach", "receive", "open-federation", "observe-inbox")
)
@cases("certificate", "lets-encrypt-shortlived", "lets-encrypt-2026", "rsa-2048")
def test_partner_renews_with_another_kind(federation: Federation, certificate: str) -> None:
    """A partner that changes to another kind of certificate ({certificate}) goes on being a partner."""
    partner = federation.partner()
    server_contacts(federation, partner, text="before").must_succeed()

    partner.edge.present(federation.issue(partner.edge.fqdn, certificate))
    partner.edge.drops_connections()
    must_chat_both_ways(federation, partner)


# -- steps ----------------------------------------------------------------------------------------------------------


def activate(federation: Federation, issued: Issued) -> HeldCertificate:
    """Add a certificate and choose it; CertificateRefused when the server does not take it."""
    added = federation.sut.add_certificate(issued)
    federation.sut.activate_certificate(added.fingerprint)
    return next(one for one in federation.sut.list_certificates() if one.fingerprint == added.fingerprint)


def active_certificate(federation: Federation) -> HeldCertificate:
    """The one that is chosen; ExpectationFailed when there is none, or more than one."""
    active = [one for one in federation.sut.list_certificates() if one.active]
    if len(active) != 1:
        raise ExpectationFailed(
            f"One certificate must be active, but {len(active) or 'none'} of those listed is; "
            f"listed is {all_said(federation)}."
        )
    return active[0]


def must_be_shown(federation: Federation, partner: Partner, certificate: HeldCertificate) -> None:
    """A partner that connects now is shown this certificate."""
    partner.edge.probe()
    seen = partner.edge.seen_certificates
    if not seen or seen[-1] != certificate.fingerprint:
        what = f"it saw {seen[-1][:12]}" if seen else "it saw none at all"
        raise ExpectationFailed(
            f"A partner that connects now must be shown {said(certificate)}; {what}. The server lists "
            f"{all_said(federation)}."
        )


def said(certificate: HeldCertificate) -> str:
    """One certificate for a failure text."""
    names = ", ".join(certificate.names) or "no name"
    return f"{certificate.fingerprint[:12]} ({names}{', active' if certificate.active else ''})"


def all_said(federation: Federation) -> str:
    """What the server lists, for a failure text."""
    return "; ".join(map(said, federation.sut.list_certificates())) or "nothing"


def fingerprint_of(issued: Issued) -> str:
    """SHA-256 of the leaf, hexadecimal."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return issued.leaf.fingerprint(SHA256()).hex()


def names_of(issued: Issued) -> tuple[str, ...]:
    """The names that the leaf holds."""
    from simulator import trust

    return trust.names_of(issued.leaf)

"""Faults in what the server makes of certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from simulator.trust import ReasonKind
from tests.defects.frame import defect
from tests.defects.patches import forgive, habits_of_server, refuse, rules_of_personas, server_believes, verdicts


@defect(
    caught_by=(
        "trust/refused-as-the-dialled-server[wildcard]",
        "trust/refused-as-the-dialling-client[wildcard]",
    ),
    also=("routes/bad-certificate-*[wildcard]",),
    says=("never sent a message", "certificate: *.fabrikam", "Expected a failure, but the message"),
)
def accepts_wildcard(patch: pytest.MonkeyPatch) -> None:
    """The server accepts a wildcard certificate."""
    from simulator.connect_server import ways

    patch.setattr(ways, "PEER_RULES", replace(ways.PEER_RULES, wildcard_ok=True))


@defect(
    caught_by=("trust/refused-as-the-dialling-client[wrong-name]", "discovery/sender-whose-domain-has-no-srv"),
    also=(
        "discovery",
        "dialogs",
        "names",
        "robustness",
        "routes",
        "policy",
        "resilience/sender-who-cannot-be-looked-up-yet",
    ),
    says=("over a connection with a certificate for another name is not delivered",),
)
def believes_senders(patch: pytest.MonkeyPatch) -> None:
    """The server believes whatever domain a sender claims."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.admission import Admission

    checked = Admission._refusal_for

    async def believe(self: Any, link: Any, way: Any) -> Any:
        return () if isinstance(self._agent.peering, ConnectServer) else await checked(self, link, way)

    patch.setattr(Admission, "_refusal_for", believe)


@defect(caught_by=("trust/certificate-of-a-similar-name[subcontoso]",), also=("names",))
def compares_the_ends_of_names(patch: pytest.MonkeyPatch) -> None:
    """The server compares names by their ends without heeding the dots: subcontoso.com passes for contoso.com."""

    from simulator import trust

    checked = trust.name_reasons

    def loose(certificate: Any, expected: Any, rules: Any) -> Any:
        wanted = str(expected).partition(".")[2]
        names = [name.partition(".")[2] for name in trust.names_of(certificate)]
        if not rules.cn_fallback and any(name.endswith(wanted) and len(name) > len(wanted) for name in names):
            return ()
        return checked(certificate, expected, rules)

    patch.setattr(trust, "name_reasons", loose)


@defect(
    caught_by=(
        "trust/certificate-of-the-domain-and-not-of-the-target",
        "trust/sender-with-a-certificate-of-the-domain-only",
    )
)
def takes_the_domain_for_the_target(patch: pytest.MonkeyPatch) -> None:
    """The server takes a certificate that names the SIP domain and not the SRV target."""
    habits_of_server(patch, identity="either")


@defect(caught_by=("trust/refused-as-*[expired]",), also=("certificates", "routes/bad-certificate-*[expired]"))
def accepts_expired(patch: pytest.MonkeyPatch) -> None:
    """The server accepts certificates that have ended."""
    forgive(patch, ReasonKind.EXPIRED)


@defect(caught_by=("trust/refused-as-*[not-yet-valid]",), also=("routes/bad-certificate-*[not-yet-valid]",))
def accepts_what_is_not_yet_valid(patch: pytest.MonkeyPatch) -> None:
    """The server accepts certificates before their time."""
    forgive(patch, ReasonKind.NOT_YET_VALID)


@defect(caught_by=("trust/refused-as-*[untrusted]",), also=("routes/bad-certificate-*[untrusted]",))
def accepts_any_authority(patch: pytest.MonkeyPatch) -> None:
    """The server accepts certificates of authorities that it does not know."""
    forgive(patch, ReasonKind.UNTRUSTED)


@defect(
    caught_by=("trust/refused-as-*[self-signed]",),
    also=("routes/bad-certificate-*[self-signed]", "routes/bad-certificate-*[untrusted]"),
)
def accepts_self_signed(patch: pytest.MonkeyPatch) -> None:
    """The server accepts self-signed certificates."""
    forgive(patch, ReasonKind.SELF_SIGNED, ReasonKind.UNTRUSTED)


@defect(caught_by=("trust/refused-as-*[missing-intermediate]",))
def accepts_broken_chains(patch: pytest.MonkeyPatch) -> None:
    """The server accepts a certificate whose chain does not lead to a root."""
    forgive(patch, ReasonKind.MISSING_INTERMEDIATE)


@defect(caught_by=("trust/refused-as-*[constrained]",))
def ignores_name_constraints(patch: pytest.MonkeyPatch) -> None:
    """The server lets an authority speak for names that it may not speak for."""
    forgive(patch, ReasonKind.NAME_CONSTRAINTS)


@defect(caught_by=("trust/refused-as-*[sha1]",))
def accepts_sha1(patch: pytest.MonkeyPatch) -> None:
    """The server accepts signatures with SHA-1."""
    forgive(patch, ReasonKind.WEAK_SIGNATURE, ReasonKind.INVALID_CHAIN)


@defect(caught_by=("trust/refused-as-*[rsa-1024]",))
def accepts_short_keys(patch: pytest.MonkeyPatch) -> None:
    """The server accepts RSA keys of 1024 bits."""
    forgive(patch, ReasonKind.WEAK_KEY)


@defect(caught_by=("trust/client-only-as-the-dialled-server",))
def ignores_extended_key_usage(patch: pytest.MonkeyPatch) -> None:
    """The server accepts a client's certificate of the server that it dials."""
    forgive(patch, ReasonKind.KEY_USAGE)


@defect(
    caught_by=(
        "trust/accepted-as-the-dialling-client[lets-encrypt-2026]",
        "trust/partner-with-lets-encrypt-of-2026[teams]",
    ),
    also=("certificates",),
    says=("Let's Encrypt",),
)
def insists_on_client_authentication(patch: pytest.MonkeyPatch) -> None:
    """The server wants client authentication in the certificate of whoever dials, and so loses Let's Encrypt's."""
    from simulator.connect_server import ways

    policy = ways.trust_policy

    def strict(*arguments: Any) -> Any:
        found = policy(*arguments)
        return replace(found, rules=replace(found.rules, require_eku="role"))

    patch.setattr(ways, "trust_policy", strict)


@defect(caught_by=("trust/accepted-as-*[no-cn]", "trust/accepted-as-*[lets-encrypt-tlsserver]"), also=("certificates",))
def insists_on_a_common_name(patch: pytest.MonkeyPatch) -> None:
    """The server refuses certificates with an empty subject."""
    refuse(patch, "it has no common name", lambda chain: not list(chain[0].subject))


@defect(caught_by=("trust/accepted-as-the-dialling-client[san-second-entry]",), also=("certificates",))
def reads_the_first_name_only(patch: pytest.MonkeyPatch) -> None:
    """The server looks at the first name of a certificate only."""
    from simulator.trust.names import Names

    reasons = Names.reasons

    def first(self: Any, wanted: Any, rules: Any) -> Any:
        return reasons(self if rules.cn_fallback else replace(self, dns=self.dns[:1]), wanted, rules)

    patch.setattr(Names, "reasons", first)


@defect(caught_by=("trust/accepted-as-*[398-day]",))
def refuses_long_lifetimes(patch: pytest.MonkeyPatch) -> None:
    """The server refuses certificates of partners that live longer than public authorities may make them now."""
    refuse(
        patch,
        "it lives too long",
        lambda chain: (chain[0].not_valid_after_utc - chain[0].not_valid_before_utc).days > 200,
    )


@defect(caught_by=("trust/accepted-as-*[short-lived]",), also=("certificates",))
def refuses_short_lifetimes(patch: pytest.MonkeyPatch) -> None:
    """The server takes a certificate that ends within a week for one that is about to end, and refuses it."""
    refuse(
        patch,
        "it ends too soon",
        lambda chain: (
            timedelta(days=6) < chain[0].not_valid_after_utc - chain[0].not_valid_before_utc < timedelta(days=6.9)
        ),
    )


@defect(caught_by=("trust/accepted-as-*[rsa-2048]",), also=("certificates",))
def knows_no_rsa(patch: pytest.MonkeyPatch) -> None:
    """The server accepts keys on elliptic curves only."""
    refuse(
        patch,
        "its key is no ECDSA key",
        lambda chain: hasattr(chain[0].public_key(), "key_size") and chain[0].public_key().key_size >= 2048,
    )


@defect(caught_by=("trust/outdated-tls-of-the-dialling-client*", "trust/outdated-tls-of-the-dialled-server*"))
def speaks_old_tls(patch: pytest.MonkeyPatch) -> None:
    """The server takes part in TLS 1.0 and 1.1."""
    habits_of_server(patch, tls_minimum="TLSv1")


@defect(caught_by=("trust/version-of-tls[TLSv1.3]",))
def knows_no_tls_1_3(patch: pytest.MonkeyPatch) -> None:
    """The server speaks nothing newer than TLS 1.2."""
    habits_of_server(patch, tls_maximum="TLSv1.2")


@defect(caught_by=("trust/server-name-in-tls[absent]", "trust/server-name-in-tls[other]"))
def insists_on_its_name_in_tls(patch: pytest.MonkeyPatch) -> None:
    """The server turns down whoever does not ask for its FQDN in TLS (SNI)."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.account import Refusal
    from simulator.io.admission import Admission

    checked = Admission._refusal_for

    async def picky(self: Any, link: Any, way: Any) -> Any:
        asked = link.handshake.sni
        if isinstance(self._agent.peering, ConnectServer) and not link.outgoing and asked != str(self._agent.fqdn):
            return Refusal(403, "Forbidden", f"TLS asked for {asked}")
        return await checked(self, link, way)

    patch.setattr(Admission, "_refusal_for", picky)


@defect(caught_by=("trust/sender-who-is-not-the-server-of-the-route",), also=("routes", "trust"))
def believes_everybody_about_routed_domains(patch: pytest.MonkeyPatch) -> None:
    """The server believes any sender about a domain that has a static route."""
    from simulator.io.peering import StaticWay

    server_believes(patch, lambda _place, way, _refusal: isinstance(way, StaticWay))


@defect(caught_by=("trust/own-certificate-is-refused[wildcard-sfb-2019]",), says=("a wildcard certificate",))
def persona_accepts_wildcard(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business accepts a wildcard certificate."""
    rules_of_personas(patch, wildcard_ok=True)


@defect(caught_by=("trust/own-certificate-is-accepted[lets-encrypt-2026-*]",), also=("certificates",))
def persona_insists_on_client_authentication(patch: pytest.MonkeyPatch) -> None:
    """An edge wants client authentication in the certificate of whoever dials."""
    rules_of_personas(patch, require_eku="role")


@defect(caught_by=("trust/own-certificate-is-refused[expired-*]",), also=("certificates",))
def persona_accepts_expired(patch: pytest.MonkeyPatch) -> None:
    """An edge accepts a certificate that has ended."""
    forgive(patch, ReasonKind.EXPIRED, of_server=False)


@defect(caught_by=("trust/own-certificate[revoked]", "trust/own-certificate[revoked-by-ocsp]"))
def persona_asks_nobody_about_revocation(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business asks nobody whether a certificate was revoked."""
    rules_of_personas(patch, revocation="off")


@defect(caught_by=("trust/own-certificate-before-a-strict-edge[crl-overdue]",))
def persona_accepts_an_expired_crl(patch: pytest.MonkeyPatch) -> None:
    """An edge that must know of every certificate believes a CRL whose next update is overdue."""
    from simulator.trust import revocation

    patch.setattr(revocation, "_check_time", lambda *_arguments: None)


@defect(caught_by=("trust/own-certificate-before-a-strict-edge[crl-of-another]",))
def persona_accepts_a_forged_crl(patch: pytest.MonkeyPatch) -> None:
    """An edge does not check who signed a CRL."""
    from simulator.trust import revocation

    patch.setattr(revocation, "_is_signed", lambda *_arguments: True)


@defect(caught_by=("trust/own-certificate[rsa-pss]",))
def persona_knows_rsa_pss(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business accepts RSASSA-PSS, which its documentation rules out."""
    rules_of_personas(patch, pss_ok=True)


@defect(
    caught_by=(
        "trust/own-certificate-before-an-edge-of-rsa[p-256]",
        "trust/own-certificate-before-an-edge-of-rsa[ed25519]",
    )
)
def persona_overlooks_the_kind_of_key(patch: pytest.MonkeyPatch) -> None:
    """An edge that is to take RSA keys only takes every key."""
    forgive(patch, ReasonKind.KEY_TYPE, of_server=False)


@defect(caught_by=("trust/own-certificate[p-384]", "trust/own-certificate[p-384-teams]"))
def persona_knows_one_curve_only(patch: pytest.MonkeyPatch) -> None:
    """An edge knows no curve but P-256."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from simulator.trust import Reason, Verdict

    def strict(presented: Any, verdict: Verdict) -> Verdict:
        key = presented.certificates[0].public_key()
        if not isinstance(key, EllipticCurvePublicKey) or key.key_size == 256:
            return verdict
        return replace(verdict, reasons=(*verdict.reasons, Reason(ReasonKind.KEY_TYPE, "another curve")), pending=())

    verdicts(patch, strict, of_server=False)

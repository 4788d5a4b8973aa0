"""What becomes of a certificate of each shape: tables for both sides of a connection (discovery facts §2, §8)."""

from __future__ import annotations

from typing import Any, Final

from simulator.scenarios.grades import Outcomes
from simulator.scenarios.marking import Case

NO_SOURCE: Final = "The requirements do not say so (C19)"

WORDS: Final = {
    "dual": "a certificate for server and client authentication",
    "no-eku": "a certificate without extended key usages",
    "server-only": "a certificate for server authentication only",
    "client-only": "a certificate for client authentication only",
    "lets-encrypt-2026": "a Let's Encrypt certificate of 2026",
    "lets-encrypt-tlsserver": "a Let's Encrypt certificate of the profile tlsserver",
    "lets-encrypt-shortlived": "a Let's Encrypt certificate of six days",
    "server-only-intermediate": "a certificate whose issuer is for server authentication only",
    "sip-domain-eku": "a certificate for SIP domains too (RFC 5924)",
    "sip-uri": "a certificate that names a SIP URI too",
    "no-cn": "a certificate with an empty subject",
    "san-second-entry": "a certificate that names the host second",
    "short-lived": "a certificate of 160 hours",
    "47-day": "a certificate of 47 days",
    "100-day": "a certificate of 100 days",
    "200-day": "a certificate of 200 days",
    "398-day": "a certificate of 398 days",
    "rsa-2048": "a certificate with an RSA key",
    "p-384": "a certificate with a key on P-384",
    "no-crl": "a certificate without a CRL distribution point",
    "ocsp": "a certificate with OCSP and no CRL",
    "wildcard": "a wildcard certificate",
    "wrong-name": "a certificate for another name",
    "expired": "an expired certificate",
    "not-yet-valid": "a certificate that is not valid yet",
    "untrusted": "a certificate of an unknown authority",
    "self-signed": "a self-signed certificate",
    "missing-intermediate": "a certificate without its intermediate one",
    "constrained": "a certificate of an authority that may not speak for the name",
    "sha1": "a certificate signed with SHA-1",
    "rsa-1024": "a certificate with an RSA key of 1024 bits",
    "any-eku": "a certificate for any usage (anyExtendedKeyUsage) only",
    "cn-only": "a certificate that names the host in its subject only",
    "rsa-pss": "a certificate signed with RSASSA-PSS",
    "ed25519": "a certificate with an Ed25519 key",
    "revoked": "a revoked certificate",
    "ocsp-revoked": "a certificate that OCSP says is revoked",
    "crl-unreachable": "a certificate whose CRL cannot be had",
    "crl-expired": "a certificate whose CRL is overdue",
    "crl-forged": "a certificate whose CRL somebody else signed",
    "ocsp-down-crl-good": "a certificate whose CRL is in order",
}
"Each profile of `fakes.ca` in the words of a sentence."


def _case(name: str, *values: object, **terms: Any) -> Case:
    """A row whose profile, the first of the values or else the name, is put in words."""
    return Case(name, *values, words=WORDS[str(values[0]) if values else name], **terms)


def _either(good: str, bad: str, why: str) -> Outcomes:
    return {good: "ok", bad: ("tolerable", why)}


ACCEPTED: Final = (
    _case("dual", sources=("R58", "R60")),
    _case("no-eku", level="should", sources=("F2.17",)),
    _case(
        "server-only",
        level="should",
        sources=("F2.3", "F2.13", "C4"),
    ),
    _case("lets-encrypt-2026", level="should", sources=("F2.15", "F2.16", "C7", "R67")),
    _case(
        "lets-encrypt-tlsserver",
        level="should",
        sources=("F2.20", "F2.22", "C7"),
    ),
    _case("lets-encrypt-shortlived", level="should", sources=("F2.20", "F2.22", "C8")),
    _case(
        "server-only-intermediate",
        level="should",
        sources=("F2.13", "F2.17"),
    ),
    _case("sip-domain-eku", level="should", sources=("F2.11",)),
    _case("sip-uri", level="should", sources=("F2.9",)),
    _case("no-cn", sources=("F2.1", "F2.22")),
    _case("san-second-entry", sources=("F2.1", "F2.6")),
    _case("short-lived", sources=("F2.20", "F2.21", "C8")),
    _case("47-day", sources=("F2.19", "C8")),
    _case("100-day", sources=("F2.19",)),
    _case("200-day", sources=("F2.19",)),
    _case("398-day", sources=("F2.19",)),
    _case("rsa-2048", sources=("F2.4",)),
    _case("p-384", level="should", sources=("F2.4",)),
    _case("no-crl", level="should", sources=("F2.4", "F2.21")),
    _case("ocsp", level="should", sources=("F2.22",)),
)
"""A partner that shows one of these federates."""
REFUSED: Final = (
    _case("wildcard", sources=("R57", "F2.2")),
    _case("wrong-name", sources=("F2.6", "F2.10")),
    _case("expired", sources=("R67",)),
    _case("not-yet-valid", sources=("RFC 5280 §6.1",)),
    _case("untrusted", sources=("R60",)),
    _case("self-signed", sources=("R66",)),
    _case("missing-intermediate", sources=("F2.5",)),
    _case("constrained", sources=("RFC 5280 §6.1.4",)),
    _case("sha1", level="should", sources=("F2.4",)),
    _case("rsa-1024", level="should", sources=("F2.4", "F7.4")),
)
"""A partner that shows one of these does not."""


DOUBTFUL: Final = (
    _case(
        "any-eku",
        sources=("F2.14", "F2.17"),
        outcomes=_either("failed", "delivered", "Public CAs may not issue it."),
    ),
    _case(
        "cn-only",
        sources=("F2.1", "F2.9"),
        outcomes=_either("failed", "delivered", "RFC 5922 falls back to the CN."),
    ),
    _case(
        "rsa-pss",
        sources=("F2.4",),
        outcomes=_either("delivered", "failed", "Skype for Business does not know RSASSA-PSS."),
    ),
    _case(
        "ed25519",
        sources=("F2.4",),
        outcomes=_either("delivered", "failed", "No public CA issues such keys."),
    ),
    _case("revoked", sources=("C19", "F1.6"), outcomes=_either("failed", "delivered", f"{NO_SOURCE}.")),
    _case(
        "ocsp-revoked",
        sources=("C19", "F1.6"),
        outcomes=_either("failed", "delivered", f"{NO_SOURCE}."),
    ),
    _case(
        "crl-unreachable",
        sources=("C19", "F1.6"),
        outcomes=_either("delivered", "failed", "Whoever insists on revocation may refuse it."),
    ),
    _case(
        "crl-expired",
        sources=("C19", "F1.6"),
        outcomes=_either("delivered", "failed", "Whoever insists on revocation may refuse it."),
    ),
)
"""Shapes that sources disagree on, or are silent about."""

CLIENT_ONLY_DIALLING: Final[Outcomes] = _either(
    "delivered", "failed", "S4B demands server authentication of both roles."
)

EVERY_PERSONA: Final = ("sfb-2015", "sfb-2019", "sfb-se", "teams", "generic")
OWN_ACCEPTED_BY_ALL: Final = (
    _case("dual", sources=("R56", "R58", "R60")),
    _case("lets-encrypt-2026", level="should", sources=("F2.3", "F2.15", "C4", "C7", "R67")),
)
"""The server's own certificate, which every persona accepts in both TLS roles."""
OWN_REFUSED_BY_ALL: Final = (
    _case("wildcard", sources=("R57", "F2.2")),
    _case("expired", sources=("R67", "F2.23", "C8")),
)
"""… and refuses."""
OWN: Final = (
    _case(
        "no-eku",
        "no-eku",
        "sfb-2019",
        True,
        sources=("F2.3", "F2.17"),
    ),
    _case("no-cn", "no-cn", "sfb-2019", True, sources=("F2.1", "F2.22")),
    _case(
        "cn-only",
        "cn-only",
        "sfb-2019",
        True,
        sources=("F2.1", "F2.9"),
    ),
    _case("second-name", "san-second-entry", "sfb-2019", True, sources=("F2.1", "F2.6")),
    _case(
        "six-days",
        "lets-encrypt-shortlived",
        "sfb-2019",
        True,
        sources=("F2.20", "F2.21", "C8"),
    ),
    _case("47-days", "47-day", "sfb-2019", True, sources=("F2.19", "C8")),
    _case("100-days", "100-day", "sfb-2019", True, sources=("F2.19",)),
    _case("200-days", "200-day", "sfb-2019", True, sources=("F2.19",)),
    _case("398-days", "398-day", "sfb-2019", True, sources=("F2.19",)),
    _case("rsa-2048", "rsa-2048", "sfb-2019", True, sources=("F2.4",)),
    _case("p-384", "p-384", "sfb-2019", True, sources=("F2.4",)),
    _case("p-384-teams", "p-384", "teams", True, sources=("F2.4", "F2.7")),
    _case("ed25519-plain-sip", "ed25519", "generic", True, sources=("F2.4",)),
    _case("crl-overdue", "crl-expired", "sfb-2019", True, sources=("F1.6", "C19")),
    _case(
        "crl-unreachable",
        "crl-unreachable",
        "sfb-2019",
        True,
        sources=("F1.6", "C19"),
    ),
    _case("no-crl", "no-crl", "sfb-2019", True, sources=("F2.4", "F2.21")),
    _case(
        "client-only",
        "client-only",
        "sfb-2019",
        False,
        sources=("R25", "R58", "F2.3"),
    ),
    _case("client-only-plain-sip", "client-only", "generic", True, sources=("F2.9", "RFC 5922 §7.1")),
    _case(
        "any-eku",
        "any-eku",
        "sfb-2019",
        False,
        sources=("F2.14", "F2.17"),
    ),
    _case("rsa-pss", "rsa-pss", "sfb-2019", False, sources=("F2.4",)),
    _case("rsa-pss-plain-sip", "rsa-pss", "generic", True, sources=("F2.4",)),
    _case("sha1", "sha1", "sfb-2019", False, sources=("F2.4",)),
    _case(
        "wrong-name",
        "wrong-name",
        "sfb-2019",
        False,
        sources=("R56", "F1.25", "F1.26"),
    ),
    _case("not-yet-valid", "not-yet-valid", "sfb-2019", False, sources=("R67",)),
    _case(
        "untrusted",
        "untrusted",
        "sfb-2019",
        False,
        sources=("R60", "F2.5"),
    ),
    _case("untrusted-teams", "untrusted", "teams", False, sources=("R66", "F2.5", "C6")),
    _case("self-signed", "self-signed", "sfb-2019", False, sources=("R66", "C6")),
    _case("missing-intermediate", "missing-intermediate", "sfb-2019", False, sources=("F2.5",)),
    _case("revoked", "revoked", "sfb-2019", False, sources=("F1.6", "C19")),
    _case("revoked-by-ocsp", "ocsp-revoked", "sfb-2019", False, sources=("F1.6", "C19")),
)
"""Shapes of the server's own certificate, with the persona that judges and whether it federates."""
OWN_STRICT: Final = (
    _case("crl-overdue", "crl-expired", False, sources=("F1.6", "C19")),
    _case("crl-unreachable", "crl-unreachable", False, sources=("F1.6", "C19")),
    _case(
        "crl-of-another",
        "crl-forged",
        False,
        sources=("RFC 5280 §6.3",),
    ),
    _case("no-crl", "no-crl", False, sources=("F2.4",)),
    _case("in-order", "ocsp-down-crl-good", True, sources=("F2.4",)),
)
"""The same before an edge that insists on knowing that nothing is revoked."""
OWN_BEFORE_RSA: Final = (
    _case("rsa-2048", "rsa-2048", True),
    _case("p-256", "dual", False),
    _case("p-384", "p-384", False),
    _case("ed25519", "ed25519", False),
)
"""The same before an edge that takes RSA keys only; what Skype for Business makes of others, nobody says (F2.4)."""

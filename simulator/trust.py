"""Does this certificate speak for this name? Every reason why not (RFC 5280 §6, RFC 5922 §7; F2.1-F2.17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.names import Fqdn
from simulator.tls import UNREADABLE

if TYPE_CHECKING:
    from simulator.tls import PresentedChain, Role

IPAddress = IPv4Address | IPv6Address
Expected = Fqdn | IPAddress
"""What a certificate can be asked to speak for: a host, or where a static route has an address, that (R33, R34)."""

_MAX_PRESENTED: Final = 16
_OUT_OF_TIME: Final = "not valid at validation time"
"How `cryptography` puts it."


class ReasonKind(Enum):
    """Why a certificate is refused, most important first: this order picks the alert."""

    UNREADABLE = "unreadable"
    SELF_SIGNED = "self-signed"
    MISSING_INTERMEDIATE = "missing-intermediate"
    UNTRUSTED = "untrusted"
    INVALID_CHAIN = "invalid-chain"
    NAME_CONSTRAINTS = "name-constraints"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    KEY_USAGE = "key-usage"
    WEAK_KEY = "weak-key"
    WILDCARD = "wildcard"
    NO_NAME = "no-name"
    WRONG_NAME = "wrong-name"

    @property
    def alert(self) -> str:
        """The TLS alert that says this (RFC 8446 §6.2)."""
        return _ALERTS[self]


_ALERTS: Final[dict[ReasonKind, str]] = {
    ReasonKind.UNREADABLE: "bad_certificate",
    ReasonKind.SELF_SIGNED: "unknown_ca",
    ReasonKind.MISSING_INTERMEDIATE: "unknown_ca",
    ReasonKind.UNTRUSTED: "unknown_ca",
    ReasonKind.INVALID_CHAIN: "bad_certificate",
    ReasonKind.NAME_CONSTRAINTS: "certificate_unknown",
    ReasonKind.EXPIRED: "certificate_expired",
    ReasonKind.NOT_YET_VALID: "certificate_expired",
    ReasonKind.KEY_USAGE: "unsupported_certificate",
    ReasonKind.WEAK_KEY: "bad_certificate",
    ReasonKind.WILDCARD: "bad_certificate",
    ReasonKind.NO_NAME: "bad_certificate",
    ReasonKind.WRONG_NAME: "bad_certificate",
}
_IMPORTANCE: Final = {kind: place for place, kind in enumerate(ReasonKind)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong with a presented certificate."""

    kind: ReasonKind
    "What it is."
    detail: str
    "The same for an administrator: a clause that goes on after `the certificate was refused because`."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of `judge`; fits `tls.VerdictLike`."""

    reasons: tuple[Reason, ...]
    "All that is wrong, most important first; empty when accepted."
    names: tuple[str, ...]
    "The names the leaf holds (`names_of`), whether they count under the rules or not."
    expected: str | None
    "The name it was to hold; None when any name would do."

    @property
    def accepted(self) -> bool:
        """True when nothing is wrong."""
        return not self.reasons

    @property
    def alert(self) -> str:
        """The alert of the most important reason; empty when accepted."""
        return self.reasons[0].kind.alert if self.reasons else ""

    def because(self, kind: ReasonKind) -> bool:
        """True when `kind` is among the reasons."""
        return any(reason.kind is kind for reason in self.reasons)

    def __str__(self) -> str:
        return explain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a product demands of a peer's certificate, beyond a valid chain to a known root."""

    wildcard_ok: bool = False
    "Whether `*.example.com` speaks for `sip.example.com`; no SIP product but a lax one (R57, F2.2, F2.12)."
    cn_fallback: bool = False
    "Whether the subject's CN is a name where the certificate has no subjectAltName at all (F2.1)."
    sip_uri: bool = False
    "Whether `URI:sip:<name>` entries are names, and then the only ones (RFC 5922 §7.1)."
    require_eku: Literal["role", "server", "none"] = "role"
    """Which extended key usage must be there if the certificate, or an intermediate, limits it: `role` clientAuth of a
    TLS client and serverAuth of a server (OpenSSL, F2.17), `server` serverAuth of both (Skype for Business, F2.3)."""
    min_rsa_bits: int = 2048
    "The shortest RSA key of a leaf or intermediate."


CONNECT_SERVER: Final = Rules()
"""The embedded Connect Server's default."""
S4B: Final = Rules(cn_fallback=True, require_eku="server", min_rsa_bits=1024)
"""Skype for Business (F2.1-F2.4)."""
RFC5922: Final = Rules(cn_fallback=True, sip_uri=True, require_eku="none")
"""RFC 5922 §7.1 and §7.2; `expected` is the SIP domain then, not the SRV target."""
OPENSSL: Final = Rules(wildcard_ok=True, cn_fallback=True, min_rsa_bits=1024)
"""OpenSSL and Python's `ssl` with a name check, as a lenient product uses them (F2.12, F2.17)."""

_EKU_OF_ROLE: Final = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
_EKU_TEXT: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "client authentication",
    ExtendedKeyUsageOID.SERVER_AUTH: "server authentication",
}


def judge(
    presented: PresentedChain,
    *,
    roots: Sequence[x509.Certificate],
    at: datetime,
    rules: Rules = CONNECT_SERVER,
    expected: Expected | None = None,
) -> Verdict:
    """Collect every reason to refuse `presented`; never raises for what a peer sends.

    `at` is the time to judge by, with a time zone. With `expected` None the chain, the validity and the key usage
    count, and that there is a usable name at all: one that holds only wildcards has none where they do not count.
    Revocation is not checked, nor the strength of a signature beyond what `cryptography` can verify (no SHA-1).
    """
    wanted = None if expected is None else str(expected).lower()
    leaf, *others = presented.certificates
    try:
        names = _Names.read(leaf)
        path, reasons = _follow(leaf, others, roots, at)
        below_root = [certificate for certificate in path if certificate not in roots]
        reasons += [*_key_reasons(below_root, presented.role, rules), *names.reasons(wanted, rules)]
    except (*UNREADABLE, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return Verdict((Reason(ReasonKind.UNREADABLE, f"it can't be read ({error})"),), (), wanted)
    return Verdict(tuple(sorted(reasons, key=lambda reason: _IMPORTANCE[reason.kind])), names.all, wanted)


def explain(verdict: Verdict) -> str:
    """One sentence for an administrator: what was seen, what was expected, everything that is wrong."""
    shown = (
        f"The certificate for {', '.join(verdict.names)}" if verdict.names else "The certificate, which holds no name,"
    )
    if verdict.accepted:
        return f"{shown} is accepted" + (f" as {verdict.expected}." if verdict.expected else ".")
    wanted = f" (expected: {verdict.expected})" if verdict.expected else ""
    details = [reason.detail for reason in verdict.reasons]
    told = details[0] if len(details) == 1 else f"{'; '.join(details[:-1])}; and {details[-1]}"
    return f"{shown} was refused{wanted} because {told}."


def name_reasons(certificate: x509.Certificate, expected: Expected, rules: Rules) -> tuple[Reason, ...]:
    """Why `certificate` does not speak for `expected` under the name rules alone; empty when it does.

    For the check after the handshake: does the client's certificate hold the server of its SIP domain (F0.2)?
    Raises ValueError when the certificate's extensions can't be read.
    """
    return tuple(_Names.read(certificate).reasons(str(expected).lower(), rules))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """All names a certificate holds: DNS, IP and sip URI entries, or the CN where it has no subjectAltName.

    Empty for none; raises ValueError when the certificate's extensions can't be read.
    """
    return _Names.read(certificate).all


@dataclass(frozen=True, slots=True)
class _Names:
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    sip: tuple[str, ...]
    common: tuple[str, ...]
    has_san: bool

    @classmethod
    def read(cls, certificate: x509.Certificate) -> _Names:
        common = tuple(
            str(attribute.value).lower().removesuffix(".")
            for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        )
        try:
            san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return cls((), (), (), common, has_san=False)
        return cls(
            tuple(name.lower().removesuffix(".") for name in san.get_values_for_type(x509.DNSName)),
            tuple(str(address) for address in san.get_values_for_type(x509.IPAddress)),
            tuple(
                uri.lower()
                for uri in san.get_values_for_type(x509.UniformResourceIdentifier)
                if uri.lower().startswith("sip:")
            ),
            common,
            has_san=True,
        )

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.dns, *self.addresses, *self.sip) if self.has_san else self.common

    def usable(self, rules: Rules) -> tuple[str, ...]:
        """The entries that are names under these rules, wildcards among them."""
        if not self.has_san:
            return self.common if rules.cn_fallback else ()
        # A sip URI with a user part names a user, no domain (RFC 5922 §7.1).
        domains = tuple(uri[4:] for uri in self.sip if "@" not in uri)
        if rules.sip_uri and domains:
            return domains
        return (*self.dns, *self.addresses)

    def reasons(self, wanted: str | None, rules: Rules) -> Iterator[Reason]:
        usable = self.usable(rules)
        exact = [name for name in usable if "*" not in name]
        wild = [name for name in usable if "*" in name]
        if wanted in exact or (wanted is None and exact):
            return
        covering = [name for name in wild if wanted is None or _covers(name, wanted)]
        if covering:
            if not rules.wildcard_ok:
                listed = ", ".join(covering)
                yield Reason(
                    ReasonKind.WILDCARD, f"only the wildcard {listed} would fit, and wildcards do not count in SIP"
                )
        elif usable:
            yield Reason(ReasonKind.WRONG_NAME, f"it is made out to {', '.join(usable)}, not to {wanted}")
        elif self.common and not self.has_san:
            listed = ", ".join(self.common)
            yield Reason(
                ReasonKind.NO_NAME, f"it has no subjectAltName, and the name {listed} in its subject does not count"
            )
        else:
            yield Reason(ReasonKind.NO_NAME, "it holds no host name")


def _covers(pattern: str, name: str) -> bool:
    head, _, tail = pattern.partition(".")
    return head == "*" and name.partition(".")[2] == tail


def _key_reasons(path: Sequence[x509.Certificate], role: Role, rules: Rules) -> Iterator[Reason]:
    for place, certificate in enumerate(path):
        subject = f"the intermediate {_text(certificate.subject)}" if place else "it"
        key = certificate.public_key()
        if isinstance(key, RSAPublicKey) and key.key_size < rules.min_rsa_bits:
            detail = f"{subject} has an RSA key of {key.key_size} bits, fewer than {rules.min_rsa_bits}"
            yield Reason(ReasonKind.WEAK_KEY, detail)
        if rules.require_eku == "none":
            continue
        needed = _EKU_OF_ROLE[role if rules.require_eku == "role" else "server"]
        try:
            usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            continue
        if needed not in usages:
            detail = (
                f"{subject} is not made for {_EKU_TEXT[needed]} (extended key usage), but the peer is the TLS {role}"
            )
            yield Reason(ReasonKind.KEY_USAGE, detail)


def _follow(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> tuple[Sequence[x509.Certificate], list[Reason]]:
    """The path from the leaf as far up as it goes, and what is wrong with it."""
    if len(others) >= _MAX_PRESENTED:
        detail = f"it came with {len(others)} others, more than any real chain has"
        return [leaf], [Reason(ReasonKind.INVALID_CHAIN, detail)]
    found = _verify(leaf, others, roots, at)
    if not isinstance(found, str):
        return found, []
    path, anchored = _walk(leaf, others, roots)
    outside = [reason for certificate in path if (reason := _validity_reason(certificate, certificate is leaf, at))]
    if not anchored:
        return path, [*outside, _unanchored(path, others, roots)]
    if outside:
        # Nothing else is wrong if there is an instant at which the path holds, or if no instant lies in all validities.
        tries = [_verify(leaf, others, roots, certificate.not_valid_before_utc) for certificate in path]
        problems = [tried for tried in tries if isinstance(tried, str) and _OUT_OF_TIME not in tried]
        if not problems or not all(isinstance(tried, str) for tried in tries):
            return path, outside
        found = problems[0]
    return path, [*outside, _unsound(found)]


def _unsound(problem: str) -> Reason:
    if "name constraint" in problem:
        return Reason(ReasonKind.NAME_CONSTRAINTS, "its CA may not issue certificates for this name (name constraints)")
    return Reason(ReasonKind.INVALID_CHAIN, f"its chain is not valid ({problem})")


def _unanchored(
    path: Sequence[x509.Certificate], others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> Reason:
    top = path[-1]
    issuer = _text(top.issuer)
    if any(top.issuer == root.subject for root in roots):
        detail = f"its chain ends at {issuer}, which has the name of a root trusted here, but another key"
        return Reason(ReasonKind.UNTRUSTED, detail)
    if top.issuer == top.subject and len(path) == 1:
        return Reason(ReasonKind.SELF_SIGNED, "it is self-signed, issued by no certification authority")
    if len(path) > 1:
        return Reason(ReasonKind.UNTRUSTED, f"its chain ends at {issuer}, which is not trusted here")
    sent = "none of the other certificates sent along is" if others else "the peer sent no certificate of"
    detail = f"{sent} its issuer {issuer}, which is no trusted root either: the intermediate certificate is missing"
    return Reason(ReasonKind.MISSING_INTERMEDIATE, detail)


def _validity_reason(certificate: x509.Certificate, is_leaf: bool, at: datetime) -> Reason | None:
    subject = "it" if is_leaf else f"the certificate of its issuer {_text(certificate.subject)}"
    if at > certificate.not_valid_after_utc:
        return Reason(ReasonKind.EXPIRED, f"{subject} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if at < certificate.not_valid_before_utc:
        start = certificate.not_valid_before_utc
        return Reason(ReasonKind.NOT_YET_VALID, f"{subject} is not valid before {start:%Y-%m-%d %H:%M} UTC")
    return None


def _walk(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[list[x509.Certificate], bool]:
    """Follow the signatures up from the leaf, whatever else is wrong; True when they reach a root."""
    path = [leaf]
    while len(path) <= _MAX_PRESENTED:
        if path[-1] in roots:
            return path, True
        if (anchor := next((root for root in roots if _issued(path[-1], root)), None)) is not None:
            return [*path, anchor], True
        above = next((other for other in others if other not in path and _issued(path[-1], other)), None)
        if above is None:
            break
        path.append(above)
    return path, False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _require_cert_sign(_: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError(f"the key usage of {_text(certificate.subject)} does not let it issue certificates")


# Key usage and names of the leaf are judged by the rules above: the library's own policy wants a SAN and serverAuth.
_CA_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _require_cert_sign)
)
_LEAF_POLICY: Final = verification.ExtensionPolicy.permit_all()


def _verify(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> list[x509.Certificate] | str:
    """A valid path from leaf to root, or the library's objection."""
    if not roots:
        return "no roots"
    builder = verification.PolicyBuilder().store(verification.Store(list(roots))).time(at)
    verifier = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY).build_client_verifier()
    try:
        return verifier.verify(leaf, list(others)).chain
    except (verification.VerificationError, UnsupportedAlgorithm, ValueError) as error:
        return str(error)


def _text(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"“{common[0].value!s}”" if common else f"“{name.rfc4514_string() or '(no name)'}”"

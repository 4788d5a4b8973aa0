"""What is to be said of a server's certificates: chain, names, usage, validity, key (RFC 5280; F2.1-F2.25)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from simulator import tls, trust
from simulator.doctor.steps import Result, Step, not_checked
from simulator.trust import Expected, Reason, ReasonKind, WarningKind

TEAMS: Final = trust.Rules(require_eku="server")
"""Microsoft Teams: public roots, serverAuth, no wildcards. Documented for its sibling Direct Routing only (F2.7)."""
MAX_SHOWN: Final = 16
_CHAIN: Final = frozenset(
    {
        ReasonKind.UNREADABLE,
        ReasonKind.SELF_SIGNED,
        ReasonKind.MISSING_INTERMEDIATE,
        ReasonKind.UNTRUSTED,
        ReasonKind.INVALID_CHAIN,
        ReasonKind.NAME_CONSTRAINTS,
    }
)
_KEY: Final = frozenset(
    {ReasonKind.WEAK_KEY, ReasonKind.WEAK_SIGNATURE, ReasonKind.KEY_TYPE, ReasonKind.SIGNATURE_TYPE}
)
_NAMES: Final = frozenset({ReasonKind.WILDCARD, ReasonKind.NO_NAME, ReasonKind.WRONG_NAME})
_TIME: Final = frozenset({ReasonKind.EXPIRED, ReasonKind.NOT_YET_VALID})
_ADVICE: Final[dict[ReasonKind, str]] = {
    ReasonKind.UNREADABLE: "Have the certificate issued again: nobody can read this one.",
    ReasonKind.SELF_SIGNED: "Get the certificate from a certification authority that partners trust, a public one.",
    ReasonKind.MISSING_INTERMEDIATE: "Install the intermediate certificate on the server, so that it sends the chain.",
    ReasonKind.UNTRUSTED: "Get the certificate from a public certification authority, or, for static routes, have both "
    "sides trust its root (--roots says which roots to trust here).",
    ReasonKind.INVALID_CHAIN: "Have the certificate issued again by a CA whose chain is valid.",
    ReasonKind.NAME_CONSTRAINTS: "Have it issued by a CA that may speak for this name.",
    ReasonKind.EXPIRED: "Renew the certificate and select the new one in the federation settings.",
    ReasonKind.NOT_YET_VALID: "Set the clocks right, or wait until the certificate is valid.",
    ReasonKind.WILDCARD: "Get a certificate that names {name} itself: wildcards do not count in SIP.",
    ReasonKind.NO_NAME: "Get a certificate with {name} as subject alternative name.",
    ReasonKind.WRONG_NAME: "Get a certificate with {name} as subject alternative name, or lead the SRV record or route "
    "to a name that this one holds.",
    ReasonKind.KEY_USAGE: "Get a certificate (and intermediate) for server authentication, best for client "
    "authentication as well.",
    ReasonKind.WEAK_KEY: "Make a new key (RSA with 2048 bits) and have a certificate issued for it.",
    ReasonKind.KEY_TYPE: "Make a new key (RSA with 2048 bits) and have a certificate issued for it.",
    ReasonKind.WEAK_SIGNATURE: "Have the chain issued with SHA-256.",
    ReasonKind.SIGNATURE_TYPE: "Have the chain signed with RSA PKCS #1 v1.5 and SHA-256.",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """One product's view of a certificate."""

    product: str
    "Its name in sentences."
    rules: trust.Rules
    "What it demands."
    roots: tuple[x509.Certificate, ...]
    "Whom it trusts."


@dataclass(frozen=True, slots=True)
class Examination:
    """The presented chain of one server and those who judge it."""

    chain: tuple[x509.Certificate, ...]
    "Leaf first, never empty."
    expected: Expected
    "What it must speak for."
    at: datetime
    "When."
    judges: tuple[Judge, ...]
    "At least one."
    private: bool = False
    "Whether the roots are not those of the public web; the limits of public CAs are a note then."

    def steps(self) -> list[Step]:
        """`chain`, `names`, `usage`, `validity` and `key`; the revocation list takes a connection."""
        verdicts = [(judge, self._judge(judge)) for judge in self.judges]
        chain = self._chain(verdicts)
        if any(verdict.because(ReasonKind.UNREADABLE) for _, verdict in verdicts):
            return [chain, *not_checked(("names", "usage", "validity", "key"), "The certificate can't be read.")]
        return [chain, self._names(verdicts), self._usage(verdicts), self._validity(verdicts), self._key(verdicts)]

    def _judge(self, judge: Judge, *, role: tls.Role = "server") -> trust.Verdict:
        presented = tls.PresentedChain(self.chain, role, None)
        return trust.judge(presented, roots=judge.roots, at=self.at, rules=judge.rules, expected=self.expected)

    @property
    def _leaf(self) -> x509.Certificate:
        return self.chain[0]

    # -- chain --------------------------------------------------------------------------------------------------

    def _chain(self, verdicts: Verdicts) -> Step:
        shown: list[str] = []
        certificates: list[dict[str, object]] = []
        for certificate in self.chain[:MAX_SHOWN]:
            try:
                shown.append(_describe(certificate))
                certificates.append(_as_data(certificate))
            except tls.UNREADABLE:
                shown.append("A certificate that can't be read.")
        data = {"certificates": certificates}
        refusals = _refusals(verdicts, _CHAIN)
        if not refusals:
            return Step("chain", Result.OK, tuple(shown), data=data)
        result = Result.FAILED
        if self.private and all(judge is not self.judges[0] for judge, _ in refusals):
            result = Result.WARNING  # only those who trust nothing but public CAs refuse it
        return Step("chain", result, (*shown, *_sentences(refusals)), self._advice(refusals), data=data)

    def _names(self, verdicts: Verdicts) -> Step:
        names = trust.names_of(self._leaf)
        shown = f"The certificate names {', '.join(names[:MAX_SHOWN])}." if names else "The certificate names nobody."
        data = {"expected": str(self.expected), "names": list(names[:MAX_SHOWN])}
        refusals = _refusals(verdicts, _NAMES)
        seen, change = (shown, *_sentences(refusals)), self._advice(refusals)
        if refusals and isinstance(self.expected, trust.IPAddress):
            change = "Write the name that the certificate holds into the static route, in place of the address."
        return Step("names", Result.FAILED if refusals else Result.OK, seen, change, data=data)

    # -- usage --------------------------------------------------------------------------------------------------

    def _usage(self, verdicts: Verdicts) -> Step:
        usages = _usages(self._leaf)
        data = {"usages": list(usages) if usages is not None else None}
        shown = "It has no extended key usage, so it may be used for everything."
        if usages is not None:
            shown = f"Its extended key usage is {', '.join(usages[:MAX_SHOWN]) or 'empty'}."
        refusals = _refusals(verdicts, frozenset({ReasonKind.KEY_USAGE}))
        if refusals:
            seen = (shown, *_sentences(refusals))
            return Step("usage", Result.FAILED, seen, self._advice(refusals), data=data)
        as_client = self._judge(Judge("", trust.OPENSSL, self.judges[0].roots), role="client")
        limits = [reason.detail for reason in as_client.reasons if reason.kind is ReasonKind.KEY_USAGE]
        if not limits:
            return Step("usage", Result.OK, (shown,), data=data)
        seen = (
            shown,
            f"When this server dials out, it shows the same certificate as TLS client, and {limits[0]}.",
            "Skype for Business and Teams want server authentication only. Products with the usual checks of OpenSSL "
            "or .NET refuse it as a client (unsupported_certificate).",
        )
        change = (
            "Get a certificate for server and client authentication while CAs still issue them (none from 2027-03-15 "
            "on), or make sure that every partner accepts server authentication in both roles."
        )
        return Step("usage", Result.WARNING, seen, change, data=data)

    # -- validity -----------------------------------------------------------------------------------------------

    def _validity(self, verdicts: Verdicts) -> Step:
        start, end = self._leaf.not_valid_before_utc, self._leaf.not_valid_after_utc
        lifetime = trust.lifetime(self._leaf)
        limit = trust.limit_at(start)
        days = lifetime / timedelta(days=1)
        data = {
            "not_before": start.isoformat(),
            "not_after": end.isoformat(),
            "days": round(days, 2),
            "limit": limit.longest.days if limit else None,
        }
        shown = f"It is valid from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, {days:.4g} days."
        refusals = _refusals(verdicts, _TIME)
        if refusals:
            seen = (shown, *_sentences(refusals))
            return Step("validity", Result.FAILED, seen, self._advice(refusals), data=data)
        too_long = [warning.detail for warning in verdicts[0][1].warnings if warning.kind is WarningKind.LONG_LIFETIME]
        if too_long:
            whose = "That is a private CA's right; strict products refuse it all the same."
            if not self.private:
                whose = "So it is not from a CA that everybody trusts."
            now = trust.limit_at(self.at)
            return Step(
                "validity",
                Result.WARNING,
                (shown, f"{too_long[0][:1].upper()}{too_long[0][1:]}. {whose}"),
                f"Have a certificate issued for {now.longest.days} days at most." if now else "",
                data=data,
            )
        left = end - self.at
        if left < lifetime / 4:
            return Step(
                "validity",
                Result.WARNING,
                (shown, f"It ends in {left / timedelta(days=1):.3g} days."),
                "Renew it now and select the new one in the federation settings; renewal alone does not do that (R68).",
                data=data,
            )
        return Step("validity", Result.OK, (shown,), data=data)

    # -- key ----------------------------------------------------------------------------------------------------

    def _key(self, verdicts: Verdicts) -> Step:
        key = _key_text(self._leaf)
        signature = _signature_text(self._leaf)
        data = {"key": key, "signature": signature}
        shown = [f"The key is {key}, the certificate is signed with {signature}."]
        refusals = _refusals(verdicts, _KEY)
        if refusals:
            return Step("key", Result.FAILED, (*shown, *_sentences(refusals)), self._advice(refusals), data=data)
        below_root = [each for each in self.chain[:MAX_SHOWN] if each.issuer != each.subject] or [self._leaf]
        if any(each.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS for each in below_root):
            shown.append("Microsoft's documents exclude RSASSA-PSS signatures (F2.4).")
            change = _ADVICE[ReasonKind.SIGNATURE_TYPE]
            return Step("key", Result.WARNING, tuple(shown), change, data=data)
        public = self._leaf.public_key()
        if isinstance(public, EllipticCurvePublicKey):
            shown.append("Whether Skype for Business takes elliptic curve keys is not documented; it takes RSA 2048.")
        elif not isinstance(public, RSAPublicKey):
            shown.append("Neither Schannel nor public CAs know keys of this kind.")
            return Step("key", Result.WARNING, tuple(shown), _ADVICE[ReasonKind.KEY_TYPE], data=data)
        return Step("key", Result.OK, tuple(shown), data=data)

    def _advice(self, refusals: Refusals) -> str:
        return _ADVICE[refusals[0][1].kind].format(name=self.expected) if refusals else ""


Verdicts = Sequence[tuple[Judge, trust.Verdict]]
Refusals = Sequence[tuple[Judge, Reason]]


def common_name(name: x509.Name) -> str:
    """The CN, or the whole name where there is none."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "(no name)"


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 over the certificate, in hex."""
    return certificate.fingerprint(SHA256()).hex()


def _refusals(verdicts: Verdicts, kinds: Iterable[ReasonKind]) -> list[tuple[Judge, Reason]]:
    wanted = frozenset(kinds)
    return [(judge, reason) for judge, verdict in verdicts for reason in verdict.reasons if reason.kind in wanted]


def _sentences(refusals: Refusals) -> list[str]:
    """One sentence for each reason, with all who have it."""
    by_detail: dict[str, list[str]] = {}
    for judge, reason in refusals:
        by_detail.setdefault(reason.detail, []).append(judge.product)
    return [f"Refused by {' and '.join(products)}: {detail}." for detail, products in by_detail.items()]


def _usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    known = {
        ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
        ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    }
    return tuple(known.get(usage, usage.dotted_string) for usage in usages)


def _describe(certificate: x509.Certificate) -> str:
    return (
        f"{common_name(certificate.subject)}, issued by {common_name(certificate.issuer)}, valid until "
        f"{certificate.not_valid_after_utc:%Y-%m-%d}."
    )


def _as_data(certificate: x509.Certificate) -> dict[str, object]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "sha256": fingerprint(certificate),
    }


def _key_text(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey):
        return f"RSA with {key.key_size} bits"
    if isinstance(key, EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _signature_text(certificate: x509.Certificate) -> str:
    return certificate.signature_algorithm_oid._name

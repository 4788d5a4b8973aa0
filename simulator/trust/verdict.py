"""What comes out of judging a certificate: a verdict with every reason, and its sentence (RFC 8446 §6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulator.trust.sources import Lookup


class ReasonKind(Enum):
    """Why a certificate is refused, most important first: this order picks the alert."""

    UNREADABLE = "unreadable"
    SELF_SIGNED = "self-signed"
    MISSING_INTERMEDIATE = "missing-intermediate"
    UNTRUSTED = "untrusted"
    INVALID_CHAIN = "invalid-chain"
    NAME_CONSTRAINTS = "name-constraints"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    KEY_USAGE = "key-usage"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    KEY_TYPE = "key-type"
    SIGNATURE_TYPE = "signature-type"
    WILDCARD = "wildcard"
    NO_NAME = "no-name"
    WRONG_NAME = "wrong-name"
    NO_CRL_POINT = "no-crl-point"
    REVOCATION_UNKNOWN = "revocation-unknown"

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
    ReasonKind.REVOKED: "certificate_revoked",
    ReasonKind.EXPIRED: "certificate_expired",
    ReasonKind.NOT_YET_VALID: "certificate_expired",
    ReasonKind.KEY_USAGE: "unsupported_certificate",
    ReasonKind.WEAK_KEY: "bad_certificate",
    ReasonKind.WEAK_SIGNATURE: "bad_certificate",
    ReasonKind.KEY_TYPE: "unsupported_certificate",
    ReasonKind.SIGNATURE_TYPE: "unsupported_certificate",
    ReasonKind.WILDCARD: "bad_certificate",
    ReasonKind.NO_NAME: "bad_certificate",
    ReasonKind.WRONG_NAME: "bad_certificate",
    ReasonKind.NO_CRL_POINT: "certificate_unknown",
    ReasonKind.REVOCATION_UNKNOWN: "certificate_unknown",
}
IMPORTANCE: Final = {kind: place for place, kind in enumerate(ReasonKind)}
"""The place of each kind in that order."""


class WarningKind(Enum):
    """What an administrator should know of a certificate that is no reason to refuse it."""

    LONG_LIFETIME = "long-lifetime"
    NO_REVOCATION_POINT = "no-revocation-point"
    REVOCATION_UNKNOWN = "revocation-unknown"


@dataclass(frozen=True, slots=True)
class TrustWarning:
    """Something noteworthy about a certificate, whether it is accepted or not."""

    kind: WarningKind
    "What it is."
    detail: str
    "The same for an administrator: a clause that goes on after `note that`."


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
    warnings: tuple[TrustWarning, ...] = ()
    "What is noteworthy, but no reason to refuse."
    pending: tuple[Lookup, ...] = ()
    """What must be fetched and put in the `RevocationData` before this verdict is complete; judge again then, until
    this is empty. Whoever refuses by what is known already, in a handshake, need not. Always empty where the chain
    leads to no trusted root: nobody fetches what an untrusted certificate says."""

    @property
    def accepted(self) -> bool:
        """True when nothing is wrong, as far as is known: see `pending`."""
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

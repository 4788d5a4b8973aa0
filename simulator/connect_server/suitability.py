"""Is a certificate fit to be the server's own? Every reason why not, and what to look out for (R25, R56-R60, R66)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509

from simulator import tls, trust
from simulator.connect_server.key_files import KeyFile, KeyState, read_chain
from simulator.connect_server.settings import CertificateRules, ServerSettings
from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn
from simulator.trust import ReasonKind

Scope = Literal["machine", "user"]

_CHAIN: Final = frozenset(
    {ReasonKind.MISSING_INTERMEDIATE, ReasonKind.UNTRUSTED, ReasonKind.INVALID_CHAIN, ReasonKind.NAME_CONSTRAINTS}
)
_NO_CLIENT: Final = (
    "partners whose TLS wants that of whoever dials will refuse our connections (F2.17). Let's Encrypt certifies it no "
    "more since 2026-07-08, other public authorities until 2027 on request; Skype for Business needs server "
    "authentication only (R58 against R60: C4, C7)"
)
LONGEST_NOTICE: Final = timedelta(days=30)
"Nobody is warned of a certificate's end earlier than this."


@dataclass(frozen=True, slots=True)
class Flaw:
    """One reason against a certificate, or one thing to know about it."""

    kind: str
    "A value of `trust.ReasonKind` or `trust.WarningKind`, or `key-…`, `scope`, `expires-soon`, `no-client-usage`."
    detail: str
    "The same for an administrator: a clause that goes on after `because` or `note that`."


@dataclass(frozen=True, slots=True)
class Fitness:
    """The answer for one certificate."""

    flaws: tuple[Flaw, ...]
    "All that is wrong; empty when it can be used."
    warnings: tuple[Flaw, ...]
    "What is noteworthy, but no reason to refuse it."
    key: KeyFile
    "The private key as it was found."

    @property
    def usable(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws

    @property
    def presentable(self) -> bool:
        """Whether it could be presented at all, whatever partners say: that takes the key only."""
        return self.key.state is KeyState.READABLE

    def sentence(self, what: str = "The certificate") -> str:
        """Every reason in one sentence."""
        if self.usable:
            return f"{what} can be used."
        details = [flaw.detail for flaw in self.flaws]
        told = details[0] if len(details) == 1 else f"{'; '.join(details[:-1])}; and {details[-1]}"
        return f"{what} cannot be used because {told}."


@dataclass(frozen=True, slots=True)
class Demands:
    """What a server demands of its own certificate."""

    fqdn: Fqdn
    "The name it must hold (R56)."
    rules: CertificateRules
    "Which reading counts where the requirements have two."
    roots: tuple[x509.Certificate, ...]
    "The authorities that its chain should lead to (R60)."

    @classmethod
    def of(cls, settings: ServerSettings) -> Demands:
        """What these settings demand; ConfigurationError when the roots cannot be read."""
        try:
            return cls(settings.fqdn, settings.certificate_rules, read_chain(settings.trusted_roots))
        except ValueError as error:
            raise ConfigurationError([Problem("trusted_roots", str(error))]) from error

    def fitness(
        self,
        chain: Sequence[x509.Certificate],
        key: KeyFile,
        *,
        at: datetime,
        scope: Scope = "machine",
        scope_problem: str = "",
    ) -> Fitness:
        """Judge the chain, leaf first, and its key at a time with a time zone; `scope_problem` is R55's, if any."""
        flaws: list[Flaw] = []
        warnings: list[Flaw] = []
        if key.state is not KeyState.READABLE:
            flaws.append(Flaw(f"key-{key.state.value}", key.problem))
        if scope == "user" and self.rules.scopes == "machine":
            flaws.append(Flaw("scope", "it is in the user scope, and only the machine scope counts here (R26, R53)"))
        if scope_problem:
            flaws.append(Flaw("scope", scope_problem))
        verdict = self._judge(chain, "server", at)
        for reason in verdict.reasons:
            # Whom partners trust is theirs to say, so an authority that is unknown here is no reason in itself.
            lenient = reason.kind in _CHAIN and self.rules.authority == "any"
            (warnings if lenient else flaws).append(Flaw(reason.kind.value, _as_own(reason)))
        if _is_self_signed(chain[0]) and not verdict.because(ReasonKind.SELF_SIGNED):
            flaws.append(Flaw(ReasonKind.SELF_SIGNED.value, "it is self-signed, issued by no authority (R66)"))
        warnings += [Flaw(warning.kind.value, warning.detail) for warning in verdict.warnings]
        for detail in self._without_client_usage(chain, at):
            (flaws if self.rules.usage == "both" else warnings).append(Flaw("no-client-usage", detail))
        warnings += _notices(chain[0], at)
        return Fitness(tuple(flaws), tuple(warnings), key)

    def _judge(self, chain: Sequence[x509.Certificate], role: tls.Role, at: datetime) -> trust.Verdict:
        presented = tls.PresentedChain(tuple(chain), role, None)
        rules = replace(trust.CONNECT_SERVER, require_eku="role")
        return trust.judge(presented, roots=self.roots, at=at, rules=rules, expected=self.fqdn)

    def _without_client_usage(self, chain: Sequence[x509.Certificate], at: datetime) -> list[str]:
        reasons = self._judge(chain, "client", at).reasons
        return [f"{_usage(reason)}: {_NO_CLIENT}" for reason in reasons if reason.kind is ReasonKind.KEY_USAGE]


def notice_from(certificate: x509.Certificate) -> datetime:
    """From when on there is a warning of its end: the last quarter of its lifetime, or the last 30 days.

    Relative, so that certificates of 47 days or 6 days are not warned of all their life (C8, F2.20). Whoever renews
    at a third, as ACME clients do, has done it by then.
    """
    return certificate.not_valid_after_utc - min(LONGEST_NOTICE, trust.lifetime(certificate) / 4)


def expires_soon(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether it is time to warn of its end, which has not come yet."""
    return notice_from(certificate) < at <= certificate.not_valid_after_utc


def time_left(certificate: x509.Certificate, at: datetime) -> str:
    """How long it is still valid, in words: days, or hours on the last two."""
    left = certificate.not_valid_after_utc - at
    if left < timedelta(0):
        return "none"
    hours = int(left / timedelta(hours=1))
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def _notices(leaf: x509.Certificate, at: datetime) -> list[Flaw]:
    found = []
    if expires_soon(leaf, at):
        detail = (
            f"it ends in {time_left(leaf, at)}, on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; "
            "renew it, and then activate the new one, for nobody else does (R68)"
        )
        found.append(Flaw("expires-soon", detail))
    try:
        wild = [name for name in trust.names_of(leaf) if "*" in name]
    except ValueError:
        wild = []
    if wild:
        detail = f"it holds the wildcard {', '.join(wild)}, which Skype for Business may refuse (R57, F2.2)"
        found.append(Flaw("holds-wildcard", detail))
    return found


def _as_own(reason: trust.Reason) -> str:
    match reason.kind:
        case ReasonKind.KEY_USAGE:
            return f"{_usage(reason)}, which every partner demands of a server (R25, R58)"
        case ReasonKind.WILDCARD:
            return f"{reason.detail} (R57)"
        case ReasonKind.MISSING_INTERMEDIATE:
            return (
                "neither the chain file nor trusted_roots holds the certificate of its issuer: add the intermediate "
                "certificates to the chain, or the root to trusted_roots"
            )
        case ReasonKind.UNTRUSTED:
            return f"{reason.detail}; partners must trust its authority, best a public one (R60)"
        case _:
            return reason.detail


def _usage(reason: trust.Reason) -> str:
    return reason.detail.rpartition(", but the peer")[0]


def _is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject and bool(certificate.subject)

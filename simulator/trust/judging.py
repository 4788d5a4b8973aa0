"""Does this certificate speak for this name? Every reason why not (RFC 5280 §6, RFC 5922 §7; F2.1–F2.22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from simulator.tls import UNREADABLE
from simulator.trust.keys import key_reasons
from simulator.trust.lifetime import lifetime_warnings
from simulator.trust.names import Expected, Names
from simulator.trust.path import follow
from simulator.trust.revocation import Findings, check
from simulator.trust.rules import CONNECT_SERVER, Rules
from simulator.trust.sources import RevocationData, names_crl_point
from simulator.trust.verdict import IMPORTANCE, Reason, ReasonKind, TrustWarning, Verdict

if TYPE_CHECKING:
    from simulator.tls import PresentedChain


_MATTERS_OF_TIME: Final = frozenset({ReasonKind.EXPIRED, ReasonKind.NOT_YET_VALID})


def judge(
    presented: PresentedChain,
    *,
    roots: Sequence[x509.Certificate],
    at: datetime,
    rules: Rules = CONNECT_SERVER,
    expected: Expected | None = None,
    revocation: RevocationData | None = None,
) -> Verdict:
    """Collect every reason to refuse `presented`; never raises for what a peer sends.

    `at` is the time to judge by, with a time zone. With `expected` None the chain, the validity and the key usage
    count, and that there is a usable name at all: one that holds only wildcards has none where they do not count.

    `revocation` is what was fetched so far. What is missing there is the verdict's `pending`: fetch it, put it there
    and judge again; only when nothing is pending is an accepted certificate accepted for good, and are the reasons
    against a refused one complete. Without `revocation` nobody is asked, which only `hard` rules mind.
    """
    wanted = None if expected is None else str(expected).lower()
    leaf, *others = presented.certificates
    try:
        names = Names.read(leaf)
        path, chain = follow(leaf, others, roots, at)
        below_root = [certificate for certificate in path if certificate not in roots]
        keys = key_reasons(tuple(below_root), presented.role, rules)
        reasons = [*_told_better(chain, keys), *keys, *names.reasons(wanted, rules), *_crl_point_reasons(leaf, rules)]
        warnings = lifetime_warnings(leaf)
        # What an untrusted certificate says of its revocation may be anything, and is not followed. A chain that does
        # not reach a root by sound steps has a reason that is no matter of time.
        trusted = {reason.kind for reason in chain} <= _MATTERS_OF_TIME
        findings = check(path, rules=rules, data=revocation, at=at) if trusted else Findings()
    except (*UNREADABLE, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return Verdict((Reason(ReasonKind.UNREADABLE, f"it can't be read ({error})"),), (), wanted)
    return _verdict([*reasons, *findings.reasons], names.all, wanted, warnings, findings)


def _crl_point_reasons(leaf: x509.Certificate, rules: Rules) -> list[Reason]:
    if not rules.require_crl_point or names_crl_point(leaf):
        return []
    return [Reason(ReasonKind.NO_CRL_POINT, "it names no CRL distribution point, as every certificate must here")]


def _told_better(chain: Sequence[Reason], keys: Sequence[Reason]) -> list[Reason]:
    """The reasons against the chain without those that the look at each key and signature tells more exactly."""
    told = {reason.kind for reason in keys}
    return [reason for reason in chain if reason.kind not in told]


def _verdict(
    reasons: Sequence[Reason],
    names: tuple[str, ...],
    wanted: str | None,
    warnings: Sequence[TrustWarning],
    findings: Findings,
) -> Verdict:
    return Verdict(
        tuple(sorted(reasons, key=lambda reason: IMPORTANCE[reason.kind])),
        names,
        wanted,
        (*warnings, *findings.warnings),
        tuple(dict.fromkeys(findings.pending)),
    )

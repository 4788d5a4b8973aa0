"""How long public CAs may make a certificate valid, as data (CA/Browser Forum BR 6.3.2, SC-081; F2.19, F2.21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509

from simulator.trust.verdict import TrustWarning, WarningKind

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class LifetimeLimit:
    """The longest validity of a leaf issued from a day on."""

    since: datetime
    "The first instant at which it holds."
    longest: timedelta
    "Both ends included."


LIFETIME_LIMITS: Final = (
    LifetimeLimit(datetime(2020, 9, 1, tzinfo=UTC), timedelta(days=398)),
    LifetimeLimit(datetime(2026, 3, 15, tzinfo=UTC), timedelta(days=200)),
    LifetimeLimit(datetime(2027, 3, 15, tzinfo=UTC), timedelta(days=100)),
    LifetimeLimit(datetime(2029, 3, 15, tzinfo=UTC), timedelta(days=47)),
)
"""F2.19, oldest first."""
SHORT_LIVED: Final = (
    LifetimeLimit(datetime(2024, 3, 15, tzinfo=UTC), timedelta(days=10)),
    LifetimeLimit(datetime(2026, 3, 15, tzinfo=UTC), timedelta(days=7)),
)
"""What needs no revocation, by the day of issue (F2.21)."""


def lifetime(certificate: x509.Certificate) -> timedelta:
    """From the first to the last second of the validity, both included."""
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc + _SECOND


def limit_at(day: datetime, limits: tuple[LifetimeLimit, ...] = LIFETIME_LIMITS) -> LifetimeLimit | None:
    """What holds for a certificate issued on that day; None before there was a limit."""
    return next((limit for limit in reversed(limits) if limit.since <= day), None)


@lru_cache(maxsize=256)
def lifetime_warnings(leaf: x509.Certificate) -> tuple[TrustWarning, ...]:
    """Whether no public CA may issue a leaf that is valid for so long; its first second counts as the day of issue."""
    limit = limit_at(leaf.not_valid_before_utc)
    length = lifetime(leaf)
    if limit is None or length <= limit.longest:
        return ()
    detail = (
        f"it is valid for {-(-length // timedelta(days=1))} days, and public authorities may issue none for more than "
        f"{limit.longest.days} since {limit.since:%Y-%m-%d}"
    )
    return (TrustWarning(WarningKind.LONG_LIFETIME, detail),)


def is_short_lived(leaf: x509.Certificate) -> bool:
    """Whether it ends so soon that its CA need not revoke it (F2.21)."""
    limit = limit_at(leaf.not_valid_before_utc, SHORT_LIVED)
    return limit is not None and lifetime(leaf) <= limit.longest

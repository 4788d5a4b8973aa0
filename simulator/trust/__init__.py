"""Does this certificate speak for this name? Every reason why not, and a sentence about it (RFC 5280 §6, RFC 5922 §7).

`judge` gives a `Verdict` under `Rules`. What revocation needs from the network is asked for in `Verdict.pending` and
handed in as `RevocationData`; nothing here opens a connection or reads a clock.
"""

from __future__ import annotations

from simulator.trust.judging import judge
from simulator.trust.lifetime import LIFETIME_LIMITS, LifetimeLimit, is_short_lived, lifetime, limit_at
from simulator.trust.names import Expected, IPAddress, name_reasons, names_of
from simulator.trust.rules import CONNECT_SERVER, OPENSSL, RFC5922, S4B, S4B_STRICT, KeyKind, Rules
from simulator.trust.sources import Lookup, RevocationData
from simulator.trust.verdict import Reason, ReasonKind, TrustWarning, Verdict, WarningKind, explain

__all__ = [
    "CONNECT_SERVER",
    "LIFETIME_LIMITS",
    "OPENSSL",
    "RFC5922",
    "S4B",
    "S4B_STRICT",
    "Expected",
    "IPAddress",
    "KeyKind",
    "LifetimeLimit",
    "Lookup",
    "Reason",
    "ReasonKind",
    "RevocationData",
    "Rules",
    "TrustWarning",
    "Verdict",
    "WarningKind",
    "explain",
    "is_short_lived",
    "judge",
    "lifetime",
    "limit_at",
    "name_reasons",
    "names_of",
]

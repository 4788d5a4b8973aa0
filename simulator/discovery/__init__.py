"""Find a partner's federation server: questions out, a route in the end (RFC 2782, RFC 3263 §4; R27-R42)."""

from __future__ import annotations

from simulator.discovery.cache import AnswerCache
from simulator.discovery.failures import DiscoveryFailed, DiscoveryFailure
from simulator.discovery.plan import DiscoveryPlan
from simulator.discovery.records import (
    Answer,
    Attempt,
    Family,
    Question,
    RecordType,
    Route,
    SrvRecord,
    Status,
    Target,
)
from simulator.discovery.rules import CONNECT_SERVER, S4B, CacheRules, DiscoveryRules
from simulator.discovery.selection import MAX_TARGETS

__all__ = [
    "CONNECT_SERVER",
    "MAX_TARGETS",
    "S4B",
    "Answer",
    "AnswerCache",
    "Attempt",
    "CacheRules",
    "DiscoveryFailed",
    "DiscoveryFailure",
    "DiscoveryPlan",
    "DiscoveryRules",
    "Family",
    "Question",
    "RecordType",
    "Route",
    "SrvRecord",
    "Status",
    "Target",
]

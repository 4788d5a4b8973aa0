"""An authoritative DNS server for tests: UDP and TCP on one port, every query remembered, faults on request."""

from __future__ import annotations

from fakes.dns.faults import Fault, FaultKind
from fakes.dns.history import Query, QueryNotSeen
from fakes.dns.lookup import Rcode
from fakes.dns.message import Reply, Transport
from fakes.dns.records import Record, RecordType
from fakes.dns.server import DnsServer, running
from fakes.dns.zone import Zone
from fakes.dns.zoneset import ZoneSet

__all__ = [
    "DnsServer",
    "Fault",
    "FaultKind",
    "Query",
    "QueryNotSeen",
    "Rcode",
    "Record",
    "RecordType",
    "Reply",
    "Transport",
    "Zone",
    "ZoneSet",
    "running",
]

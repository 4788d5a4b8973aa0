"""An authoritative DNS server for tests: zones in Python, UDP and TCP on one port, a history of every query."""

from __future__ import annotations

from fakes.dns.lookup import Rcode
from fakes.dns.message import Reply, Transport
from fakes.dns.records import Record, RecordType
from fakes.dns.server import DnsServer, Query, running
from fakes.dns.zone import Zone, ZoneSet

__all__ = ["DnsServer", "Query", "Rcode", "Record", "RecordType", "Reply", "Transport", "Zone", "ZoneSet", "running"]

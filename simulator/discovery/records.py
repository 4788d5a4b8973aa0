"""What goes in and out of a discovery: questions, answers, targets and the attempts to connect (RFC 2782, RFC 1035)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.names import Host

Family = Literal["A", "AAAA"]
RecordType = Literal["SRV", "A", "AAAA"]
Status = Literal["noerror", "nodata", "nxdomain", "servfail", "refused", "formerr", "timeout"]
CONCLUSIVE: frozenset[Status] = frozenset({"noerror", "nodata", "nxdomain"})
"After these the asker knows what there is; after the others only that nobody said."


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """One SRV record as it stands in an answer (RFC 2782)."""

    priority: int
    "Lower is tried first."
    weight: int
    "Share of the choices among records of one priority."
    port: int
    "TCP port of the target; 5061 in every document (F1.16)."
    target: str
    "Host name, with or without its trailing dot; `.` says that the service is not offered."


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the resolver, which follows CNAMEs on its way to the answer."""

    name: str
    "Owner name, without a trailing dot."
    type: RecordType
    "The record type that is asked for."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resolver said."""

    status: Status
    "`noerror` without records means the same as `nodata`; `timeout` is no answer at all."
    records: tuple[SrvRecord | str, ...] = ()
    "SrvRecords for SRV, address texts for A and AAAA; of the type that was asked for only, CNAMEs left out."
    alias: str | None = None
    "Where the chain of CNAMEs ends when the name that was asked for is an alias; without a trailing dot (F1.20)."
    ttl: float | None = None
    "Seconds for which it may be kept: the least TTL of its records, or without any what RFC 2308 says; None: not said."


@dataclass(frozen=True, slots=True)
class Target:
    """A federation server that the domain's SRV record or a static route names."""

    host: Host
    "Name or, in static routes only, IP address (R33)."
    port: int
    "TCP port, 1-65535."
    name: str
    "What the server's certificate must hold: the host as SRV or route name it, not where a CNAME leads (F2.6, F1.20)."
    via: Literal["srv", "static"]
    "Where the host comes from."

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection to try."""

    target: Target
    "The server that is expected there."
    address: str
    "IP address as text."
    port: int
    "TCP port."


@dataclass(frozen=True, slots=True)
class Route:
    """Where to connect: the attempts in the order in which they are to be made."""

    attempts: tuple[Attempt, ...]
    "Never empty."

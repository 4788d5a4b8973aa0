"""How an edge uses connections, checks senders and limits strangers: a switch each (dialect facts §1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.tls import Version

Unmarked = Literal["verified", "unverified", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeHabits:
    """What an edge does besides writing messages; the defaults are those of Skype for Business."""

    identity: Literal["server", "domain", "either"] = "server"
    """Whom the peer's certificate must name: the server that SRV or the proxy entry leads to, the SIP domain itself
    (RFC 5922 §7.3), or either [trace]."""
    tls_minimum: Version = "TLSv1.2"
    "The oldest version of TLS that is offered and taken [doc]."
    tls_maximum: Version = "TLSv1.3"
    "The newest version of TLS that is offered and taken [doc]."
    connections: int = 4
    "How many connections are kept to one partner at most (`OutgoingTlsCountForFederatedPartners`, 1-4) [doc]."
    connect_at_once: bool = False
    """Whether all of them are opened with the first request; else another one is opened only when all that are open
    wait for an answer [inference]."""
    reuse_incoming: bool = False
    "Whether requests also go out on connections that the partner opened and that its domain is proven on [memory]."
    idle_seconds: float | None = 600.0
    "After how many quiet seconds a connection that this edge opened is closed; None keeps it [memory]."
    idle_incoming_seconds: float | None = None
    "The same for connections that the partner opened [memory]."
    offer_compression: bool = False
    """Whether NEGOTIATE is the first request on a connection that this edge opens. It is the default between servers
    inside; whether it is on the federated side is an open question [memory]."""
    compression: str = "LZ77-8K"
    "The algorithm that an offer of compression names [spec]."
    compression_wait: float = 5.0
    "Seconds that its answer has; after that the link stays uncompressed [memory]."
    compression_answer: int = 405
    "The status that an offer of the partner gets: 405, 488 and 501 all leave the link uncompressed [memory]."
    header_capitals_in_probe: bool = True
    "Whether the OPTIONS of `edge.probe()` has its header names in capitals, as Test-CsFederatedPartner [trace]."
    from_must_match: bool = True
    "Whether `From` must name the domain that P-Asserted-Identity names, where both are there [inference]."
    unmarked: Unmarked = "verified"
    """What a message without a verification level is under `UseSourceVerification`. Microsoft's pages say `unverified`
    and `rejected`; but who is not Microsoft writes no such header, and is federated with all the same [inference]."""
    verification_header: str = "ms-asserted-verification-level"
    "The header that carries the level, spelled from memory [memory]."
    mark_verified: bool = False
    "Whether outgoing messages carry that header (`MarkSourceVerifiableOnOutgoingMessages`) [memory]."
    hosted_only_if_allowed: bool = False
    "Whether a domain that SRV leads to a hosting provider must be on the allow list as well (1061) [memory]."
    limit_discovered: bool = False
    """Whether the next four are enforced. The figures are documented; what becomes of the surplus is not, so that a
    test has to ask for it [memory]."""
    discovered_rate: float = 20.0
    "Requests a second from one discovered partner (`DiscoveredPartnerStandardRate`); the unit is remembered [memory]."
    suspicious_rate: float = 1.0
    "The same from one that is on the watch list [memory]."
    discovered_contacts: int = 1000
    "Users that one discovered partner may address (`MaxContactsPerDiscoveredPartner`) [doc]."
    suspicious_failures: int = 10
    """After how many validation failures in a row (unknown users, domains not vouched for) a discovered partner is put
    on the watch list; which ratio the product uses is not documented [memory]."""

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= 4:
            raise ValueError(f"an edge keeps 1 to 4 connections to a partner, not {self.connections}")
        if self.discovered_rate <= 0 or self.suspicious_rate <= 0 or self.discovered_contacts < 1:
            raise ValueError(f"the limits of discovered partners are greater than zero: {self}")


S4B = EdgeHabits()
"""Skype for Business Server 2019 and the Subscription Edition."""
RFC = EdgeHabits(
    identity="either",
    connections=1,
    header_capitals_in_probe=False,
    unmarked="verified",
)
"""A SIP proxy as the RFCs describe one."""

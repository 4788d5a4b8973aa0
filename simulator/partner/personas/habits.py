"""How an edge uses connections, checks senders and limits strangers, a switch each (dialect facts §1.3, §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from simulator.io.connections import ConnectionHabits

Unmarked = Literal["verified", "unverified", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeHabits:
    """What an edge does besides writing messages; the defaults are those of Skype for Business."""

    max_body: int = 5_000 * 1024
    "Bytes of the largest body that is taken from another server (`MaxServerMessageBodySizeKb`) [doc]."
    header_capitals_in_probe: bool = True
    "Whether the OPTIONS of `edge.probe()` has its header names in capitals, as Test-CsFederatedPartner [trace]."
    from_must_match: bool = True
    "Whether `From` must name the domain that P-Asserted-Identity names, where both are there [inference]."
    unmarked: Unmarked = "verified"
    """What a message without a verification level is under `UseSourceVerification`. Microsoft's pages say `unverified`
    and `rejected`; but who is not Microsoft writes no such header, and is federated with all the same [inference]."""
    verification_header: str = "ms-asserted-verification-level"
    "The header that carries the level, spelled from memory [memory]."
    mark_verified: bool = True
    "Whether outgoing messages carry that header (`MarkSourceVerifiableOnOutgoingMessages`) [doc]."
    result_codes: bool = True
    "Whether the edge log names result codes of Microsoft, such as 0xC3E93D6F, beside its sentences [trace]."
    limit_discovered: bool = False
    """Whether the next four are enforced. The figures are documented; what becomes of the surplus is not, so that a
    test has to ask for it [memory]."""
    discovered_rate: float = 20.0
    "Requests in one period from one discovered partner (`DiscoveredPartnerStandardRate`) [doc]."
    limit_period: float = 1.0
    "Seconds of that period: that the rate is one a second is remembered [memory]."
    suspicious_rate: float = 1.0
    "The same from one that is on the watch list [memory]."
    discovered_contacts: int = 1000
    "Users that one discovered partner may address (`MaxContactsPerDiscoveredPartner`) [doc]."
    suspicious_failures: int = 10
    """After how many validation failures in a row (unknown users, domains not vouched for) a discovered partner is put
    on the watch list; which ratio the product uses is not documented [memory]."""

    def __post_init__(self) -> None:
        if (
            self.discovered_rate <= 0
            or self.suspicious_rate <= 0
            or self.limit_period <= 0
            or self.discovered_contacts < 1
        ):
            raise ValueError(f"the limits of discovered partners are greater than zero: {self}")


S4B: Final = ConnectionHabits(connections=4, idle_seconds=600.0)
"""How an edge of Skype for Business uses connections."""
RFC: Final = ConnectionHabits(identity="either")
"""A SIP proxy as the RFCs describe one, lenient in what the certificate names (RFC 5922 wants the domain)."""

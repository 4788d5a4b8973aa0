"""Why a discovery leads nowhere, each with the diagnostic of Skype for Business ([MS-OCER]; F1.14, F1.22)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from simulator.discovery.records import Question, Status
from simulator.names import SipDomain


class DiscoveryFailure(enum.Enum):
    """Why there is no route to a domain; the value is how reports spell it."""

    NO_SRV = "no-srv"
    "The domain has no SRV record (NXDOMAIN or no data)."
    DNS_ERROR = "dns-error"
    "The question for the SRV record got no conclusive answer."
    SRV_REFUSED = "srv-refused"
    "The only SRV target is `.`: the domain says that it offers no federation (RFC 2782)."
    INVALID_TARGET = "invalid-target"
    "No SRV target is a host name with a usable port."
    NO_MATCHING_SRV = "no-matching-srv"
    "No SRV target passes the name rule (R9)."
    OTHER_PORT = "other-port"
    "Every target that would do has another port than 5061, and the rules take no other (F1.16)."
    ALIAS_TARGET = "alias-target"
    "Every target that has addresses is an alias (CNAME), and the rules follow none (F1.20)."
    NO_ADDRESS = "no-address"
    "No target has an address record (R7, R28, R41)."
    ADDRESS_DNS_ERROR = "address-dns-error"
    "No address was found, and at least one question for one got no conclusive answer."

    @property
    def diagnostic(self) -> int | None:
        """The id that Skype for Business puts into ms-diagnostics (F1.14, F1.22); None where no source names one."""
        return _DIAGNOSTICS.get(self)


_DIAGNOSTICS = {
    DiscoveryFailure.NO_SRV: 1008,
    DiscoveryFailure.DNS_ERROR: 1008,
    DiscoveryFailure.NO_MATCHING_SRV: 1009,
    DiscoveryFailure.NO_ADDRESS: 1014,
    DiscoveryFailure.ADDRESS_DNS_ERROR: 1014,
}


@dataclass(frozen=True, slots=True)
class DiscoveryFailed:
    """There is nowhere to connect to."""

    failure: DiscoveryFailure
    "The kind, which also gives the Skype for Business diagnostic id."
    sentence: str
    "What was asked, what came back, and what the domain's administrator has to change."
    targets: tuple[str, ...]
    "`host:port` of every SRV record that was seen, for the keys fqdn1, fqdn2… of diagnostic 1009 (F1.13)."
    domain: SipDomain
    "The domain that was looked for."
    asked: Question
    "The question that decided: for the SRV record, or the first one for an address that went wrong."
    said: Status
    "What the DNS said to it."

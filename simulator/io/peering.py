"""The ways from one SIP element to a federated domain, and what the element makes of whoever comes in."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from simulator.discovery import CONNECT_SERVER, DiscoveryFailed, DiscoveryFailure, DiscoveryPlan, DiscoveryRules
from simulator.errors import FederationFailed
from simulator.io.account import Refusal
from simulator.names import Host, SipDomain

if TYPE_CHECKING:
    from simulator.io.link import Link
    from simulator.sip.message import Request

Cause = Literal[
    "no_srv",
    "no_match",
    "no_address",
    "no_connection",
    "no_tls",
    "no_reason",
    "certificate",
    "source_domain",
    "domain_blocked",
    "user_not_enabled",
    "unknown_user",
    "signed_out",
    "unverified_sender",
    "throttled",
    "too_many_contacts",
    "too_large",
    "content_type",
    "filtered",
    "same_conversation",
    "method",
    "no_dialog",
    "route_set",
]
"""Why somebody is refused, or cannot be reached: the rows of the failure-to-answer matrix (dialect facts §5.3)."""

STANDARD: Final[dict[Cause, tuple[int, str]]] = {
    "unknown_user": (404, "Not Found"),
    "signed_out": (480, "Temporarily Unavailable"),
    "throttled": (503, "Service Unavailable"),
    "too_large": (513, "Message Too Large"),
    "content_type": (415, "Unsupported Media Type"),
    "filtered": (606, "Not Acceptable"),
    "same_conversation": (488, "Not Acceptable Here"),
    "method": (405, "Method Not Allowed"),
    "no_dialog": (481, "Call Leg/Transaction Does Not Exist"),
    "route_set": (481, "Call Leg/Transaction Does Not Exist"),
}
"""What RFC 3261 §21 has an element answer; the rest is a matter of who may come in: 403."""


class NotFederated(FederationFailed):
    """This side's own configuration does not federate with the domain, or not for that user; nothing was sent."""

    phase = "policy"

    def __init__(self, sentence: str, cause: Cause = "domain_blocked") -> None:
        super().__init__(sentence)
        self.cause: Cause = cause


class NotFound(FederationFailed):
    """The DNS leads to no server for the domain, or to none that may serve it."""

    phase = "discovery"

    def __init__(self, sentence: str, failed: DiscoveryFailed | None = None) -> None:
        super().__init__(sentence)
        self.failed = failed
        "What the discovery came to."


@dataclass(frozen=True, slots=True)
class StaticWay:
    """Direct federation: a table says which host serves the domain (R27)."""

    domain: SipDomain
    host: Host
    port: int
    rules: DiscoveryRules = CONNECT_SERVER
    "Which address families are used, and in which order; its other switches are about SRV records."

    def plan(self) -> DiscoveryPlan:
        """The questions that lead to the host."""
        return DiscoveryPlan.static(self.host, self.port, self.domain, self.rules)


@dataclass(frozen=True, slots=True)
class OpenWay:
    """Open federation: the domain's SRV record says which host serves it (R39–R41)."""

    domain: SipDomain
    rules: DiscoveryRules = CONNECT_SERVER
    "Which targets count and in which order they are tried: S4B heeds the name rule, the Connect Server does not (R76)."
    rng: random.Random | None = field(default=None, compare=False, repr=False)
    "Makes the weighted choice of every plan; None leaves it to the seed of the rules."

    def plan(self) -> DiscoveryPlan:
        """The questions that lead to the hosts."""
        return DiscoveryPlan.open(self.domain, self.rules, rng=self.rng)


Way = StaticWay | OpenWay


class Peering(ABC):
    """Whom one element federates with: the edge of a partner is one, the Connect Server's routes are another."""

    @abstractmethod
    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        """How `domain` is reached now by `sip:user@domain` of ours, whom it may concern; NotFederated when it is not to
        be."""

    def may_send(self, user: str, domain: SipDomain) -> None:
        """Raise NotFederated when `sip:user@domain` of ours may send nothing to `domain`."""
        del user, domain

    def refusal(self, cause: Cause, sentence: str, details: Sequence[tuple[str, str]] = ()) -> Refusal:
        """What somebody is answered whose request failed for `cause`; `sentence` and `details` are for our own log, the
        latter as parameters of a diagnostic."""
        del details
        status, reason = STANDARD.get(cause, (403, "Forbidden"))
        return Refusal(status, reason, sentence, cause=cause)

    def on_arrival(self, link: Link, request: Request) -> Refusal | None:
        """Asked for every request before anything is looked up; None lets it go on."""
        del link, request
        return None

    def on_proven(self, link: Link, request: Request, way: Way, servers: Sequence[str]) -> Refusal | None:
        """Asked for every request whose domain is served by `servers`, one of which the connection has proven to be."""
        del link, request, way, servers
        return None

    def refused(self, link: Link, request: Request, refusal: Refusal, log: Callable[[str], None]) -> None:
        """A request is being refused; write down why."""
        del link
        log(f"{request.method} refused with {refusal.status}: {refusal.sentence}")

    def unreachable(self, error: FederationFailed, who: str, log: Callable[[str], None]) -> tuple[str, ...]:
        """`who` could not be reached, or reached nobody; write that down, and return what our own users are told beyond
        the status, a header value each."""
        log(f"{who}: {error}" if who else str(error))
        return ()


def cause_of(failed: DiscoveryFailed) -> Cause:
    """The row of the matrix for a discovery that led nowhere."""
    if failed.failure in (DiscoveryFailure.NO_ADDRESS, DiscoveryFailure.ADDRESS_DNS_ERROR):
        return "no_address"
    if failed.failure in (DiscoveryFailure.NO_SRV, DiscoveryFailure.DNS_ERROR):
        return "no_srv"
    return "no_match"

"""The ways from one SIP element to a federated domain, and the mirrored check of who may speak for it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal, Protocol

from simulator.discovery import CONNECT_SERVER, DiscoveryPlan, DiscoveryRules
from simulator.errors import FederationFailed
from simulator.io.account import Refusal
from simulator.names import Host, SipDomain


class NotFederated(FederationFailed):
    """This side's own configuration does not federate with the domain; nothing was sent."""

    phase = "policy"


class NotFound(FederationFailed):
    """The DNS leads to no server for the domain, or to none that may serve it."""

    phase = "discovery"


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
RefusalCause = Literal["policy", "discovery", "certificate"]


class Peering(Protocol):
    """Whom one element federates with: the edge of a partner is one, the Connect Server's routes are another."""

    def way_to(self, domain: SipDomain) -> Way:
        """How `domain` is reached now; NotFederated when it is not to be."""

    def refusal(self, cause: RefusalCause, sentence: str) -> Refusal:
        """What a sender is answered whose domain failed the check for `cause`."""

"""How a product discovers its partners: a switch for every point on which sources are silent or at odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.discovery.records import Family
from simulator.names import Fqdn

SIP_TLS_PORT = 5061
"RFC 3261 §19.1.2 and every Microsoft document (F1.16)."


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """How long the answers of the DNS are kept; the TTL of each is kept to within these bounds (RFC 2181 §8, RFC 2308).

    S4B edges keep SRV and other records (F1.6); within which bounds no source says.
    """

    capacity: int = 3000
    "Answers kept at most: the default of the edge's DNS record cache (`Set-CsProxyConfiguration`)."
    longest: float = 86400.0
    "Seconds after which an answer with records is asked for again, whatever its TTL says."
    shortest: float = 0.0
    "Seconds for which one is kept, however short its TTL is: more than 0 is a peer that does not see changes in time."
    longest_negative: float = 10800.0
    "Seconds after which NXDOMAIN and `no data` are asked for again (RFC 2308 §5: one to three hours work well)."
    failures: float = 0.0
    "Seconds for which SERVFAIL, REFUSED, FORMERR and no answer are kept; RFC 2308 §7 allows up to 300."

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"a cache keeps at least one answer, not {self.capacity}")
        if not 0 <= self.shortest <= self.longest or self.longest_negative < 0 or self.failures < 0:
            raise ValueError(f"the times of a cache are not negative, and shortest is at most longest: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryRules:
    """The switches of a discovery; the defaults are the Connect Server's, which takes whatever RFC 2782 allows."""

    name_rule: bool = False
    "Whether an SRV target must be the domain or lie one label below it (R9, F1.11). S4B: yes (1009 in its own logs)."
    equal_ok: bool = True
    "Whether the domain's own name passes that rule: R10 says so, no S4B source does (C15, open question Q1)."
    hosting_providers: frozenset[Fqdn] = frozenset()
    "Targets that the rule does not apply to: `New-CsHostingProvider -ProxyFqdn` (F1.1, fact 3 of section 0)."
    srv_port: Literal["any", "5061"] = "any"
    """Whether an SRV record with another port than 5061 is honoured or left out. No source says what S4B does; its logs
    print the port, so that it is at least read (F1.16, Q2)."""
    failover: Literal["all", "group", "best"] = "all"
    """Which targets are tried when the best does not answer: all in the order of RFC 2782, those of lowest priority,
    or the best alone with its several addresses. The documents of Microsoft contradict each other (F1.17, F1.18)."""
    follow_cname: bool = True
    "Whether an SRV target may be an alias, which RFC 2782 forbids and no S4B source mentions (F1.19, F1.20, Q3)."
    families: tuple[Family, ...] = ("A", "AAAA")
    "Which addresses are asked for and used, in this order: IPv4 first, for partners without IPv6 are the rule (F1.23)."
    cache: CacheRules | None = None
    "Whether answers are kept, and for how long (F1.6); None asks anew each time, so that tests see every question."
    seed: int | None = None
    "Makes the weighted choice repeatable; None is another choice in every run."

    def __post_init__(self) -> None:
        if not self.families or len(set(self.families)) != len(self.families):
            raise ValueError(f"families are A, AAAA or both in the order of use, not {self.families}")


CONNECT_SERVER = DiscoveryRules()
"""Follows every target: Teams tenants have one outside their domain (R76, R79, fact 3 of section 0)."""
S4B = DiscoveryRules(name_rule=True, hosting_providers=frozenset({Fqdn.parse("sipfed.online.lync.com")}))
"""Skype for Business, with the hosting provider of every on-premises deployment (dialect facts §1.1)."""

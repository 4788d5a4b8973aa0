"""Whom a partner federates with: the lists of an S4B access edge and those of a Teams tenant (F1.1–F1.3, F3.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn, SipDomain


@dataclass(frozen=True, slots=True)
class Proxy:
    """`ProxyFqdn` of an allowed domain: direct federation, no SRV lookup and no name rule (fact 9)."""

    fqdn: Fqdn
    port: int = 5061


@dataclass
class FederationPolicy:
    """Changed by a test while the partner runs; read at every request. By default it is an S4B edge's."""

    partner_discovery: bool = True
    "`EnablePartnerDiscovery`: whether domains that are not listed are looked up in the DNS (F1.3)."
    allowed: dict[SipDomain, Proxy | None] = field(default_factory=dict)
    "Allowed domains, each with its proxy or None."
    blocked: set[SipDomain] = field(default_factory=set)
    "Blocked domains."
    block_subdomains: bool = False
    "`BlockAllSubdomains` of a Teams tenant: whether what is below a blocked domain is blocked, too (F3.6)."
    allow_list_hides_block_list: bool = False
    "True as in Teams: an allow list, where there is one, counts alone (F3.6). False as in S4B: one list for a domain."

    def allow(self, domain: SipDomain, proxy: Proxy | None = None) -> None:
        """Put `domain` on the allow list; an S4B edge raises ConfigurationError when it is blocked (fact 9)."""
        if domain in self.blocked and not self.allow_list_hides_block_list:
            raise _on_the_other_list(f"allow {domain}", "blocked")
        self.allowed[domain] = proxy

    def block(self, domain: SipDomain) -> None:
        """Put `domain` on the block list; an S4B edge raises ConfigurationError when it is allowed (fact 9)."""
        if domain in self.allowed and not self.allow_list_hides_block_list:
            raise _on_the_other_list(f"block {domain}", "allowed")
        self.blocked.add(domain)

    def why_not(self, domain: SipDomain) -> str | None:
        """Why nothing is exchanged with `domain`, in a sentence; None when it may federate."""
        if self.allow_list_hides_block_list and self.allowed:
            return None if domain in self.allowed else f"{domain} is not on the allow list."
        if domain in self.blocked:
            return f"{domain} is on the block list."
        if self.block_subdomains:
            above = next((blocked for blocked in self.blocked if blocked.is_ancestor_of(domain)), None)
            if above is not None:
                return f"{domain} lies below {above}, which is blocked with all its subdomains."
        if domain not in self.allowed and not self.partner_discovery:
            return f"{domain} is not on the allow list and partner discovery is off."
        return None


def _on_the_other_list(attempt: str, state: str) -> ConfigurationError:
    return ConfigurationError([Problem(attempt, f"the domain is {state}; S4B keeps a domain on one list only")])

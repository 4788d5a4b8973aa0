"""Whom a partner federates with: the access edge's lists (`New-CsAllowedDomain`, `New-CsBlockedDomain`, F1.1–F1.3)."""

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
    """Changed by a test while the partner runs; read at every request."""

    partner_discovery: bool = True
    "`EnablePartnerDiscovery`: whether domains that are not listed are looked up in the DNS (F1.3)."
    allowed: dict[SipDomain, Proxy | None] = field(default_factory=dict)
    "Allowed domains, each with its proxy or None."
    blocked: set[SipDomain] = field(default_factory=set)
    "Blocked domains, compared exactly."

    def allow(self, domain: SipDomain, proxy: Proxy | None = None) -> None:
        """Put `domain` on the allow list; ConfigurationError when it stands on the block list (fact 9)."""
        if domain in self.blocked:
            raise _on_the_other_list(f"allow {domain}", "blocked")
        self.allowed[domain] = proxy

    def block(self, domain: SipDomain) -> None:
        """Put `domain` on the block list; ConfigurationError when it stands on the allow list (fact 9)."""
        if domain in self.allowed:
            raise _on_the_other_list(f"block {domain}", "allowed")
        self.blocked.add(domain)


def _on_the_other_list(attempt: str, state: str) -> ConfigurationError:
    return ConfigurationError([Problem(attempt, f"the domain is {state}; S4B keeps a domain on one list only")])

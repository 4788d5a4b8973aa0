"""Whom a Teams tenant federates with: `Set-CsTenantFederationConfiguration` (F3.5–F3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn, SipDomain
from simulator.partner.external_access import ExternalAccess
from simulator.partner.policy import DomainName, HostingProvider, Proxy, Source, Verification, domain_named

MAX_ENTRIES: Final = 4000
"Domains on either list (F3.6)."


@dataclass
class TenantPolicy:
    """The external access settings of a tenant, changed by a test while the partner runs; read at every request."""

    allow_federated_users: bool = True
    "`AllowFederatedUsers`, the master switch: False stands above both lists and every user's policy."
    allowed: set[SipDomain] | None = None
    "`AllowedDomains`: None is AllowAllKnownDomains; a list is the only ones, an empty one nobody. It hides the other."
    blocked: set[SipDomain] = field(default_factory=set)
    "`BlockedDomains`: counts only while there is no allow list."
    block_all_subdomains: bool = False
    "`BlockAllSubdomains`: whether what is below a blocked domain is blocked, too; `subcontoso.com` is not below."
    allow_subdomains: bool = False
    "Whether an allowed domain stands for what is below it: no source says (F3.7, Q8; inference)."
    trial: bool = False
    "Whether the tenant has trial licences only: such never federate with Skype for Business Server (F3.9)."
    treat_discovered_partners_as_unverified: bool = False
    "`TreatDiscoveredPartnersAsUnverified`: whether what comes is delivered from contacts only (F1.10)."
    filtered: tuple[str, ...] = ()
    "Words that no chat may hold."
    users: dict[str, ExternalAccess] = field(default_factory=dict)
    "External access policies by user name; `user` makes them."

    def allow(self, domain: DomainName) -> None:
        """Put `domain` on the allow list, which there is from now on; a blocked domain may stand there as well."""
        self.allowed = _with(self.allowed or set(), domain, "allow")

    def block(self, domain: DomainName) -> None:
        """Put `domain` on the block list."""
        self.blocked = _with(self.blocked, domain, "block")

    def remove(self, domain: DomainName) -> None:
        """Take `domain` off both lists; an allow list that it leaves empty allows nobody."""
        name = domain_named(domain)
        if self.allowed is not None:
            self.allowed.discard(name)
        self.blocked.discard(name)

    def allow_all(self) -> None:
        """`AllowAllKnownDomains`: have no allow list."""
        self.allowed = None

    def user(self, name: str) -> ExternalAccess:
        """The external access policy of the user `name`, for a test to change."""
        return self.users.setdefault(name.lower(), ExternalAccess())

    # -- what the edge asks -------------------------------------------------------------------------------------

    def why_not(self, domain: SipDomain) -> str | None:
        """Why nothing is exchanged with `domain`, in a sentence; None when it may federate."""
        master = self._master_switch()
        if master is not None:
            return master
        if self.allowed is not None:
            listed = domain in self.allowed or (
                self.allow_subdomains and any(above.is_ancestor_of(domain) for above in self.allowed)
            )
            return None if listed else f"{domain} is not on the allow list."
        if domain in self.blocked:
            return f"{domain} is on the block list."
        if self.block_all_subdomains:
            above = next((blocked for blocked in self.blocked if blocked.is_ancestor_of(domain)), None)
            if above is not None:
                return f"{domain} lies below {above}, which is blocked with all its subdomains."
        return None

    def why_not_user(self, name: str, domain: SipDomain) -> str | None:
        """Why the user `name` exchanges nothing with `domain`, in a sentence; None when they may."""
        access = self.users.get(name)
        if access is None:
            return None
        if not access.enable_federation_access:
            return f"The external access policy of {name} allows no federation."
        if access.allows(domain) is False:
            return f"The external access policy of {name} does not allow {domain}."
        return None

    def why_not_together(self, name: str, domain: SipDomain) -> str | None:
        """The same as `why_not`, unless the user has lists of their own: only the master switch stands above those."""
        access = self.users.get(name)
        if access is not None and access.enable_federation_access and access.allows(domain) is not None:
            return self._master_switch()
        return self.why_not(domain)

    def proxy_for(self, domain: SipDomain) -> Proxy | None:
        """A tenant has no direct federation."""
        del domain
        return None

    def providers(self) -> Mapping[Fqdn, HostingProvider]:
        """A tenant knows no hosting providers."""
        return MappingProxyType({})

    def verification(self, source: Source, domain: SipDomain, provider: HostingProvider | None) -> Verification:
        """The verification level for what comes from `domain`."""
        del source, domain, provider
        return "AlwaysUnverifiable" if self.treat_discovered_partners_as_unverified else "AlwaysVerifiable"

    def _master_switch(self) -> str | None:
        if not self.allow_federated_users:
            return "External access is switched off for the whole tenant (AllowFederatedUsers)."
        if self.trial:
            return "The tenant has trial licences only, which do not federate with Skype for Business Server."
        return None


def _with(domains: set[SipDomain], domain: DomainName, verb: str) -> set[SipDomain]:
    if len(domains) >= MAX_ENTRIES:
        raise ConfigurationError([Problem(f"{verb} {domain}", f"a list of a tenant holds {MAX_ENTRIES} domains")])
    return {*domains, domain_named(domain)}

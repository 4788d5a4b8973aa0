"""Whom a partner federates with: the lists of an S4B access edge (F1.1–F1.8, F4.1–F4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn, SipDomain
from simulator.partner.external_access import ExternalAccess

Verification = Literal["AlwaysVerifiable", "UseSourceVerification", "AlwaysUnverifiable"]
"""What becomes of messages: all count as verified, the level in the message decides, or none does (F1.7)."""
Source = Literal["DirectPartner", "AllowedDomain", "AuthorizedServer", "DiscoveredPartner"]
"""What kind of partner a message comes from, as an edge tells them apart (dialect facts §1.1, §2.2)."""
DomainName: TypeAlias = SipDomain | str


@dataclass(frozen=True, slots=True)
class Proxy:
    """`ProxyFqdn` of an allowed domain: direct federation, no SRV lookup and no name rule (fact 9)."""

    fqdn: Fqdn
    port: int = 5061


@dataclass(frozen=True, slots=True)
class HostingProvider:
    """`New-CsHostingProvider`: one server that serves many domains, none of which need be its own (F4.7)."""

    fqdn: Fqdn
    "`ProxyFqdn`: the SRV records of all those domains lead there, past the name rule."
    verification: Verification = "AlwaysVerifiable"
    "`VerificationLevel`; its default (F1.7)."
    enabled: bool = True
    "A disabled one is as good as none."


@dataclass
class FederationPolicy:
    """The policy of an S4B edge, changed by a test while the partner runs; read at every request."""

    allow_federated_users: bool = True
    "`AllowFederatedUsers`: False ends all federation. The product's default is False."
    partner_discovery: bool = True
    "`EnablePartnerDiscovery`: whether domains that are on no list are looked up (F1.3). The default there is False."
    allowed: dict[SipDomain, Proxy | None] = field(default_factory=dict)
    "Allowed domains, each with its proxy or None."
    blocked: set[SipDomain] = field(default_factory=set)
    "Blocked domains."
    hosting_providers: dict[Fqdn, HostingProvider] = field(default_factory=dict)
    "Hosting providers by their `ProxyFqdn`, besides those of the persona."
    allowed_verification: dict[SipDomain, Verification] = field(default_factory=dict)
    "`VerificationLevel` of allowed domains where it is not the default, UseSourceVerification (F1.7)."
    discovered_verification: Verification = "AlwaysVerifiable"
    """`DiscoveredPartnerVerificationLevel`. No source gives its default; this one delivers what comes from a domain
    whose server has proven itself (inference)."""
    filtered: tuple[str, ...] = ()
    "Words that the instant message filter lets through in no chat."
    users: dict[str, ExternalAccess] = field(default_factory=dict)
    "External access policies by user name; `user` makes them."

    def allow(
        self, domain: DomainName, proxy: Proxy | None = None, *, verification: Verification | None = None
    ) -> None:
        """Put `domain` on the allow list; ConfigurationError when it is blocked (fact 9)."""
        name = domain_named(domain)
        if name in self.blocked:
            raise _on_the_other_list(f"allow {name}", "blocked")
        self.allowed[name] = proxy
        if verification is not None:
            self.allowed_verification[name] = verification

    def block(self, domain: DomainName) -> None:
        """Put `domain` on the block list; ConfigurationError when it is allowed (fact 9)."""
        name = domain_named(domain)
        if name in self.allowed:
            raise _on_the_other_list(f"block {name}", "allowed")
        self.blocked.add(name)

    def remove(self, domain: DomainName) -> None:
        """Take `domain` off both lists."""
        name = domain_named(domain)
        self.allowed.pop(name, None)
        self.allowed_verification.pop(name, None)
        self.blocked.discard(name)

    def add_hosting_provider(
        self, fqdn: Fqdn | str, *, verification: Verification = "AlwaysVerifiable", enabled: bool = True
    ) -> HostingProvider:
        """Let every domain through whose SRV record leads to `fqdn`; in place of an earlier entry."""
        provider = HostingProvider(Fqdn.parse(str(fqdn)), verification, enabled)
        self.hosting_providers[provider.fqdn] = provider
        return provider

    def user(self, name: str) -> ExternalAccess:
        """The external access policy of the user `name`, for a test to change."""
        return self.users.setdefault(name.lower(), ExternalAccess())

    # -- what the edge asks -------------------------------------------------------------------------------------

    def why_not(self, domain: SipDomain) -> str | None:
        """Why nothing is exchanged with `domain`, in a sentence; None when it may federate."""
        if not self.allow_federated_users:
            return "Federation is switched off for the whole organisation (AllowFederatedUsers)."
        if domain in self.blocked:
            return f"{domain} is on the block list."
        if domain not in self.allowed and not self.partner_discovery:
            return f"{domain} is not on the allow list and partner discovery is off."
        return None

    def why_not_user(self, name: str, domain: SipDomain) -> str | None:
        """Why the user `name` exchanges nothing with `domain`, in a sentence; None when they may."""
        del domain
        access = self.users.get(name)
        if access is None or access.enable_federation_access:
            return None
        return f"The external access policy of {name} allows no federation."

    def why_not_together(self, name: str, domain: SipDomain) -> str | None:
        """Why the domain is refused for this user in particular, where a user's own lists stand above the others."""
        del name
        return self.why_not(domain)

    def proxy_for(self, domain: SipDomain) -> Proxy | None:
        """The server of direct federation with `domain`."""
        return self.allowed.get(domain)

    def providers(self) -> Mapping[Fqdn, HostingProvider]:
        """The hosting providers that are enabled."""
        return {fqdn: provider for fqdn, provider in self.hosting_providers.items() if provider.enabled}

    def verification(self, source: Source, domain: SipDomain, provider: HostingProvider | None) -> Verification:
        """The verification level for what comes from `domain`."""
        if provider is not None:
            return provider.verification
        if source == "DiscoveredPartner":
            return self.discovered_verification
        return self.allowed_verification.get(domain, "UseSourceVerification")


def domain_named(domain: DomainName) -> SipDomain:
    """The domain, however a test wrote it."""
    return domain if isinstance(domain, SipDomain) else SipDomain.parse(domain)


def _on_the_other_list(attempt: str, state: str) -> ConfigurationError:
    return ConfigurationError([Problem(attempt, f"the domain is {state}; S4B keeps a domain on one list only")])

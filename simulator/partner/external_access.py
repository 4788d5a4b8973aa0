"""What one user may do with people elsewhere: `CsExternalAccessPolicy` (F3.8, F4.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulator.names import SipDomain

Orgs = Literal[
    "OrganizationDefault",
    "AllowAllExternalDomains",
    "AllowSpecificExternalDomains",
    "BlockSpecificExternalDomains",
    "BlockAllExternalDomains",
]


@dataclass
class ExternalAccess:
    """The policy of one user; changed by a test while the partner runs."""

    enable_federation_access: bool = True
    "`EnableFederationAccess`: False ends federation for this user. With it off, nothing below counts."
    communication_with_external_orgs: Orgs = "OrganizationDefault"
    "`CommunicationWithExternalOrgs`, in Teams only: lists that stand above those of the organisation."
    allowed_external_domains: set[SipDomain] = field(default_factory=set)
    "`AllowedExternalDomains`: the only ones, with AllowSpecificExternalDomains."
    blocked_external_domains: set[SipDomain] = field(default_factory=set)
    "`BlockedExternalDomains`: all but these, with BlockSpecificExternalDomains."

    def allows(self, domain: SipDomain) -> bool | None:
        """Whether the user's own lists let `domain` through; None when the organisation's decide."""
        match self.communication_with_external_orgs:
            case "OrganizationDefault":
                return None
            case "AllowAllExternalDomains":
                return True
            case "AllowSpecificExternalDomains":
                return domain in self.allowed_external_domains
            case "BlockSpecificExternalDomains":
                return domain not in self.blocked_external_domains
            case "BlockAllExternalDomains":
                return False

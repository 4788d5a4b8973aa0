"""Tables of the area `policy`: what a partner's administrator may have set, and whether the server gets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simulator.scenarios.contact import server_contacts
from simulator.scenarios.marking import Case

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.names import SipDomain
    from simulator.partner import FederationPolicy, Partner, TenantPolicy


def edge_policy(partner: Partner) -> FederationPolicy:
    """The lists of a Skype for Business edge, for a scenario to change."""
    from simulator.partner import FederationPolicy

    policy = partner.tenant(partner.domain).policy
    assert isinstance(policy, FederationPolicy)
    return policy


def tenant_policy(partner: Partner, domain: SipDomain | None = None) -> TenantPolicy:
    """The external access settings of a Teams tenant, the first one by default."""
    from simulator.partner import TenantPolicy

    policy = partner.tenant(domain or partner.domain).policy
    assert isinstance(policy, TenantPolicy)
    return policy


DIRECTIONS: Final = (
    Case("to-the-partner", True, needs=("reach", "open-federation")),
    Case("from-the-partner", False, needs=("receive", "open-federation", "observe-inbox")),
)
"""Each with what it needs of the server: a partner can send by itself."""
WATCHERS: Final = (
    Case("of-the-partner", True, needs=("presence", "open-federation")),
    Case("of-the-user", False, needs=("show-presence", "open-federation")),
)
"""Whose presence is watched."""

# -- lists of Skype for Business ----------------------------------------------------------------------------------


def _discovered(federation: Federation, policy: FederationPolicy) -> None:
    assert policy.partner_discovery
    assert federation.sut.domain not in policy.allowed


def _allowed(federation: Federation, policy: FederationPolicy) -> None:
    policy.partner_discovery = False
    policy.allow(federation.sut.domain)


def _allowed_with_proxy(federation: Federation, policy: FederationPolicy) -> None:
    from simulator.partner import Proxy

    policy.partner_discovery = False
    policy.allow(federation.sut.domain, Proxy(federation.sut.fqdn, federation.sut.port))


def _others_blocked(federation: Federation, policy: FederationPolicy) -> None:
    policy.block(f"sub.{federation.sut.domain}")
    policy.block(longer(federation))


def _blocked(federation: Federation, policy: FederationPolicy) -> None:
    policy.block(federation.sut.domain)


def _discovery_off(federation: Federation, policy: FederationPolicy) -> None:
    policy.partner_discovery = False
    policy.allow(f"sub.{federation.sut.domain}")


def _federation_off(federation: Federation, policy: FederationPolicy) -> None:
    policy.allow(federation.sut.domain)
    policy.allow_federated_users = False


ADMITTING: Final = (
    Case("discovered", _discovered, words="lists nobody and discovers partners", sources=("F1.3",)),
    Case("allowed", _allowed, words="has the server's domain on its allow list", sources=("F1.2",)),
    Case("allowed-with-proxy", _allowed_with_proxy, words="names the server's FQDN as well", sources=("F1.1", "F0.9")),
    Case("others-blocked", _others_blocked, words="blocks domains that look alike", sources=("F4.2",)),
)
REFUSING: Final = (
    Case("blocked", _blocked, words="has blocked the server's domain", sources=("F4.2",)),
    Case("not-allowed", _discovery_off, words="discovers nobody and lists only others", sources=("F1.3",)),
    Case("federation-off", _federation_off, words="federates with nobody", sources=("F4.1",)),
)

# -- external access of a Teams tenant ----------------------------------------------------------------------------


def _all(federation: Federation, policy: TenantPolicy) -> None:
    del federation
    assert policy.allowed is None


def _on_the_allow_list(federation: Federation, policy: TenantPolicy) -> None:
    policy.allow("somebody-else.test")
    policy.allow(federation.sut.domain)


def _allow_list_hides_block_list(federation: Federation, policy: TenantPolicy) -> None:
    policy.block(federation.sut.domain)
    policy.allow(federation.sut.domain)


def _subdomain_blocked(federation: Federation, policy: TenantPolicy) -> None:
    policy.block(f"sub.{federation.sut.domain}")


def _suffix_blocked(federation: Federation, policy: TenantPolicy) -> None:
    policy.block(suffix(federation))
    policy.block(longer(federation))
    policy.block_all_subdomains = True


def _master_switch_off(federation: Federation, policy: TenantPolicy) -> None:
    policy.allow(federation.sut.domain)
    policy.allow_federated_users = False


def _not_on_the_allow_list(federation: Federation, policy: TenantPolicy) -> None:
    policy.allow(f"sub.{federation.sut.domain}")


def _nobody_allowed(federation: Federation, policy: TenantPolicy) -> None:
    del federation
    policy.allowed = set()


def _on_the_block_list(federation: Federation, policy: TenantPolicy) -> None:
    policy.block(federation.sut.domain)


def _trial(federation: Federation, policy: TenantPolicy) -> None:
    policy.allow(federation.sut.domain)
    policy.trial = True


TENANTS_ADMITTING: Final = (
    Case("all-domains", _all, words="allows all domains"),
    Case("allow-list", _on_the_allow_list, words="has the server's domain on its allow list"),
    Case("allow-list-hides-block-list", _allow_list_hides_block_list, words="has it on both lists", sources=("F3.6",)),
    Case("subdomain-blocked", _subdomain_blocked, words="blocks a subdomain of it", sources=("F0.8",)),
    Case(
        "suffix-blocked",
        _suffix_blocked,
        words="blocks names that only end or begin alike, with all their subdomains",
        sources=("F0.8", "P11"),
    ),
)
TENANTS_REFUSING: Final = (
    Case("master-switch-off", _master_switch_off, words="has external access switched off", sources=("R80", "F3.6")),
    Case("not-on-the-allow-list", _not_on_the_allow_list, words="allows only others", sources=("F3.6",)),
    Case("empty-allow-list", _nobody_allowed, words="allows nobody", sources=("F3.6",)),
    Case("block-list", _on_the_block_list, words="has blocked the server's domain", sources=("F0.8",)),
    Case("trial", _trial, words="has trial licences only", sources=("F3.9",)),
)

BELOW: Final = (
    Case("exact", "", False, False, words="keeps it out"),
    Case("subdomain", "sub.", False, True, words="lets its subdomain in, which is another domain"),
    Case("subdomain-with-all", "sub.", True, False, words="keeps its subdomain out as well, with BlockAllSubdomains"),
    Case(
        "two-labels-below-with-all",
        "a.sub.",
        True,
        False,
        words="keeps out what lies two labels below, with BlockAllSubdomains",
    ),
    Case(
        "no-label-boundary-with-all",
        "sub",
        True,
        True,
        words="lets a name in that only ends alike, even with BlockAllSubdomains",
    ),
)
"""What stands before the blocked name, whether BlockAllSubdomains is on, and whether messages get through."""

# -- a user's own policy ------------------------------------------------------------------------------------------

ORGS: Final = (
    Case("default", "OrganizationDefault", set(), True, words="leaves it to the organisation"),
    Case("all", "AllowAllExternalDomains", set(), True, words="may write to all"),
    Case("allowed", "AllowSpecificExternalDomains", {"ours"}, True, words="may write to us"),
    Case("others-allowed", "AllowSpecificExternalDomains", {"others"}, False, words="may write to others only"),
    Case("blocked", "BlockSpecificExternalDomains", {"ours"}, False, words="may not write to us"),
    Case("others-blocked", "BlockSpecificExternalDomains", {"others"}, True, words="may not write to others"),
    Case("none", "BlockAllExternalDomains", set(), False, words="may write to nobody"),
)

# -- verification -------------------------------------------------------------------------------------------------

VERIFICATION: Final = (
    Case("always-verifiable", {"level": "AlwaysVerifiable"}, True, words="takes everything for verified"),
    Case("use-source", {"level": "UseSourceVerification"}, True, words="takes what is not marked for verified"),
    Case(
        "use-source-strict",
        {"level": "UseSourceVerification", "unmarked": "unverified"},
        False,
        words="takes what is not marked for unverified",
    ),
    Case(
        "use-source-strict-contact",
        {"level": "UseSourceVerification", "unmarked": "unverified", "contact": True},
        True,
        words="takes what is not marked for unverified, from a contact",
    ),
    Case("unverifiable", {"level": "AlwaysUnverifiable"}, False, words="takes everything for unverified"),
    Case(
        "unverifiable-contact",
        {"level": "AlwaysUnverifiable", "contact": True},
        True,
        words="takes everything for unverified, from a contact",
    ),
)

UNVERIFIED_ANSWERS: Final = (Case("403", 403), Case("480", 480), Case("dropped-in-silence", 200))
"""Which of them a partner gives is not documented (dialect facts §5.3)."""

ANSWERS: Final = (
    Case("504", (504, "Server time-out", False), words="a bare 504"),
    Case("403", (403, "Forbidden", False), words="a bare 403"),
    Case("504-and-closes", (504, "Server time-out", True), words="504, and the end of the connection"),
    Case("403-and-closes", (403, "Forbidden", True), words="403, and the end of the connection"),
)
"""What a partner tells a domain that it blocks: nobody knows which of them (F3.13, Q6)."""


def longer(federation: Federation) -> str:
    """A domain that ends like the server's and is neither it nor below it: `subcontoso.com` for `contoso.com`."""
    return f"sub{federation.sut.domain}"


def suffix(federation: Federation) -> str:
    """A domain with which the server's ends, though not at a label: `ontoso.com` for `contoso.com`."""
    domain = str(federation.sut.domain)
    return domain[1:] if domain[1] != "." and domain[1] != "-" else f"x{domain}"


def answer(row: tuple[int, str, bool]) -> Any:
    """A row of the failure matrix: status, reason phrase, and whether the connection is closed."""
    from simulator.partner import Answer

    return Answer(row[0], row[1], closes=row[2])


def must_pass(federation: Federation, partner: Partner, to_the_partner: bool) -> None:
    """A message reaches the partner, or one of the partner reaches the server's user."""
    if to_the_partner:
        server_contacts(federation, partner).must_succeed()
        return
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("Hello").must_succeed()
    alice.expect_message("Hello", from_=bob)

"""Faults in which names are the same, and in the name rule of the personas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect


def rule(patch: pytest.MonkeyPatch, allows: Any) -> None:
    """Let the personas' name rule allow what `allows(domain, target)` says, beside what it allows anyway."""
    from simulator import names
    from simulator.names import NameRuleReason

    judge = names.name_rule

    def loose(domain: Any, target: Any, **named: Any) -> Any:
        verdict = judge(domain, target, **named)
        if not verdict.allowed and allows(domain, target):
            return replace(verdict, reason=NameRuleReason.DIRECT_SUBDOMAIN)
        return verdict

    patch.setattr(names, "name_rule", loose)


@defect(caught_by=("names/name-rule[label-boundary]",))
def persona_heeds_no_label_boundary(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business compares the ends of names: xconnect.acme.com passes for connect.acme.com."""
    rule(patch, lambda domain, target: str(target).endswith(str(domain)))


@defect(caught_by=("names/name-rule[two-labels-below]",))
def persona_takes_any_depth(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business takes a target any number of labels below the domain."""
    rule(patch, lambda domain, target: domain.is_ancestor_of(target))


@defect(caught_by=("names/fqdn-of-the-domain-connect-acme[R13-parent]",))
def persona_takes_the_parent(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business takes a target above the domain."""
    rule(patch, lambda domain, target: str(domain).endswith(f".{target}"))


@defect(caught_by=("names/name-rule[domain-as-prefix]",))
def persona_looks_for_the_domain_anywhere(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business takes a target that holds the domain anywhere in its name."""
    rule(patch, lambda domain, target: str(domain) in str(target))


@defect(
    caught_by=("names/sample-configuration-in-open-federation[*]", "discovery/own-target-outside-*"),
    also=("discovery", "policy/hosting-provider"),
)
def persona_has_no_name_rule(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business takes any SRV target."""
    rule(patch, lambda _domain, _target: True)


@defect(caught_by=("names/fqdn-of-the-domain-connect-acme[R10-equal]",))
def persona_refuses_the_domain_itself(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business refuses the domain's own name as a target."""
    from simulator import names

    judge = names.name_rule

    def strict(domain: Any, target: Any, **_named: Any) -> Any:
        return judge(domain, target, equal_ok=False)

    patch.setattr(names, "name_rule", strict)


@defect(caught_by=("names/no-name-rule-in-direct-federation[*]", "names/sample-configuration-in-direct-federation[*]"))
def persona_has_the_rule_for_direct_federation_too(patch: pytest.MonkeyPatch) -> None:
    """An edge of Skype for Business applies the name rule to a proxy that its administrator has entered."""
    from simulator import names
    from simulator.io.peering import NotFederated, StaticWay
    from simulator.partner.rules import EdgeRules

    way_to = EdgeRules.way_to

    def strict(self: Any, domain: Any, user: str = "") -> Any:
        way = way_to(self, domain, user)
        if isinstance(way, StaticWay) and not names.name_rule(domain, way.host).allowed:  # type: ignore[arg-type]
            raise NotFederated(f"{way.host} is not in {domain}")
        return way

    patch.setattr(EdgeRules, "way_to", strict)


@defect(caught_by=("names/route-is-for-one-name[longer-first-label]",))
def routes_by_the_end_of_the_name(patch: pytest.MonkeyPatch) -> None:
    """The server applies a switched-off route to every domain whose name ends alike: subcontoso.com for contoso.com."""
    switched_off(patch, lambda route, domain: domain.endswith(route))


@defect(caught_by=("names/route-is-for-one-name[one-below-the-other]",))
def routes_subdomains_alike(patch: pytest.MonkeyPatch) -> None:
    """The server applies a switched-off route to the subdomains of its domain as well."""
    switched_off(patch, lambda route, domain: domain.endswith(f".{route}"))


@defect(caught_by=("names/similar-names-are-two-partners[sharp-s]",))
def maps_names_as_in_2003(patch: pytest.MonkeyPatch) -> None:
    """The server takes straße.de for strasse.de, as the old rules for international names have it."""
    takes_for(patch, "xn--strae-oqa", "strasse")


@defect(caught_by=("names/similar-names-are-two-partners[homograph]",))
def takes_look_alikes_for_equal(patch: pytest.MonkeyPatch) -> None:
    """The server takes a name with a Cyrillic а for the one with the Latin a."""
    takes_for(patch, "xn--cme-5cd", "acme")


@defect(caught_by=("names/dot-at-the-end-of-the-address",))
def loses_messages_to_addresses_with_a_dot(patch: pytest.MonkeyPatch) -> None:
    """The server says that it has delivered a message whose address ends in a dot, and sends nothing."""
    from types import SimpleNamespace

    from simulator.io.user import User
    from simulator.outcome import Outcome

    chat_with = User.chat_with

    def lost(self: User, other: Any) -> Any:
        if str(other).endswith("."):
            return SimpleNamespace(say=lambda _text: Outcome(True, 200, "OK", "message"))
        return chat_with(self, other)

    patch.setattr(User, "chat_with", lost)


def switched_off(patch: pytest.MonkeyPatch, concerns: Any) -> None:
    """Keep a domain off when a switched-off route to another one `concerns` it."""
    from simulator.connect_server import ways
    from simulator.io.peering import NotFederated

    way_to = ways.way_to

    def broad(settings: Any, domain: Any) -> Any:
        for route in settings.static_routes.routes:
            if not route.enabled and concerns(str(route.domain), str(domain)):
                raise NotFederated(f"The static route to {route.domain} is switched off.")
        return way_to(settings, domain)

    patch.setattr(ways, "way_to", broad)


def takes_for(patch: pytest.MonkeyPatch, first_label: str, other: str) -> None:
    """Let the server look up another domain in place of one with this first label."""
    from simulator.connect_server import ways
    from simulator.names import SipDomain

    way_to = ways.way_to

    def confused(settings: Any, domain: Any) -> Any:
        label, _, rest = str(domain).partition(".")
        return way_to(settings, SipDomain.parse(f"{other}.{rest}") if label == first_label else domain)

    patch.setattr(ways, "way_to", confused)

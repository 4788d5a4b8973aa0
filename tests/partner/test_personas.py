"""A persona is data, and another one is derived from it by naming what differs."""

from __future__ import annotations

from dataclasses import fields

import pytest

from simulator import discovery
from simulator.discovery import Answer, CacheRules, DiscoveryRules, SrvRecord
from simulator.io.dialect import Dialect
from simulator.io.peering import Way
from simulator.names import Fqdn, SipDomain
from simulator.partner import FederationPolicy, Proxy
from simulator.partner.edge import EdgeRules
from simulator.partner.personas import SFB_2019, Persona

ACME = SipDomain.parse("acme.test")
RECORDS = tuple(SrvRecord(0, 1, 5061, f"sip{number}.acme.test") for number in range(4))


def test_values_of_the_discovery_the_dialect_and_the_persona_can_be_named_side_by_side() -> None:
    other = SFB_2019.but(name="x", name_rule=False, follow_cname=False, server="RTC/6.0", cache=CacheRules())

    assert (other.name, other.dialect.server) == ("x", "RTC/6.0")
    assert (other.discovery.name_rule, other.discovery.follow_cname) == (False, False)
    assert other.discovery.hosting_providers == SFB_2019.discovery.hosting_providers
    assert other.discovery.cache == CacheRules()
    assert other.rules == SFB_2019.rules
    assert SFB_2019.discovery == discovery.S4B, "the persona it comes from is as it was"


def test_whole_rules_can_be_given_and_one_of_them_changed_on_top() -> None:
    other = SFB_2019.but(discovery=DiscoveryRules(), equal_ok=False)

    assert other.discovery == DiscoveryRules(equal_ok=False)


def test_a_value_that_nothing_has_is_refused() -> None:
    with pytest.raises(TypeError, match="nmae_rule"):
        SFB_2019.but(nmae_rule=True)


def test_no_name_means_two_things() -> None:
    names = [field.name for kind in (Persona, Dialect, DiscoveryRules) for field in fields(kind)]

    assert len(names) == len(set(names))


def ways_to_acme(persona: Persona, policy: FederationPolicy, times: int = 1) -> list[Way]:
    rules = EdgeRules(persona, policy, lambda _sentence: None)
    return [rules.way_to(ACME) for _ in range(times)]


def test_the_choices_of_an_edge_are_repeatable_and_differ_from_one_discovery_to_the_next() -> None:
    def choices(seed: int) -> list[str]:
        plans = [way.plan() for way in ways_to_acme(SFB_2019.but(seed=seed), FederationPolicy(), 12)]
        for plan in plans:
            plan.answer(plan.open_questions[0], Answer("noerror", RECORDS))
        return [plan.targets[0].name for plan in plans]

    assert choices(5) == choices(5)
    assert choices(5) != choices(6)
    assert len(set(choices(5))) > 1


def test_the_rules_of_a_persona_reach_the_plans_of_both_kinds_of_federation() -> None:
    persona = SFB_2019.but(families=("AAAA",))
    direct = FederationPolicy()
    direct.allow(ACME, Proxy(Fqdn.parse("edge.acme.test")))
    for policy in (FederationPolicy(), direct):
        (way,) = ways_to_acme(persona, policy)

        assert way.plan().rules == persona.discovery

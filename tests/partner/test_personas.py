"""A persona is data, and another one is derived from it by naming what differs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from simulator import discovery
from simulator.discovery import Answer, CacheRules, DiscoveryRules, SrvRecord
from simulator.errors import ConfigurationError
from simulator.io.peering import Way
from simulator.names import Fqdn, SipDomain
from simulator.partner import FederationPolicy, Proxy
from simulator.partner.personas import PERSONAS, SFB_2019, Persona, persona_named, register, switches_of, unregister
from simulator.partner.personas import Answer as FailureAnswer
from simulator.partner.personas.persona import PARTS
from tests.partner.edges import rules_of

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
    with pytest.raises(ConfigurationError, match="nmae_rule: no persona has such a switch; did you mean name_rule"):
        SFB_2019.but(nmae_rule=True)


def test_no_name_means_two_things() -> None:
    names = [field.name for kind in (Persona, *PARTS.values()) for field in fields(kind)]

    assert len(names) == len(set(names))


def ways_to_acme(persona: Persona, policy: FederationPolicy, times: int = 1) -> list[Way]:
    rules = rules_of(policy, persona)
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


def test_every_switch_of_every_persona_is_explained_and_marked() -> None:
    """A fact that is only remembered or concluded must be seen as one (the marks of the facts)."""
    for persona in PERSONAS.values():
        for switch in switches_of(persona):
            assert len(switch.about) > 20, f"{persona.name}: nothing stands under {switch.part}.{switch.name}"
            assert switch.mark is not None, f"{persona.name}: nobody says how sure {switch.part}.{switch.name} is"


def test_what_is_derived_says_so() -> None:
    marks = {switch.name: switch.mark for switch in switches_of(SFB_2019.but(name_rule=False, connections=1))}

    assert (marks["name_rule"], marks["connections"], marks["equal_ok"]) == ("own", "own", "inference")


def test_a_registered_persona_is_known_by_its_name() -> None:
    persona = SFB_2019.but(name="acme-variant", server="ACME/1")
    register(persona)
    try:
        assert persona_named("acme-variant") is register(persona)
        with pytest.raises(ConfigurationError, match="another persona 'acme-variant'"):
            register(persona.but(server="ACME/2"))
    finally:
        unregister("acme-variant")
    with pytest.raises(ConfigurationError, match="no 'acme-variant'"):
        persona_named("acme-variant")


def test_the_shipped_personas_cannot_be_replaced() -> None:
    with pytest.raises(ConfigurationError, match="another persona 'teams'"):
        register(SFB_2019.but(name="teams"))
    unregister("teams")
    assert persona_named("teams") is PERSONAS["teams"]


def test_a_misspelt_persona_is_told_what_comes_near() -> None:
    with pytest.raises(ConfigurationError, match=r"'sfb-2091'; did you mean 'sfb-2019'\? There are: generic, sfb"):
        persona_named("sfb-2091")


def test_the_generic_persona_has_no_word_of_microsofts() -> None:
    for switch in switches_of(PERSONAS["generic"]):
        if switch.part == "dialect":
            assert not [word for word in ("ms-", "RTC", "msrtc", "Skype") if word in switch.shown], switch
        elif isinstance(switch.value, FailureAnswer):
            assert switch.value.inside is None, f"{switch.name}: ms-diagnostics are Microsoft's"


def test_a_status_alone_is_an_answer() -> None:
    """With the reason phrase that the persona has for it elsewhere."""
    answers = SFB_2019.but(domain_blocked=403, user_not_enabled=504, filtered=403).answers

    assert (answers.domain_blocked.status, answers.domain_blocked.reason) == (403, "Forbidden")
    assert (answers.user_not_enabled.status, answers.user_not_enabled.reason) == (504, "Server time-out")
    assert answers.user_not_enabled.inside == SFB_2019.answers.user_not_enabled.inside
    assert SFB_2019.but(throttled=429).answers.throttled.status == 429


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"identity": "servr"}, "identity: 'servr' is none of its values: 'server', 'domain', 'either'"),
        ({"name_rule": "no"}, "name_rule: 'no' is none of its values: True, False"),
        ({"connections": 5}, "connections: an edge keeps 1 to 4 connections to a partner, not 5"),
        ({"no_srv": "504"}, "no_srv: '504' is no answer; give a status such as 403, or an Answer"),
        ({"filtered": 408}, "filtered: 408 is no final answer that can be sent; give one of 200 to 699, but not 408"),
        ({"filtered": 100}, "filtered: 100 is no final answer that can be sent"),
        ({"filtered": FailureAnswer(700, "Odd")}, "filtered: 700 is no final answer that can be sent"),
        ({"name": "Not A Name"}, "persona: 'Not A Name' is no name for a persona; use lower-case letters"),
        ({"conections": 1, "idle": 2}, "conections: no persona has such a switch; did you mean connections"),
    ],
)
def test_a_value_that_a_switch_cannot_have_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        SFB_2019.but(**changes)

    assert sentence in str(raised.value)

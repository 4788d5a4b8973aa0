"""What holds for every discovery: P13, the switches against a naive statement of them, the cache against a model."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from simulator.discovery import (
    Answer,
    AnswerCache,
    CacheRules,
    DiscoveryFailed,
    DiscoveryFailure,
    DiscoveryPlan,
    DiscoveryRules,
    Question,
    Route,
    SrvRecord,
    Status,
)
from simulator.names import Fqdn, SipDomain

ACME = SipDomain.parse("acme.test")
TEAMS = "sipfed.online.lync.com"
GOOD = ("acme.test", "sip.acme.test", "SIP2.Acme.Test.", "xn--bcher-kva.acme.test")
OUTSIDE = ("a.sip.acme.test", "test", "notacme.test", "sip.contoso.test", TEAMS)
NONE_AT_ALL = ("", ".", "_sip.acme.test", "*.acme.test", "192.0.2.1", "sip..acme.test", "acme test")

RULES = st.builds(
    DiscoveryRules,
    name_rule=st.booleans(),
    equal_ok=st.booleans(),
    hosting_providers=st.sampled_from([frozenset(), frozenset({Fqdn.parse(TEAMS)})]),
    srv_port=st.sampled_from(["any", "5061"]),
    failover=st.sampled_from(["all", "group", "best"]),
    follow_cname=st.booleans(),
    families=st.sampled_from([("A", "AAAA"), ("AAAA", "A"), ("A",), ("AAAA",)]),
)
NUMBERS = st.integers(0, 3) | st.integers(0, 65535)


def services(targets: tuple[str, ...] = GOOD + OUTSIDE + NONE_AT_ALL) -> SearchStrategy[list[SrvRecord]]:
    """SRV records as a zone may hold them, wrong ones among them."""
    ports = st.sampled_from([5061, 5061, 5062, 0])
    return st.lists(st.builds(SrvRecord, NUMBERS, NUMBERS, ports, st.sampled_from(targets)), min_size=1, max_size=6)


def plan_for(records: list[SrvRecord], rules: DiscoveryRules) -> DiscoveryPlan:
    plan = DiscoveryPlan.open(ACME, rules, rng=random.Random(13))
    plan.answer(plan.open_questions[0], Answer("noerror", tuple(records)))
    return plan


def verdict(plan: DiscoveryPlan) -> tuple[frozenset[str], DiscoveryFailure | None]:
    """Who may serve the domain, and why nobody: without the order of connections."""
    targets = frozenset(map(str, plan.targets))
    failed = plan.result if not targets else None
    return targets, failed.failure if isinstance(failed, DiscoveryFailed) else None


@given(services(), RULES, st.randoms(use_true_random=False))
def test_p13_the_verdict_does_not_depend_on_the_order_of_the_records(
    records: list[SrvRecord], rules: DiscoveryRules, shuffle: random.Random
) -> None:
    """P13; with the same seed not even the order of connections does."""
    shuffled = records.copy()
    shuffle.shuffle(shuffled)
    one, other = plan_for(records, rules), plan_for(shuffled + records[:1], rules)

    assert verdict(one) == verdict(other)
    assert one.targets == other.targets
    assert one.open_questions == other.open_questions


@given(services(), RULES, st.data())
def test_p13_priority_and_weight_decide_the_order_of_connections_only(
    records: list[SrvRecord], rules: DiscoveryRules, data: DataObject
) -> None:
    """P13."""
    changed = [replace(record, priority=data.draw(NUMBERS), weight=data.draw(NUMBERS)) for record in records]

    assert verdict(plan_for(changed, rules)) == verdict(plan_for(records, rules))


@given(
    st.lists(st.builds(SrvRecord, NUMBERS, NUMBERS, NUMBERS, st.just(".")), min_size=1, max_size=3), RULES, services()
)
def test_p13_a_dot_as_target_means_that_federation_is_not_offered(
    dots: list[SrvRecord], rules: DiscoveryRules, records: list[SrvRecord]
) -> None:
    """P13; RFC 2782 gives it no meaning beside other records, where it changes nothing."""
    assert verdict(plan_for(dots, rules)) == (frozenset(), DiscoveryFailure.SRV_REFUSED)
    assert verdict(plan_for(dots + records, rules)) == verdict(plan_for(records, rules))


def fits(record: SrvRecord, rules: DiscoveryRules) -> bool:
    """A second, naive statement of what makes an SRV record usable for acme.test."""
    name = record.target.lower().removesuffix(".")
    below = name.endswith(".acme.test") and name.count(".") == 2
    allowed = below or (name == "acme.test" and rules.equal_ok) or (name == TEAMS and bool(rules.hosting_providers))
    return (
        record.target not in NONE_AT_ALL
        and (allowed or not rules.name_rule)
        and (record.port == 5061 or (record.port == 5062 and rules.srv_port == "any"))
    )


@given(services(), RULES)
def test_the_targets_are_those_that_fit_by_a_naive_statement_of_the_rules(
    records: list[SrvRecord], rules: DiscoveryRules
) -> None:
    fitting = {(record.target.lower().removesuffix("."), record.port) for record in records if fits(record, rules)}
    plan = plan_for(records, rules)

    assert {(target.name, target.port) for target in plan.targets} == fitting
    if not fitting:
        assert isinstance(plan.result, DiscoveryFailed)


@given(services(GOOD), RULES)
def test_connections_go_by_priority_and_as_far_as_the_rules_for_failover_let_them(
    records: list[SrvRecord], rules: DiscoveryRules
) -> None:
    rules = replace(rules, name_rule=False, srv_port="any")
    offered = [record for record in records if record.port]
    assume(offered)
    plan = plan_for(records, rules)
    by_name: dict[str, set[int]] = {}
    for record in offered:
        by_name.setdefault(f"{record.target.lower().removesuffix('.')}:{record.port}", set()).add(record.priority)

    lowest = min(record.priority for record in offered)
    assert lowest in by_name[str(plan.targets[0])]
    asked = {question.name for question in plan.open_questions}
    group = {name.split(":")[0] for name, priorities in by_name.items() if lowest in priorities}
    everybody = {name.split(":")[0] for name in by_name}
    if rules.failover == "best":
        assert asked == {plan.targets[0].name}
    else:
        assert asked == (group if rules.failover == "group" else everybody)


STATUSES: list[Status] = ["noerror", "nodata", "nxdomain", "servfail", "timeout"]
ANSWERS = {
    "A": st.lists(st.ip_addresses(v=4).map(str), max_size=3),
    "AAAA": st.lists(st.ip_addresses(v=6).map(str), max_size=3),
}


@given(services(), RULES, st.data())
def test_every_plan_ends_in_addresses_that_were_answered_or_in_a_reason(
    records: list[SrvRecord], rules: DiscoveryRules, data: DataObject
) -> None:
    plan = plan_for(records, rules)
    known: dict[str, dict[str, list[str]]] = {}
    aliases: set[str] = set()
    failed = False
    while plan.open_questions:
        question = data.draw(st.sampled_from(plan.open_questions))
        status = data.draw(st.sampled_from(STATUSES))
        found = data.draw(ANSWERS[question.type]) if status == "noerror" else []
        alias = data.draw(st.sampled_from([None, None, "real.test"]))
        plan.answer(question, Answer(status, tuple(found), alias))
        known.setdefault(question.name, {})[question.type] = found
        aliases |= {question.name} if alias else set()
        failed |= status in ("servfail", "timeout")

    usable = {name: found for name, found in known.items() if rules.follow_cname or name not in aliases}
    in_order = {name: [ip for family in rules.families for ip in found[family]] for name, found in usable.items()}
    result = plan.result
    if isinstance(result, Route):
        for target in {attempt.target for attempt in result.attempts}:
            tried = [attempt.address for attempt in result.attempts if attempt.target == target]
            assert tried == list(dict.fromkeys(in_order[target.name]))
    else:
        assert not any(in_order.values())
        assert result.sentence.endswith((".", ".)"))
        assert result.domain == ACME
        assert failed or result.failure is not DiscoveryFailure.ADDRESS_DNS_ERROR
        assert aliases or result.failure is not DiscoveryFailure.ALIAS_TARGET


HOSTS = [Question(name, "A") for name in ("a.test", "b.test", "c.test")]
KEPT = st.builds(
    Answer,
    st.sampled_from(STATUSES),
    st.sampled_from([(), ("192.0.2.1",), ("192.0.2.2",)]),
    ttl=st.none() | st.integers(0, 20).map(float),
)
STEPS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(HOSTS), st.none() | KEPT), max_size=30)


@given(
    STEPS,
    st.builds(CacheRules, shortest=st.integers(0, 5), longest=st.integers(5, 15), longest_negative=st.integers(0, 15)),
)
def test_the_cache_answers_as_a_model_does_that_keeps_everything_and_looks_at_its_age(
    steps: list[tuple[int, Question, Answer | None]], rules: CacheRules
) -> None:
    """Answers of one of three hosts are put in and asked for as time goes on; None asks."""
    cache = AnswerCache(rules)
    model: dict[Question, tuple[float, Answer]] = {}
    now = 0.0
    for wait, host, answer in steps:
        now += wait
        if answer is not None:
            cache.put(host, answer, now)
            model[host] = now, answer
            continue
        told = cache.get(host, now)
        then, last = model.get(host, (now, Answer("timeout")))
        if last.status in ("servfail", "timeout"):
            keeps = 0.0
        elif last.records:
            keeps = sorted((rules.shortest, last.ttl or 0.0, rules.longest))[1]
        else:
            keeps = min(last.ttl or 0.0, rules.longest_negative)
        assert told == (replace(last, ttl=then + keeps - now) if now - then < keeps else None)


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20)), max_size=40))
def test_the_cache_never_holds_more_than_it_may(capacity: int, puts: list[tuple[int, int]]) -> None:
    cache = AnswerCache(CacheRules(capacity=capacity))
    for host, ttl in puts:
        cache.put(Question(f"h{host}.test", "A"), Answer("noerror", ("192.0.2.1",), ttl=float(ttl)), 0.0)
        assert cache.get(Question(f"h{host}.test", "A"), 0.0) is not None, "what was put in last is there"
        assert len(cache) <= capacity

"""From a domain to addresses, as Skype for Business and the Connect Server do it (R27-R42, RFC 2782)."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import permutations
from typing import Literal

import pytest

from simulator.discovery import (
    CONNECT_SERVER,
    MAX_TARGETS,
    S4B,
    Answer,
    Attempt,
    DiscoveryFailed,
    DiscoveryFailure,
    DiscoveryPlan,
    DiscoveryRules,
    Question,
    Route,
    SrvRecord,
    Status,
    Target,
)
from simulator.errors import LocalProtocolError
from simulator.names import Fqdn, SipDomain

FABRIKAM = SipDomain.parse("fabrikam.test")
SIP = SrvRecord(0, 0, 5061, "sip.fabrikam.test.")
TEAMS = SrvRecord(100, 1, 5061, "sipfed.online.lync.com.")
Zone = Mapping[tuple[str, str], Answer]

NODATA = Answer("nodata")


def srv(*records: SrvRecord) -> dict[tuple[str, str], Answer]:
    return {("_sipfederationtls._tcp.fabrikam.test", "SRV"): Answer("noerror", records)}


def a(name: str, *addresses: str) -> dict[tuple[str, str], Answer]:
    return {(name, "A"): Answer("noerror", addresses)}


def aaaa(name: str, *addresses: str) -> dict[tuple[str, str], Answer]:
    return {(name, "AAAA"): Answer("noerror", addresses)}


def ask(plan: DiscoveryPlan, zone: Zone) -> Route | DiscoveryFailed:
    """Answer every question out of the zone, one after the other; what it does not hold is answered with no data."""
    while (question := plan.next_question()) is not None:
        plan.answer(question, zone.get((question.name, question.type), NODATA))
    return plan.result


def like_connect_server() -> DiscoveryPlan:
    return DiscoveryPlan.open(FABRIKAM, name_rule=False, rng=random.Random(1))


def like_skype() -> DiscoveryPlan:

    return DiscoveryPlan.open(FABRIKAM, S4B, rng=random.Random(1))


def like_static(host: str) -> DiscoveryPlan:
    return DiscoveryPlan.static(Fqdn.parse(host), 5061, FABRIKAM)


def questions(plan: DiscoveryPlan) -> list[str]:
    return [f"{question.type} {question.name}" for question in plan.open_questions]


def servers(plan: DiscoveryPlan) -> list[str]:
    return [target.name for target in plan.targets]


def route(result: Route | DiscoveryFailed) -> list[str]:
    assert isinstance(result, Route), result
    return [f"{attempt.target.host} {attempt.address} {attempt.port}" for attempt in result.attempts]


def failure(result: Route | DiscoveryFailed) -> DiscoveryFailed:
    assert isinstance(result, DiscoveryFailed), result
    assert result.sentence.endswith((".", ".)")), "a whole sentence"
    return result


def test_open_federation_asks_for_the_srv_record_and_then_for_the_addresses_of_its_target() -> None:
    """R39, R40, R41."""
    plan = like_connect_server()
    assert questions(plan) == ["SRV _sipfederationtls._tcp.fabrikam.test"]

    plan.answer(plan.open_questions[0], Answer("noerror", (SIP,)))
    assert questions(plan) == ["A sip.fabrikam.test", "AAAA sip.fabrikam.test"]

    plan.answer(plan.open_questions[1], Answer("noerror", ("2001:DB8::1",)))
    plan.answer(plan.open_questions[0], Answer("noerror", ("192.0.2.1", "192.0.2.2")))
    target = Target(Fqdn.parse("sip.fabrikam.test"), 5061, "sip.fabrikam.test", "srv")
    assert plan.result == Route(
        tuple(Attempt(target, host, 5061) for host in ("192.0.2.1", "192.0.2.2", "2001:db8::1"))
    )


def test_the_next_question_stays_the_same_until_it_is_answered() -> None:
    plan = like_connect_server()

    assert plan.next_question() == plan.next_question()
    with pytest.raises(LocalProtocolError, match="SRV _sipfederationtls"):
        _ = plan.result


def test_a_static_route_asks_for_no_srv_record() -> None:
    """R27, R28."""
    plan = DiscoveryPlan.static(Fqdn.parse("Edge.contoso.test"), 5062, FABRIKAM)
    assert questions(plan) == ["A edge.contoso.test", "AAAA edge.contoso.test"]

    result = ask(plan, a("edge.contoso.test", "192.0.2.7"))

    assert route(result) == ["edge.contoso.test 192.0.2.7 5062"]
    assert isinstance(result, Route)
    assert result.attempts[0].target == Target(Fqdn.parse("edge.contoso.test"), 5062, "edge.contoso.test", "static")


@pytest.mark.parametrize("host", [IPv4Address("192.0.2.9"), IPv6Address("2001:db8::9")])
def test_a_static_route_to_an_ip_address_needs_no_dns_and_expects_the_address_in_the_certificate(
    host: IPv4Address | IPv6Address,
) -> None:
    """R33, R34."""
    plan = DiscoveryPlan.static(host, 5061, FABRIKAM)

    assert plan.next_question() is None
    assert plan.result == Route((Attempt(Target(host, 5061, str(host), "static"), str(host), 5061),))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_static_route_has_a_tcp_port(port: int) -> None:
    with pytest.raises(ValueError, match="1 to 65535"):
        DiscoveryPlan.static(Fqdn.parse("edge.contoso.test"), port, FABRIKAM)


@pytest.mark.parametrize(
    ("answer", "kind", "diagnostic", "says"),
    [
        (Answer("nxdomain"), DiscoveryFailure.NO_SRV, 1008, "NXDOMAIN"),
        (Answer("nodata"), DiscoveryFailure.NO_SRV, 1008, "no data"),
        (Answer("noerror"), DiscoveryFailure.NO_SRV, 1008, "no data"),
        (Answer("servfail"), DiscoveryFailure.DNS_ERROR, 1008, "servfail"),
        (Answer("refused"), DiscoveryFailure.DNS_ERROR, 1008, "refused"),
        (Answer("timeout"), DiscoveryFailure.DNS_ERROR, 1008, "timeout"),
        (Answer("noerror", (SrvRecord(0, 0, 0, "."),)), DiscoveryFailure.SRV_REFUSED, None, "offers no federation"),
        (Answer("noerror", (replace(SIP, target="_a.x."),)), DiscoveryFailure.INVALID_TARGET, None, "underscore"),
        (Answer("noerror", (replace(SIP, target="192.0.2.1"),)), DiscoveryFailure.INVALID_TARGET, None, "IP address"),
        (Answer("noerror", (replace(SIP, port=0),)), DiscoveryFailure.INVALID_TARGET, None, "0 is no TCP port"),
    ],
)
def test_without_a_usable_srv_record_there_is_no_route_and_a_reason(
    answer: Answer, kind: DiscoveryFailure, diagnostic: int | None, says: str
) -> None:
    """R40, F1.22."""
    for plan in (like_connect_server(), like_skype()):
        failed = failure(ask(plan, {("_sipfederationtls._tcp.fabrikam.test", "SRV"): answer}))

        assert (failed.failure, failed.failure.diagnostic) == (kind, diagnostic)
        assert says in failed.sentence
        assert "fabrikam.test" in failed.sentence


@pytest.mark.parametrize(
    "plan", [like_connect_server(), DiscoveryPlan.static(Fqdn.parse("sip.fabrikam.test"), 5061, FABRIKAM)]
)
def test_a_target_without_an_address_is_no_route(plan: DiscoveryPlan) -> None:
    """R7, R28, R41."""
    failed = failure(ask(plan, srv(SIP)))

    assert (failed.failure, failed.failure.diagnostic) == (DiscoveryFailure.NO_ADDRESS, 1014)
    assert "sip.fabrikam.test" in failed.sentence


@pytest.mark.parametrize("status", ["servfail", "refused", "timeout", "formerr"])
def test_a_name_server_that_fails_is_told_from_a_missing_address(status: Status) -> None:
    failed = failure(ask(like_connect_server(), srv(SIP) | {("sip.fabrikam.test", "A"): Answer(status)}))

    assert (failed.failure, failed.failure.diagnostic) == (DiscoveryFailure.ADDRESS_DNS_ERROR, 1014)
    assert f"A sip.fabrikam.test ended with {status}" in failed.sentence


def test_one_family_of_addresses_is_enough_even_when_the_other_question_fails() -> None:
    """F1.23."""
    name = "sip.fabrikam.test"
    only_v6 = srv(SIP) | aaaa(name, "2001:db8::1")
    v4_and_failure = srv(SIP) | a(name, "192.0.2.1") | {(name, "AAAA"): Answer("timeout")}

    assert route(ask(like_connect_server(), only_v6)) == ["sip.fabrikam.test 2001:db8::1 5061"]
    assert route(ask(like_connect_server(), v4_and_failure)) == ["sip.fabrikam.test 192.0.2.1 5061"]


@pytest.mark.parametrize("target", ["sip.contoso.test", "a.sip.fabrikam.test", "notfabrikam.test", "test"])
def test_skype_refuses_a_target_outside_the_domain_and_the_connect_server_does_not(target: str) -> None:
    """R9 and 1009 for the one, fact 3 of section 0 for the other."""
    zone = srv(replace(SIP, target=target + ".")) | a(target, "192.0.2.1")

    failed = failure(ask(like_skype(), zone))
    assert (failed.failure, failed.failure.diagnostic) == (DiscoveryFailure.NO_MATCHING_SRV, 1009)
    assert failed.targets == (f"{target}:5061",)
    assert target in failed.sentence
    assert "sip.fabrikam.test" in failed.sentence, "the sentence says what would do"

    assert route(ask(like_connect_server(), zone)) == [f"{target} 192.0.2.1 5061"]


def test_the_servers_of_a_domain_are_known_before_their_addresses() -> None:
    """On an inbound connection only their names matter (fact 2 of section 0)."""
    plan = like_skype()
    assert servers(plan) == []
    plan.answer(plan.open_questions[0], Answer("noerror", (SIP, replace(SIP, target="sip.contoso.test"))))

    assert servers(plan) == ["sip.fabrikam.test"]
    assert servers(like_static("edge.contoso.test")) == ["edge.contoso.test"]


def test_skype_asks_for_no_address_of_a_target_that_the_rule_refuses() -> None:
    plan = like_skype()
    plan.answer(plan.open_questions[0], Answer("noerror", (replace(SIP, target="sip.contoso.test"),)))

    assert plan.open_questions == ()


def test_a_hosting_provider_is_exempt_from_the_name_rule() -> None:
    """Every Teams domain points to sipfed.online.lync.com (F3.1, C9)."""
    zone = srv(TEAMS) | a("sipfed.online.lync.com", "192.0.2.5")

    assert route(ask(like_skype(), zone)) == ["sipfed.online.lync.com 192.0.2.5 5061"]
    strict = DiscoveryPlan.open(FABRIKAM, name_rule=True)
    assert failure(ask(strict, zone)).failure is DiscoveryFailure.NO_MATCHING_SRV


def test_the_own_name_of_the_domain_can_be_refused_too() -> None:
    """C15."""
    zone = srv(replace(SIP, target="fabrikam.test")) | a("fabrikam.test", "192.0.2.1")

    assert route(ask(like_skype(), zone)) == ["fabrikam.test 192.0.2.1 5061"]
    strict = DiscoveryPlan.open(FABRIKAM, DiscoveryRules(name_rule=True, equal_ok=False))
    assert failure(ask(strict, zone)).failure is DiscoveryFailure.NO_MATCHING_SRV


def test_one_matching_target_is_enough_in_whatever_order_the_records_come() -> None:
    """F1.13, P13: priority decides the order of connections, not the verdict of the rule."""
    records = [
        SrvRecord(0, 5, 5061, "sip.contoso.test."),
        SrvRecord(5, 0, 5061, "_bad."),
        SrvRecord(10, 0, 5062, "sip.fabrikam.test."),
        SrvRecord(20, 0, 0, "."),
    ]
    for order in permutations(records):
        plan = like_skype()
        assert route(ask(plan, srv(*order) | a("sip.fabrikam.test", "192.0.2.1"))) == [
            "sip.fabrikam.test 192.0.2.1 5062"
        ]
        assert len(plan.unused) == 2
        assert any("sip.contoso.test" in sentence for sentence in plan.unused)


def test_several_refused_targets_are_all_listed_and_the_sentence_stays_short() -> None:
    hosts = [f"sip{number}.contoso.test" for number in range(200)]
    failed = failure(ask(like_skype(), srv(*(SrvRecord(0, 0, 5061, host) for host in hosts))))

    assert len(failed.targets) == MAX_TARGETS
    assert "199 more" in failed.sentence
    assert len(failed.sentence) < 300


def test_the_lowest_priority_comes_first_and_every_target_is_tried() -> None:
    """RFC 2782, C19."""
    zone = srv(SrvRecord(20, 9, 5061, "b.fabrikam.test"), SrvRecord(10, 0, 5062, "a.fabrikam.test"))
    zone |= a("a.fabrikam.test", "192.0.2.1", "192.0.2.2") | a("b.fabrikam.test", "192.0.2.3")

    assert route(ask(like_connect_server(), zone)) == [
        "a.fabrikam.test 192.0.2.1 5062",
        "a.fabrikam.test 192.0.2.2 5062",
        "b.fabrikam.test 192.0.2.3 5061",
    ]


def test_a_target_without_address_is_passed_over_for_the_next() -> None:
    zone = srv(SrvRecord(0, 0, 5061, "a.fabrikam.test"), SrvRecord(1, 0, 5061, "b.fabrikam.test"))

    assert route(ask(like_connect_server(), zone | a("b.fabrikam.test", "192.0.2.3"))) == [
        "b.fabrikam.test 192.0.2.3 5061"
    ]


def first_choices(*weights: int, draws: int = 4000) -> Counter[str]:
    rng = random.Random(7)
    records = [SrvRecord(0, weight, 5061, f"w{index}.fabrikam.test") for index, weight in enumerate(weights)]
    chosen: Counter[str] = Counter()
    for _ in range(draws):
        plan = DiscoveryPlan.open(FABRIKAM, name_rule=True, rng=rng)
        plan.answer(plan.open_questions[0], Answer("noerror", tuple(records)))
        chosen[plan.open_questions[0].name.split(".")[0]] += 1
    return chosen


def test_the_weight_is_the_share_of_first_choices() -> None:
    """The seed is fixed, so the counts are too; the bounds are about five standard deviations."""
    assert 2860 < first_choices(3, 1)["w0"] < 3140


def test_records_of_weight_zero_share_evenly_among_themselves_and_get_little_beside_others() -> None:
    """RFC 2782: a very small chance, which is not none."""
    assert 1840 < first_choices(0, 0)["w0"] < 2160
    assert 10 < first_choices(0, 100)["w0"] < 80


def test_the_same_seed_makes_the_same_choices_in_whatever_order_the_records_come() -> None:
    records = [SrvRecord(0, weight, 5061, f"w{weight}.fabrikam.test") for weight in (0, 1, 2, 3)]
    addresses = {key: value for record in records for key, value in a(record.target, "192.0.2.1").items()}

    assert len({tuple(route(ask(like_skype(), srv(*order) | addresses))) for order in permutations(records)}) == 1


def test_a_host_is_looked_up_once_however_often_it_is_named() -> None:
    plan = like_connect_server()
    names = ("sip.fabrikam.test", "SIP.Fabrikam.test.")
    records = [SrvRecord(0, 0, 5061, names[0]), SrvRecord(0, 0, 5061, names[1]), SrvRecord(1, 0, 443, names[0])]
    plan.answer(plan.open_questions[0], Answer("noerror", tuple(records)))
    assert len(plan.open_questions) == 2

    assert route(ask(plan, a("sip.fabrikam.test", "192.0.2.1"))) == [
        "sip.fabrikam.test 192.0.2.1 5061",
        "sip.fabrikam.test 192.0.2.1 443",
    ]


def test_no_zone_makes_us_ask_without_end() -> None:
    plan = like_connect_server()
    records = tuple(SrvRecord(number, 0, 5061, f"s{number}.fabrikam.test") for number in range(1000))
    plan.answer(plan.open_questions[0], Answer("noerror", records))

    assert {question.name for question in plan.open_questions} == {f"s{n}.fabrikam.test" for n in range(MAX_TARGETS)}
    assert "1000 SRV targets" in plan.unused[-1]


def test_an_internationalised_target_is_looked_up_by_its_a_label() -> None:
    plan = DiscoveryPlan.open(SipDomain.parse("bücher.example"), name_rule=True)
    assert plan.open_questions[0].name == "_sipfederationtls._tcp.xn--bcher-kva.example"
    plan.answer(plan.open_questions[0], Answer("noerror", (replace(SIP, target="SIP.XN--BCHER-KVA.example."),)))

    assert plan.open_questions[0].name == "sip.xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("question", "record"),
    [
        (Question("_sipfederationtls._tcp.fabrikam.test", "SRV"), "192.0.2.1"),
        (Question("sip.fabrikam.test", "A"), SIP),
        (Question("sip.fabrikam.test", "A"), "2001:db8::1"),
        (Question("sip.fabrikam.test", "AAAA"), "192.0.2.1"),
        (Question("sip.fabrikam.test", "A"), "sip.fabrikam.test"),
    ],
)
def test_a_record_of_another_type_is_a_fault_of_the_driver(question: Question, record: SrvRecord | str) -> None:
    plan = like_connect_server()
    if question.type != "SRV":
        plan.answer(plan.open_questions[0], Answer("noerror", (SIP,)))

    with pytest.raises(ValueError, match=re.escape(str(record))):
        plan.answer(question, Answer("noerror", (record,)))
    assert question in plan.open_questions, "it can still be answered rightly"


def test_an_answer_to_what_was_not_asked_is_a_fault_of_the_driver() -> None:
    plan = like_connect_server()
    plan.answer(plan.open_questions[0], Answer("nxdomain"))

    for question in (Question("_sipfederationtls._tcp.fabrikam.test", "SRV"), Question("sip.fabrikam.test", "A")):
        with pytest.raises(LocalProtocolError, match="not an open question"):
            plan.answer(question, Answer("nodata"))


# -- the switches -----------------------------------------------------------------------------------------------


def by(rules: DiscoveryRules, *records: SrvRecord) -> DiscoveryPlan:
    """A plan by these rules, its SRV question answered."""
    plan = DiscoveryPlan.open(FABRIKAM, rules, rng=random.Random(1))
    plan.answer(plan.open_questions[0], Answer("noerror", records))
    return plan


ALL_HOSTS = {
    key: value
    for letter, number in (("a", 1), ("b", 2), ("c", 3), ("d", 4))
    for key, value in a(f"{letter}.fabrikam.test", f"192.0.2.{number}").items()
}


def test_the_defaults_are_those_of_a_product_that_takes_what_rfc_2782_allows() -> None:
    """What the Connect Server does; Skype for Business differs in the name rule and its hosting providers alone."""
    providers = frozenset({Fqdn.parse("sipfed.online.lync.com")})

    assert DiscoveryRules() == CONNECT_SERVER
    assert replace(CONNECT_SERVER, name_rule=True, hosting_providers=providers) == S4B


def test_another_port_is_honoured_or_refused() -> None:
    """F1.16: no source says what Skype for Business does."""
    other = SrvRecord(0, 0, 5062, "a.fabrikam.test")
    usual = SrvRecord(1, 0, 5061, "b.fabrikam.test")
    strict = DiscoveryRules(srv_port="5061")

    assert route(ask(by(DiscoveryRules(), other), ALL_HOSTS)) == ["a.fabrikam.test 192.0.2.1 5062"]
    assert route(ask(by(strict, other, usual), ALL_HOSTS)) == ["b.fabrikam.test 192.0.2.2 5061"]
    failed = failure(ask(by(strict, other), ALL_HOSTS))
    assert (failed.failure, failed.failure.diagnostic) == (DiscoveryFailure.OTHER_PORT, None)
    assert "5062" in failed.sentence
    assert failed.targets == ("a.fabrikam.test:5062",)


def test_a_name_that_does_not_match_is_named_before_a_port_that_does_not() -> None:
    strict = replace(S4B, srv_port="5061")

    refused = by(strict, SrvRecord(0, 0, 5062, "sip.contoso.test"))
    assert failure(refused.result).failure is DiscoveryFailure.NO_MATCHING_SRV
    mixed = by(strict, SrvRecord(0, 0, 5061, "sip.contoso.test"), SrvRecord(0, 0, 5062, "sip.fabrikam.test"))
    assert failure(mixed.result).failure is DiscoveryFailure.OTHER_PORT
    assert len(mixed.unused) == 2


@pytest.mark.parametrize(
    ("failover", "tried"),
    [("all", {"a", "b", "c", "d"}), ("group", {"a", "b"}), ("best", {"b"})],
)
def test_failover_goes_to_every_target_to_the_best_group_or_nowhere(
    failover: Literal["all", "group", "best"], tried: set[str]
) -> None:
    """F1.17: two documents of Microsoft contradict each other."""
    records = (
        SrvRecord(10, 0, 5061, "a.fabrikam.test"),
        SrvRecord(10, 60000, 5061, "b.fabrikam.test"),
        SrvRecord(20, 0, 5061, "c.fabrikam.test"),
        SrvRecord(30, 0, 5061, "d.fabrikam.test"),
    )
    plan = by(DiscoveryRules(failover=failover), *records)

    assert {question.name[0] for question in plan.open_questions} == tried, "nobody else's address is asked for"
    assert {line[0] for line in route(ask(plan, ALL_HOSTS))} == tried
    assert len(plan.unused) == 4 - len(tried)
    assert {name[0] for name in servers(plan)} == {"a", "b", "c", "d"}, "each of them may still speak for the domain"


def test_the_best_target_alone_is_tried_at_each_of_its_addresses() -> None:
    """F1.18: what all sources agree on is one target with several addresses."""
    zone = a("a.fabrikam.test", "192.0.2.1", "192.0.2.2") | a("b.fabrikam.test", "192.0.2.3")
    records = SrvRecord(0, 0, 5061, "a.fabrikam.test"), SrvRecord(1, 0, 5061, "b.fabrikam.test")

    assert route(ask(by(DiscoveryRules(failover="best"), *records), zone)) == [
        "a.fabrikam.test 192.0.2.1 5061",
        "a.fabrikam.test 192.0.2.2 5061",
    ]
    nowhere = ask(by(DiscoveryRules(failover="best"), *records), a("b.fabrikam.test", "192.0.2.3"))
    assert failure(nowhere).failure is DiscoveryFailure.NO_ADDRESS
    assert "b.fabrikam.test" not in failure(nowhere).sentence


def aliased(name: str, address: str = "192.0.2.7") -> dict[tuple[str, str], Answer]:
    return {
        (name, "A"): Answer("noerror", (address,), alias="real.hoster.test"),
        (name, "AAAA"): Answer("nodata", alias="real.hoster.test"),
    }


def test_a_target_that_is_an_alias_is_followed_or_refused() -> None:
    """F1.20: no source says what Skype for Business does. Followed, the certificate must hold the SRV target."""
    followed = by(DiscoveryRules(), SIP)
    assert route(ask(followed, aliased("sip.fabrikam.test"))) == ["sip.fabrikam.test 192.0.2.7 5061"]
    assert servers(followed) == ["sip.fabrikam.test"]
    assert followed.aliases == {"sip.fabrikam.test": "real.hoster.test"}

    refused = failure(ask(by(DiscoveryRules(follow_cname=False), SIP), aliased("sip.fabrikam.test")))
    assert (refused.failure, refused.failure.diagnostic) == (DiscoveryFailure.ALIAS_TARGET, None)
    assert "sip.fabrikam.test is an alias of real.hoster.test" in refused.sentence


def test_an_alias_is_passed_over_for_a_target_that_is_none() -> None:
    strict = DiscoveryRules(follow_cname=False)
    records = SIP, SrvRecord(5, 0, 5061, "b.fabrikam.test")

    assert route(ask(by(strict, *records), aliased("sip.fabrikam.test") | ALL_HOSTS)) == [
        "b.fabrikam.test 192.0.2.2 5061"
    ]
    unknown = aliased("sip.fabrikam.test") | {("b.fabrikam.test", "A"): Answer("timeout")}
    assert failure(ask(by(strict, *records), unknown)).failure is DiscoveryFailure.ADDRESS_DNS_ERROR
    unclear = aliased("sip.fabrikam.test") | {("sip.fabrikam.test", "AAAA"): Answer("timeout")}
    assert failure(ask(by(strict, SIP), unclear)).failure is DiscoveryFailure.ALIAS_TARGET, "no address could change it"


def test_the_host_of_a_static_route_may_be_an_alias() -> None:
    """RFC 2782 speaks of SRV targets only."""
    plan = DiscoveryPlan.static(Fqdn.parse("sip.x.test"), 5062, FABRIKAM, DiscoveryRules(follow_cname=False))

    assert route(ask(plan, aliased("sip.x.test"))) == ["sip.x.test 192.0.2.7 5062"]


@pytest.mark.parametrize(
    ("families", "addresses"),
    [
        (("A", "AAAA"), ["192.0.2.1", "2001:db8::1"]),
        (("AAAA", "A"), ["2001:db8::1", "192.0.2.1"]),
        (("A",), ["192.0.2.1"]),
        (("AAAA",), ["2001:db8::1"]),
    ],
)
def test_addresses_are_used_in_the_order_of_their_families(
    families: tuple[Literal["A", "AAAA"], ...], addresses: list[str]
) -> None:
    """F1.23."""
    rules = DiscoveryRules(families=families)
    zone = a("sip.fabrikam.test", "192.0.2.1") | aaaa("sip.fabrikam.test", "2001:db8::1")
    wanted = [f"sip.fabrikam.test {address} 5061" for address in addresses]

    assert route(ask(by(rules, SIP), zone)) == wanted
    assert route(ask(DiscoveryPlan.static(Fqdn.parse("sip.fabrikam.test"), 5061, FABRIKAM, rules), zone)) == wanted
    assert f"no {' or '.join(families)} record" in failure(ask(by(rules, SIP), {})).sentence


@pytest.mark.parametrize("families", [(), ("A", "A")])
def test_families_are_one_or_both(families: tuple[Literal["A", "AAAA"], ...]) -> None:
    with pytest.raises(ValueError, match="families"):
        DiscoveryRules(families=families)


def test_a_failure_says_which_question_decided() -> None:
    no_srv = failure(ask(like_skype(), {}))
    assert (no_srv.domain, no_srv.asked, no_srv.said) == (FABRIKAM, Question(FABRIKAM.srv_name, "SRV"), "nodata")

    zone = srv(SIP) | {("sip.fabrikam.test", "AAAA"): Answer("servfail")}
    no_address = failure(ask(like_skype(), zone))
    assert (no_address.asked, no_address.said) == (Question("sip.fabrikam.test", "AAAA"), "servfail")


def test_a_seed_in_the_rules_makes_every_plan_choose_alike() -> None:
    records = tuple(SrvRecord(0, 1, 5061, f"w{number}.fabrikam.test") for number in range(8))

    def order(rules: DiscoveryRules) -> list[str]:
        plan = DiscoveryPlan.open(FABRIKAM, rules)
        plan.answer(plan.open_questions[0], Answer("noerror", records))
        return servers(plan)

    assert order(DiscoveryRules(seed=3)) == order(DiscoveryRules(seed=3))
    assert len({tuple(order(DiscoveryRules(seed=seed))) for seed in range(20)}) > 10


def test_the_name_rule_can_be_switched_for_one_plan() -> None:
    plan = DiscoveryPlan.open(FABRIKAM, S4B, name_rule=False)

    assert plan.rules == replace(S4B, name_rule=False)


def chi_squared(counts: Counter[str], weights: Mapping[str, int], draws: int) -> float:
    total = sum(weights.values())
    return sum(
        (counts[name] - draws * weight / total) ** 2 / (draws * weight / total) for name, weight in weights.items()
    )


def test_the_weighted_choice_is_distributed_as_the_weights_say_at_the_first_place_and_at_the_second() -> None:
    """RFC 2782; the seed is fixed, and the bounds are what chance passes once in 100,000 times (3 and 2 degrees)."""
    weights = {"w1": 1, "w2": 2, "w5": 5, "w12": 12}
    records = tuple(SrvRecord(0, weight, 5061, f"{name}.fabrikam.test") for name, weight in weights.items())
    rng, draws = random.Random(2782), 4000
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for _ in range(draws):
        plan = DiscoveryPlan.open(FABRIKAM, rng=rng)
        plan.answer(plan.open_questions[0], Answer("noerror", records))
        order = [name.split(".")[0] for name in servers(plan)]
        first[order[0]] += 1
        if order[0] == "w12":
            second[order[1]] += 1

    assert chi_squared(first, weights, draws) < 25.9
    assert chi_squared(second, {"w1": 1, "w2": 2, "w5": 5}, second.total()) < 23.1

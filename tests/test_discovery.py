"""From a domain to addresses, as Skype for Business and the Connect Server do it (R27-R42, RFC 2782)."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import permutations

import pytest

from simulator.discovery import (
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

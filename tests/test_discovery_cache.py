"""What a resolver remembers of the DNS, and for how long (RFC 2308, F1.6)."""

from __future__ import annotations

import pytest

from simulator.discovery import Answer, AnswerCache, CacheRules, Question, SrvRecord, Status

SRV = Question("_sipfederationtls._tcp.fabrikam.test", "SRV")
SIP = SrvRecord(0, 0, 5061, "sip.fabrikam.test")
FOUND = Answer("noerror", (SIP,), ttl=60.0)


def kept_for(answer: Answer, rules: CacheRules) -> float:
    """Seconds after which the cache has forgotten the answer, to half a second."""
    steps = (step / 2 for step in range(1, 1_000_000))
    cache = AnswerCache(rules)
    cache.put(SRV, answer, 1000.0)
    return next(step for step in steps if cache.get(SRV, 1000.0 + step) is None) if len(cache) else 0.0


def test_an_answer_is_kept_for_its_ttl_and_not_a_moment_longer() -> None:
    cache = AnswerCache()
    assert cache.get(SRV, 1000.0) is None
    cache.put(SRV, FOUND, 1000.0)

    assert cache.get(SRV, 1000.0) == FOUND
    assert cache.get(SRV, 1045.0) == Answer("noerror", (SIP,), ttl=15.0)
    assert cache.get(SRV, 1060.0) is None
    assert len(cache) == 0


def test_the_answer_to_another_type_is_another_answer_and_another_spelling_the_same() -> None:
    cache = AnswerCache()
    cache.put(Question("SIP.Fabrikam.test.", "A"), Answer("noerror", ("192.0.2.1",), ttl=5.0), 0.0)

    assert cache.get(Question("sip.fabrikam.test", "A"), 0.0) is not None
    assert cache.get(Question("sip.fabrikam.test", "AAAA"), 0.0) is None


@pytest.mark.parametrize(
    ("answer", "rules", "seconds"),
    [
        (FOUND, CacheRules(), 60.0),
        (FOUND, CacheRules(longest=30.0), 30.0),
        (FOUND, CacheRules(shortest=90.0), 90.0),
        (FOUND, CacheRules(longest_negative=5.0, failures=5.0), 60.0),
        (Answer("noerror", (SIP,), ttl=0.0), CacheRules(), 0.0),
        (Answer("noerror", (SIP,), ttl=0.0), CacheRules(shortest=10.0), 10.0),
        (Answer("noerror", (SIP,)), CacheRules(), 0.0),
        (Answer("noerror", (SIP,), ttl=10.0**9), CacheRules(), 86400.0),
        (Answer("nxdomain", ttl=20.0), CacheRules(), 20.0),
        (Answer("nodata", ttl=20.0), CacheRules(longest=5.0, shortest=4.0), 20.0),
        (Answer("nodata", ttl=20.0), CacheRules(longest_negative=15.0), 15.0),
        (Answer("noerror", ttl=20.0), CacheRules(longest_negative=15.0), 15.0),
        (Answer("nxdomain"), CacheRules(shortest=10.0), 0.0),
    ],
    ids=str,
)
def test_the_bounds_of_the_rules_are_kept_for_answers_and_negative_answers(
    answer: Answer, rules: CacheRules, seconds: float
) -> None:
    assert kept_for(answer, rules) == seconds


@pytest.mark.parametrize("status", ["servfail", "refused", "formerr", "timeout"])
def test_a_failure_is_kept_only_where_the_rules_say_so(status: Status) -> None:
    assert kept_for(Answer(status, ttl=60.0), CacheRules()) == 0.0
    assert kept_for(Answer(status), CacheRules(failures=30.0)) == 30.0


def test_a_newer_answer_takes_the_place_of_the_older_even_when_it_is_not_kept() -> None:
    cache = AnswerCache()
    cache.put(SRV, FOUND, 0.0)
    cache.put(SRV, Answer("nxdomain", ttl=100.0), 1.0)
    assert cache.get(SRV, 61.0) == Answer("nxdomain", ttl=40.0)

    cache.put(SRV, Answer("servfail"), 2.0)
    assert cache.get(SRV, 2.0) is None


def test_a_full_cache_forgets_what_it_would_forget_next() -> None:
    cache = AnswerCache(CacheRules(capacity=2))
    hosts = [Question(f"{letter}.test", "A") for letter in "abc"]
    for host, ttl in zip(hosts, (50.0, 10.0, 30.0), strict=True):
        cache.put(host, Answer("noerror", ("192.0.2.1",), ttl=ttl), 0.0)

    assert len(cache) == 2
    assert [cache.get(host, 0.0) is not None for host in hosts] == [True, False, True]


def test_a_cleared_cache_knows_nothing() -> None:
    cache = AnswerCache()
    cache.put(SRV, FOUND, 0.0)
    cache.clear()

    assert cache.get(SRV, 0.0) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": 0},
        {"shortest": -1.0},
        {"shortest": 20.0, "longest": 10.0},
        {"longest_negative": -1.0},
        {"failures": -1.0},
    ],
    ids=str,
)
def test_rules_that_contradict_themselves_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cache"):
        CacheRules(**wrong)  # type: ignore[arg-type]

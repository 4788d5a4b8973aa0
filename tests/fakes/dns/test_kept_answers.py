"""Answers that were given before are given again, and never when something has changed."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import dns.message
import dns.query
import pytest

from fakes.dns import Zone, ZoneSet, running
from fakes.dns.answers import Answers

NAME = "sip.x.test"


def query(name: str = NAME, id_: int = 7, **options: object) -> bytes:
    return dns.message.make_query(name, "A", id=id_, **options).to_wire()  # type: ignore[arg-type] # checked there


def texts(zones: ZoneSet, wire: bytes) -> list[str]:
    reply = zones.respond(wire, transport="udp")
    assert reply is not None
    return [str(record.value) for record in reply.answers] or [reply.rcode.name]


@pytest.fixture
def zones() -> ZoneSet:
    return ZoneSet([Zone("x.test").a("sip", "127.0.0.1")])


def test_the_second_asker_gets_the_same_with_its_own_id(zones: ZoneSet) -> None:
    first = zones.respond(query(id_=1), transport="udp")
    second = zones.respond(query(id_=0xABCD), transport="udp")

    assert first is not None
    assert second is not None
    assert second.answers is first.answers
    assert (first.wire[:2], second.wire[:2]) == (b"\0\1", b"\xab\xcd")
    assert first.wire[2:] == second.wire[2:]
    assert second.question is not None
    assert second.question.id == 0xABCD
    assert zones.answer(query(id_=5), transport="udp") == b"\0\5" + first.wire[2:]


@pytest.mark.parametrize(
    "other",
    [
        query("SIP.x.test"),
        query(use_edns=0),
        query(use_edns=0, payload=4096),
        query(use_edns=0, ednsflags=0x8000),
        query(flags=0),
        query(flags=0x0110),
    ],
    ids=["letter case", "EDNS", "payload", "DO", "RD", "CD"],
)
def test_whatever_differs_in_the_query_comes_back_as_it_was(zones: ZoneSet, other: bytes) -> None:
    fresh = ZoneSet([Zone("x.test").a("sip", "127.0.0.1")]).answer(other, transport="udp")
    zones.answer(query(), transport="udp")

    assert zones.answer(other, transport="udp") == fresh
    assert zones.answer(other, transport="udp") == fresh


def test_the_transports_do_not_share_answers() -> None:
    zones = ZoneSet([Zone("x.test").a("sip", *(f"127.0.1.{host}" for host in range(100)))])

    assert texts(zones, query()) == ["NOERROR"]  # cut short
    reply = zones.respond(query(), transport="tcp")
    assert reply is not None
    assert len(reply.answers) == 100
    assert texts(zones, query()) == ["NOERROR"]


class TestChanges:
    """Whoever changes something has the change in the next answer."""

    def test_of_every_kind_show_at_once(self, zones: ZoneSet) -> None:
        assert texts(zones, query()) == ["127.0.0.1"]
        with zones.edit("x.test") as zone:
            zone.a("sip", "127.0.0.2")
        assert texts(zones, query()) == ["127.0.0.1", "127.0.0.2"]
        zones.replace_zone(Zone("x.test").a("sip", "127.0.0.3"))
        assert texts(zones, query()) == ["127.0.0.3"]
        zones.add_zone(Zone("sip.x.test").a("@", "127.0.0.4"))
        assert texts(zones, query()) == ["127.0.0.4"]
        zones.remove_zone("sip.x.test")
        assert texts(zones, query()) == ["127.0.0.3"]
        zones.remove_zone("x.test")
        assert texts(zones, query()) == ["REFUSED"]

    def test_of_another_zone_show_where_an_alias_leads_there(self) -> None:
        zones = ZoneSet([Zone("x.test").alias("sip", "y.test"), Zone("y.test").a("@", "127.0.0.1")])
        assert texts(zones, query()) == ["127.0.0.1"]
        with zones.edit("y.test") as zone:
            zone.remove("@", "A").a("@", "127.0.0.2")

        assert texts(zones, query()) == ["127.0.0.2"]

    def test_of_several_zones_are_one_step(self) -> None:
        """Two zones that belong together are always of one version, whoever asks meanwhile."""

        def version(number: int) -> list[Zone]:
            return [Zone("x.test").cname("sip", f"v{number}.y.test"), Zone("y.test").a(f"v{number}", "127.0.0.1")]

        zones = ZoneSet(version(0))

        def ask() -> set[str]:
            return {texts(zones, query())[-1] for _ in range(2000)}

        with ThreadPoolExecutor(2) as threads:
            asking = threads.submit(ask)
            for number in range(300):
                zones.replace_zones(version(number % 2))
            assert asking.result() == {"127.0.0.1"}

    def test_of_faults_show_at_once(self, zones: ZoneSet) -> None:
        def asked(port: int) -> str:
            reply = dns.query.udp(dns.message.make_query(NAME, "A"), "127.0.0.1", port=port, timeout=5)
            return reply.rcode().name

        with running(zones) as server:
            assert asked(server.port) == asked(server.port) == "NOERROR"
            server.fault(NAME, "servfail")
            assert asked(server.port) == asked(server.port) == "SERVFAIL"
            server.fault(NAME, "refused", "A")
            assert asked(server.port) == "REFUSED"
            server.clear_faults()
            assert asked(server.port) == asked(server.port) == "NOERROR"


class TestBounds:
    def test_many_names_do_not_fill_the_memory(self, zones: ZoneSet) -> None:
        answers = Answers(zones.published, max_kept=50)
        most = 0
        for number in range(220):
            answers.to(query(f"n{number}.x.test"), "udp")
            most = max(most, answers.kept[0])

        assert (most, answers.kept[0]) == (50, 20)

    def test_large_answers_do_not_either(self) -> None:
        zones = ZoneSet([Zone("x.test").a("*", *(f"127.0.1.{number}" for number in range(100)))])
        answers, sizes = Answers(zones.published, max_octets=20_000), []
        for number in range(40):
            answers.to(query(f"n{number}.x.test"), "tcp")
            sizes.append(answers.kept[1])

        assert 15_000 < max(sizes) <= 20_000
        assert min(sizes[-12:]) < 5_000

    def test_long_queries_are_answered_and_not_kept(self, zones: ZoneSet) -> None:
        answers = Answers(zones.published)
        kept = answers.to(query(use_edns=0, pad=600), "udp")

        assert kept is not None
        assert len(kept.reply.answers) == 1
        assert answers.kept == (0, 0)

    def test_unreadable_queries_are_not_kept(self, zones: ZoneSet) -> None:
        answers, chance = Answers(zones.published), random.Random(1)
        for _ in range(100):
            answers.to(query()[:12] + chance.randbytes(20), "udp")

        assert answers.kept == (0, 0)

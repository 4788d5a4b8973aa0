"""Waiting for queries and being sure of them; failures that say what came in their place."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dns.asyncquery
import dns.exception
import dns.message
import dns.query
import pytest

from fakes import FakeError
from fakes.dns import DnsServer, QueryNotSeen, Transport, Zone, ZoneSet, running

SRV_NAME = "_sipfederationtls._tcp.x.test"
ZONES = ZoneSet([Zone("x.test").srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.x.test").a("sip", "127.0.0.1")])


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with running(ZONES) as server:
        yield server


def ask(
    server: DnsServer, name: str, type_: str = "A", over: Transport = "udp", source: str | None = None
) -> dns.message.Message:
    send = dns.query.udp if over == "udp" else dns.query.tcp
    return send(dns.message.make_query(name, type_), server.address, port=server.port, source=source, timeout=5)


class TestWaiting:
    def test_a_query_that_has_come_counts(self, server: DnsServer) -> None:
        ask(server, SRV_NAME.upper(), "SRV")
        query = server.expect_query(SRV_NAME, "SRV", transport="udp", client="127.0.0.1")

        assert (query.name, query.type, query.address) == (SRV_NAME, "SRV", "127.0.0.1")
        assert query.answers == (f"{SRV_NAME.upper()}. 5 IN SRV 0 0 5061 sip.x.test.",)

    def test_a_query_that_is_still_to_come_ends_the_wait(self, server: DnsServer) -> None:
        waiting = threading.Event()

        def ask_when_somebody_waits() -> None:
            waiting.wait(5)
            for name in ("other.x.test", "sip.x.test"):
                ask(server, name)

        with ThreadPoolExecutor(1) as other:
            asking = other.submit(ask_when_somebody_waits)
            waiting.set()
            assert server.expect_query("sip.x.test").name == "sip.x.test"
            asking.result()

    def test_a_loop_may_wait_whichever_it_is(self, server: DnsServer) -> None:
        async def test() -> str:
            waiting = asyncio.create_task(server.wait_for_query("sip.x.test", "A", count=2))
            await asyncio.sleep(0)
            for _ in range(2):
                await dns.asyncquery.udp(
                    dns.message.make_query("sip.x.test", "A"), server.address, port=server.port, timeout=5
                )
            return (await waiting).type

        assert asyncio.run(test()) == "A"

    def test_the_server_may_wait_on_its_own_loop(self) -> None:
        async def test() -> None:
            async with DnsServer(ZONES) as server:
                waiting = asyncio.create_task(server.wait_for_query("sip.x.test"))
                await asyncio.sleep(0)
                message = dns.message.make_query("sip.x.test", "A")
                await dns.asyncquery.udp(message, server.address, port=server.port, timeout=5)
                assert (await waiting).name == "sip.x.test"

        asyncio.run(test())

    def test_only_what_comes_after_a_mark_counts(self, server: DnsServer) -> None:
        ask(server, "sip.x.test")
        mark = server.query_count
        with pytest.raises(QueryNotSeen, match="within 0 s"):
            server.expect_query("sip.x.test", since=mark, timeout=0)
        ask(server, "sip.x.test", "AAAA")

        assert server.expect_query("sip.x.test", since=mark).type == "AAAA"
        assert mark == 1

    def test_the_second_one_can_be_waited_for(self, server: DnsServer) -> None:
        ask(server, "sip.x.test", "A")
        with pytest.raises(QueryNotSeen, match=r"not asked for any type of sip\.x\.test 2 times .*; it was asked once"):
            server.expect_query("sip.x.test", count=2, timeout=0)
        ask(server, "sip.x.test", "AAAA")
        assert server.expect_query("sip.x.test", count=2).type == "AAAA"

    def test_a_query_that_was_not_answered_counts_too(self, server: DnsServer) -> None:
        server.fault("sip.x.test", "no-answer", times=1)
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(dns.message.make_query("sip.x.test", "A"), server.address, port=server.port, timeout=0.05)

        assert server.expect_query("sip.x.test").fault == "no-answer"

    def test_who_gave_up_waiting_is_forgotten(self, server: DnsServer) -> None:
        with pytest.raises(QueryNotSeen):
            server.expect_query("sip.x.test", timeout=0)
        with pytest.raises(QueryNotSeen):
            asyncio.run(server.wait_for_query("sip.x.test", timeout=0))

        assert server._history._waiters == []

    def test_many_queries_from_many_threads_are_all_counted(self, server: DnsServer) -> None:
        with ThreadPoolExecutor(4) as askers:
            waiting = askers.submit(server.expect_query, "sip.x.test", count=60)
            for _ in range(3):
                askers.submit(lambda: [ask(server, "sip.x.test") for _ in range(20)])
            assert waiting.result().name == "sip.x.test"
        assert server.query_count == 60
        assert len(server.must_have_been_asked("sip.x.test", times=60)) == 60


class TestCertainty:
    def test_what_was_asked_comes_back(self, server: DnsServer) -> None:
        ask(server, "sip.x.test")
        ask(server, "sip.x.test", over="tcp")

        assert [query.transport for query in server.must_have_been_asked("sip.x.test")] == ["udp", "tcp"]
        assert len(server.must_have_been_asked("sip.x.test", transport="tcp", times=1)) == 1
        assert server.must_have_been_asked("sip.x.test", since=1)[0].transport == "tcp"
        server.must_not_have_been_asked("sip.x.test", "AAAA")
        server.must_not_have_been_asked("sip.x.test", client="127.0.0.2")

    @pytest.mark.usefixtures("many_addresses")
    def test_a_failure_names_the_near_misses_the_nearest_first(self, server: DnsServer) -> None:
        ask(server, "unrelated.test")
        ask(server, SRV_NAME, "TXT", source="127.0.0.7")
        ask(server, SRV_NAME, "TXT", source="127.0.0.7")
        ask(server, "_sipfederationtls._tcp.y.test", "SRV")
        with pytest.raises(QueryNotSeen) as failure:
            server.must_have_been_asked(SRV_NAME, "SRV")

        assert str(failure.value) == (
            f"The DNS server must have been asked for SRV {SRV_NAME}; it was not. The nearest:"
            f"\n  TXT {SRV_NAME} over udp from 127.0.0.7, 2 times, answer NOERROR (other type)"
            "\n  SRV _sipfederationtls._tcp.y.test over udp from 127.0.0.1, once, answer REFUSED (other name)"
            "\n  A unrelated.test over udp from 127.0.0.1, once, answer REFUSED (other name, other type)"
        )

    def test_a_failure_does_not_show_everything(self, server: DnsServer) -> None:
        for number in range(8):
            ask(server, f"n{number}.x.test")
        with pytest.raises(QueryNotSeen, match=r"\n  and 3 more$"):
            server.must_have_been_asked("sip.x.test")

    def test_a_failure_says_when_nothing_was_asked(self, server: DnsServer) -> None:
        sentence = (
            r"must have been asked for A sip\.x\.test over tcp from 127\.0\.0\.1; it was not\. "
            r"It was asked nothing at all\.$"
        )
        with pytest.raises(QueryNotSeen, match=sentence):
            server.must_have_been_asked("sip.x.test", "A", transport="tcp", client="127.0.0.1")

    def test_a_failure_says_how_often_it_was(self, server: DnsServer) -> None:
        ask(server, "sip.x.test")
        with pytest.raises(QueryNotSeen, match=r"any type of sip\.x\.test 2 times; it was asked once\.$"):
            server.must_have_been_asked("sip.x.test", times=2)
        sentence = r"must not have been asked for any type of sip\.x\.test; it was, once:\n  127.* 5 IN A 127\.0\.0\.1$"
        with pytest.raises(QueryNotSeen, match=sentence):
            server.must_not_have_been_asked("sip.x.test")

    def test_it_is_a_failed_assertion(self) -> None:
        """So that pytest shows it as a failure of the test and not as an error."""
        assert issubclass(QueryNotSeen, AssertionError)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"name": "a..b"}, "each label has 1 to 63 characters"),
            ({"name": "a.test", "transport": "tls"}, "A transport is udp or tcp, not 'tls'"),
            ({"name": "a.test", "client": "localhost"}, "A client is given by its IP address, unlike 'localhost'"),
        ],
    )
    def test_what_cannot_be_asked_is_a_sentence(
        self, server: DnsServer, arguments: dict[str, str], sentence: str
    ) -> None:
        with pytest.raises(FakeError, match=sentence):
            server.must_have_been_asked(**arguments)  # type: ignore[arg-type] # that is the point

"""The revocation list, fetched over HTTP from where the certificate says it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from fakes.ca import PROFILES, Authority, Publisher
from fakes.dns import Zone
from simulator.doctor import Result, Step
from simulator.doctor.revocation import MAX_BODY, Revocation
from simulator.federation import Federation
from simulator.io.loop import LoopThread
from simulator.io.resolver import Resolver
from tests.doctor.conftest import Servers


class Ca:
    """A CA that publishes, apart from the one that every other test uses."""

    def __init__(self, loop: LoopThread) -> None:
        self.authority = Authority()
        self.publisher = Publisher(self.authority)
        self._loop = loop
        loop.run(self.publisher.start())

    def chain(self, profile: str) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.authority.issue("sip.crl.test", profile).chain_pem)

    def check(self, profile: str, *, limit: float = 5.0) -> Step:
        chain, root = self.chain(profile), self.authority.root
        return asyncio.run(Revocation(limit).check(chain, [root], datetime.now(UTC)))

    def close(self) -> None:
        self._loop.run(self.publisher.close())
        self.authority.close()


@pytest.fixture(scope="module")
def ca(servers_loop: LoopThread) -> Iterator[Ca]:
    made = Ca(servers_loop)
    yield made
    made.close()


def test_a_list_without_the_certificate_is_fine(ca: Ca) -> None:
    step = ca.check("dual")

    assert step.result is Result.OK
    assert step.seen[0].startswith(f"It is not revoked, says the CRL at {ca.publisher.url}/ours/fresh.crl")
    assert step.data["asked"] == [f"{ca.publisher.url}/ours/fresh.crl", f"{ca.publisher.url}/root/fresh.crl"]
    assert step.change == ""


@pytest.mark.parametrize(
    ("profile", "result", "words", "change"),
    [
        ("revoked", Result.FAILED, "was revoked on", "Get a new certificate"),
        ("ocsp-revoked", Result.FAILED, "was revoked on", "Get a new certificate"),
        ("no-crl", Result.WARNING, "names no revocation list", "CRL distribution point"),
        ("ocsp", Result.WARNING, "names no revocation list", "CRL distribution point"),
        ("crl-missing", Result.WARNING, "it answered 404", "Have the CA mend it"),
        ("crl-unreachable", Result.WARNING, "it can't be fetched", "TCP port 80"),
        ("crl-garbage", Result.WARNING, "did not give a readable CRL", "Have the CA mend it"),
        ("crl-forged", Result.WARNING, "is not signed by the issuer", "Have the CA mend it"),
        ("crl-expired", Result.WARNING, "says only what held until", "Have the CA mend it"),
    ],
)
def test_what_can_be_wrong_with_a_list(ca: Ca, profile: str, result: Result, words: str, change: str) -> None:
    step = ca.check(profile)

    assert step.result is result
    assert any(words in sentence for sentence in step.seen)
    assert change in step.change


@pytest.mark.parametrize("profile", ["wildcard", "wrong-name", "client-only", "cn-only", "rsa-1024"])
def test_what_other_steps_find_does_not_stand_in_the_way(ca: Ca, profile: str) -> None:
    assert ca.check(profile).result is Result.OK


@pytest.mark.parametrize("profile", ["untrusted", "self-signed", "expired", "sha1"])
def test_an_unsound_chain_is_not_followed_to_where_it_says(ca: Ca, profile: str) -> None:
    """What a stranger writes there may be anything."""
    asked = len(ca.publisher.history)

    step = ca.check(profile)

    assert step.result is Result.NOT_CHECKED
    assert len(ca.publisher.history) == asked


def test_a_certificate_for_a_week_needs_no_revocation(ca: Ca) -> None:
    """F2.21; the throwaway CA's default is longer than that."""
    brief = replace(PROFILES["no-crl"], lifetime=timedelta(hours=160))
    alone = Authority()
    chain = x509.load_pem_x509_certificates(alone.issue("sip.crl.test", brief).chain_pem)

    step = asyncio.run(Revocation(5.0).check(chain, [alone.root], datetime.now(UTC)))

    assert step.result is Result.OK
    assert "so short-lived" in step.seen[0]
    alone.close()


def test_a_web_server_that_never_answers_is_given_up(ca: Ca) -> None:
    step = ca.check("crl-silent", limit=0.3)

    assert step.result is Result.WARNING
    assert "it did not answer in 0.3 s" in step.seen[0]


class _Answering(asyncio.Protocol):
    """One answer for whatever is asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(self._answer)
        self._transport.close()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (f"200 OK\r\nContent-Length: {MAX_BODY + 1}", f"it sent more than {MAX_BODY} bytes"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0", "it answered 302"),
        ("nonsense", "it can't be fetched"),
    ],
)
def test_a_web_server_of_a_stranger_gets_one_request_and_so_much_memory(
    servers: Servers, head: str, words: str
) -> None:
    body = bytes(MAX_BODY + 1) if "200" in head else b""
    answer = f"HTTP/1.1 {head}\r\n\r\n".encode() + body
    alone = Authority()
    with servers.protocol(lambda: _Answering(answer)) as server:
        alone.publish(f"http://127.0.0.1:{server.port}")
        chain = x509.load_pem_x509_certificates(alone.issue("sip.crl.test").chain_pem)
        step = asyncio.run(Revocation(5.0).check(chain, [alone.root], datetime.now(UTC)))

    assert step.result is Result.WARNING
    assert words in step.seen[0]
    alone.close()


def test_the_name_in_the_address_is_resolved_by_the_same_name_server(
    ca: Ca, federation: Federation, servers_loop: LoopThread
) -> None:
    """With --dns no question goes to the machine's own resolver."""
    domain = federation.fresh_domain("crl")
    federation.zones.add_zone(Zone(str(domain)).a("crl", "127.0.0.1"))
    port = ca.publisher.url.rpartition(":")[2]
    other = Authority()
    other.publish(f"http://crl.{domain}:{port}")
    chain = x509.load_pem_x509_certificates(other.issue("sip.crl.test").chain_pem)

    async def checked(name_server: tuple[str, int]) -> Step:
        return await Revocation(5.0, Resolver(name_server)).check(chain, [other.root], datetime.now(UTC))

    step = asyncio.run(checked((federation.dns.address, federation.dns.port)))
    assert step.data["asked"] == [f"http://crl.{domain}:{port}/{branch}/fresh.crl" for branch in ("ours", "root")]
    assert "not signed by the issuer" in step.seen[0] or "of another issuer" in step.seen[0], "it came from there"
    federation.wait_for_query(f"crl.{domain}", "A")
    with federation.zones.edit(str(domain)) as zone:
        zone.remove("crl")
    step = asyncio.run(checked((federation.dns.address, federation.dns.port)))
    assert "it can't be fetched" in step.seen[0]
    other.close()

"""The revocation list, fetched over HTTP from where the certificate says it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from fakes.ca import Authority, Publisher
from fakes.dns import Zone
from simulator.doctor import Result, Step
from simulator.doctor.revocation import Revocation
from simulator.federation import Federation
from simulator.io.loop import LoopThread
from simulator.io.resolver import Resolver


class Ca:
    """A CA that publishes, apart from the one that every other test uses."""

    def __init__(self, loop: LoopThread) -> None:
        self.authority = Authority()
        self.publisher = Publisher(self.authority)
        self._loop = loop
        loop.run(self.publisher.start())

    def chain(self, profile: str) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.authority.issue("sip.crl.test", profile).chain_pem)

    def close(self) -> None:
        self._loop.run(self.publisher.close())
        self.authority.close()


@pytest.fixture(scope="module")
def ca(servers_loop: LoopThread) -> Iterator[Ca]:
    made = Ca(servers_loop)
    yield made
    made.close()


def check(chain: list[x509.Certificate], *, limit: float = 5.0, at: datetime | None = None) -> Step:
    return asyncio.run(Revocation(limit).check(chain, at or datetime.now(UTC)))


def test_a_list_without_the_certificate_is_fine(ca: Ca) -> None:
    step = check(ca.chain("dual"))

    assert step.result is Result.OK
    assert "the certificate is not on it" in step.seen[0]
    assert step.data["points"] == [f"{ca.publisher.url}/ours/fresh.crl"]
    assert step.change == ""


@pytest.mark.parametrize(
    ("profile", "result", "words", "change"),
    [
        ("revoked", Result.FAILED, "the certificate was revoked on", "Get a new certificate"),
        ("no-crl", Result.WARNING, "names no revocation list", "CRL distribution point"),
        ("crl-missing", Result.WARNING, "answers 404", "bring the list back"),
        ("crl-unreachable", Result.WARNING, "can't be fetched", "bring the list back"),
        ("crl-garbage", Result.WARNING, "which are no revocation list", "in DER"),
        ("crl-forged", Result.WARNING, "nobody in the presented chain has signed", "its own key has signed"),
        ("crl-expired", Result.WARNING, "it is out of date", "fresh list"),
    ],
)
def test_what_can_be_wrong_with_a_list(ca: Ca, profile: str, result: Result, words: str, change: str) -> None:
    step = check(ca.chain(profile))

    assert step.result is result
    assert any(words in sentence for sentence in step.seen)
    assert change in step.change


def test_a_web_server_that_never_answers_is_given_up(ca: Ca) -> None:
    step = check(ca.chain("crl-silent"), limit=0.3)

    assert step.result is Result.WARNING
    assert "did not answer in 0.3 s" in step.seen[0]


def test_a_list_of_a_ca_that_was_not_sent_along_counts_for_nothing(ca: Ca) -> None:
    step = check(ca.chain("dual")[:1])

    assert "nobody in the presented chain has signed" in step.seen[0]


def test_a_revoked_certificate_counts_as_such_however_old_the_list(ca: Ca) -> None:
    step = check(ca.chain("revoked"), at=datetime.now(UTC) + timedelta(days=300))

    assert step.result is Result.FAILED


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
        return await Revocation(5.0, Resolver(name_server)).check(chain, datetime.now(UTC))

    step = asyncio.run(checked((federation.dns.address, federation.dns.port)))
    assert f"http://crl.{domain}:{port}/ours/fresh.crl gave" in step.seen[0]
    federation.must_have_asked(f"crl.{domain}", "A")
    with federation.zones.edit(str(domain)) as zone:
        zone.remove("crl")
    step = asyncio.run(checked((federation.dns.address, federation.dns.port)))
    assert "can't be fetched" in step.seen[0]
    other.close()

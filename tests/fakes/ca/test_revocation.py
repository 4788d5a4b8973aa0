"""What the fake CA publishes: lists and answers as each profile wants them, in memory and over HTTP."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from fakes.ca import Authority, Fetch, Issued, Publisher
from fakes.ca.revocation import NOT_FOUND, Page, Publications
from fakes.errors import FakeError

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FQDN = "sip.fabrikam.test"
T = TypeVar("T")


@pytest.fixture
def authority() -> Authority:
    authority = Authority(at=AT)
    authority.publish("http://ca.example", dead="http://dead.example")
    return authority


def page(authority: Authority, path: str, body: bytes = b"") -> Page:
    answer = Publications(authority).respond("POST" if body else "GET", path, body)
    assert answer is not None
    return answer


def crl(authority: Authority, path: str = "/ours/fresh.crl") -> x509.CertificateRevocationList:
    answer = page(authority, path)
    assert (answer.status, answer.content_type) == (200, "application/pkix-crl")
    return x509.load_der_x509_crl(answer.body)


def key_of(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def question(authority: Authority, issued: Issued, *, nonce: bytes | None = None) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(issued.leaf, authority.intermediate, hashes.SHA1())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answer(authority: Authority, kind: str, body: bytes) -> ocsp.OCSPResponse:
    found = page(authority, f"/ours/{kind}/ocsp", body)
    assert (found.status, found.content_type) == (200, "application/ocsp-response")
    return ocsp.load_der_ocsp_response(found.body)


class TestLists:
    def test_a_fresh_list_is_signed_by_its_issuer_and_due_in_a_week(self, authority: Authority) -> None:
        fresh = crl(authority)
        assert fresh.issuer == authority.intermediate.subject
        assert fresh.is_signature_valid(key_of(authority.intermediate))
        assert fresh.last_update_utc == AT - timedelta(hours=1)
        assert fresh.next_update_utc == AT + timedelta(days=7)
        assert len(fresh) == 0

    def test_who_is_revoked_is_on_it_with_day_and_reason(self, authority: Authority) -> None:
        issued = [authority.issue(FQDN) for _ in range(3)]
        authority.revoke(issued[0])
        authority.revoke(issued[1].leaf, at=AT - timedelta(days=2), reason=x509.ReasonFlags.superseded)
        found = {entry.serial_number: entry for entry in crl(authority)}
        assert set(found) == {issued[0].leaf.serial_number, issued[1].leaf.serial_number}
        superseded = found[issued[1].leaf.serial_number]
        assert superseded.revocation_date_utc == AT - timedelta(days=2)
        reason = superseded.extensions.get_extension_for_class(x509.CRLReason).value
        assert reason.reason is x509.ReasonFlags.superseded

    def test_each_issuer_has_its_own_list(self, authority: Authority) -> None:
        authority.revoke(authority.issue(FQDN, "rsa-2048"))
        authority.revoke(authority.intermediate)
        assert [len(crl(authority, f"/{name}/fresh.crl")) for name in ("ours", "rsa", "root")] == [0, 1, 1]

    def test_a_revoked_profile_is_on_it_at_once(self, authority: Authority) -> None:
        leaf = authority.issue(FQDN, "revoked").leaf
        assert crl(authority).get_revoked_certificate_by_serial_number(leaf.serial_number) is not None

    def test_an_expired_list_was_due_yesterday(self, authority: Authority) -> None:
        expired = crl(authority, "/ours/expired.crl")
        assert expired.next_update_utc == AT - timedelta(days=1)
        assert expired.last_update_utc < AT - timedelta(days=1)
        assert expired.is_signature_valid(key_of(authority.intermediate))

    def test_a_forged_list_bears_the_name_but_not_the_signature_of_the_issuer(self, authority: Authority) -> None:
        forged = crl(authority, "/ours/forged.crl")
        assert forged.issuer == authority.intermediate.subject
        assert not forged.is_signature_valid(key_of(authority.intermediate))

    def test_what_is_no_list(self, authority: Authority) -> None:
        assert page(authority, "/ours/garbage.crl").status == 200
        with pytest.raises(ValueError, match="parsing"):
            x509.load_der_x509_crl(page(authority, "/ours/garbage.crl").body)
        assert Publications(authority).respond("GET", "/ours/silent.crl") is None
        for path in ("/ours/missing.crl", "/ours/other.crl", "/nobody/fresh.crl", "/", "", "/ours", "/ours/x/ocsp"):
            assert page(authority, path) == NOT_FOUND

    def test_the_issuer_can_be_had(self, authority: Authority) -> None:
        found = x509.load_der_x509_certificate(page(authority, "/ours/issuer.cer").body)
        assert found == authority.intermediate


class TestAnswers:
    def test_good_revoked_and_unknown(self, authority: Authority) -> None:
        good, revoked, unheard_of = (authority.issue(FQDN, "ocsp") for _ in range(3))
        authority.revoke(revoked, at=AT - timedelta(hours=3), reason=x509.ReasonFlags.key_compromise)
        authority.issuers.branch("ours").serials.remove(unheard_of.leaf.serial_number)

        def status(issued: Issued, kind: str = "direct") -> ocsp.OCSPCertStatus:
            return answer(authority, kind, question(authority, issued)).certificate_status

        assert status(good) is ocsp.OCSPCertStatus.GOOD
        assert status(revoked) is ocsp.OCSPCertStatus.REVOKED
        assert status(unheard_of) is ocsp.OCSPCertStatus.UNKNOWN
        assert status(good, "unknown") is status(revoked, "unknown") is ocsp.OCSPCertStatus.UNKNOWN
        told = answer(authority, "direct", question(authority, revoked))
        assert told.revocation_time_utc == AT - timedelta(hours=3)
        assert told.revocation_reason is x509.ReasonFlags.key_compromise

    def test_who_signs(self, authority: Authority) -> None:
        body = question(authority, authority.issue(FQDN, "ocsp"))
        issuer_key = key_of(authority.intermediate)

        def verify(told: ocsp.OCSPResponse, key: ec.EllipticCurvePublicKey) -> None:
            key.verify(told.signature, told.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))

        direct = answer(authority, "direct", body)
        assert direct.certificates == []
        verify(direct, issuer_key)
        usages = {}
        for kind in ("delegated", "undelegated"):
            told = answer(authority, kind, body)
            (signer,) = told.certificates
            verify(told, key_of(signer))
            signer.verify_directly_issued_by(authority.intermediate)
            usages[kind] = list(signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        assert usages == {
            "delegated": [x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING],
            "undelegated": [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH],
        }
        forged = answer(authority, "forged", body)
        assert forged.responder_name == authority.intermediate.subject
        with pytest.raises(InvalidSignature):
            verify(forged, issuer_key)

    def test_an_expired_answer_was_due_yesterday(self, authority: Authority) -> None:
        told = answer(authority, "expired", question(authority, authority.issue(FQDN, "ocsp")))
        assert told.next_update_utc == AT - timedelta(days=1)

    @pytest.mark.parametrize(
        ("kind", "body", "status"),
        [
            ("busy", None, ocsp.OCSPResponseStatus.TRY_LATER),
            ("direct", b"no request", ocsp.OCSPResponseStatus.MALFORMED_REQUEST),
        ],
    )
    def test_answers_without_content(
        self, authority: Authority, kind: str, body: bytes | None, status: ocsp.OCSPResponseStatus
    ) -> None:
        asked = body or question(authority, authority.issue(FQDN, "ocsp"))
        assert answer(authority, kind, asked).response_status is status

    def test_another_issuer_is_not_spoken_for(self, authority: Authority) -> None:
        issued = authority.issue(FQDN, "rsa-2048")
        rsa = authority.issuers.branch("rsa").issuer.certificate
        asked = ocsp.OCSPRequestBuilder().add_certificate(issued.leaf, rsa, hashes.SHA256()).build()
        told = answer(authority, "direct", asked.public_bytes(Encoding.DER))
        assert told.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED

    def test_a_nonce_comes_back_and_a_get_is_answered_too(self, authority: Authority) -> None:
        body = question(authority, authority.issue(FQDN, "ocsp"), nonce=b"0123456789abcdef")
        path = f"/ours/direct/ocsp/{quote(b64encode(body), safe='')}"
        told = ocsp.load_der_ocsp_response(page(authority, path).body)
        assert told.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
        spoilt = ocsp.load_der_ocsp_response(page(authority, "/ours/direct/ocsp/!").body)
        assert spoilt.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def serving(work: Callable[[Publisher, aiohttp.ClientSession], Awaitable[T]], authority: Authority) -> T:
    async def main() -> T:
        async with Publisher(authority) as publisher, aiohttp.ClientSession() as session:
            return await work(publisher, session)

    return asyncio.run(main())


class TestOverHttp:
    def test_the_urls_of_a_leaf_lead_to_its_list_and_its_answer(self) -> None:
        authority = Authority()

        async def work(publisher: Publisher, session: aiohttp.ClientSession) -> None:
            issued = authority.issue(FQDN, "revoked")
            (point,) = issued.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            assert point.full_name is not None
            async with session.get(point.full_name[0].value) as response:
                assert response.content_type == "application/pkix-crl"
                revoked = x509.load_der_x509_crl(await response.read())
            assert revoked.get_revoked_certificate_by_serial_number(issued.leaf.serial_number) is not None
            url = f"{publisher.url}/ours/direct/ocsp"
            async with session.post(url, data=question(authority, issued)) as response:
                told = ocsp.load_der_ocsp_response(await response.read())
            assert told.certificate_status is ocsp.OCSPCertStatus.REVOKED
            async with session.get(f"{publisher.url}/ours/missing.crl") as response:
                assert response.status == 404
            assert [(fetch.method, fetch.path, fetch.status) for fetch in publisher.history] == [
                ("GET", "/ours/fresh.crl", 200),
                ("POST", "/ours/direct/ocsp", 200),
                ("GET", "/ours/missing.crl", 404),
            ]

        serving(work, authority)

    def test_nobody_is_where_the_unreachable_ones_lead(self) -> None:
        authority = Authority()

        async def work(_: Publisher, session: aiohttp.ClientSession) -> None:
            leaf = authority.issue(FQDN, "crl-unreachable").leaf
            (point,) = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            assert point.full_name is not None
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(point.full_name[0].value)

        serving(work, authority)

    def test_a_silent_one_says_nothing_until_it_is_closed(self) -> None:
        seen: list[Fetch] = []

        async def main() -> None:
            asked = asyncio.Event()

            def note(fetch: Fetch) -> None:
                seen.append(fetch)
                asked.set()

            authority = Authority()
            authority.issue(FQDN)
            publisher = Publisher(authority, on_fetch=note)
            await publisher.start()
            async with aiohttp.ClientSession() as session:
                pending = asyncio.create_task(session.get(f"{publisher.url}/ours/silent.crl").__aenter__())
                await asked.wait()
                assert not pending.done()
                await publisher.close()
                with pytest.raises(aiohttp.ClientError):
                    await pending

        asyncio.run(main())
        assert [str(fetch) for fetch in seen] == ["127.0.0.1 asked GET /ours/silent.crl: no answer"]

    def test_it_can_be_closed_twice_and_started_again(self) -> None:
        async def main() -> list[str]:
            authority, urls = Authority(), []
            publisher = Publisher(authority)
            for _ in range(2):
                await publisher.start()
                with pytest.raises(FakeError, match="runs already, at http://127"):
                    await publisher.start()
                urls.append(publisher.url)
                await publisher.close()
                await publisher.close()
            return urls

        for url in asyncio.run(main()):
            parts = urlsplit(url)
            assert parts.hostname is not None
            with pytest.raises(OSError):
                socket.create_connection((parts.hostname, parts.port or 0), 1).close()

    def test_a_place_that_cannot_be_had_gets_a_sentence(self) -> None:
        async def main() -> None:
            taken = socket.create_server(("127.0.0.1", 0))
            with taken, pytest.raises(FakeError, match=r"cannot listen on 127\.0\.0\.1 port \d+: "):
                await Publisher(Authority(), port=taken.getsockname()[1]).start()
            with pytest.raises(FakeError, match="needs an IP address"):
                Publisher(Authority(), address="localhost")

        asyncio.run(main())

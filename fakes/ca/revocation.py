"""What a CA publishes: CRLs, OCSP answers and issuers' certificates; bytes in, bytes out (RFC 5280 §5, RFC 6960)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from fakes.ca.authority import Authority
from fakes.ca.certificates import Issuer, Window, make_delegate, make_impostor
from fakes.ca.issuers import Branch
from fakes.ca.profiles import Crl, Ocsp

UPDATED = timedelta(hours=1)
"Lists and answers begin this much earlier, for the clock of a server under test that is slow."
UPDATE_EVERY = timedelta(days=7)
"From one list or answer to the next, as its next update says."
OVERDUE = timedelta(days=1)
"How long ago the next update of an expired one was due."

DELEGATED_FOR = timedelta(days=28)
"How long who signs OCSP answers for the issuer may do so."

_CRL_TYPE = "application/pkix-crl"
_OCSP_TYPE = "application/ocsp-response"
_CERTIFICATE_TYPE = "application/pkix-cert"
_GARBAGE = b"<html><body>Moved to our new website</body></html>"


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer."""

    status: int
    "The status code."
    content_type: str
    "The media type of the body."
    body: bytes
    "All of it."


NOT_FOUND = Page(404, "text/plain", b"There is nothing here.\n")
_HTML = "text/html"


def make_crl(
    branch: Branch, at: datetime, *, next_update: timedelta = UPDATE_EVERY, signer: Issuer | None = None
) -> x509.CertificateRevocationList:
    """The issuer's list as of `at`; with `next_update` below zero that was due before.

    `signer` is who really signs it; the list bears the issuer's name all the same.
    """
    first = min(at - UPDATED, at + next_update - UPDATE_EVERY)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(branch.issuer.certificate.subject)
        .last_update(first)
        .next_update(at + next_update)
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(branch.issuer.key_identifier, critical=False)
    )
    for serial, (date, reason) in list(branch.revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date)
        builder = builder.add_revoked_certificate(entry.add_extension(x509.CRLReason(reason), critical=False).build())
    return builder.sign((signer or branch.issuer).key, hashes.SHA256())


class Publications:
    """All that one authority publishes, by path: `/<issuer>/<kind>.crl`, `/<issuer>/<kind>/ocsp`, `/…/issuer.cer`.

    The kinds are those of `Crl` and `Ocsp` in `fakes.ca.profiles`, so a leaf chooses by its URL what is found there.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._delegates: dict[tuple[bytes, bool], Issuer] = {}

    def respond(self, method: str, path: str, body: bytes = b"") -> Page | None:
        """Answer a request; None stands for a server that never does."""
        name, _, rest = path.lstrip("/").partition("/")
        branch = self._authority.issuers.named(name)
        if branch is None:
            return NOT_FOUND
        if rest == "issuer.cer":
            return Page(200, _CERTIFICATE_TYPE, branch.issuer.certificate.public_bytes(Encoding.DER))
        if rest.endswith(".crl"):
            kind = rest.removesuffix(".crl")
            return self._crl(branch, kind) if kind in get_args(Crl) else NOT_FOUND
        kind, _, tail = rest.partition("/ocsp")
        if kind not in get_args(Ocsp):
            return NOT_FOUND
        return self._ocsp(branch, kind, body if method == "POST" else _from_path(tail))

    def _crl(self, branch: Branch, kind: str) -> Page | None:
        now = self._authority.now()
        match kind:
            case "fresh":
                crl = make_crl(branch, now)
            case "expired":
                crl = make_crl(branch, now, next_update=-OVERDUE)
            case "forged":
                crl = make_crl(branch, now, signer=self._impostor(branch))
            case "garbage":
                return Page(200, _HTML, _GARBAGE)
            case "silent":
                return None
            case _:
                return NOT_FOUND
        return Page(200, _CRL_TYPE, crl.public_bytes(Encoding.DER))

    def _ocsp(self, branch: Branch, kind: str, body: bytes) -> Page:
        if kind == "garbage":
            return Page(200, _HTML, _GARBAGE)
        if kind in ("missing", "unreachable"):
            return NOT_FOUND
        try:
            request = ocsp.load_der_ocsp_request(body)
            request.serial_number  # noqa: B018  it is now that more than one certificate in a request raises
        except (ValueError, NotImplementedError):
            answer = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        else:
            answer = self._answer(branch, kind, request)
        return Page(200, _OCSP_TYPE, answer.public_bytes(Encoding.DER))

    def _answer(self, branch: Branch, kind: str, request: ocsp.OCSPRequest) -> ocsp.OCSPResponse:
        if kind == "busy":
            return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
        if not self._is_about(request, branch):
            return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        now = self._authority.now()
        begins = now - UPDATED if kind != "expired" else now - OVERDUE - UPDATE_EVERY
        ends = now + UPDATE_EVERY if kind != "expired" else now - OVERDUE
        revoked = branch.revoked.get(request.serial_number)
        status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
        if kind == "unknown" or request.serial_number not in branch.serials:
            status, revoked = ocsp.OCSPCertStatus.UNKNOWN, None
        date, reason = revoked or (None, None)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            request.issuer_name_hash,
            request.issuer_key_hash,
            request.serial_number,
            request.hash_algorithm,
            status,
            begins,
            ends,
            date,
            reason,
        )
        try:
            nonce = request.extensions.get_extension_for_class(x509.OCSPNonce)
            builder = builder.add_extension(nonce.value, nonce.critical)
        except x509.ExtensionNotFound:
            pass
        return self._signed(builder, branch, kind)

    def _signed(self, builder: ocsp.OCSPResponseBuilder, branch: Branch, kind: str) -> ocsp.OCSPResponse:
        signer = branch.issuer
        if kind in ("delegated", "undelegated"):
            signer = self._delegate(branch, may_sign=kind == "delegated")
            builder = builder.certificates([signer.certificate])
        encoding = ocsp.OCSPResponderEncoding.HASH
        if kind == "forged":
            signer, encoding = self._impostor(branch), ocsp.OCSPResponderEncoding.NAME
        return builder.responder_id(encoding, signer.certificate).sign(signer.key, hashes.SHA256())

    def _delegate(self, branch: Branch, *, may_sign: bool) -> Issuer:
        issuer = branch.issuer.certificate.public_bytes(Encoding.DER)
        if (issuer, may_sign) not in self._delegates:
            self._delegates[issuer, may_sign] = make_delegate(branch.issuer, self._window(), may_sign=may_sign)
        return self._delegates[issuer, may_sign]

    def _is_about(self, request: ocsp.OCSPRequest, branch: Branch) -> bool:
        some_leaf = self._delegate(branch, may_sign=True).certificate
        own = ocsp.OCSPRequestBuilder().add_certificate(some_leaf, branch.issuer.certificate, request.hash_algorithm)
        hashed = own.build()
        return (request.issuer_name_hash, request.issuer_key_hash) == (hashed.issuer_name_hash, hashed.issuer_key_hash)

    def _impostor(self, branch: Branch) -> Issuer:
        return make_impostor(branch.issuer, self._window())

    def _window(self) -> Window:
        now = self._authority.now()
        return Window(now - UPDATED, now + DELEGATED_FOR)


def _from_path(tail: str) -> bytes:
    """The request that a GET carries in its path, Base64 (RFC 6960 appendix A.1)."""
    try:
        return b64decode(unquote(tail.removeprefix("/")), validate=True)
    except binascii.Error:
        return b""

"""What has to be looked up about revocation, and what was found, without fetching anything (RFC 5280 §5, RFC 6960)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

MAX_URLS: Final = 4
"How many distribution points, and how many responders, of one certificate are asked."
MAX_URL: Final = 2048
"Characters of a URL that is followed."


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing to fetch: GET `url`, or POST `request` there when there is one."""

    kind: Literal["crl", "ocsp"]
    "A CRL, or the answer of an OCSP responder."
    url: str
    "Always `http:`; what is fetched is signed, and HTTPS would need a revocation check of its own (RFC 5280 §8)."
    request: bytes = b""
    "The DER of the OCSP request, media type `application/ocsp-request`; empty for a CRL."

    def __str__(self) -> str:
        return f"the CRL at {self.url}" if self.kind == "crl" else f"the OCSP responder at {self.url}"


@dataclass(slots=True)
class Found:
    """What a lookup gave."""

    at: datetime
    "When it was fetched."
    body: bytes = b""
    "The body of a 200."
    failure: str = ""
    "Why there is no body, as a clause."
    crl: x509.CertificateRevocationList | None = field(default=None, repr=False)
    "The body, once it was read as a CRL."


class RevocationData:
    """What was fetched so far; one for many connections. Belongs to one thread.

    Hand it to `judge`, fetch what `Verdict.pending` asks for, put it here, and judge again.
    """

    def __init__(
        self,
        *,
        keep: timedelta = timedelta(hours=1),
        retry: timedelta = timedelta(minutes=1),
        limit: int = 1000,
    ) -> None:
        """`keep` is how long a body is used before it is fetched anew, unless its next update comes first; `retry` the
        same for a failure. Of more than `limit` lookups the oldest is forgotten."""
        self._keep = keep
        self._retry = retry
        self._limit = limit
        self._found: OrderedDict[Lookup, Found] = OrderedDict()

    def put(self, lookup: Lookup, body: bytes, at: datetime) -> None:
        """Keep what was fetched; it is not looked into before it is needed."""
        self._store(lookup, Found(at, body))

    def fail(self, lookup: Lookup, why: str, at: datetime) -> None:
        """Keep that nothing could be fetched; `why` is a clause such as `it answered 404`."""
        self._store(lookup, Found(at, failure=why))

    def get(self, lookup: Lookup, at: datetime) -> Found | None:
        """What is known at that time; None when it must be fetched (again)."""
        found = self._found.get(lookup)
        if found is None or at - found.at >= (self._retry if found.failure else self._keep):
            return None
        return found

    def clear(self) -> None:
        """Forget everything, so that it is fetched anew."""
        self._found.clear()

    def __len__(self) -> int:
        return len(self._found)

    def _store(self, lookup: Lookup, found: Found) -> None:
        self._found[lookup] = found
        self._found.move_to_end(lookup)
        if len(self._found) > self._limit:
            self._found.popitem(last=False)


def ocsp_lookups(certificate: x509.Certificate, issuer: x509.Certificate) -> list[Lookup]:
    """The OCSP responders that a certificate names, with what to ask them."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    urls = [each.access_location for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    if not urls:
        return []
    # Responders know certificates by the SHA-1 of their issuer (RFC 5019 §2.1.1); nothing is proved by it.
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1()).build().public_bytes(Encoding.DER)
    return [Lookup("ocsp", url, request) for url in _followed(urls)]


def crl_lookups(certificate: x509.Certificate) -> list[Lookup]:
    """The CRLs that a certificate names."""
    return [Lookup("crl", url) for url in _followed(_crl_points(certificate))]


def names_crl_point(certificate: x509.Certificate) -> bool:
    """Whether a certificate has a CRL distribution point that can be fetched by HTTP."""
    return bool(_followed(_crl_points(certificate)))


def _crl_points(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    # A point for some reasons only, or of another issuer, does not say that a certificate is good.
    return [name for point in points if not point.reasons and not point.crl_issuer for name in point.full_name or ()]


def _followed(names: list[x509.GeneralName]) -> list[str]:
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    http = [url for url in urls if url.lower().startswith("http://") and len(url) <= MAX_URL]
    return list(dict.fromkeys(http))[:MAX_URLS]

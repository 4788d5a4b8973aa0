"""Whether the revocation list of a certificate can be had, and what it says (RFC 5280 §4.2.1.13, §5; F1.6, F2.4)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from simulator import tls
from simulator.discovery import Question
from simulator.doctor.certificate import common_name
from simulator.doctor.steps import Result, Step
from simulator.io.resolver import Resolver

if TYPE_CHECKING:
    import aiohttp.abc

MAX_CRL = 16 * 1024 * 1024
"Bytes of a list; the largest ones of public CAs have a few."
MAX_POINTS = 4
"Distribution points that are tried."


class CannotFetch(Exception):
    """The list did not come; the text is a clause."""


@dataclass
class Revocation:
    """Fetches revocation lists over HTTP, within the limit of one step."""

    limit: float
    "Seconds for one list."
    resolver: Resolver | None = None
    "Who resolves the names in URLs; None for this machine's own way."

    async def check(self, chain: Sequence[x509.Certificate], at: datetime) -> Step:
        """The step for the leaf of `chain`; lists of the certificates above it are not fetched."""
        try:
            points = _points(chain[0])
        except tls.UNREADABLE:
            return Step("revocation", Result.NOT_CHECKED, ("The certificate's extensions can't be read.",))
        if not points:
            return Step(
                "revocation",
                Result.WARNING,
                ("The certificate names no revocation list; Microsoft's documents want one in every certificate.",),
                "Have the certificate issued with a CRL distribution point (HTTP).",
                data={"points": []},
            )
        urls = [point for point in points if point.lower().startswith("http://")][:MAX_POINTS]
        if not urls:
            return Step(
                "revocation",
                Result.WARNING,
                (f"Its revocation list is at {', '.join(points[:MAX_POINTS])}, which is no HTTP address.",),
                "Have the certificate issued with a CRL distribution point that begins with http://.",
                data={"points": points[:MAX_POINTS]},
            )
        seen: list[str] = []
        for url in urls:
            try:
                async with asyncio.timeout(self.limit):
                    body = await self._fetch(url)
                return self._judge(body, url, chain, at)
            except TimeoutError:
                seen.append(f"{url} did not answer in {self.limit:g} s.")
            except CannotFetch as error:
                seen.append(f"{url} {error}.")
        return Step(
            "revocation",
            Result.WARNING,
            (*seen, "Partners that insist on revocation lists cannot judge the certificate."),
            "Have the CA bring the list back, or open TCP port 80 to it if only this machine cannot reach it.",
            data={"points": urls},
        )

    async def _fetch(self, url: str) -> bytes:
        import aiohttp  # 150 ms

        timeout = aiohttp.ClientTimeout(total=None)  # the step has its own
        connector = aiohttp.TCPConnector(resolver=_http_resolver(self.resolver) if self.resolver else None)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session,
                # The URL is a stranger's: it gets one request, to where it says.
                session.get(url, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise CannotFetch(f"answers {response.status} {response.reason or ''}".rstrip())
                body = bytearray()
                async for piece in response.content.iter_chunked(65536):
                    body += piece
                    if len(body) > MAX_CRL:
                        raise CannotFetch(f"sends more than {MAX_CRL} bytes")
                return bytes(body)
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise CannotFetch(f"can't be fetched ({str(error) or type(error).__name__})") from None

    def _judge(self, body: bytes, url: str, chain: Sequence[x509.Certificate], at: datetime) -> Step:
        data: dict[str, object] = {"points": [url], "bytes": len(body)}
        shown = f"{url} gave {len(body)} bytes"
        try:
            crl = x509.load_pem_x509_crl(body) if body.startswith(b"-----") else x509.load_der_x509_crl(body)
            until = crl.next_update_utc
            issuer = next((each for each in chain[1:] if each.subject == crl.issuer), None)
            signed = issuer is not None and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
            entry = crl.get_revoked_certificate_by_serial_number(chain[0].serial_number)
        except (*tls.UNREADABLE, TypeError, UnsupportedAlgorithm):
            advice = "Have the CA publish its list there in DER."
            return Step("revocation", Result.WARNING, (f"{shown}, which are no revocation list.",), advice, data=data)
        data["next_update"] = until.isoformat() if until else None
        shown += f", the list of {common_name(crl.issuer)}"
        if issuer is None or not signed:
            text = f"{shown}, which nobody in the presented chain has signed."
            advice = "Have the CA publish a list there that its own key has signed."
            return Step("revocation", Result.WARNING, (text,), advice, data=data)
        if entry is not None:
            return Step(
                "revocation",
                Result.FAILED,
                (f"{shown}: the certificate was revoked on {entry.revocation_date_utc:%Y-%m-%d %H:%M} UTC.",),
                "Get a new certificate; this one was revoked by its CA.",
                data=data,
            )
        if until is not None and until < at:
            text = f"{shown}, ended on {until:%Y-%m-%d %H:%M} UTC: it is out of date."
            return Step("revocation", Result.WARNING, (text,), "Have the CA publish a fresh list.", data=data)
        return Step("revocation", Result.OK, (f"{shown}; the certificate is not on it.",), data=data)


def _points(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [
        str(name.value)
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ]


def _http_resolver(resolver: Resolver) -> aiohttp.abc.AbstractResolver:
    """aiohttp asks the same name server as all the other steps."""
    import aiohttp.abc

    class ByOurs(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            del family
            found: list[aiohttp.abc.ResolveResult] = []
            for kind in ("A", "AAAA"):
                answer = await resolver.ask(Question(host, "A" if kind == "A" else "AAAA"))
                for address in answer.records:
                    version = socket.AF_INET if ip_address(str(address)).version == 4 else socket.AF_INET6
                    found.append(
                        aiohttp.abc.ResolveResult(
                            hostname=host,
                            host=str(address),
                            port=port,
                            family=version,
                            proto=0,
                            flags=socket.AI_NUMERICHOST,
                        )
                    )
            if not found:
                raise OSError(f"{host} has no address")
            return found

        async def close(self) -> None:
            """Nothing is kept open."""

    return ByOurs()

"""Whether a certificate was revoked, and whether partners could find out (RFC 5280 §6.3, RFC 6960; F1.6, F2.4)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from cryptography import x509

from simulator import tls, trust
from simulator.discovery import Question
from simulator.doctor.steps import Result, Step, not_checked
from simulator.io.resolver import Resolver
from simulator.trust import Lookup, ReasonKind, RevocationData, Verdict
from simulator.trust.sources import names_crl_point

if TYPE_CHECKING:
    import aiohttp
    import aiohttp.abc

MAX_BODY: Final = 16 * 1024 * 1024
"Bytes of a list; the largest ones of public CAs have a few."
RULES: Final = trust.Rules(
    wildcard_ok=True, cn_fallback=True, require_eku="none", min_rsa_bits=0, min_ec_bits=0, revocation="hard"
)
"Nothing but chain, time and revocation: the rest has steps of its own."


class CannotFetch(Exception):
    """It did not come; the text is a clause."""


@dataclass
class Revocation:
    """Looks revocation up over HTTP, within the limit of one step."""

    limit: float
    "Seconds for everything that one certificate needs."
    resolver: Resolver | None = None
    "Who resolves the names in URLs; None for this machine's own way."

    async def check(self, chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime) -> Step:
        """The step for the leaf of `chain` and the intermediates above it, as far as they lead to one of `roots`.

        What an untrusted certificate names is not followed.
        """
        data = RevocationData()
        presented = tls.PresentedChain(tuple(chain), "server", None)

        def judge() -> Verdict:
            return trust.judge(presented, roots=roots, at=at, rules=RULES, revocation=data)

        asked: list[Lookup] = []
        ends = asyncio.get_running_loop().time() + self.limit
        while (verdict := judge()).pending and _is_sound(verdict):
            for lookup in verdict.pending:
                asked.append(lookup)
                try:
                    async with asyncio.timeout_at(ends):
                        data.put(lookup, await self._fetch(lookup), at)
                except TimeoutError:
                    data.fail(lookup, f"it did not answer in {self.limit:g} s", at)
                except CannotFetch as error:
                    data.fail(lookup, str(error), at)
        return _judged(verdict, chain[0], asked)

    async def _fetch(self, lookup: Lookup) -> bytes:
        import aiohttp  # 200 ms

        connector = aiohttp.TCPConnector(resolver=_http_resolver(self.resolver) if self.resolver else None)
        timeout = aiohttp.ClientTimeout(total=None)  # the step has its own
        headers = {"Content-Type": "application/ocsp-request"} if lookup.request else {}
        method = "POST" if lookup.request else "GET"
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                # The URL is a stranger's: it gets one request, to where it says.
                session.request(
                    method, lookup.url, data=lookup.request or None, headers=headers, allow_redirects=False
                ) as response,
            ):
                if response.status != 200:
                    raise CannotFetch(f"it answered {response.status}")
                return await _body(response)
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise CannotFetch(f"it can't be fetched ({str(error) or type(error).__name__})") from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(65536):
        body += piece
        if len(body) > MAX_BODY:
            raise CannotFetch(f"it sent more than {MAX_BODY} bytes")
    return bytes(body)


def _judged(verdict: Verdict, leaf: x509.Certificate, asked: Sequence[Lookup]) -> Step:
    data: dict[str, object] = {"asked": [lookup.url for lookup in asked]}
    revoked, unknown = _told(verdict, ReasonKind.REVOKED), _told(verdict, ReasonKind.REVOCATION_UNKNOWN)
    if revoked:
        seen = (*map(_sentence, revoked), "Nobody may accept it any more.")
        change = "Get a new certificate; a CA does not take a revocation back."
        return Step("revocation", Result.FAILED, seen, change, data=data)
    if len(unknown) < len(verdict.reasons):
        reason = "Not checked: what a certificate says of its revocation is followed only while its chain is sound."
        return not_checked(["revocation"], reason)[0]
    if unknown and asked and names_crl_point(leaf):
        seen = (*map(_sentence, unknown), "Partners that insist on it refuse the certificate.")
        change = "Have the CA mend it, or open TCP port 80 to it if only this machine cannot reach it."
        return Step("revocation", Result.WARNING, seen, change, data=data)
    if not names_crl_point(leaf) and not trust.is_short_lived(leaf):
        return Step(
            "revocation",
            Result.WARNING,
            (
                "The certificate names no revocation list to fetch by HTTP; Microsoft's documents want one in every "
                "certificate.",
            ),
            "Have the certificate issued with a CRL distribution point that begins with http://.",
            data=data,
        )
    if not asked:
        return Step("revocation", Result.OK, ("It is so short-lived that it needs no revocation.",), data=data)
    return Step("revocation", Result.OK, (f"It is not revoked, says {' and '.join(map(str, asked))}.",), data=data)


def _is_sound(verdict: Verdict) -> bool:
    """Whether nothing but its revocation speaks against the chain."""
    return all(reason.kind in (ReasonKind.REVOKED, ReasonKind.REVOCATION_UNKNOWN) for reason in verdict.reasons)


def _told(verdict: Verdict, kind: ReasonKind) -> list[str]:
    return [reason.detail for reason in verdict.reasons if reason.kind is kind]


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _http_resolver(resolver: Resolver) -> aiohttp.abc.AbstractResolver:
    """aiohttp asks the same name server as all the other steps."""
    import aiohttp.abc

    class ByOurs(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            del family
            answers = await asyncio.gather(resolver.ask(Question(host, "A")), resolver.ask(Question(host, "AAAA")))
            found = [
                aiohttp.abc.ResolveResult(
                    hostname=host,
                    host=str(address),
                    port=port,
                    family=socket.AF_INET if ip_address(str(address)).version == 4 else socket.AF_INET6,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for answer in answers
                for address in answer.records
            ]
            if not found:
                raise OSError(f"{host} has no address")
            return found

        async def close(self) -> None:
            """Nothing is kept open."""

    return ByOurs()

"""The steps for one address: TCP, TLS, its versions, our certificate, and SIP on top (RFC 3261 §26.3.1; R46-R48)."""

from __future__ import annotations

import asyncio
import errno
import time
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509

from simulator import tls
from simulator.discovery import Attempt
from simulator.doctor import probe
from simulator.doctor.call import Accepted, Call, CallEnded, Ending
from simulator.doctor.checkup import Checkup
from simulator.doctor.steps import Result, Step, not_checked
from simulator.io.probe import build
from simulator.io.transport import os_sentence
from simulator.names import Fqdn
from simulator.sip.message import Response

VERSIONS: Final[tuple[tls.Version, ...]] = ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1")
MODERN: Final = frozenset({"TLSv1.3", "TLSv1.2"})
"The rest was withdrawn (RFC 8996)."

_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_REFUSALS: Final[dict[str, str]] = {
    "unknown_ca": "Get our certificate from a CA that the partner trusts, and send its intermediate along.",
    "unsupported_certificate": "Get a certificate for client authentication as well, or have the partner accept server "
    "authentication in both roles.",
    "certificate_expired": "Renew our certificate; it is past its end for the partner, or its clock is wrong.",
    "certificate_revoked": "Get a new certificate; ours was revoked.",
    "certificate_required": "Send a certificate: the one given did not get there.",
}
_OTHER_REFUSAL: Final = "Compare our certificate with what the partner demands: name, validity, issuer, key usage."


@dataclass(frozen=True, slots=True)
class Visit:
    """What one address was like."""

    where: str
    "`host:port at address`."
    chain: tuple[x509.Certificate, ...]
    "What it presented; empty when it never came to that."
    before: tuple[Step, ...]
    "`tcp`, `tls` and `tls-versions`."
    after: tuple[Step, ...]
    "`own-certificate` and `sip`."


class Contexts:
    """A TLS context for each span of versions, with our certificate or without."""

    def __init__(self, identity: tls.Identity | None) -> None:
        self._identity = identity
        self._made: dict[tuple[str, str], tls.Context] = {}

    def between(self, lowest: tls.Version, highest: tls.Version) -> tls.Context:
        """The context for these versions."""
        if (lowest, highest) not in self._made:
            self._made[lowest, highest] = tls.Context(
                self._identity, "client", verify=lambda _: Accepted(), minimum=lowest, maximum=highest
            )
        return self._made[lowest, highest]


class Visitor:
    """Goes to one address after the other with the same questions."""

    def __init__(self, checkup: Checkup) -> None:
        self._checkup = checkup
        self._limit = checkup.limit
        self._contexts = Contexts(checkup.identity)

    async def visit(self, attempt: Attempt) -> Visit:
        """All steps but those that judge the certificate."""
        where = f"{attempt.target} at {attempt.address}"
        began = time.monotonic()
        try:
            call = await self._connect(attempt, self._contexts.between("TLSv1", "TLSv1.3"))
        except (OSError, TimeoutError) as error:
            tcp = self._unreachable(attempt, error)
            reason = f"Not checked: there is no TCP connection to {attempt.address}:{attempt.port}."
            skipped = not_checked(("tls", "tls-versions"), reason)
            late = not_checked(("own-certificate", "sip"), reason)
            return Visit(where, (), _placed(where, [_timed(tcp, began), *skipped]), _placed(where, late))
        tcp = _timed(Step("tcp", Result.OK, (f"{attempt.address} accepts connections on port {attempt.port}.",)), began)
        try:
            return await self._visit(attempt, call, where, tcp)
        finally:
            call.close()

    async def _visit(self, attempt: Attempt, call: Call, where: str, tcp: Step) -> Visit:
        began = time.monotonic()
        secured, slow = await self._wait(call.secured)
        handshake = _timed(self._judge_handshake(call, secured=secured, slow=slow), began)
        if not call.presented:
            skipped = not_checked(["tls-versions"], f"Not checked: {attempt.target} showed no certificate.")
            late = not_checked(("own-certificate", "sip"), "Not checked: there is no TLS.")
            return Visit(where, (), _placed(where, [tcp, handshake, *skipped]), _placed(where, late))
        after = await self._sip(attempt, call) if secured else None
        versions, alert = await self._versions(attempt, call)
        if after is None and call.ending is None:
            after = not_checked(("own-certificate", "sip"), "Not checked: the handshake did not come to its end.")
        elif after is None:
            after = self._no_sip(self._reason(call, alert))
        return Visit(where, call.presented, _placed(where, [tcp, handshake, versions]), _placed(where, after))

    async def _connect(self, attempt: Attempt, context: tls.Context) -> Call:
        name = str(attempt.target.host) if isinstance(attempt.target.host, Fqdn) else None
        async with asyncio.timeout(self._limit):
            loop = asyncio.get_running_loop()
            _, call = await loop.create_connection(lambda: Call(context, name), attempt.address, attempt.port)
            return call

    async def _wait(self, future: asyncio.Future[None] | asyncio.Future[Response]) -> tuple[bool, bool]:
        """Whether it came, and whether it was given up for its time."""
        try:
            async with asyncio.timeout(self._limit):
                await future
        except CallEnded:
            return False, False
        except TimeoutError:
            return False, True
        return True, False

    # -- TCP ----------------------------------------------------------------------------------------------------

    def _unreachable(self, attempt: Attempt, error: OSError | TimeoutError) -> Step:
        place = f"{attempt.address}:{attempt.port}"
        if isinstance(error, TimeoutError):
            return Step(
                "tcp",
                Result.FAILED,
                (f"{place} did not answer in {self._limit:g} s.",),
                f"Let the firewall forward TCP port {attempt.port} from any address and port to the server.",
            )
        if ":" in attempt.address and error.errno in _NO_ROUTE:
            return Step("tcp", Result.NOT_CHECKED, (f"This machine has no way to the IPv6 address {attempt.address}.",))
        if error.errno in _NO_ROUTE:
            return Step(
                "tcp",
                Result.FAILED,
                (f"There is no way to {place}: {os_sentence(error)}.",),
                f"Publish an address of {attempt.target.host} that can be reached from the Internet.",
            )
        return Step(
            "tcp",
            Result.FAILED,
            (f"{place} refuses the connection: {os_sentence(error)}.",),
            f"Start the server, have it listen on port {attempt.port}, and let the firewall forward that port to it.",
        )

    # -- TLS ----------------------------------------------------------------------------------------------------

    def _judge_handshake(self, call: Call, *, secured: bool, slow: bool) -> Step:
        if secured and call.handshake is not None:
            version, cipher = call.handshake.version, call.handshake.cipher
            data = {"version": version, "cipher": cipher}
            seen = f"{version} with {cipher}."
            if version in MODERN:
                return Step("tls", Result.OK, (seen,), data=data)
            return Step("tls", Result.FAILED, (seen,), "Switch TLS 1.2 on: partners refuse older versions.", data=data)
        if slow:
            return Step(
                "tls",
                Result.FAILED,
                (f"The server took the connection, but was silent for {self._limit:g} s.",),
                "See to it that a SIP server with TLS listens there; a forwarding to nowhere looks like this.",
            )
        assert call.ending is not None
        ended = call.ending.sentence
        if call.presented and call.ending.kind in ("alert", "closed"):
            seen = f"The server showed its certificate, then did not accept ours. {ended}"
            if self._checkup.identity is None:
                seen = f"The server showed its certificate, and went no further without one of ours. {ended}"
            return Step("tls", Result.OK, (seen,))
        return Step("tls", Result.FAILED, (call.ending.sentence,), _handshake_advice(call.ending))

    async def _versions(self, attempt: Attempt, call: Call) -> tuple[Step, Ending | None]:
        """The step, and how a handshake with TLS 1.2 ended if it did: there our certificate is judged inside of it."""
        began = time.monotonic()
        known = call.handshake.version if call.handshake is not None else None
        wanted = [version for version in VERSIONS if version != known]
        probes = dict(zip(wanted, await asyncio.gather(*(self._probe(attempt, each) for each in wanted)), strict=True))
        by_version = {version: offered for version, (offered, _) in probes.items()}
        offered = [version for version in VERSIONS if version == known or by_version.get(version)]
        unclear = [version for version in wanted if by_version[version] is None]
        refused = [version for version in wanted if by_version[version] is False]
        data = {"offered": offered, "refused": refused}
        seen = [f"Offered: {', '.join(offered) or 'none'}; refused: {', '.join(refused) or 'none'}."]
        if unclear:
            seen.append(f"No clear answer for {', '.join(unclear)}.")
        result, change = Result.OK, ""
        old = [version for version in offered if version not in MODERN]
        if not MODERN.intersection(offered):
            result, change = Result.FAILED, "Switch TLS 1.2 on, and TLS 1.3 beside it."
        elif "TLSv1.2" not in offered:
            seen.append("Skype for Business 2015 knows nothing newer than TLS 1.2.")
            result, change = Result.WARNING, "Offer TLS 1.2 as well."
        elif old:
            seen.append("Versions before TLS 1.2 are withdrawn (RFC 8996).")
            result, change = Result.WARNING, f"Switch {' and '.join(old)} off."
        step = _timed(Step("tls-versions", result, tuple(seen), change, data=data), began)
        spoke, ending = probes.get("TLSv1.2", (False, None))
        return step, ending if spoke else None

    async def _probe(self, attempt: Attempt, version: tls.Version) -> tuple[bool | None, Ending | None]:
        """Whether the server goes on with this version, None when it cannot be told; and how the handshake ended."""
        try:
            call = await self._connect(attempt, self._contexts.between(version, version))
        except (OSError, TimeoutError):
            return None, None
        try:
            _, slow = await self._wait(call.secured)
            ending = call.ending
        finally:
            call.close()
        return True if call.presented else None if slow else False, ending

    # -- SIP ----------------------------------------------------------------------------------------------------

    async def _sip(self, attempt: Attempt, call: Call) -> list[Step] | None:
        """Both steps; None when the server ended the connection instead of an answer."""
        checkup = self._checkup
        began = time.monotonic()
        call.send(
            build(
                checkup.probe,
                checkup.domain,
                checkup.requester,
                server=str(attempt.target.host),
                own_host=checkup.own_host,
                local=call.local,
            )
        )
        answered, slow = await self._wait(call.answer)
        seconds = time.monotonic() - began
        if answered:
            sip = replace(probe.judge(call.answer.result(), checkup.domain, checkup.requester), seconds=seconds)
            return [self._accepted(), sip]
        if slow:
            silent = Step(
                "sip",
                Result.FAILED,
                (f"The server took the request and gave no final answer in {self._limit:g} s.",),
                "Look for the OPTIONS in the server's log; its way to its own users or to the DNS hangs.",
                seconds=seconds,
            )
            return [self._unclear(), silent]
        return None

    def _accepted(self) -> Step:
        if self._checkup.identity is not None:
            return Step(
                "own-certificate", Result.OK, (f"The server accepted it ({', '.join(self._checkup.own_names)}).",)
            )
        return Step(
            "own-certificate",
            Result.WARNING,
            ("The server went on without a certificate of ours: this is no mutual TLS.",),
            "Have the server demand a certificate of its TLS clients; without one it cannot tell who speaks.",
        )

    def _unclear(self) -> Step:
        return Step("own-certificate", Result.NOT_CHECKED, ("The server said nothing by which it could be told.",))

    @staticmethod
    def _reason(call: Call, in_tls12: Ending | None) -> Ending:
        """Why the server hung up. With TLS 1.3 its alert is lost when it closes at once, with our request unread."""
        assert call.ending is not None
        if call.ending.kind == "closed" and in_tls12 is not None and in_tls12.kind == "alert":
            return in_tls12
        return call.ending

    def _no_sip(self, ending: Ending) -> list[Step]:
        """The server ended the connection: that is its judgement on our certificate, or on our having none."""
        if ending.kind in ("sip", "tls"):
            broken = Step("sip", Result.FAILED, (ending.sentence,), "Have the server speak SIP over TLS on this port.")
            return [self._unclear(), broken]
        if self._checkup.identity is None:
            return not_checked(
                ("own-certificate", "sip"),
                f"Not checked: the server went no further without a certificate of ours, as it must. {ending.sentence}",
                change="Give --certificate and --key to check this, too.",
            )
        advice = _REFUSALS.get(ending.text, _OTHER_REFUSAL) if ending.kind == "alert" else _OTHER_REFUSAL
        seen = (f"After our certificate the server ended the connection. {ending.sentence}",)
        refused = Step("own-certificate", Result.FAILED, seen, advice, data={"alert": _alert(ending)})
        return [refused, *not_checked(["sip"], "Not checked: the server refused our certificate.")]


def _handshake_advice(ending: Ending) -> str:
    if ending.kind == "alert" and ending.text == "protocol_version":
        return "Switch TLS 1.2 on: the server knows no version that is spoken here."
    if ending.kind == "alert" and ending.text == "handshake_failure":
        return "Allow usual ciphers (ECDHE with AES-GCM) and give the server a certificate."
    if ending.kind == "alert":
        return "Look in the server's log for why it ended the handshake; a server without certificate does so."
    if "no TLS" in ending.text:
        return "Switch TLS on for this port (MTLS, not TCP), or forward the port to the one that has it."
    return "Give the server a certificate with a private key that it may read; one without it hangs up like this."


def _alert(ending: Ending) -> str | None:
    return ending.text if ending.kind == "alert" else None


def _placed(where: str, steps: list[Step]) -> tuple[Step, ...]:
    return tuple(replace(step, where=where) for step in steps)


def _timed(step: Step, began: float) -> Step:
    return replace(step, seconds=time.monotonic() - began)

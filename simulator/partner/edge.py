"""The edge of a partner as a test holds it: its address, its connections, its log and what it refused in TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from cryptography.hazmat.primitives.hashes import SHA256

from simulator import tls
from simulator.discovery import DiscoveryFailed
from simulator.errors import ExpectationFailed, FederationFailed
from simulator.evidence.recorder import Recorder
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.loop import LoopThread
from simulator.io.mailbox import Mailbox
from simulator.io.peering import NotFound
from simulator.io.probe import PROBES, S4B, USER, build
from simulator.io.tap import RecordingTap
from simulator.io.transport import SipTransport
from simulator.io.user import DEADLINE
from simulator.names import Fqdn, SipDomain
from simulator.partner.breakdown import Breakdown, Impostor
from simulator.partner.log import EdgeLog, EdgeLogEntry
from simulator.partner.mishaps import EdgeAgent, Kind, Mishap
from simulator.partner.rules import EdgeRules
from simulator.partner.wire import Wire, WireTap, WireUser
from simulator.sip.message import Request, Response


class Pems(Protocol):
    """A certificate with its key, as `tls.Identity` has them, or what a CA has issued."""

    @property
    def chain_pem(self) -> bytes:
        """Leaf first."""

    @property
    def key_pem(self) -> bytes:
        """The private key of the leaf."""


@dataclass(frozen=True, slots=True)
class TlsRefusal:
    """One side of a handshake refused the other."""

    by_peer: bool
    "True when the server under test refused us, False when this edge refused it."
    outgoing: bool
    "Whether this edge had opened the connection."
    alert: str
    "The TLS alert that was sent, by its name in RFC 8446 §6; empty when there was none."
    sentence: str
    "Why, as far as this side knows."


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What `Test-CsFederatedPartner` shows: any final answer but 504 proves the link (dialect facts §1.3)."""

    target: str
    "`TargetFqdn`: the edge that probed."
    domain: SipDomain
    "Whom it probed."
    result: Literal["Success", "Failure"]
    "The verdict."
    latency: float
    "Seconds from the request to its answer, on the federation's clock."
    status: int | None
    "The status of the answer; None when there was none."
    error: str = ""
    "What went wrong, in a sentence; empty for a success."
    diagnosis: tuple[str, ...] = ()
    "What the edge tells its administrator: the values of `ms-diagnostics`."

    def must_succeed(self) -> Self:
        """Return self, or raise ExpectationFailed with the error and the diagnosis."""
        if self.result == "Failure":
            raise ExpectationFailed(
                f"{self.target} must reach {self.domain}, but: {' '.join((self.error, *self.diagnosis))}"
            )
        return self

    def must_fail(self) -> Self:
        """Return self, or raise ExpectationFailed when the link works."""
        if self.result == "Success":
            raise ExpectationFailed(f"{self.target} must not reach {self.domain}, but was answered {self.status}.")
        return self


class EdgeTap(RecordingTap):
    """Records for the evidence and keeps the refusals, for which a test may wait."""

    def __init__(
        self,
        recorder: Recorder,
        who: str,
        label: Callable[[Link], str],
        rules: EdgeRules,
        *,
        own_names: Sequence[str] = (),
    ) -> None:
        super().__init__(recorder, who, label, own_names=own_names)
        self._rules = rules
        self.refusals: Mailbox[TlsRefusal] = Mailbox()
        self.dialled: Mailbox[str] = Mailbox()
        self.seen: list[str] = []

    def opened(self, link: Link) -> None:
        super().opened(link)
        if not link.outgoing:
            self.dialled.put(link.peer_address)

    def secured(self, link: Link, handshake: tls.HandshakeCompleted) -> None:
        super().secured(link, handshake)
        self.seen.append(handshake.peer[0].fingerprint(SHA256()).hex())

    def received(self, link: Link, message: Request | Response) -> None:
        super().received(link, message)
        if isinstance(message, Response) and message.status >= 300:
            self._rules.on_failure(link, message)

    def refused(self, link: Link, *, by_peer: bool, alert: str, sentence: str) -> None:
        super().refused(link, by_peer=by_peer, alert=alert, sentence=sentence)
        self.refusals.put(TlsRefusal(by_peer, link.outgoing, alert, sentence))


class Edge:
    """The edge as a test holds it."""

    def __init__(
        self, loop: LoopThread, agent: EdgeAgent, rules: EdgeRules, tap: EdgeTap, log: EdgeLog, opposite: SipDomain
    ) -> None:
        self._loop = loop
        self._opposite = opposite
        self._agent = agent
        self._rules = rules
        self._tap = tap
        self._log = log
        self._impostor: Impostor | None = None
        self._wires: list[SipTransport] = []

    @property
    def fqdn(self) -> Fqdn:
        """The name it goes by."""
        return self._agent.fqdn

    @property
    def address(self) -> str:
        """The IP address it listens on."""
        return self._agent.transport.address

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self._agent.transport.port

    @property
    def log(self) -> tuple[EdgeLogEntry, ...]:
        """What it noted: result codes and `ms-diagnostics` as its administrator reads them; none of it ever goes over
        the wire."""
        return tuple(self._log)

    @property
    def connections(self) -> int:
        """How many connections are open now, in both directions."""
        return self._loop.call(lambda: sum(link.alive for link in self._agent.transport.links))

    def present(self, certificate: Pems | None) -> None:
        """Show another certificate from the next connection on, as after a renewal; None shows none at all."""
        identity = None if certificate is None else tls.Identity(certificate.chain_pem, certificate.key_pem)
        self._loop.call(self._agent.transport.use, identity)

    @contextmanager
    def presenting(self, certificate: Pems) -> Iterator[None]:
        """Show another certificate on the connections that begin while the block lasts, and then the old one again."""
        before = self._loop.call(lambda: self._agent.transport.identity)
        self.present(certificate)
        try:
            yield
        finally:
            self._loop.call(self._agent.transport.use, before)

    @property
    def seen_certificates(self) -> tuple[str, ...]:
        """What it was shown at each handshake, the latest last: SHA-256 in hexadecimal digits."""
        return self._loop.call(lambda: tuple(self._tap.seen))

    def stop(self) -> None:
        """End every connection without a word, and listen no more."""
        self._loop.run(self._agent.transport.close())

    # -- going wrong on purpose ---------------------------------------------------------------------------------

    def answers(
        self,
        method: str | None,
        status: int,
        reason: str | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        times: int | None = None,
        admitted: bool = False,
    ) -> Mishap:
        """Give requests of this method (None: all) this answer and no other treatment, so often or until `end()`; with
        `admitted` only those that the edge lets in."""
        return self._goes_wrong(
            Mishap(self._loop, "answers", method, times, status, reason, headers, admitted=admitted)
        )

    def falls_silent(self, method: str | None = None, *, times: int | None = None) -> Mishap:
        """Leave requests unanswered; the connection stays open."""
        return self._goes_wrong(Mishap(self._loop, "silent", method, times))

    def answers_late(self, seconds: float, method: str | None = None, *, times: int | None = None) -> Mishap:
        """Take and answer requests only after so many seconds of the federation's clock."""
        return self._goes_wrong(Mishap(self._loop, "late", method, times, seconds=seconds))

    def closes_on(self, method: str | None = None, *, taken: bool = False, times: int | None = None) -> Mishap:
        """End the connection when a request comes, instead of taking it; when `taken`, instead of answering it."""
        kind: Kind = "closes-after-taking" if taken else "closes"
        return self._goes_wrong(Mishap(self._loop, kind, method, times))

    def _goes_wrong(self, mishap: Mishap) -> Mishap:
        self._loop.call(self._agent.mishaps.append, mishap)
        return mishap

    def drops_connections(self) -> None:
        """End every connection without a word and go on listening; users, sessions and subscriptions stay."""

        def close() -> None:
            for link in tuple(self._agent.transport.links):
                link.close("dropped on purpose")

        self._loop.call(close)

    def breaks_down(self, how: Breakdown = "refuses") -> None:
        """End every connection without a word; from then on nobody listens in its place, or somebody who speaks no SIP
        over TLS. `recovers` ends that; users, sessions and subscriptions stay."""
        self._loop.run(self._break_down(how))

    async def _break_down(self, how: Breakdown) -> None:
        await self.end_breakdown()
        transport = self._agent.transport
        await transport.close()
        self._impostor = Impostor(how, self._tap.dialled.put)
        await self._impostor.listen(transport.address, transport.port)

    def recovers(self) -> None:
        """Listen again after `breaks_down` or `stop`."""
        self._loop.run(self._recover())

    async def _recover(self) -> None:
        await self.end_breakdown()
        transport = self._agent.transport
        await transport.listen(transport.address, transport.port)

    async def end_breakdown(self) -> None:
        """Leave the edge's place free, and end what tests write by hand; to be called on the loop."""
        if self._impostor is not None:
            await self._impostor.close()
            self._impostor = None
        for transport in self._wires:
            await transport.close()
        self._wires.clear()

    def wire(self) -> Wire:
        """A connection of this edge to the server under test, on which the test writes by hand, whatever the partner's
        policy says; ExpectationFailed when it does not come up."""
        return self._loop.run(self._open_wire())

    async def _open_wire(self) -> Wire:
        own, way = self._agent.transport, self._rules.way_of_hand(self._opposite)
        route = await self._agent.resolver.discover(way.plan())
        if isinstance(route, DiscoveryFailed):
            raise NotFound(route.sentence, route)
        tap, user = WireTap(self._tap), WireUser()
        transport = SipTransport(own.identity, own.policy, own.timers, user, str(self.fqdn), tap, own.key_log)
        self._wires.append(transport)
        try:
            link = await transport.connect(route.attempts[0])
        except LinkLost as lost:
            why = str(lost).rstrip(".")
            raise ExpectationFailed(
                f"{self.fqdn} must get a connection to {self._opposite}, to write on it by hand, but: {why}. "
                "Does the server still listen, and does it take the edge's certificate?"
            ) from None
        return Wire(self._loop, link, transport, tap, user)

    # -- trying it out ------------------------------------------------------------------------------------------

    def probe(self, domain: SipDomain | str | None = None) -> ProbeResult:
        """Send the OPTIONS of `Test-CsFederatedPartner` to `domain`, by default that of the server under test."""
        return self._loop.run(self._probe(self._opposite if domain is None else SipDomain.parse(str(domain))))

    async def _probe(self, domain: SipDomain) -> ProbeResult:
        agent, began = self._agent, self._agent.now
        own = next(iter(self._rules.policies))
        shape = S4B if self._rules.persona.edge.header_capitals_in_probe else PROBES["plain"]
        status: int | None = None
        error = ""
        diagnosis: tuple[str, ...] = ()
        try:
            link = await agent.link_to(domain, user=f"sip:{USER}@{own}")
            request = build(shape, domain, own, server=link.expected, own_host=str(agent.fqdn), local=link.own_address)
            response = await link.request(request, add_via=False)
        except FederationFailed as failure:
            error = str(failure)
            diagnosis = self._rules.unreachable(failure, f"OPTIONS to {domain}", agent.log)
        else:
            status = response.status
            if status == 504:
                error = f"A {status} ({response.reason}) response was received."
        result: Literal["Success", "Failure"] = "Failure" if error else "Success"
        return ProbeResult(str(self.fqdn), domain, result, agent.now - began, status, error, diagnosis)

    def must_have_been_dialled(self, *, within: float = DEADLINE) -> str:
        """Somebody connected to this edge; gives the address they came from, or raises ExpectationFailed."""
        found = self._loop.run(self._tap.dialled.take(lambda _address: True, within=within))
        if found is None:
            raise ExpectationFailed(f"Nobody connected to {self.fqdn} at {self.address}:{self.port}.")
        return found

    def must_not_have_been_dialled(self, *, because: str = "") -> None:
        """Nobody connected to this edge so far; ExpectationFailed with the addresses of those who did, and with the
        sentence why nobody was to."""
        if len(self._tap.dialled):
            who = ", ".join(self._tap.dialled)
            raise ExpectationFailed(f"Nobody was to connect to {self.fqdn}, but {who} did. {because}".rstrip())

    def must_have_been_refused(self, *, alert: str | None = None, within: float = DEADLINE) -> TlsRefusal:
        """The server under test ended a handshake because of our certificate; ExpectationFailed when it did not."""
        return self._refusal(True, alert, within)

    def must_have_refused(self, *, alert: str | None = None, within: float = DEADLINE) -> TlsRefusal:
        """This edge ended a handshake because of the server's certificate; ExpectationFailed when it did not."""
        return self._refusal(False, alert, within)

    @property
    def watch_list(self) -> tuple[str, ...]:
        """The discovered partners that behave suspiciously, by the names of their certificates."""
        return self._loop.call(lambda: self._rules.limits.watch_list)

    def must_log(self, words: str, *, within: float = DEADLINE) -> EdgeLogEntry:
        """The first log entry with these words, code or name in it; ExpectationFailed with the log when there is
        none."""
        found = self._loop.run(self._log.find(lambda entry: words in str(entry), within=within))
        if found is not None:
            return found
        seen = "; ".join(map(str, self._log)) or "nothing"
        raise ExpectationFailed(f"The edge {self.fqdn} must have logged {words!r}; it logged: {seen}.")

    def _refusal(self, by_peer: bool, alert: str | None, within: float) -> TlsRefusal:
        def wanted(refusal: TlsRefusal) -> bool:
            return refusal.by_peer is by_peer and (alert is None or refusal.alert == alert)

        found = self._loop.run(self._tap.refusals.take(wanted, within=within))
        if found is None:
            who = "the server under test must refuse" if by_peer else "this edge must refuse"
            what = f" with the alert {alert}" if alert else ""
            refusals = [f"{refusal.alert or 'no alert'}: {refusal.sentence}" for refusal in self._tap.refusals]
            seen = "; ".join(refusals) or "no refusal at all"
            raise ExpectationFailed(f"In TLS {who} the certificate{what} at {self.fqdn}; seen was {seen}.")
        return found

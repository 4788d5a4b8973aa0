"""Revocation between two elements: looked up over HTTP, before the first request; in the next handshake it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from fakes.ca import Authority, Issued, Publisher
from simulator import tls, trust
from simulator.clock import SystemClock
from simulator.discovery import Attempt, Target
from simulator.io import revocation
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.revocation import CheckedEndpoint, RevocationLookups
from simulator.io.timers import Timers
from simulator.io.transport import SipTransport, TrustPolicy
from simulator.names import Fqdn
from simulator.sip.message import Request
from simulator.sip.transaction import ServerTransaction

EDGE = "sip.fabrikam.test"
CONNECT = "connect.acme.test"
HARD = trust.Rules(revocation="hard")
SOFT = trust.Rules(revocation="soft")


@dataclass
class Answering:
    """The user of a transport: answers every request with 200 and notes it, and which links have ended."""

    requests: list[Request] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        self.requests.append(request)
        link.respond(transaction, request.respond(200))

    def on_ack(self, link: Link, request: Request) -> None:
        raise AssertionError(f"nobody sends INVITE here: {link}, {request}")

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        raise AssertionError(f"nobody sends INVITE here: {link}, {transaction}")

    def on_remark(self, link: Link, sentence: str) -> None:
        raise AssertionError(f"{link}: {sentence}")

    def on_closed(self, link: Link) -> None:
        self.ended.append(link.fault)
        self.closed.set()


class Rig:
    """A CA that publishes, a server and a client; which of them asks about revocation is the test's choice."""

    def __init__(self, authority: Authority, publisher: Publisher) -> None:
        self.authority = authority
        self.publisher = publisher
        self.clock = SystemClock()
        self.timers = Timers(self.clock)
        self.at_server, self.at_client = Answering(), Answering()
        self.opened: list[SipTransport] = []

    def lookups(self, *, timeout: float = 5.0) -> RevocationLookups:
        return RevocationLookups(self.clock, timeout=timeout)

    def element(
        self, issued: Issued, user: Answering, rules: trust.Rules, lookups: RevocationLookups | None
    ) -> SipTransport:
        policy = TrustPolicy([self.authority.root], rules, lookups)
        transport = SipTransport(tls.Identity(issued.chain_pem, issued.key_pem), policy, self.timers, user, issued.fqdn)
        self.opened.append(transport)
        return transport

    async def join(
        self,
        *,
        server: Issued | None = None,
        client: Issued | None = None,
        server_asks: RevocationLookups | None = None,
        client_asks: RevocationLookups | None = None,
        rules: trust.Rules = HARD,
    ) -> Link:
        """Let the client connect to a server of its own; LinkLost as `SipTransport.connect`."""
        off = trust.Rules()
        listening = self.element(
            server or self.authority.issue(EDGE), self.at_server, rules if server_asks else off, server_asks
        )
        await listening.listen("127.0.0.1", 0)
        dialling = self.element(
            client or self.authority.issue(CONNECT), self.at_client, rules if client_asks else off, client_asks
        )
        target = Target(Fqdn.parse(EDGE), listening.port, EDGE, "static")
        return await dialling.connect(Attempt(target, str(ip_address("127.0.0.1")), listening.port))

    async def close(self) -> None:
        for transport in self.opened:
            await transport.close()
        self.timers.close()

    def fetched(self) -> list[str]:
        return [fetch.path for fetch in self.publisher.history if not fetch.path.startswith("/root/")]


def run(work: Callable[[Rig], Awaitable[None]]) -> None:
    async def main() -> None:
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        authority = Authority()
        async with Publisher(authority) as publisher:
            rig = Rig(authority, publisher)
            try:
                await work(rig)
            finally:
                await rig.close()
        assert problems == []

    asyncio.run(main())


def options() -> Request:
    return Request.build(
        "OPTIONS",
        f"sip:{EDGE}",
        [
            ("From", "<sip:a@acme.test>;tag=1"),
            ("To", f"<sip:{EDGE}>"),
            ("Call-ID", "1@acme.test"),
            ("CSeq", "1 OPTIONS"),
            ("Max-Forwards", "70"),
        ],
    )


class TestTheDiallingSide:
    def test_a_good_server_is_spoken_with_once_the_lists_are_there(self) -> None:
        async def work(rig: Rig) -> None:
            link = await rig.join(client_asks=rig.lookups())
            assert rig.fetched() == ["/ours/fresh.crl"]
            assert link.verdict is not None
            assert link.verdict.pending == ()
            assert (await link.request(options())).status == 200

        run(work)

    def test_a_revoked_server_is_left_before_a_request_and_refused_by_alert_the_next_time(self) -> None:
        async def work(rig: Rig) -> None:
            lookups, revoked = rig.lookups(), rig.authority.issue(EDGE, "revoked")
            with pytest.raises(LinkLost, match=r"it was revoked on .* \(key compromise\), says the CRL at http"):
                await rig.join(server=revoked, client_asks=lookups)
            await rig.at_server.closed.wait()
            assert rig.at_server.ended == [""]  # the handshake was over, so TCP and TLS end in good order
            rig.at_server.closed.clear()
            with pytest.raises(LinkLost, match="it was revoked on"):
                await rig.join(server=revoked, client_asks=lookups)
            await rig.at_server.closed.wait()
            assert rig.at_server.ended[1] == "the peer ended TLS with the alert certificate_revoked"
            assert rig.at_server.requests == []
            assert rig.fetched() == ["/ours/fresh.crl"]

        run(work)

    @pytest.mark.parametrize(
        ("profile", "why"),
        [
            ("crl-missing", "it answered 404"),
            ("crl-unreachable", "it can't be reached"),
            ("crl-expired", "says only what held until"),
            ("ocsp-busy", "answered “try later”"),
            ("ocsp-revoked", "it was revoked on"),
        ],
    )
    def test_hard_rules_leave_a_server_of_which_nothing_good_is_known(self, profile: str, why: str) -> None:
        async def work(rig: Rig) -> None:
            with pytest.raises(LinkLost, match=why):
                await rig.join(server=rig.authority.issue(EDGE, profile), client_asks=rig.lookups())

        run(work)

    @pytest.mark.parametrize("profile", ["crl-missing", "crl-unreachable", "crl-forged", "ocsp-garbage", "ocsp"])
    def test_soft_rules_speak_with_it(self, profile: str) -> None:
        async def work(rig: Rig) -> None:
            server = rig.authority.issue(EDGE, profile)
            link = await rig.join(server=server, client_asks=rig.lookups(), rules=SOFT)
            assert link.verdict is not None
            assert len(link.verdict.warnings) == (profile != "ocsp")
            assert (await link.request(options())).status == 200

        run(work)

    def test_nobody_waits_for_a_silent_server_for_long(self) -> None:
        async def work(rig: Rig) -> None:
            with pytest.raises(LinkLost, match=r"it did not answer in 0\.05 s"):
                server = rig.authority.issue(EDGE, "crl-silent")
                await rig.join(server=server, client_asks=rig.lookups(timeout=0.05))

        run(work)

    def test_what_many_want_at_once_is_fetched_once(self) -> None:
        async def work(rig: Rig) -> None:
            lookups = rig.lookups()
            await asyncio.gather(*(rig.join(client_asks=lookups) for _ in range(4)))
            assert [fetch.path for fetch in rig.publisher.history] == ["/ours/fresh.crl", "/root/fresh.crl"]

        run(work)

    def test_a_body_has_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revocation, "MAX_BODY", 100)

        async def work(rig: Rig) -> None:
            with pytest.raises(LinkLost, match=r"what it answered can't be used \(more than 100 bytes\)"):
                await rig.join(client_asks=rig.lookups())

        run(work)


class TestTheListeningSide:
    def test_a_request_waits_until_the_client_is_known_to_be_good(self) -> None:
        async def work(rig: Rig) -> None:
            link = await rig.join(server_asks=rig.lookups())
            assert (await link.request(options())).status == 200
            assert rig.fetched() == ["/ours/fresh.crl"]

        run(work)

    def test_no_request_of_a_revoked_client_is_ever_seen(self) -> None:
        async def work(rig: Rig) -> None:
            link = await rig.join(client=rig.authority.issue(CONNECT, "revoked"), server_asks=rig.lookups())
            with pytest.raises(LinkLost, match="the peer closed the connection"):
                await link.request(options())
            assert rig.at_server.requests == []
            assert "it was revoked on" in rig.at_server.ended[0]

        run(work)

    def test_a_client_that_floods_meanwhile_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revocation, "MAX_HELD", 100)

        async def work(rig: Rig) -> None:
            client = rig.authority.issue(CONNECT, "crl-silent")
            link = await rig.join(client=client, server_asks=rig.lookups(timeout=60))
            with pytest.raises(LinkLost):
                await link.request(options())
            await rig.at_server.closed.wait()
            assert rig.at_server.ended == ["TLS failed: The peer sent more than 100 bytes before it could be trusted."]

        run(work)

    def test_closing_does_not_wait_for_a_lookup(self) -> None:
        async def work(rig: Rig) -> None:
            client = rig.authority.issue(CONNECT, "crl-silent")
            await rig.join(client=client, server_asks=rig.lookups(timeout=60))

        run(work)


def test_a_redirection_is_not_followed() -> None:
    """It could lead anywhere, into the network behind this machine above all."""

    async def work(rig: Rig) -> None:
        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            where = f"{rig.publisher.url}/ours/fresh.crl"
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(redirect, "127.0.0.1", 0) as elsewhere:
            port = elsewhere.sockets[0].getsockname()[1]
            rig.authority.publish(f"http://127.0.0.1:{port}")
            with pytest.raises(LinkLost, match="it answered 302"):
                await rig.join(client_asks=rig.lookups())
        assert rig.publisher.history == []

    run(work)


class TestCheckedEndpoint:
    """The end point alone, joined with a client without a network."""

    def settle(self, verdict: trust.Verdict) -> list[tls.Event | None]:
        """The events from when the client has said hello and this verdict is there, the first None included."""

        async def main() -> list[tls.Event | None]:
            authority, answer = Authority(), asyncio.get_running_loop().create_future()
            lookup = trust.Lookup("crl", "http://ca.example/a.crl")
            awake = asyncio.Event()

            async def settled(_: Callable[[], trust.Verdict]) -> trust.Verdict:
                result: trust.Verdict = await answer
                return result

            def context(name: str, role: tls.Role) -> tls.Context:
                issued = authority.issue(name)
                return tls.Context(tls.Identity(issued.chain_pem, issued.key_pem), role, lambda _: ACCEPTED)

            client = tls.Endpoint(context(CONNECT, "client"))
            server = CheckedEndpoint(
                context(EDGE, "server"),
                server_name=None,
                judge=lambda _: replace(ACCEPTED, pending=(lookup,)),
                settle=settled,
            )
            server.wake = awake.set
            client.start()
            for _ in range(3):
                server.receive_data(client.data_to_send())
                assert server.next_event() is None
                client.receive_data(server.data_to_send())
            client.send(b"hello")
            server.receive_data(client.data_to_send())
            assert server.next_event() is None
            answer.set_result(verdict)
            await awake.wait()
            seen = [server.next_event() for _ in range(3)]
            if not verdict.accepted:
                assert not server.is_open
            return seen

        return asyncio.run(main())

    def test_what_came_meanwhile_follows_the_handshake(self) -> None:
        completed, data, none = self.settle(ACCEPTED)
        assert isinstance(completed, tls.HandshakeCompleted)
        assert completed.verdict == ACCEPTED
        assert data == tls.DataReceived(b"hello")
        assert none is None

    def test_what_came_meanwhile_from_a_refused_peer_is_not_for_anybody(self) -> None:
        reason = trust.Reason(trust.ReasonKind.REVOKED, "it was revoked")
        refused = replace(ACCEPTED, reasons=(reason,))
        assert self.settle(refused) == [tls.RefusedPeer(refused, ""), None, None]


ACCEPTED = trust.Verdict((), (CONNECT,), None)


def test_without_lookups_soft_rules_ask_nobody() -> None:
    async def work(rig: Rig) -> None:
        policy = TrustPolicy([rig.authority.root], SOFT)
        assert policy.revocation is None
        server = rig.element(rig.authority.issue(EDGE, "revoked"), rig.at_server, SOFT, None)
        await server.listen("127.0.0.1", 0)
        client = rig.element(rig.authority.issue(CONNECT), rig.at_client, replace(SOFT), None)
        target = Target(Fqdn.parse(EDGE), server.port, EDGE, "static")
        link = await client.connect(Attempt(target, "127.0.0.1", server.port))
        assert (await link.request(options())).status == 200
        assert rig.publisher.history == []

    run(work)

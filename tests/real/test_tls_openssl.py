"""Our MTLS end point before the `openssl` program, in both roles: handshakes, refusals and alerts as it prints them."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.ca import Authority
from fakes.ca.revocation import Publications
from simulator import tls, trust
from simulator.names import Fqdn
from simulator.tls import (
    Closed,
    Context,
    DataReceived,
    Endpoint,
    Event,
    HandshakeCompleted,
    Identity,
    PeerRefused,
    RefusedPeer,
    TlsFailed,
)

EDGE = "sip.fabrikam.test"
CONNECT = "connect.acme.test"
DEADLINE = 20
"Seconds that a program may take, far more than any does."
FLAGS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
"How the program is told to speak one version only."


@dataclass(frozen=True)
class Site:
    """The program, a CA that both sides trust, and files for the program's side."""

    openssl: Path
    authority: Authority
    folder: Path

    def identity(self, fqdn: str, profile: str = "dual") -> Identity:
        issued = self.authority.issue(fqdn, profile)
        return Identity(issued.chain_pem, issued.key_pem)

    def files(self, fqdn: str, profile: str = "dual") -> list[str]:
        """The program's options to present such a certificate with its chain, and to trust the CA."""
        issued = self.authority.issue(fqdn, profile)
        certificate, key = self.authority.write(issued)
        chain, root = self.folder / "chain.pem", self.folder / "root.pem"
        chain.write_bytes(issued.chain_pem.removeprefix(issued.leaf.public_bytes(Encoding.PEM)))
        root.write_bytes(self.authority.root_pem)
        sent_along = ["-cert_chain", str(chain)] if chain.stat().st_size else []
        return ["-cert", str(certificate), *sent_along, "-key", str(key), "-CAfile", str(root)]

    def judge(self, expected: str | None) -> tls.Verify:
        def verify(presented: tls.PresentedChain) -> trust.Verdict:
            def judge() -> trust.Verdict:
                return trust.judge(
                    presented,
                    roots=[self.authority.root],
                    at=now,
                    rules=trust.S4B,
                    expected=None if expected is None else Fqdn.parse(expected),
                    revocation=data,
                )

            now, data = datetime.now(UTC), trust.RevocationData()
            while (verdict := judge()).pending:
                for lookup in verdict.pending:
                    page = Publications(self.authority).respond("GET", urlsplit(lookup.url).path)
                    assert page is not None
                    data.put(lookup, page.body, now)
            return verdict

        return verify


@pytest.fixture
def site(program: Callable[[str], Path], tmp_path: Path) -> Iterator[Site]:
    openssl = program("openssl")
    with Authority(None, tmp_path) as authority:
        authority.publish("http://ca.example")
        yield Site(openssl, authority, tmp_path)


Answer = Callable[[Endpoint, Event], None]


def pump(endpoint: Endpoint, stream: socket.socket, on_event: Answer) -> list[Event]:
    """Drive `endpoint` on a socket until the peer ends the stream."""
    stream.settimeout(DEADLINE)
    seen: list[Event] = []
    endpoint.start()
    while True:
        for event in iter(endpoint.next_event, None):
            seen.append(event)
            on_event(endpoint, event)
        try:
            stream.sendall(endpoint.data_to_send())
            if isinstance(seen[-1] if seen else None, RefusedPeer):
                stream.shutdown(socket.SHUT_WR)
            data = stream.recv(65536)
        except ConnectionError:
            return seen
        if not data:
            return seen
        endpoint.receive_data(data)


def shout_back(endpoint: Endpoint, event: Event) -> None:
    if isinstance(event, DataReceived):
        endpoint.send(event.data.upper())
        endpoint.close()


def say_hello(endpoint: Endpoint, event: Event) -> None:
    if isinstance(event, HandshakeCompleted):
        endpoint.send(b"hello\n")
    if isinstance(event, DataReceived):
        endpoint.close()


@dataclass
class Talk:
    """What the program printed and what our end point saw."""

    printed: str
    events: list[Event]

    @property
    def alerts(self) -> list[int]:
        """The alert numbers that the program says it has read."""
        return [int(number) for number in re.findall(r"SSL alert number (\d+)", self.printed)]

    @property
    def handshake(self) -> HandshakeCompleted:
        event = self.events[0]
        assert isinstance(event, HandshakeCompleted), self
        return event

    @property
    def data(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, DataReceived))


def with_s_client(site: Site, endpoint: Endpoint, *options: str, on_event: Answer = shout_back) -> Talk:
    """Let `openssl s_client` with these options say hello to our server end point and wait for its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        seen: list[Event] = []

        def accept() -> None:
            stream, _ = listener.accept()
            with stream:
                seen.extend(pump(endpoint, stream, on_event))

        thread = threading.Thread(target=accept)
        thread.start()
        host, port = listener.getsockname()
        command = [str(site.openssl), "s_client", "-connect", f"{host}:{port}", "-ign_eof", *options]
        result = subprocess.run(
            command, input="hello\n", capture_output=True, text=True, errors="replace", timeout=DEADLINE, check=False
        )
        thread.join(DEADLINE)
        assert not thread.is_alive()
    return Talk(result.stdout + result.stderr, seen)


def with_s_server(site: Site, endpoint: Endpoint, *options: str) -> Talk:
    """Let our client end point say hello to `openssl s_server`, which answers with the line reversed."""
    command = [str(site.openssl), "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-rev", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        assert process.stdout is not None
        first = next((line for line in process.stdout if line.startswith("ACCEPT ")), None)
        assert first is not None, "s_server did not come up"
        with socket.create_connection(("127.0.0.1", int(first.rpartition(":")[2])), DEADLINE) as stream:
            seen = pump(endpoint, stream, say_hello)
        printed, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    return Talk(printed, seen)


@pytest.mark.parametrize("version", FLAGS)
class TestAsServer:
    def endpoint(self, site: Site) -> Endpoint:
        return Endpoint(Context(site.identity(EDGE), "server", site.judge(CONNECT)))

    def test_s_client_is_served(self, site: Site, version: str) -> None:
        options = ["-servername", EDGE, "-verify_hostname", EDGE, "-verify_return_error"]
        talk = with_s_client(site, self.endpoint(site), FLAGS[version], *options, *site.files(CONNECT))
        assert (talk.handshake.version, talk.handshake.sni, talk.data) == (version, EDGE, b"hello\n")
        assert [certificate.issuer for certificate in talk.handshake.peer] == [
            site.authority.intermediate.subject,
            site.authority.root.subject,
        ]
        assert "HELLO\n" in talk.printed
        assert "Verify return code: 0 (ok)" in talk.printed
        assert talk.alerts == []

    def test_a_client_for_server_authentication_only_is_served(self, site: Site, version: str) -> None:
        """F2.3: what Skype for Business takes and OpenSSL itself would refuse (F2.17)."""
        talk = with_s_client(site, self.endpoint(site), FLAGS[version], *site.files(CONNECT, "server-only"))
        assert talk.handshake.version == version
        assert "HELLO\n" in talk.printed

    @pytest.mark.parametrize(
        ("profile", "alert", "number"),
        [
            ("untrusted", "unknown_ca", 48),
            ("self-signed", "unknown_ca", 48),
            ("missing-intermediate", "unknown_ca", 48),
            ("revoked", "certificate_revoked", 44),
            ("expired", "certificate_expired", 45),
            ("not-yet-valid", "certificate_expired", 45),
            ("constrained", "certificate_unknown", 46),
            ("client-only", "unsupported_certificate", 43),
            ("rsa-pss", "unsupported_certificate", 43),
            ("wildcard", "bad_certificate", 42),
            ("wrong-name", "bad_certificate", 42),
        ],
    )
    def test_s_client_prints_the_alert_that_refuses_it(
        self, site: Site, version: str, profile: str, alert: str, number: int
    ) -> None:
        talk = with_s_client(site, self.endpoint(site), FLAGS[version], *site.files(CONNECT, profile))
        (refusal,) = talk.events
        assert isinstance(refusal, RefusedPeer)
        assert refusal.alert == alert
        assert talk.alerts == [number]

    def test_s_client_without_certificate_is_told_so(self, site: Site, version: str) -> None:
        talk = with_s_client(site, self.endpoint(site), FLAGS[version])
        (refusal,) = talk.events
        assert isinstance(refusal, RefusedPeer)
        assert talk.alerts == [{"TLSv1.2": 40, "TLSv1.3": 116}[version]]

    def test_our_server_is_refused_by_s_client(self, site: Site, version: str) -> None:
        context = Context(site.identity(EDGE, "untrusted"), "server", site.judge(None))
        options = ["-verify_return_error", *site.files(CONNECT)]
        talk = with_s_client(site, Endpoint(context), FLAGS[version], *options)
        assert talk.events == [PeerRefused("unknown_ca")]

    @pytest.mark.parametrize("tickets", [False, True])
    def test_a_session_is_resumed_only_with_tickets(self, site: Site, version: str, tickets: bool) -> None:
        session = site.folder / "session.pem"
        context = Context(site.identity(EDGE), "server", site.judge(CONNECT), tickets=tickets)
        files = site.files(CONNECT)
        first = with_s_client(site, Endpoint(context), FLAGS[version], *files, "-sess_out", str(session))
        # Where there is nothing to resume the program writes no file, and would not connect if told to read it.
        resume = ["-sess_in", str(session)] if session.exists() else []
        again = with_s_client(site, Endpoint(context), FLAGS[version], *files, *resume)
        assert first.handshake.verdict is not None
        assert (again.handshake.verdict is None) is tickets
        assert ("Reused, " in again.printed) is tickets
        assert "HELLO\n" in again.printed


@pytest.mark.parametrize("version", FLAGS)
class TestAsClient:
    def endpoint(self, site: Site, profile: str = "dual") -> Endpoint:
        context = Context(site.identity(CONNECT, profile), "client", site.judge(EDGE))
        return Endpoint(context, server_name=EDGE)

    def test_s_server_is_served(self, site: Site, version: str) -> None:
        demand = ["-Verify", "5", "-verify_return_error"]
        talk = with_s_server(site, self.endpoint(site), FLAGS[version], *demand, *site.files(EDGE))
        assert (talk.handshake.version, talk.data) == (version, b"olleh\n")
        assert talk.alerts == []

    @pytest.mark.parametrize(
        ("profile", "number"),
        [
            ("untrusted", 48),
            ("self-signed", 48),
            ("missing-intermediate", 48),
            ("revoked", 44),
            ("expired", 45),
            ("not-yet-valid", 45),
            ("constrained", 46),
            ("client-only", 43),
            ("rsa-pss", 43),
            ("wildcard", 42),
            ("wrong-name", 42),
        ],
    )
    def test_s_server_prints_the_alert_that_refuses_it(
        self, site: Site, version: str, profile: str, number: int
    ) -> None:
        talk = with_s_server(site, self.endpoint(site), FLAGS[version], "-Verify", "5", *site.files(EDGE, profile))
        (refusal,) = talk.events
        assert isinstance(refusal, RefusedPeer)
        assert talk.alerts == [number]

    @pytest.mark.parametrize(
        ("profile", "alert"),
        [
            ("untrusted", "unknown_ca"),
            ("expired", "certificate_expired"),
            ("server-only", "unsupported_certificate"),
        ],
    )
    def test_the_alert_of_s_server_is_named(self, site: Site, version: str, profile: str, alert: str) -> None:
        demand = ["-Verify", "5", "-verify_return_error"]
        talk = with_s_server(site, self.endpoint(site, profile), FLAGS[version], *demand, *site.files(EDGE))
        assert talk.events[-1] == PeerRefused(alert)
        assert [type(event) for event in talk.events[:-1]] == [HandshakeCompleted] * (version == "TLSv1.3")


class TestVersionsAndCiphers:
    """What is offered is what was chosen, and what does not meet ends with the alert that says so (RFC 8446 §6.2)."""

    def server(self, site: Site, **options: Any) -> Endpoint:
        return Endpoint(Context(site.identity(EDGE), "server", site.judge(CONNECT), **options))

    @pytest.mark.parametrize(
        ("chosen", "flag", "spoken"),
        [
            ({"ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384"}, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
            ({"ciphers": "ECDHE-ECDSA-CHACHA20-POLY1305"}, "TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
            ({"ciphersuites": "TLS_AES_128_GCM_SHA256"}, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
            ({"ciphersuites": "TLS_CHACHA20_POLY1305_SHA256"}, "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
        ],
    )
    def test_s_client_speaks_the_chosen_cipher(
        self, site: Site, chosen: dict[str, str], flag: str, spoken: str
    ) -> None:
        talk = with_s_client(site, self.server(site, **chosen), FLAGS[flag], *site.files(CONNECT))
        assert talk.handshake.cipher == spoken
        assert f"Cipher is {spoken}\n" in talk.printed

    @pytest.mark.parametrize(
        ("ours", "flag"), [({"minimum": "TLSv1.3"}, "TLSv1.2"), ({"maximum": "TLSv1.2"}, "TLSv1.3")]
    )
    def test_s_client_is_told_that_no_version_meets(self, site: Site, ours: dict[str, str], flag: str) -> None:
        talk = with_s_client(site, self.server(site, **ours), FLAGS[flag], *site.files(CONNECT))
        assert talk.events == [TlsFailed("The peer offers no TLS version that is allowed here.", "protocol_version")]
        assert talk.alerts == [70]

    def test_s_client_is_told_that_no_cipher_meets(self, site: Site) -> None:
        server = self.server(site, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
        offer = ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", *site.files(CONNECT)]
        talk = with_s_client(site, server, FLAGS["TLSv1.2"], *offer)
        assert talk.events == [TlsFailed("The peer offers no cipher that is allowed here.", "handshake_failure")]
        assert talk.alerts == [40]

    def test_s_server_names_the_version_it_misses(self, site: Site) -> None:
        context = Context(site.identity(CONNECT), "client", site.judge(EDGE), maximum="TLSv1.2")
        talk = with_s_server(site, Endpoint(context), FLAGS["TLSv1.3"], *site.files(EDGE))
        assert talk.events == [PeerRefused("protocol_version")]


@pytest.mark.parametrize("version", FLAGS)
class TestServerName:
    """F2.8: a server that chooses its certificate by SNI meets clients with and without."""

    @pytest.mark.parametrize("name", [EDGE, None])
    def test_s_server_sees_the_name_only_where_we_send_it(self, site: Site, version: str, name: str | None) -> None:
        context = Context(site.identity(CONNECT), "client", site.judge(EDGE))
        endpoint = Endpoint(context, server_name=name)
        talk = with_s_server(site, endpoint, FLAGS[version], "-tlsextdebug", *site.files(EDGE))
        assert ('TLS client extension "server name"' in talk.printed) is (name is not None)
        assert talk.handshake.sni == name

    def test_a_server_that_does_not_know_the_name_says_so(self, site: Site, version: str) -> None:
        context = Context(site.identity(CONNECT), "client", site.judge(EDGE))
        strict = ["-servername", "other.fabrikam.test", "-servername_fatal", *site.files(EDGE)]
        strict += ["-cert2", strict[strict.index("-cert") + 1], "-key2", strict[strict.index("-key") + 1]]
        talk = with_s_server(site, Endpoint(context, server_name=EDGE), FLAGS[version], *strict)
        assert talk.events == [PeerRefused("unrecognized_name")]

    def test_s_client_without_the_name_is_seen_without(self, site: Site, version: str) -> None:
        endpoint = Endpoint(Context(site.identity(EDGE), "server", site.judge(CONNECT)))
        talk = with_s_client(site, endpoint, FLAGS[version], "-noservername", *site.files(CONNECT))
        assert talk.handshake.sni is None
        assert talk.data == b"hello\n"


@pytest.mark.parametrize("version", FLAGS)
def test_the_key_log_is_the_one_that_s_client_writes(site: Site, version: str) -> None:
    lines: list[str] = []
    theirs = site.folder / "keys.log"
    context = Context(site.identity(EDGE), "server", site.judge(CONNECT), keylog=lines.append)
    with_s_client(site, Endpoint(context), FLAGS[version], "-keylogfile", str(theirs), *site.files(CONNECT))
    secrets = {line for line in theirs.read_text().splitlines() if not line.startswith("#")}
    assert set(lines) == secrets
    assert len(secrets) >= {"TLSv1.2": 1, "TLSv1.3": 4}[version]


@pytest.mark.parametrize("version", FLAGS)
def test_s_client_answers_our_close_notify_with_its_own(site: Site, version: str) -> None:
    """Half-close: our end is closed, the other is read until it closes too (RFC 8446 §6.1)."""
    endpoint = Endpoint(Context(site.identity(EDGE), "server", site.judge(CONNECT)))

    def close_at_once(endpoint: Endpoint, event: Event) -> None:
        if isinstance(event, HandshakeCompleted):
            endpoint.close()

    talk = with_s_client(site, endpoint, FLAGS[version], *site.files(CONNECT), on_event=close_at_once)
    assert "closed\n" in talk.printed
    assert isinstance(talk.events[-1], Closed)

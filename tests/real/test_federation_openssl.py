"""`openssl s_client` and `s_server` stand in for a whole organisation: what they see of a running federation is what
its parts say of themselves, and SIP typed into them is understood."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.dns import Zone
from simulator.federation import Engine, Federation
from simulator.io.user import User
from simulator.names import Fqdn, SipDomain
from simulator.partner import Partner
from simulator.sut import EmbeddedServer

DEADLINE = 20.0
"Seconds that a program may take, far more than any does."
FLAGS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
"How the program is told to speak one version only."
ALERTS = {
    "handshake_failure": 40,
    "bad_certificate": 42,
    "unsupported_certificate": 43,
    "certificate_expired": 45,
    "unknown_ca": 48,
    "certificate_required": 116,
}
"RFC 8446 §6: the number on the wire, which the program prints."
REFUSED = {
    "wildcard": "bad_certificate",
    "expired": "certificate_expired",
    "untrusted": "unknown_ca",
    "client-only": "unsupported_certificate",
}
"What is wrong with a client certificate, and the alert for it."

both = pytest.mark.parametrize("side", ["partner", "server"])
each_version = pytest.mark.parametrize("version", FLAGS)


class Program:
    """A running `openssl` whose output is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.printed = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read until this has been printed; fails when the program ends before."""
        while (found := re.search(pattern, self.printed, re.DOTALL)) is None:
            assert self._read(), f"{pattern!r} was never printed; this was:\n{self.printed}"
        return found

    def to_the_end(self) -> str:
        """Read until the program has ended, and give all that it has printed."""
        while self._read():
            pass
        return self.printed

    def type(self, text: str) -> None:
        """Send this to the peer."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    @property
    def alerts(self) -> list[int]:
        """The alert numbers that it has read."""
        return [int(number) for number in re.findall(r"SSL alert number (\d+)", self.printed)]

    def _read(self) -> bool:
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), 65536)
        self.printed += data.decode(errors="replace")
        return bool(data)


@dataclass(frozen=True)
class Openssl:
    """The program, and the organisation that it plays: `sip.<domain>`, with a certificate of the federation's CA."""

    path: Path
    federation: Federation
    domain: SipDomain
    folder: Path

    @property
    def fqdn(self) -> Fqdn:
        return self.domain.child("sip")

    def publish(self, address: str = "127.0.0.1", port: int = 5061, *, host: str = "sip") -> None:
        """Let the DNS say which host serves the domain."""
        zone = Zone(str(self.domain), ttl=0, negative_ttl=0)
        zone.srv("_sipfederationtls._tcp", 0, 0, port, f"{host}.{self.domain}").a(host, address)
        self.federation.zones.add_zone(zone)

    def identity(self, profile: str = "dual") -> list[str]:
        """The options that present such a certificate with its chain."""
        issued = self.federation.authority.issue(str(self.fqdn), profile)
        certificate, key = self.federation.authority.write(issued)
        chain = self.folder / "chain.pem"
        chain.write_bytes(issued.chain_pem.removeprefix(issued.leaf.public_bytes(Encoding.PEM)))
        return ["-cert", str(certificate), "-key", str(key), "-cert_chain", str(chain)]

    def names_in(self, certificate: str) -> str:
        """The alternative names of a PEM certificate as the program reads them."""
        command = [str(self.path), "x509", "-noout", "-ext", "subjectAltName"]
        done = subprocess.run(command, input=certificate, capture_output=True, text=True, check=True, timeout=DEADLINE)
        return done.stdout.split("\n", 1)[1].strip()

    @contextmanager
    def client(self, target: Target, *options: str) -> Iterator[Program]:
        """Run `s_client` against a part of the federation; it checks chain and name of what it is shown."""
        root = self.federation.authority.write_root()
        name = ["-servername", str(target.fqdn), "-verify_hostname", str(target.fqdn)]
        check = ["-CAfile", str(root), "-verify_return_error", "-showcerts"]
        where = ["-connect", f"{target.address}:{target.port}"]
        with self._running("s_client", *where, *name, *check, *options) as program:
            yield program

    @contextmanager
    def server(self, address: str, *options: str) -> Iterator[tuple[Program, int]]:
        """Run `s_server`, which wants a client certificate of the federation's CA, for one connection."""
        root = self.federation.authority.write_root()
        check = ["-CAfile", str(root), "-Verify", "5", "-verify_return_error"]
        with self._running("s_server", "-accept", f"{address}:0", "-naccept", "1", *check, *options) as program:
            yield program, int(program.until(r"ACCEPT \S+:(\d+)\n")[1])

    @contextmanager
    def _running(self, *arguments: str) -> Iterator[Program]:
        process = subprocess.Popen(
            [str(self.path), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        deadline = threading.Timer(DEADLINE, process.kill)
        deadline.start()
        try:
            yield Program(process)
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Target:
    """A listening part of the federation, as it describes itself."""

    fqdn: Fqdn
    address: str
    port: int
    chain: bytes
    partner: Partner | None
    "Whose evidence there is."
    allow: tuple[str, ...]
    refusal: int
    "The status for senders whose domain may not come in."

    @classmethod
    def of(cls, federation: Federation, side: str) -> Target:
        if side == "server":
            sut = federation.sut
            assert isinstance(sut, EmbeddedServer)
            own = sut.server.agent.transport.identity
            assert own is not None
            return cls(sut.fqdn, sut.address, sut.port, own.chain_pem, None, (), 403)
        partner = federation.partner()
        edge, identity = partner.edge, partner.agent.transport.identity
        assert identity is not None
        allow, refusal = partner.persona.dialect.allow, partner.persona.answers.certificate.status
        return cls(edge.fqdn, edge.address, edge.port, identity.chain_pem, partner, allow, refusal)


@pytest.fixture
def openssl(program: Callable[[str], Path], federation: Federation, tmp_path: Path) -> Openssl:
    return Openssl(program("openssl"), federation, federation.fresh_domain("contoso"), tmp_path)


def options_request(openssl: Openssl, target: Target) -> str:
    lines = [
        f"OPTIONS sip:{target.fqdn}:{target.port};transport=tls SIP/2.0",
        f"Via: SIP/2.0/TLS {openssl.fqdn}:5061;branch=z9hG4bKtyped-by-hand",
        "Max-Forwards: 70",
        f"From: <sip:postmaster@{openssl.domain}>;tag=1",
        f"To: <sip:{target.fqdn}:{target.port};transport=tls>",
        "Call-ID: typed-by-hand",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""])


RESPONSE = r"(SIP/2\.0 (\d+) .*?\r\n\r\n)"


@both
@each_version
def test_without_a_client_certificate_nobody_gets_in(
    federation: Federation, openssl: Openssl, side: str, version: str
) -> None:
    target = Target.of(federation, side)
    with openssl.client(target, FLAGS[version]) as client:
        printed = client.to_the_end()

    name = {"TLSv1.2": "handshake_failure", "TLSv1.3": "certificate_required"}[version]
    assert client.alerts == [ALERTS[name]]
    assert f"alert {name.replace('_', ' ')}" in printed
    if target.partner is not None:
        assert target.partner.edge.must_have_refused().alert == name
        assert not [record for record in federation.records if record.what == "established"]


@both
@each_version
@pytest.mark.parametrize("profile", REFUSED)
def test_a_bad_client_certificate_gets_the_alert_that_the_evidence_names(
    federation: Federation, openssl: Openssl, side: str, version: str, profile: str
) -> None:
    target = Target.of(federation, side)
    openssl.publish()
    with openssl.client(target, FLAGS[version], *openssl.identity(profile)) as client:
        client.to_the_end()

    assert client.alerts == [ALERTS[REFUSED[profile]]]
    if target.partner is not None:
        refusal = target.partner.edge.must_have_refused()
        (record,) = (record for record in federation.records if record.layer == "tls")
        assert [ALERTS[refusal.alert]] == client.alerts
        assert (record.what, record.data["alert"]) == ("refused", refusal.alert)
        shown = str(openssl.fqdn) if profile != "wildcard" else f"*.{openssl.domain}"
        assert record.data["names"] == [shown]


@both
@each_version
@pytest.mark.parametrize("profile", ["dual", "server-only"])
def test_a_sound_client_certificate_gets_in_and_sip_typed_by_hand_is_answered(
    federation: Federation, openssl: Openssl, side: str, version: str, profile: str
) -> None:
    target = Target.of(federation, side)
    openssl.publish()
    request = options_request(openssl, target)
    with openssl.client(target, FLAGS[version], *openssl.identity(profile)) as client:
        verified = client.until(r"Verify return code: (.*?)\n")[1]
        client.type(request)
        response, status = client.until(RESPONSE).groups()
        printed = client.printed

    shown = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", printed, re.DOTALL)
    assert "".join(shown) == target.chain.decode()
    assert openssl.names_in(shown[0]) == f"DNS:{target.fqdn}"
    assert verified == "0 (ok)"
    assert f"Verified peername: {target.fqdn}" in printed
    assert client.alerts == []
    assert status == "200"
    assert "CSeq: 1 OPTIONS\r\n" in response
    assert ", ".join(target.allow) in response
    if target.partner is not None:
        (handshake,) = (record for record in federation.records if record.what == "established")
        assert f"{handshake.data['version']}, Cipher is {handshake.data['cipher']}" in printed
        assert handshake.data["version"] == version
        assert (handshake.data["names"], handshake.data["sni"]) == ([str(openssl.fqdn)], str(target.fqdn))
        seen = [(record.what, record.text) for record in federation.records if record.layer == "sip"]
        assert seen == [("received", request), ("sent", response)]


@both
@pytest.mark.parametrize("why", ["no SRV", "another host", "wrong-name"])
def test_a_sender_whom_the_dns_does_not_vouch_for_is_refused(
    federation: Federation, openssl: Openssl, side: str, why: str
) -> None:
    """The certificate is sound, so TLS comes up; but it is not that of the host that serves the domain."""
    target = Target.of(federation, side)
    if why != "no SRV":
        openssl.publish(host="another" if why == "another host" else "sip")
    with openssl.client(target, *openssl.identity("wrong-name" if why == "wrong-name" else "dual")) as client:
        client.until(r"Verify return code: 0 \(ok\)\n")
        client.type(options_request(openssl, target))
        status = client.until(RESPONSE)[2]

    assert status == str(target.refusal)
    federation.wait_for_query(openssl.domain.srv_name, "SRV")


def dialler(federation: Federation, side: str) -> tuple[User, Fqdn, Partner | None]:
    """Somebody who dials, the name of the host that dials for them, and whose evidence there is."""
    if side == "server":
        return federation.sut.user("alice"), federation.sut.fqdn, None
    partner = federation.partner()
    return partner.user("bob"), partner.edge.fqdn, partner


@both
@each_version
def test_s_server_sees_the_certificate_of_who_dials_and_answers_by_hand(
    sipfed_engine: Engine, federation: Federation, openssl: Openssl, side: str, version: str
) -> None:
    user, fqdn, partner = dialler(federation, side)
    address, _ = sipfed_engine.addresses.take()
    remote = f"sip:operator@{openssl.domain}"
    with (
        ThreadPoolExecutor(1) as background,
        openssl.server(address, FLAGS[version], *openssl.identity()) as (server, port),
    ):
        openssl.publish(address, port)
        attempt = background.submit(user.chat_with(remote).say, "Is this a server?")
        invite = server.until(rf"INVITE {remote} SIP/2\.0\r\n.*?\r\n\r\n")[0]
        lines = invite.split("\r\n")
        copied = [line for line in lines if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:"))]
        # The program takes a chunk that begins with an S for a command of its own, so an empty line goes first.
        refusal = ["", "SIP/2.0 486 Busy Here", *copied, f"To: <{remote}>;tag=1", "Content-Length: 0", "", ""]
        server.type("\r\n".join(refusal))
        outcome = attempt.result()
        ack = server.until(rf"ACK {remote} SIP/2\.0\r\n.*?\r\n\r\n")[0]

    shown = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", server.printed, re.DOTALL)
    assert shown is not None
    assert openssl.names_in(shown[0]) == f"DNS:{fqdn}"
    assert server.alerts == []
    assert (outcome.delivered, outcome.status) == (False, 486)
    assert f"From: {user_part(invite, user.uri)}" in invite
    assert [line for line in ack.split("\r\n") if line.startswith("Via:")] == copied[:1]
    if partner is not None:
        (handshake,) = (record for record in federation.records if record.what == "established")
        assert (handshake.data["version"], handshake.data["names"]) == (version, [str(openssl.fqdn)])
        sent = [record.text for record in federation.records if record.layer == "sip" and record.what == "sent"]
        assert [text.partition("\r\n\r\n")[0] for text in sent] == [invite[:-4], ack[:-4]]


def user_part(invite: str, uri: str) -> str:
    """What stands between `From: ` and the tag, which must hold the URI of the user."""
    found = re.search(rf"From: ([^\r\n]*<{re.escape(uri)}>);tag=", invite)
    assert found is not None, invite
    return found[1]


@both
@pytest.mark.parametrize("profile", ["wildcard", "wrong-name", "expired", "untrusted"])
def test_s_server_is_told_what_is_wrong_with_its_certificate(
    sipfed_engine: Engine, federation: Federation, openssl: Openssl, side: str, profile: str
) -> None:
    user, _, partner = dialler(federation, side)
    address, _ = sipfed_engine.addresses.take()
    with openssl.server(address, *openssl.identity(profile)) as (server, port):
        openssl.publish(address, port)
        outcome = user.chat_with(f"sip:operator@{openssl.domain}").say("Is this a server?")
        printed = server.to_the_end()

    assert server.alerts == [ALERTS[REFUSED.get(profile, "bad_certificate")]]
    assert "INVITE" not in printed
    assert (outcome.delivered, outcome.phase) == (False, "tls")
    if partner is not None:
        assert [ALERTS[partner.edge.must_have_refused().alert]] == server.alerts

"""`tls`: two end points joined without a network, every refusal in both roles, and bytes that are no TLS."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from OpenSSL._util import lib

from simulator import tls, trust
from simulator.errors import ConfigurationError, LocalProtocolError
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
    PresentedChain,
    RefusedPeer,
    TlsFailed,
    Version,
)

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Say:
    """A verdict that is said in advance; it notes what it was asked about."""

    accepted: bool = True
    alert: str = ""
    asked: list[PresentedChain] = field(default_factory=list)

    def __call__(self, presented: PresentedChain) -> Say:
        self.asked.append(presented)
        return self

    def __str__(self) -> str:
        return f"we were told to say {self.alert}"


@dataclass(frozen=True)
class Holder:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def identity(self, *others: Holder) -> Identity:
        chain = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (self, *others))
        return Identity(chain, self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def issue(
    name: str, issuer: Holder | None = None, *, ca: bool = False, days: float = 30, serial: int | None = None
) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    )
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


ROOT = issue("root.test", ca=True)
INTERMEDIATE = issue("intermediate.test", ROOT, ca=True)
UNRELATED = issue("unrelated.test", ca=True)
EDGE = issue("sip.fabrikam.test", INTERMEDIATE)
CONNECT = issue("connect.acme.test", INTERMEDIATE)

SERVER = EDGE.identity(INTERMEDIATE)
CLIENT = CONNECT.identity(INTERMEDIATE)
VERSIONS: list[Version] = ["TLSv1.2", "TLSv1.3"]


@dataclass
class Pair:
    """A client and a server whose bytes reach each other; takes the events of both."""

    client: Endpoint
    server: Endpoint
    at_client: list[Event] = field(default_factory=list)
    at_server: list[Event] = field(default_factory=list)

    def exchange(self, *, chunk: int | None = None) -> Pair:
        while True:
            moved = [
                _carry(self.client, self.server, chunk),
                _carry(self.server, self.client, chunk),
            ]
            self.at_client += events(self.client)
            self.at_server += events(self.server)
            if not any(moved):
                return self

    def forget(self) -> None:
        self.at_client.clear()
        self.at_server.clear()


def _carry(source: Endpoint, target: Endpoint, chunk: int | None) -> bool:
    data = source.data_to_send()
    step = chunk or max(len(data), 1)
    for start in range(0, len(data), step):
        target.receive_data(data[start : start + step])
    return bool(data)


def events(endpoint: Endpoint) -> list[Event]:
    return list(iter(endpoint.next_event, None))


def pair(
    *,
    client_says: tls.Verify | None = None,
    server_says: tls.Verify | None = None,
    version: Version | None = None,
    client: Identity | None = CLIENT,
    server: Identity = SERVER,
    server_name: str | None = "sip.fabrikam.test",
) -> Pair:
    lowest, highest = version or "TLSv1.2", version or "TLSv1.3"
    ours = Context(client, "client", client_says or Say(), minimum=lowest, maximum=highest)
    theirs = Context(server, "server", server_says or Say(), minimum=lowest, maximum=highest)
    result = Pair(Endpoint(ours, server_name=server_name), Endpoint(theirs))
    result.client.start()
    result.server.start()
    return result


def opened(version: Version = "TLSv1.3") -> Pair:
    result = pair(version=version).exchange()
    result.forget()
    return result


def completed(seen: list[Event]) -> HandshakeCompleted:
    (event,) = seen
    assert isinstance(event, HandshakeCompleted)
    return event


class TestHandshake:
    @pytest.mark.parametrize("version", tls.VERSIONS)
    def test_every_version_can_be_spoken(self, version: Version) -> None:
        both = pair(version=version).exchange()
        assert completed(both.at_client).version == completed(both.at_server).version == version
        assert completed(both.at_client).cipher == completed(both.at_server).cipher != ""

    def test_it_survives_any_fragmentation(self) -> None:
        both = pair().exchange(chunk=1)
        assert completed(both.at_client).version == completed(both.at_server).version == "TLSv1.3"

    def test_versions_that_do_not_meet_fail_with_a_sentence(self) -> None:
        old = Endpoint(Context(CLIENT, "client", Say(), maximum="TLSv1.2"))
        new = Endpoint(Context(SERVER, "server", Say(), minimum="TLSv1.3"))
        both = Pair(old, new)
        old.start()
        both.exchange()
        assert both.at_server == [TlsFailed("The peer offers no TLS version that is allowed here.", "protocol_version")]
        assert both.at_client == [PeerRefused("protocol_version")]

    def test_a_cipher_can_be_chosen(self) -> None:
        context = Context(CLIENT, "client", Say(), maximum="TLSv1.2", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
        both = Pair(Endpoint(context), Endpoint(Context(SERVER, "server", Say())))
        both.client.start()
        both.exchange()
        assert completed(both.at_server).cipher == "ECDHE-ECDSA-CHACHA20-POLY1305"

    @pytest.mark.parametrize("suite", ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])
    def test_a_cipher_suite_of_tls_1_3_can_be_chosen(self, suite: str) -> None:
        both = Pair(
            Endpoint(Context(CLIENT, "client", Say())), Endpoint(Context(SERVER, "server", Say(), ciphersuites=suite))
        )
        both.client.start()
        both.exchange()
        assert completed(both.at_client).cipher == completed(both.at_server).cipher == suite

    def test_ciphers_that_do_not_meet_fail_with_a_sentence(self) -> None:
        ours = Context(CLIENT, "client", Say(), maximum="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
        theirs = Context(SERVER, "server", Say(), ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
        both = Pair(Endpoint(ours), Endpoint(theirs))
        both.client.start()
        both.exchange()
        assert both.at_server == [TlsFailed("The peer offers no cipher that is allowed here.", "handshake_failure")]
        assert both.at_client == [PeerRefused("handshake_failure")]

    @pytest.mark.parametrize(
        ("lowest", "highest", "spoken"),
        [
            ("TLSv1", "TLSv1.2", "TLSv1.2"),
            ("TLSv1.1", "TLSv1.1", "TLSv1.1"),
            ("TLSv1.2", "TLSv1.3", "TLSv1.3"),
        ],
    )
    def test_the_highest_version_of_both_ranges_is_spoken(
        self, lowest: Version, highest: Version, spoken: Version
    ) -> None:
        ours = Context(CLIENT, "client", Say(), minimum=lowest, maximum=highest)
        both = Pair(Endpoint(ours), Endpoint(Context(SERVER, "server", Say(), minimum="TLSv1")))
        both.client.start()
        both.exchange()
        assert completed(both.at_client).version == completed(both.at_server).version == spoken

    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_connection_can_be_opened_many_times_from_one_context(self, version: Version) -> None:
        of_server, of_client = Say(), Say()
        client = Context(CLIENT, "client", of_server, minimum=version, maximum=version)
        server = Context(SERVER, "server", of_client, minimum=version, maximum=version)
        for times in range(1, 4):
            both = Pair(Endpoint(client), Endpoint(server))
            both.client.start()
            both.exchange()
            assert completed(both.at_client).verdict is of_server
            assert completed(both.at_server).verdict is of_client
            assert len(of_server.asked) == len(of_client.asked) == times

    def test_the_verdict_comes_with_the_event(self) -> None:
        says = Say()
        both = pair(client_says=says).exchange()
        assert completed(both.at_client).verdict is says

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("name", ["sip.fabrikam.test", None])
    def test_the_server_name_is_sent_and_seen(self, name: str | None, version: Version) -> None:
        says = Say()
        both = pair(server_name=name, server_says=says, version=version).exchange()
        assert completed(both.at_client).sni == completed(both.at_server).sni == name
        assert [presented.server_name for presented in says.asked] == [name]

    @pytest.mark.parametrize("version", VERSIONS)
    def test_the_key_log_opens_both_directions(self, version: Version) -> None:
        lines: list[str] = []
        at_client: list[str] = []
        context = Context(SERVER, "server", Say(), keylog=lines.append, minimum=version, maximum=version)
        both = Pair(Endpoint(Context(CLIENT, "client", Say(), keylog=at_client.append)), Endpoint(context))
        both.client.start()
        both.exchange()
        labels = {line.split(" ")[0] for line in lines}
        wanted = {"TLSv1.2": {"CLIENT_RANDOM"}, "TLSv1.3": {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}}
        assert wanted[version] <= labels
        assert sorted(at_client) == sorted(lines)
        assert not any("\n" in line for line in lines)


class TestPresentedChain:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_each_side_sees_the_whole_chain_and_the_role_of_the_other(self, version: Version) -> None:
        of_server, of_client = Say(), Say()
        both = pair(client_says=of_server, server_says=of_client, version=version).exchange()
        (server,) = of_server.asked
        (client,) = of_client.asked
        assert server == PresentedChain(
            (EDGE.certificate, INTERMEDIATE.certificate), "server", server_name="sip.fabrikam.test"
        )
        assert client == PresentedChain(
            (CONNECT.certificate, INTERMEDIATE.certificate), "client", server_name="sip.fabrikam.test"
        )
        assert completed(both.at_client).peer == server.certificates
        assert completed(both.at_server).peer == client.certificates

    @pytest.mark.parametrize("version", VERSIONS)
    def test_certificates_that_link_to_nothing_are_seen(self, version: Version) -> None:
        of_server = Say()
        chain = (EDGE.certificate, UNRELATED.certificate, INTERMEDIATE.certificate)
        both = pair(client_says=of_server, server=EDGE.identity(UNRELATED, INTERMEDIATE), version=version).exchange()
        assert of_server.asked[0].certificates == chain
        assert completed(both.at_client).peer == chain

    @pytest.mark.parametrize("version", VERSIONS)
    def test_those_of_a_client_are_seen_once_it_is_accepted(self, version: Version) -> None:
        of_client = Say()
        both = pair(server_says=of_client, client=CONNECT.identity(UNRELATED, INTERMEDIATE), version=version).exchange()
        assert of_client.asked[0].certificates == (CONNECT.certificate, INTERMEDIATE.certificate)
        assert completed(both.at_server).peer == (CONNECT.certificate, UNRELATED.certificate, INTERMEDIATE.certificate)

    @pytest.mark.parametrize("holder", [ROOT, issue("expired.test", days=-1)], ids=["self-signed", "expired"])
    def test_what_openssl_would_refuse_is_asked_about_once(self, holder: Holder) -> None:
        of_server, of_client = Say(), Say()
        both = pair(
            client_says=of_server, server_says=of_client, server=holder.identity(), client=holder.identity()
        ).exchange()
        assert completed(both.at_client).peer == completed(both.at_server).peer == (holder.certificate,)
        assert len(of_server.asked) == len(of_client.asked) == 1

    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_certificate_that_cannot_be_read_is_refused_unasked(self, version: Version) -> None:
        of_client = Say()
        both = pair(version=version, server_says=of_client)
        # OpenSSL takes a version number that no certificate has; cryptography does not.
        of_client_leaf = bytearray(CONNECT.certificate.public_bytes(Encoding.DER))
        place = of_client_leaf.index(b"\xa0\x03\x02\x01\x02") + 4
        of_client_leaf[place] = 5
        assert both.server._watch.judge([bytes(of_client_leaf)]) != 0
        assert of_client.asked == []
        verdict = both.server._watch.verdict
        assert verdict is not None
        assert not verdict.accepted
        assert "can't be read" in str(verdict)
        assert verdict.alert == "bad_certificate"


class TestRefusal:
    @pytest.mark.parametrize("alert", sorted(tls.REFUSAL_ALERTS))
    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_client_refuses_with_the_alert_of_the_verdict(self, version: Version, alert: str) -> None:
        says = Say(accepted=False, alert=alert)
        both = pair(client_says=says, version=version).exchange()
        assert both.at_client == [RefusedPeer(says, alert)]
        assert both.at_server == [PeerRefused(alert)]
        assert not both.client.is_open
        assert not both.server.is_open

    @pytest.mark.parametrize("alert", sorted(tls.REFUSAL_ALERTS))
    def test_a_server_refuses_with_the_alert_of_the_verdict(self, alert: str) -> None:
        says = Say(accepted=False, alert=alert)
        both = pair(server_says=says, version="TLSv1.2").exchange()
        assert both.at_server == [RefusedPeer(says, alert)]
        assert both.at_client == [PeerRefused(alert)]

    @pytest.mark.parametrize("alert", sorted(tls.REFUSAL_ALERTS))
    def test_a_tls13_client_learns_of_its_refusal_after_the_handshake(self, alert: str) -> None:
        says = Say(accepted=False, alert=alert)
        both = pair(server_says=says, version="TLSv1.3").exchange()
        assert both.at_server == [RefusedPeer(says, alert)]
        assert [type(event) for event in both.at_client] == [HandshakeCompleted, PeerRefused]
        assert both.at_client[1] == PeerRefused(alert)
        assert not both.client.is_open

    @pytest.mark.parametrize(
        ("version", "alert"), [("TLSv1.2", "handshake_failure"), ("TLSv1.3", "certificate_required")]
    )
    def test_a_client_without_certificate_is_refused(self, version: Version, alert: str) -> None:
        says = Say()
        both = pair(client=None, server_says=says, version=version).exchange()
        (refusal,) = both.at_server
        assert isinstance(refusal, RefusedPeer)
        assert refusal.alert == alert
        assert refusal.reason == "The peer showed no certificate at all, but mutual TLS needs one."
        assert both.at_client[-1] == PeerRefused(alert)
        assert says.asked == []

    def test_the_reason_is_the_verdict_in_words(self) -> None:
        both = pair(client_says=Say(accepted=False, alert="unknown_ca")).exchange()
        (refusal,) = both.at_client
        assert isinstance(refusal, RefusedPeer)
        assert refusal.reason == "we were told to say unknown_ca"

    def test_each_connection_may_have_its_own_verdict(self) -> None:
        refuse = Say(accepted=False, alert="bad_certificate")
        client, server = Context(CLIENT, "client", Say()), Context(SERVER, "server", Say())
        refusing = Pair(Endpoint(client, verify=refuse), Endpoint(server))
        refusing.client.start()
        refusing.exchange()
        accepting = Pair(Endpoint(client), Endpoint(server))
        accepting.client.start()
        accepting.exchange()
        assert refusing.at_client == [RefusedPeer(refuse, "bad_certificate")]
        assert completed(accepting.at_client)

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("judging", ["client", "server"])
    def test_a_mistake_in_the_verify_callable_comes_out_and_the_peer_is_refused(
        self, judging: str, version: Version
    ) -> None:
        def broken(_: PresentedChain) -> Say:
            raise ZeroDivisionError("a mistake of ours")

        both = pair(**{f"{judging}_says": broken}, version=version)  # type: ignore[arg-type]
        with pytest.raises(ZeroDivisionError, match="a mistake of ours"):
            both.exchange()
        both.exchange()
        ours, theirs = (both.at_client, both.at_server) if judging == "client" else (both.at_server, both.at_client)
        assert [type(event) for event in ours] == [TlsFailed]
        assert theirs[-1] == PeerRefused("internal_error")

    def test_an_alert_that_cannot_be_sent_is_a_mistake(self) -> None:
        both = pair(client_says=Say(accepted=False, alert="access_denied"))
        with pytest.raises(ValueError, match="'access_denied' is no alert to refuse a certificate with"):
            both.exchange()

    def test_the_judge_of_trust_can_be_plugged_in(self) -> None:
        def verify(presented: PresentedChain) -> trust.Verdict:
            host = Fqdn.parse("sip.contoso.test")
            return trust.judge(presented, roots=[ROOT.certificate], at=NOW, rules=trust.S4B, expected=host)

        both = pair(client_says=verify).exchange()
        (refusal,) = both.at_client
        assert isinstance(refusal, RefusedPeer)
        assert refusal.alert == "bad_certificate"
        assert "made out to sip.fabrikam.test, not to sip.contoso.test" in refusal.reason


class TestData:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_bytes_go_both_ways(self, version: Version) -> None:
        both = opened(version=version)
        both.client.send(b"MESSAGE sip:bob@fabrikam.test SIP/2.0\r\n")
        both.server.send(b"SIP/2.0 200 OK\r\n")
        both.exchange()
        assert both.at_server == [DataReceived(b"MESSAGE sip:bob@fabrikam.test SIP/2.0\r\n")]
        assert both.at_client == [DataReceived(b"SIP/2.0 200 OK\r\n")]

    def test_what_is_read_at_once_is_one_event(self) -> None:
        both = opened()
        for each in (b"a", b"b", b"", b"c"):
            both.client.send(each)
        both.exchange()
        assert both.at_server == [DataReceived(b"abc")]

    def test_more_than_a_record_arrives_whole(self) -> None:
        both = opened()
        data = bytes(range(256)) * 4096
        both.client.send(data)
        both.exchange()
        assert both.at_server == [DataReceived(data)]

    def test_data_that_comes_with_the_end_of_the_handshake_is_not_lost(self) -> None:
        both = pair()
        both.server.receive_data(both.client.data_to_send())
        both.client.receive_data(both.server.data_to_send())
        both.client.send(b"early")
        both.exchange()
        assert [type(event) for event in both.at_server] == [HandshakeCompleted, DataReceived]

    def test_nothing_can_be_sent_before_the_handshake(self) -> None:
        both = pair()
        with pytest.raises(LocalProtocolError):
            both.client.send(b"too early")
        both.exchange()
        assert both.at_server[1:] == []


class TestClosing:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_closing_is_said_and_the_other_may_go_on_sending(self, version: Version) -> None:
        both = opened(version=version)
        both.client.send(b"last words")
        both.client.close()
        both.exchange()
        assert both.at_server == [DataReceived(b"last words"), Closed()]
        both.server.send(b"a late answer")
        both.server.close()
        both.exchange()
        assert both.at_client == [DataReceived(b"a late answer"), Closed()]

    def test_after_closing_nothing_can_be_sent(self) -> None:
        both = opened()
        both.client.close()
        both.client.close()
        assert not both.client.is_open
        with pytest.raises(LocalProtocolError):
            both.client.send(b"more")
        both.exchange()
        assert both.at_server == [Closed()]

    def test_a_stream_that_ends_without_close_notify_is_a_failure(self) -> None:
        both = opened()
        both.client.receive_eof()
        both.client.receive_eof()
        assert events(both.client) == [
            TlsFailed("The peer closed the connection without saying so in TLS (close_notify).")
        ]
        assert not both.client.is_open

    def test_a_stream_that_ends_after_close_notify_is_none(self) -> None:
        both = opened()
        both.client.close()
        both.exchange()
        both.server.receive_eof()
        assert both.at_server + events(both.server) == [Closed()]

    def test_a_stream_that_ends_in_the_handshake_is_a_failure(self) -> None:
        both = pair()
        both.client.receive_eof()
        assert events(both.client) == [TlsFailed("The peer closed the connection in the middle of the handshake.")]

    def test_a_handshake_can_be_given_up(self) -> None:
        both = pair()
        hello = both.client.data_to_send()
        both.client.close()
        both.server.receive_data(hello)
        both.client.receive_data(both.server.data_to_send())
        assert events(both.client) == []
        assert both.client.data_to_send() == b""

    def test_nothing_happens_after_a_refusal(self) -> None:
        both = pair(client_says=Say(accepted=False, alert="unknown_ca")).exchange()
        both.forget()
        for endpoint in (both.client, both.server):
            endpoint.receive_data(b"anything")
            endpoint.receive_eof()
            endpoint.close()
            assert endpoint.data_to_send() == b""
            assert endpoint.next_event() is None


class TestContext:
    def test_it_is_built_on_first_use(self) -> None:
        context = Context(Identity(b"no certificate", b"no key"), "server", Say())
        with pytest.raises(ConfigurationError, match="can't be read"):
            Endpoint(context)

    def test_a_key_of_another_certificate_is_refused(self) -> None:
        mixed = Identity(SERVER.chain_pem, CLIENT.key_pem)
        with pytest.raises(ConfigurationError, match=r"OpenSSL does not take it: .*mismatch"):
            Endpoint(Context(mixed, "server", Say()))

    @pytest.mark.parametrize(
        "context",
        [
            Context(CLIENT, "client", Say(), ciphers="NO-SUCH-CIPHER"),
            Context(CLIENT, "client", Say(), ciphersuites="NO-SUCH-CIPHER"),
        ],
        ids=["up to 1.2", "1.3"],
    )
    def test_a_cipher_that_does_not_exist_is_named(self, context: Context) -> None:
        with pytest.raises(ConfigurationError, match="OpenSSL knows no cipher in 'NO-SUCH-CIPHER'"):
            Endpoint(context)

    def test_a_range_of_versions_must_hold_one(self) -> None:
        with pytest.raises(ConfigurationError, match=r"no TLS version from TLSv1\.3 to TLSv1\.2"):
            Context(CLIENT, "client", Say(), minimum="TLSv1.3", maximum="TLSv1.2")

    def test_a_server_needs_an_identity(self) -> None:
        with pytest.raises(ConfigurationError, match="needs a certificate"):
            Context(None, "server", Say())


def test_errors_that_others_left_in_openssl_are_not_taken_for_ours() -> None:
    both = opened()
    http_request = 156
    both.client.send(b"hello")
    record = both.client.data_to_send()
    lib.ERR_put_error(20, 0, http_request, b"elsewhere", 1)
    both.server.receive_data(record[:-1])
    lib.ERR_put_error(20, 0, http_request, b"elsewhere", 1)
    both.server.receive_data(bytes([record[-1] ^ 1]))
    (event,) = events(both.server)
    assert isinstance(event, TlsFailed)
    assert event.reason.startswith("OpenSSL gave up: decryption failed")


def test_a_server_that_wants_to_renegotiate_is_told_no() -> None:
    """Otherwise a second handshake could show another certificate than the one that was judged."""
    plain = SSL.Context(SSL.TLS_SERVER_METHOD)
    plain.set_max_proto_version(SSL.TLS1_2_VERSION)
    plain.use_certificate(EDGE.certificate)
    plain.use_privatekey(EDGE.key)
    server = SSL.Connection(plain)
    server.set_accept_state()
    client = Endpoint(Context(CLIENT, "client", Say()))
    client.start()

    def step(action: Callable[[], object]) -> None:
        if data := client.data_to_send():
            server.bio_write(data)
        with suppress(SSL.WantReadError):
            action()
        with suppress(SSL.WantReadError):
            client.receive_data(server.bio_read(65536))

    for _ in range(2):
        step(server.do_handshake)
    assert client.is_open
    server.renegotiate()
    step(server.do_handshake)
    answer = client.data_to_send()
    assert answer[0] == 21, "an alert record, and no ClientHello"
    assert client.is_open


NOT_TLS = "The peer sent bytes that are no TLS; plain TCP or HTTP seems to be spoken on this port."


class TestNotTls:
    @pytest.mark.parametrize(
        "text",
        [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"CONNECT a:1 HTTP/1.1\r\n\r\n",
            b"OPTIONS sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n\r\n",
            b"INVITE sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n\r\n",
            b"\r\n\r\n\r\n",
        ],
    )
    def test_the_failure_says_so(self, text: bytes) -> None:
        both = pair()
        both.server.receive_data(text)
        (event,) = events(both.server)
        assert isinstance(event, TlsFailed)
        assert event.reason == NOT_TLS

    def test_a_client_that_meets_plain_sip_says_so(self) -> None:
        both = pair()
        both.client.receive_data(b"SIP/2.0 400 Bad Request\r\n\r\n")
        (event,) = events(both.client)
        assert isinstance(event, TlsFailed)
        assert event.reason == NOT_TLS


HELLO = b"\x16\x03\x01"
PIECES = st.binary(max_size=200) | st.binary(max_size=200).map(
    lambda body: HELLO + (len(body) + 4).to_bytes(2) + b"\x01" + len(body).to_bytes(3) + body
)


@given(pieces=st.lists(PIECES, min_size=1, max_size=4))
def test_no_bytes_make_a_fresh_end_point_raise(pieces: list[bytes]) -> None:
    both = pair()
    for endpoint in (both.client, both.server):
        for piece in pieces:
            endpoint.receive_data(piece)
        endpoint.receive_eof()
        assert [type(event) for event in events(endpoint)] in ([TlsFailed], [PeerRefused])
        endpoint.data_to_send()


@given(data=st.data(), version=st.sampled_from(VERSIONS))
def test_no_damage_to_a_handshake_makes_either_end_raise(data: st.DataObject, version: Version) -> None:
    both = pair(version=version)
    damaged_flight = data.draw(st.integers(0, 3))
    for flight in range(4):
        source, target = (both.client, both.server) if flight % 2 == 0 else (both.server, both.client)
        sent = bytearray(source.data_to_send())
        if flight == damaged_flight and sent:
            for _ in range(data.draw(st.integers(1, 3))):
                # Lengths differ from run to run (signatures), so the place is drawn from a range that does not.
                sent[data.draw(st.integers(0, 5000)) % len(sent)] ^= data.draw(st.integers(1, 255))
        target.receive_data(bytes(sent))
    both.exchange()
    for endpoint, seen in ((both.client, both.at_client), (both.server, both.at_server)):
        endpoint.receive_eof()
        seen += events(endpoint)
        assert isinstance(seen[-1], TlsFailed | PeerRefused | RefusedPeer)
        assert sum(isinstance(event, TlsFailed | PeerRefused | RefusedPeer) for event in seen) == 1


@given(data=st.data(), version=st.sampled_from(VERSIONS))
def test_damaged_records_end_an_open_connection_without_giving_out_data(data: st.DataObject, version: Version) -> None:
    both = opened(version=version)
    both.client.send(b"x" * 40)
    sent = bytearray(both.client.data_to_send())
    # Past the record's version number, which TLS 1.3 receivers ignore (RFC 8446 §5.1).
    sent[data.draw(st.integers(5, len(sent) - 1))] ^= data.draw(st.integers(1, 255))
    both.server.receive_data(bytes(sent))
    (event,) = events(both.server)
    assert isinstance(event, TlsFailed)
    assert event.alert == "bad_record_mac"
    both.exchange()
    assert both.at_client == [PeerRefused("bad_record_mac")]

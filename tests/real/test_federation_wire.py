"""tshark and sipmessage judge a running federation: what they read on the wire is what the partner's records say."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
import sipmessage

from simulator.evidence.recorder import Record
from simulator.federation import Engine, Federation
from simulator.partner import Partner
from simulator.sip.message import Request, Response, parse

DEADLINE = 20.0
"Seconds that a program may take, far more than any does."
UNKNOWN_TO_TSHARK = {
    f"Unrecognised SIP header ({name})"
    for name in (
        "ms-asserted-verification-level",
        "ms-conversation-id",
        "ms-im-format",
        "ms-keep-alive",
        "ms-subnet",
        "ms-text-format",
        "endpoints",
        "roster-manager",
    )
}
"All that tshark may remark: Microsoft's own headers (dialect facts §4.1), which are none of its registered ones."
DNS_TYPES = {"1": "A", "28": "AAAA", "33": "SRV"}
CIPHERS = {
    "0x1301": "TLS_AES_128_GCM_SHA256",
    "0x1302": "TLS_AES_256_GCM_SHA384",
    "0x1303": "TLS_CHACHA20_POLY1305_SHA256",
}
VERSIONS = {"0x0304": "TLSv1.3", "0x0303": "TLSv1.2"}

Node = Any
"JSON with each object as a list of (name, value): tshark repeats a name for each of several equal fields."


def found(node: Node, name: str) -> list[Node]:
    """Every value of this field, however deep, in order."""
    values: list[Node] = []
    for item in node if isinstance(node, list) else ():
        if isinstance(item, tuple):
            values += [item[1]] if item[0] == name else []
            values += found(item[1], name)
        else:
            values += found(item, name)
    return values


@dataclass(frozen=True)
class Frame:
    """One packet as tshark decodes it."""

    layers: Node

    def first(self, name: str) -> str:
        return str((found(self.layers, name) or [""])[0])

    @property
    def source(self) -> tuple[str, str]:
        return self.first("ip.src"), self.first("tcp.srcport")

    @property
    def destination(self) -> tuple[str, str]:
        return self.first("ip.dst"), self.first("tcp.dstport")


@dataclass(frozen=True, order=True)
class Stream:
    """One direction of one of the two connections."""

    opened_by_partner: bool
    sent_by_partner: bool


@dataclass(frozen=True)
class Sip:
    """One SIP message as tshark decodes it."""

    stream: Stream
    raw: bytes
    fields: Node = field(repr=False)

    def __getitem__(self, name: str) -> str | None:
        values = found(self.fields, name)
        return str(values[0]) if values else None

    def __str__(self) -> str:
        return self.raw.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Run:
    """A federation that has ended: what the partner recorded, and what tshark has captured."""

    fqdn: str
    edge: tuple[str, str]
    server: tuple[str, str]
    server_fqdn: str
    records: list[Record] = field(repr=False)
    frames: list[Frame] = field(repr=False)
    sealed: list[Frame] = field(repr=False)
    "The same capture without the key log."

    def recorded(self, layer: str, what: str = "") -> list[Record]:
        return [record for record in self.records if record.layer == layer and what in ("", record.what)]

    @property
    def messages(self) -> list[Sip]:
        """The SIP messages on the wire, in its order; one packet may hold several."""
        messages = [
            Sip(self.stream(frame), bytes.fromhex(raw[0]), fields)
            for frame in self.frames
            for raw, fields in zip(found(frame.layers, "sip_raw"), found(frame.layers, "sip"), strict=True)
        ]
        assert messages, "tshark has seen no SIP at all"
        return messages

    def stream(self, frame: Frame) -> Stream:
        if frame.destination in (self.server, self.edge):
            to_server = frame.destination == self.server
            return Stream(opened_by_partner=to_server, sent_by_partner=to_server)
        assert frame.source in (self.server, self.edge), frame.source
        from_server = frame.source == self.server
        return Stream(opened_by_partner=from_server, sent_by_partner=not from_server)


@dataclass(frozen=True)
class Tshark:
    """The program, away from anybody's settings."""

    path: Path
    folder: Path
    lacking: Callable[[str], NoReturn]

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "WIRESHARK_CONFIG_DIR": str(self.folder), "LC_ALL": "C"}

    @contextmanager
    def capturing(self, capture_filter: str) -> Iterator[Path]:
        """Capture on loopback for as long as the block runs: all of its packets, and its alone, are in the file."""
        file = self.folder / "lo.pcapng"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fence, (self.folder / "errors").open("w+") as errors:
            fence.bind(("127.0.0.1", 0))
            command = [str(self.path), "-n", "-l", "-i", "lo", "-w", str(file), "-P", "-T", "fields"]
            command += ["-e", "udp.payload", "-f", f"{capture_filter} or udp port {fence.getsockname()[1]}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=self.environment)
            lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
            reader = threading.Thread(target=self._read, args=(process, lines))
            reader.start()
            try:
                if not self._shows(fence, lines):
                    errors.seek(0)
                    self.lacking(f"tshark cannot capture on lo: {' '.join(errors.read().split())}")
                yield file
                assert self._shows(fence, lines), "tshark ended too early"
                process.send_signal(signal.SIGINT)
                process.wait(DEADLINE)
            finally:
                process.kill()
                process.wait()
                reader.join()
                assert process.stdout is not None
                process.stdout.close()

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    @staticmethod
    def _shows(fence: socket.socket, lines: queue.SimpleQueue[str | None]) -> bool:
        """Send a packet, again while the capture is not yet there, until tshark shows it; False when it has ended."""
        mark = secrets.token_hex(8)
        for _ in range(int(DEADLINE / 0.25)):
            fence.sendto(bytes.fromhex(mark), fence.getsockname())
            try:
                while (line := lines.get(timeout=0.25)) is not None:
                    if mark in line:
                        return True
                return False
            except queue.Empty:
                continue
        return False

    def decode(self, capture: Path, *, dns_port: str, sip_ports: set[str], keys: Path | None) -> list[Frame]:
        """Every packet that is DNS, a TLS handshake or SIP."""
        command = [str(self.path), "-n", "-r", str(capture), "-T", "json", "-x", "-Y", "dns or tls.handshake or sip"]
        command += ["-d", f"udp.port=={dns_port},dns"]
        for port in sip_ports - {"5061"}:
            command += ["-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},sip"]
        if keys is not None:
            command += ["-o", f"tls.keylog_file:{keys}"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=True, env=self.environment)
        packets = json.loads(done.stdout, object_pairs_hook=list)
        return [Frame(found(packet, "layers")[0]) for packet in packets]


def talk(federation: Federation, partner: Partner) -> None:
    """Chat and presence both ways, refusals both ways. The last exchange of each connection shows that all before it
    has come through."""
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.ignores_messages()
    bob.ignores_messages()
    bob.chat_with(alice).say("Grüße ☎ from the partner").must_succeed()
    bob.chat_with(alice).close()
    alice.chat_with(bob).say("to the partner").must_succeed()
    bob.chat_with(f"nobody@{federation.sut.domain}").say("Anyone?").must_fail()
    alice.chat_with(f"nobody@{partner.domain}").say("Anyone?").must_fail()
    of_alice, of_bob = bob.watch(alice), alice.watch(bob)
    of_alice.expect("available")
    of_bob.expect("available")
    alice.set_presence("busy", note="on the ☎")
    of_alice.expect("busy")
    bob.set_presence("away")
    of_bob.expect("away")
    of_alice.stop().must_succeed()
    of_bob.stop().must_succeed()
    alice.chat_with(bob).close()
    alice.chat_with(bob).say("the last to the partner").must_succeed()
    bob.chat_with(alice).close()
    bob.chat_with(alice).say("the last from the partner").must_succeed()


@pytest.fixture(scope="module")
def run(
    program: Callable[[str], Path], lacking: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    tshark = Tshark(program("tshark"), tmp_path_factory.mktemp("tshark"), lacking)
    secrets_of_tls: list[str] = []
    engine = Engine(key_log=secrets_of_tls.append)
    try:
        engine.start_embedded()
        federation = Federation(engine)
        partner, sut = federation.partner(), federation.sut
        edge, server = (partner.edge.address, str(partner.edge.port)), (sut.address, str(sut.port))
        dns_port = str(federation.dns.port)
        try:
            with tshark.capturing(f"host {edge[0]} or host {server[0]} or udp port {dns_port}") as capture:
                talk(federation, partner)
            records = federation.records
        finally:
            assert federation.close() == []
    finally:
        assert engine.close() == []
    keys = tshark.folder / "keys"
    keys.write_text("".join(f"{line}\n" for line in secrets_of_tls))
    ports = {edge[1], server[1]}
    frames = tshark.decode(capture, dns_port=dns_port, sip_ports=ports, keys=keys)
    sealed = tshark.decode(capture, dns_port=dns_port, sip_ports=ports, keys=None)
    return Run(str(partner.edge.fqdn), edge, server, str(sut.fqdn), records, frames, sealed)


def stream_of(record: Record) -> Stream:
    """Where a recorded message must travel: each side's requests go over the connection that it opened itself."""
    sent, is_request = record.what == "sent", not record.text.startswith("SIP/2.0 ")
    return Stream(opened_by_partner=sent is is_request, sent_by_partner=sent)


def octets(record: Record) -> bytes:
    return record.text.encode("utf-8", "surrogateescape")


def side(sent_by_partner: bool) -> str:
    return "partner" if sent_by_partner else "server"


each_stream = pytest.mark.parametrize(
    "stream",
    [Stream(opened, sent) for opened in (True, False) for sent in (True, False)],
    ids=lambda stream: f"{side(stream.opened_by_partner)}-opened-{side(stream.sent_by_partner)}-sent",
)


def as_tshark_reads(message: Sip) -> dict[str, object]:
    """The essentials of a message in tshark's eyes."""
    return {
        "start": message["sip.Request-Line"] or message["sip.Status-Line"],
        "method": message["sip.Method"],
        "request uri": message["sip.r-uri"],
        "status": message["sip.Status-Code"],
        "cseq": (message["sip.CSeq.seq"], message["sip.CSeq.method"]),
        "call": message["sip.Call-ID"],
        "from": (message["sip.from.addr"], message["sip.from.tag"]),
        "to": (message["sip.to.addr"], message["sip.to.tag"]),
        "branch": message["sip.Via.branch"],
        "sent by": (message["sip.Via.sent-by.address"], message["sip.Via.sent-by.port"]),
        "max forwards": message["sip.Max-Forwards"],
        "event": message["sip.Event"],
        "subscription": message["sip.Subscription-State"],
        "expires": message["sip.Expires"],
        "routes": found(message.fields, "sip.Route"),
        "recorded routes": found(message.fields, "sip.Record-Route"),
        "content": (message["sip.Content-Type"], message["sip.Content-Length"]),
    }


def as_we_read(octets: bytes) -> dict[str, object]:
    """The same in ours."""
    message = parse(octets)
    request = message if isinstance(message, Request) else None
    response = message if isinstance(message, Response) else None
    return {
        "start": f"{request.method} {request.uri} SIP/2.0" if request else octets.decode().partition("\r\n")[0],
        "method": request and request.method,
        "request uri": request and request.uri,
        "status": response and str(response.status),
        "cseq": (str(message.cseq.number), message.cseq.method),
        "call": message.call_id,
        "from": (message.from_.uri, message.from_.tag),
        "to": (message.to.uri, message.to.tag),
        "branch": message.top_via.branch,
        "sent by": (message.top_via.host, str(message.top_via.port)),
        "max forwards": request and str(request.max_forwards),
        "event": message.headers.get("Event"),
        "subscription": message.headers.get("Subscription-State"),
        "expires": None if message.expires is None else str(message.expires),
        "routes": list(message.routes),
        "recorded routes": list(message.record_routes),
        "content": (message.headers.get("Content-Type"), str(len(message.body))),
    }


@each_stream
def test_the_wire_carries_what_was_recorded_byte_for_byte(run: Run, stream: Stream) -> None:
    """Nothing was left out, nothing is told that was not sent, and all is in the order of the wire."""
    on_the_wire = [message.raw for message in run.messages if message.stream == stream]
    recorded = [octets(record) for record in run.recorded("sip") if stream_of(record) == stream]
    assert len(recorded) > 5
    assert on_the_wire == recorded


def test_every_kind_of_message_was_there(run: Run) -> None:
    requests = {(message["sip.Method"], message.stream.sent_by_partner) for message in run.messages}
    methods = {"INVITE", "ACK", "MESSAGE", "BYE", "SUBSCRIBE", "NOTIFY"}
    assert requests >= {(method, by_partner) for method in methods for by_partner in (True, False)}
    assert {message["sip.Status-Code"] for message in run.messages} >= {"200", "404"}


@each_stream
def test_methods_statuses_numbers_and_names_are_what_tshark_decodes(run: Run, stream: Stream) -> None:
    decoded = [as_tshark_reads(message) for message in run.messages if message.stream == stream]
    recorded = [as_we_read(octets(record)) for record in run.recorded("sip") if stream_of(record) == stream]
    assert decoded == recorded


def test_tshark_finds_no_fault_with_any_message(run: Run) -> None:
    remarks = [
        (remark, str(message)) for message in run.messages for remark in found(message.fields, "_ws.expert.message")
    ]
    assert [remark for remark in remarks if remark[0] not in UNKNOWN_TO_TSHARK] == []
    assert {text for text, _ in remarks} == UNKNOWN_TO_TSHARK, "tshark no longer tells what it makes of a message"
    assert [frame for frame in run.frames if found(frame.layers, "_ws.malformed")] == []


def test_what_tshark_overlooks_is_right_too(run: Run) -> None:
    """RFC 3261 §8.1.1, §8.2.6: what tshark decodes without judging it (real-programs facts §5)."""
    for message in run.messages:
        method = message["sip.Method"]
        assert message["sip.CSeq.method"] == (method or message["sip.CSeq.method"]), message
        assert (message["sip.Via.branch"] or "").startswith("z9hG4bK"), message
        assert message["sip.Via.transport"] == "TLS", message
        assert message["sip.from.tag"], message
        first = method in ("INVITE", "SUBSCRIBE") or message["sip.Status-Code"] == "100"
        assert message["sip.to.tag"] or first, message
        assert (message["sip.Max-Forwards"] is None) == (method is None), message
        head = message.raw.partition(b"\r\n\r\n")[0]
        assert head.count(b"\n") == head.count(b"\r\n"), message
        for name in ("From", "To", "CSeq", "Call-ID", "Content-Length"):
            assert len(found(message.fields, f"sip.{name}")) == 1, (name, message)


def test_the_partner_takes_its_own_name_out_of_the_route(run: Run) -> None:
    """RFC 3261 §16.4: a server that got a Route with the sender in front would send the request back there."""
    for message in run.messages:
        if message.stream.sent_by_partner and message["sip.Method"]:
            assert run.fqdn not in " ".join(found(message.fields, "sip.Route")), message


def test_the_partner_records_its_route_where_a_dialog_can_begin(run: Run) -> None:
    """RFC 3261 §16.6, RFC 6665 §4.3: in INVITE and SUBSCRIBE, and in every NOTIFY, for it may overtake the 200."""
    for message in run.messages:
        if message.stream.sent_by_partner and message["sip.Method"] in ("INVITE", "SUBSCRIBE", "NOTIFY"):
            assert run.fqdn in " ".join(found(message.fields, "sip.Record-Route")), message


def test_both_certificates_are_on_the_wire_as_the_partner_says(run: Run) -> None:
    """Both sides show theirs in both connections; what the partner recorded of each handshake is what tshark sees."""
    recorded = run.recorded("tls", "established")
    assert [record.data["names"] for record in recorded] == [[run.server_fqdn]] * 2
    seen: dict[Stream, list[tuple[list[str], list[str]]]] = {}
    for frame in run.frames:
        for certificates in found(frame.layers, "tls.handshake.certificates"):
            leaf = found(certificates, "tls.handshake.certificate_tree")[0]
            names = found(leaf, "x509ce.dNSName"), found(leaf, "x509sat.uTF8String")[-1:]
            seen.setdefault(run.stream(frame), []).append(names)
    of_partner, of_server = ([run.fqdn], [run.fqdn]), ([run.server_fqdn], [run.server_fqdn])
    assert seen == {
        Stream(opened, by_partner): [of_partner if by_partner else of_server]
        for opened in (True, False)
        for by_partner in (True, False)
    }


def test_version_cipher_and_server_name_are_what_tshark_sees(run: Run) -> None:
    asked: dict[bool, str] = {}
    agreed: dict[bool, tuple[str, str]] = {}
    for frame in run.frames:
        stream = run.stream(frame) if found(frame.layers, "tls.handshake.type") else Stream(False, False)
        for hello in found(frame.layers, "tls.handshake"):
            kind = found(hello, "tls.handshake.type")
            if kind == ["1"]:
                (asked[stream.opened_by_partner],) = found(hello, "tls.handshake.extensions_server_name")
            if kind == ["2"]:
                (version,) = found(hello, "tls.handshake.extensions.supported_version")
                (cipher,) = found(hello, "tls.handshake.ciphersuite")
                agreed[stream.opened_by_partner] = VERSIONS[version], CIPHERS[cipher]
    by_partner, by_server = run.recorded("tls", "established")
    assert asked == {True: by_partner.data["sni"], False: by_server.data["sni"]}
    assert agreed == {
        True: (by_partner.data["version"], by_partner.data["cipher"]),
        False: (by_server.data["version"], by_server.data["cipher"]),
    }


def test_the_dns_said_what_was_recorded(run: Run) -> None:
    def line(record: Node) -> str:
        service, name = found(record, "dns.srv.service"), found(record, "dns.resp.name")
        owner = ".".join([*service, *found(record, "dns.srv.proto"), *found(record, "dns.srv.name")]) or name[0]
        (ttl,) = found(record, "dns.resp.ttl")
        target = [f"{target}." for target in found(record, "dns.srv.target")]
        numbers = [value for field in ("priority", "weight", "port") for value in found(record, f"dns.srv.{field}")]
        type_ = "SRV" if service else "A"
        return " ".join([f"{owner}.", ttl, "IN", type_, *numbers, *target, *found(record, "dns.a")])

    answers = [frame for frame in run.frames if frame.first("dns.flags.response") == "1"]
    assert {frame.first("dns.flags.rcode") for frame in answers} == {"0"}
    on_the_wire = [
        (
            frame.first("ip.dst") == run.edge[0],
            DNS_TYPES[frame.first("dns.qry.type")],
            frame.first("dns.qry.name"),
            [line(record) for section in found(frame.layers, "Answers") for _title, record in section],
        )
        for frame in answers
    ]
    recorded = [
        (run.fqdn.endswith(f".{record.peer}"), record.data["type"], record.data["name"], record.data["answers"])
        for record in run.recorded("dns", "answer")
    ]
    assert len({type_ for _, type_, _, answers in on_the_wire if answers}) == 2
    assert on_the_wire == recorded


def test_without_the_key_log_nothing_can_be_read(run: Run) -> None:
    """It is TLS that carries all this; and the key log is what opened it."""
    assert run.sealed
    for name in ("sip", "tls.handshake.certificates"):
        assert [found(frame.layers, name) for frame in run.sealed if found(frame.layers, name)] == []


def test_sipmessage_accepts_every_message_and_reads_the_same(run: Run) -> None:
    """None of its blind spots is in our way: the folded lines and the blank before a colon that it refuses are legal,
    but we write neither; that it percent-encodes `opaque=user:epid:` matters only where it writes (design decision 1).
    """
    assert run.recorded("sip")
    for record in run.recorded("sip"):
        theirs, ours = sipmessage.Message.parse(octets(record)), parse(octets(record))
        if isinstance(theirs, sipmessage.Request):
            assert isinstance(ours, Request)
            assert (theirs.method, theirs.max_forwards) == (ours.method, ours.max_forwards)
        else:
            assert isinstance(ours, Response)
            assert (theirs.code, theirs.phrase) == (ours.status, ours.reason)
        for address, name_addr in ((theirs.from_address, ours.from_), (theirs.to_address, ours.to)):
            assert (address.name, address.parameters.get("tag")) == (name_addr.display_name or "", name_addr.tag)
            assert f"{address.uri.scheme}:{address.uri.user}@{address.uri.host}" == name_addr.uri
        (via,), top = theirs.via, ours.top_via
        assert (via.host, via.port, via.parameters["branch"]) == (top.host, top.port, top.branch)
        assert (theirs.cseq.sequence, theirs.cseq.method) == (ours.cseq.number, ours.cseq.method)
        assert (theirs.call_id, theirs.expires, theirs.body) == (ours.call_id, ours.expires, ours.body)
        assert theirs.content_length == len(ours.body)
        assert (theirs.content_type and theirs.content_type.mime_type) == ours.content_type
        assert [contact.uri.host for contact in theirs.contact] == (
            [ours.contact.parsed_uri.host] if ours.contact else []
        )
        assert (len(theirs.route), len(theirs.record_route)) == (len(ours.routes), len(ours.record_routes))

"""tshark, sipmessage and Net::SIP read every kind of message of every persona, and find what we find.

The golden files are what each persona sends (tests/golden), the chat files every form of a chat. What each program
overlooks stands in the facts about real programs (§5): together they see a missing header, a wrong length, a bad
address and a CSeq that does not fit.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import sipmessage

from simulator.chat.sdp import ImRefusal, parse_im_sdp
from simulator.partner.personas import PERSONAS
from simulator.sip.message import Message, Request, parse

CORPUS = Path(__file__).parents[1] / "corpus"
FILES = sorted([*(CORPUS / "golden").glob("*/*.sip"), *(CORPUS / "chat").glob("*.sip")])
PACKETS = Path(__file__).parent / "other_agents" / "net_sip_packets.pl"
UNREGISTERED = {
    "compression", "endpoints", "ms-asserted-verification-level", "ms-conversation-id", "ms-im-format", "ms-keep-alive",
    "ms-piggyback-cseq", "ms-subnet", "ms-text-format", "roster-manager", "message-id", "triggeredinvite",
}  # fmt: skip
"Microsoft's own headers, which tshark calls unrecognised (dialect facts §1.3, §3.3, §4.1, §4.5)."


REFUSED_BY_NET_SIP = {"chat/invite-lcs-2005": "bad [m]edia: 'x-ms-message 5060 sip null'"}
"It reads no medium with a hyphen in its name, though RFC 4566 §9 allows any token; that of LCS 2005 has two."


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def messages() -> dict[str, Message]:
    return {name_of(path): parse(path.read_bytes()) for path in FILES}


def expected(message: Message) -> list[str]:
    """What everybody must find in it."""
    what = message.method if isinstance(message, Request) else str(message.status)  # type: ignore[attr-defined]
    return [what, message.call_id, f"{message.cseq.number} {message.cseq.method}"]


def test_the_files_are_of_every_persona() -> None:
    folders = {path.parent.name for path in FILES}

    assert folders == {*PERSONAS, "chat"}
    assert len(FILES) > 150


def test_sipmessage_reads_them() -> None:
    for name, ours in messages().items():
        theirs = sipmessage.Message.parse(bytes(ours))

        what = theirs.method if isinstance(theirs, sipmessage.Request) else str(theirs.code)
        assert [what, theirs.call_id, f"{theirs.cseq.sequence} {theirs.cseq.method}"] == expected(ours), name
        assert (theirs.from_address.parameters.get("tag"), theirs.body) == (ours.from_.tag, ours.body), name
        assert [via.parameters.get("branch") for via in theirs.via] == [via.branch for via in ours.vias], name
        assert len(theirs.record_route) == len(ours.record_routes), name


def test_net_sip_reads_them(program: Callable[[str], Path], lacking: Callable[[str], NoReturn]) -> None:
    perl = str(program("perl"))
    if subprocess.run([perl, "-MNet::SIP", "-e", "1"], capture_output=True, check=False).returncode:
        lacking("Net::SIP is not installed")
    done = subprocess.run([perl, str(PACKETS), *map(str, FILES)], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    for path, (_file, *seen) in zip(FILES, lines, strict=True):
        ours = parse(path.read_bytes())
        if (why := REFUSED_BY_NET_SIP.get(name_of(path))) is not None:
            assert seen[0] == "failed"
            assert seen[1].startswith(why)
            continue
        assert seen[:5] == [*expected(ours), ours.headers.get("From"), ours.headers.get("To")], seen
        assert (int(seen[5]), seen[6]) == (len(ours.body), media_of(ours)), name_of(path)


def media_of(message: Message) -> str:
    """The media of its session description, as Net::SIP lists them."""
    if message.content_type != "application/sdp":
        return ""
    found = parse_im_sdp(message.body)
    return ",".join(found.media if isinstance(found, ImRefusal) else (found.media,))


def test_tshark_decodes_them_without_an_error(program: Callable[[str], Path], tmp_path: Path) -> None:
    """Each is a TCP segment of its own; the one remark that tshark may make is that it does not know a header."""
    capture = tmp_path / "messages.pcap"
    capture.write_bytes(pcap([path.read_bytes() for path in FILES]))
    command = [str(program("tshark")), "-n", "-r", str(capture), "-d", "tcp.port==5060,sip", "-T", "json"]
    names = ("sip", "sip.Method", "sip.Status-Code", "sip.Call-ID", "sip.CSeq", "_ws.expert.message", "_ws.malformed")
    command += [word for name in (*names, "sip.Content-Length", "frame.protocols") for word in ("-e", name)]
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(tmp_path), "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, env=environment)
    frames = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]

    remarks: set[str] = set()
    for path, frame in zip(FILES, frames, strict=True):
        ours, name = parse(path.read_bytes()), name_of(path)
        seen = [*(frame.get("sip.Method") or frame["sip.Status-Code"]), *frame["sip.Call-ID"], *frame["sip.CSeq"]]
        assert seen == expected(ours), name
        assert frame["sip.Content-Length"] == [str(len(ours.body))], name
        assert "_ws.malformed" not in frame, name
        found = {remark.lower() for remark in frame.get("_ws.expert.message", [])}
        assert found <= {f"unrecognised sip header ({header})" for header in UNREGISTERED}, (name, found)
        remarks |= found
    assert len(remarks) > 5, "tshark no longer tells what it makes of a message"


@pytest.mark.parametrize(
    ("broken", "remark"),
    [
        (b"OPTIONS sip:a@b.test SIP/2.0\r\nCall-ID: 1\r\nno colon here\r\nContent-Length: 0\r\n\r\n", "no colon"),
        (b"OPTIONS sip:a@b.test SIP/2.0\r\nContent-Length: x\r\n\r\n", "content-length"),
    ],
)
def test_tshark_would_tell(program: Callable[[str], Path], tmp_path: Path, broken: bytes, remark: str) -> None:
    """It is no witness that finds fault with nothing."""
    capture = tmp_path / "broken.pcap"
    capture.write_bytes(pcap([broken]))
    command = [str(program("tshark")), "-n", "-r", str(capture), "-d", "tcp.port==5060,sip", "-V"]
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(tmp_path), "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)

    assert remark in done.stdout.lower()


def pcap(payloads: list[bytes]) -> bytes:
    """A capture of raw IP in which each is a segment of another TCP connection to port 5060."""
    capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number, payload in enumerate(payloads):
        tcp = struct.pack(">HHIIBBHHH", 10_000 + number, 5060, 1, 1, 5 << 4, 0x18, 65535, 0, 0) + payload
        addresses = bytes([192, 0, 2, 1, 192, 0, 2, 2])
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), number, 0, 64, 6, 0) + addresses + tcp
        capture += struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
    return capture

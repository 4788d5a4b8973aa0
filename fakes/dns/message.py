"""DNS messages: any bytes in, a reply out (RFC 1035 §4, RFC 6891, RFC 2181 §9, RFC 9619).

Replies are written by dnslib. Queries are read here, because what arrives may be anything: dnslib follows compression
pointers in circles, takes seconds for a crafted message of 64 kB and refuses labels that are not UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import dnslib
from dnslib.label import DNSBuffer

from fakes.dns.lookup import Finding, PublishedZones, Rcode
from fakes.dns.records import (
    MAX_LABEL,
    MAX_NAME,
    Address,
    CertificateAuthority,
    Host,
    Name,
    Opaque,
    Record,
    Service,
    StartOfAuthority,
    Text,
)

Transport = Literal["udp", "tcp"]

HEADER = struct.Struct("!HHHHHH")
QR, AA, TC, RD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0010
OPCODE = 0x7800
CLASS_IN, CLASS_ANY = 1, 255
TYPE_OPT = 41
META_TYPES = range(249, 255)
"TKEY, TSIG, IXFR, AXFR, MAILB, MAILA: nothing that this server gives away."

UDP_SIZE = 512
"What a UDP answer may take when the query says nothing (RFC 1035 §2.3.4)."
TCP_SIZE = 65535
"RFC 1035 §4.2.2."


def type_name(number: int) -> str:
    """Return the mnemonic of a type, `TYPE65280` when it has none."""
    return "SMIMEA" if number == 53 else str(dnslib.QTYPE[number])  # dnslib has 53 as a second HIP


@dataclass(frozen=True, slots=True)
class Edns:
    """What a query's OPT record says (RFC 6891 §6.1)."""

    payload: int
    "UDP octets that the asker can take."
    version: int
    "Only 0 exists."
    do: bool
    "The asker wants DNSSEC records; there are none, the bit is copied (RFC 3225 §3)."


@dataclass(frozen=True, slots=True)
class Question:
    """A query that could be read."""

    id: int
    "Of the message."
    flags: int
    "The header's second word."
    name: Name
    "In the letter case that it came in."
    type: int
    "Question type, known or not."
    class_: int
    "Question class."
    edns: Edns | None
    "None when the query has no OPT record."

    @property
    def type_text(self) -> str:
        """Mnemonic of the type, `TYPE65280` when it has none."""
        return type_name(self.type)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back, and what it is about."""

    wire: bytes
    "The message, without the length prefix of TCP."
    rcode: Rcode
    "Also in `wire`; here in one piece (RFC 6891 splits BADVERS)."
    question: Question | None = None
    "None when the query could not be read."
    answers: tuple[Record, ...] = ()
    "The answer section as sent: nothing when truncated."
    truncated: bool = False
    "The TC bit: the asker should come back over TCP."
    fault: str = ""
    "The fault that shaped it, if one did; `wire` is empty when nothing at all was to go back."


class _FormatError(Exception):
    """The bytes are no well-formed query."""


def reply_to(wire: bytes, zones: PublishedZones, transport: Transport) -> Reply | None:
    """Answer one message from these zones; None for less than a header and for messages that are answers themselves."""
    if len(wire) < HEADER.size:
        return None
    id_, flags = HEADER.unpack_from(wire)[:2]
    if flags & QR:
        return None
    if flags & OPCODE:
        return _bare_reply(id_, flags, Rcode.NOTIMP)
    try:
        question = read_question(wire)
    except _FormatError:
        return _bare_reply(id_, flags, Rcode.FORMERR)
    return write_reply(question, find(question, zones), transport, zones.edns_size)


def find(question: Question, zones: PublishedZones) -> Finding:
    """Return what these zones say to a question that could be read."""
    if question.edns is not None and question.edns.version != 0:
        return Finding(Rcode.BADVERS, authoritative=False)
    if question.type == TYPE_OPT:
        return Finding(Rcode.FORMERR, authoritative=False)
    if question.class_ not in (CLASS_IN, CLASS_ANY) or question.type in META_TYPES:
        return Finding(Rcode.REFUSED, authoritative=False)
    return zones.find(question.name, question.type_text)


def _bare_reply(id_: int, flags: int, rcode: Rcode) -> Reply:
    """Answer with a header alone, which is all that is left when the query cannot be understood."""
    return Reply(HEADER.pack(id_, QR | flags & (OPCODE | RD) | rcode, 0, 0, 0, 0), rcode)


def read_query(wire: bytes) -> Question | None:
    """Return the question of a standard query that is well-formed, None for all else."""
    if len(wire) < HEADER.size or HEADER.unpack_from(wire)[1] & (QR | OPCODE):
        return None
    try:
        return read_question(wire)
    except _FormatError:
        return None


def read_question(wire: bytes) -> Question:
    """Read a query with exactly one question. Raises _FormatError; takes time linear in the length of the bytes."""
    id_, flags, questions, answers, authority, additional = HEADER.unpack_from(wire)
    if questions != 1:
        raise _FormatError("one question, no more and no less (RFC 9619 §4)")
    name, offset = _read_name(wire, HEADER.size)
    type_, class_ = struct.unpack("!HH", _slice(wire, offset, 4))
    offset += 4
    edns: Edns | None = None
    for index in range(answers + authority + additional):
        start = offset
        offset = _skip_name(wire, offset)
        kind, payload, ttl, length = struct.unpack("!HHIH", _slice(wire, offset, 10))
        data = _slice(wire, offset + 10, length)
        offset += 10 + length
        if kind == TYPE_OPT:
            if edns is not None or index < answers + authority or wire[start] != 0:
                raise _FormatError("one OPT record, owned by the root, in the additional section (RFC 6891 §6.1.1)")
            _check_options(data)
            edns = Edns(payload, version=ttl >> 16 & 0xFF, do=bool(ttl & 0x8000))
    if offset != len(wire):
        raise _FormatError("bytes after the last record")
    return Question(id_, flags, name, type_, class_, edns)


def _slice(wire: bytes, offset: int, length: int) -> bytes:
    if offset + length > len(wire):
        raise _FormatError("the message ends within a record")
    return wire[offset : offset + length]


def _read_name(wire: bytes, offset: int) -> tuple[Name, int]:
    """Read the question's name. A compression pointer is an error: before it stands nothing that it could point to."""
    labels: list[bytes] = []
    start = offset
    while length := _slice(wire, offset, 1)[0]:
        if length > MAX_LABEL:
            raise _FormatError("no label starts like this")
        labels.append(_slice(wire, offset + 1, length))
        offset += 1 + length
        if offset + 1 - start > MAX_NAME:
            raise _FormatError("the name is too long")
    return tuple(labels), offset + 1


def _skip_name(wire: bytes, offset: int) -> int:
    while length := _slice(wire, offset, 1)[0]:
        if length >= 0xC0:
            _slice(wire, offset, 2)
            return offset + 2
        if length > MAX_LABEL:
            raise _FormatError("no label starts like this")
        offset += 1 + length
    return offset + 1


def _check_options(data: bytes) -> None:
    """Options are ignored (RFC 6891 §6.1.2), but they have to fill the record exactly."""
    offset = 0
    while offset < len(data):
        (length,) = struct.unpack("!H", _slice(data, offset + 2, 2))
        _slice(data, offset + 4, length)
        offset += 4 + length


def write_reply(question: Question, finding: Finding, transport: Transport, edns_size: int) -> Reply:
    """Write the finding as a message that fits the transport; over UDP in no more than `edns_size` octets.

    Where it does not fit, optional addresses are left out; where that is not enough, all sections are, and the TC bit
    is set, so that the asker comes back over TCP. RA is never set, AD and Z are cleared, RD and CD come back as they
    were.
    """
    if transport == "tcp":
        limit = TCP_SIZE
    else:
        limit = min(max(question.edns.payload, UDP_SIZE), edns_size) if question.edns else UDP_SIZE
    flags = QR | question.flags & (RD | CD) | (AA if finding.authoritative else 0) | finding.rcode & 0xF
    parts = (finding.answers, finding.authority, finding.additional)
    wire = pack(question, flags, finding.rcode, edns_size, *parts)
    if len(wire) > limit and finding.additional and finding.authoritative:
        wire = pack(question, flags, finding.rcode, edns_size, *parts[:2])
    if len(wire) > limit:
        return truncated(question, finding, edns_size)
    return Reply(wire, finding.rcode, question, finding.answers)


def truncated(question: Question, finding: Finding, edns_size: int) -> Reply:
    """Write the finding without its records, the TC bit set."""
    flags = QR | TC | question.flags & (RD | CD) | (AA if finding.authoritative else 0) | finding.rcode & 0xF
    return Reply(pack(question, flags, finding.rcode, edns_size), finding.rcode, question, truncated=True)


class _Pointers(dict[Name, int]):
    """Where a compression pointer may point to: its 14 bits reach no farther, which dnslib does not check."""

    def __setitem__(self, name: Name, offset: int) -> None:
        if offset < 0x4000:
            super().__setitem__(name, offset)


def pack(
    question: Question,
    flags: int,
    rcode: Rcode,
    edns_size: int,
    answers: Iterable[Record] = (),
    authority: Iterable[Record] = (),
    additional: Iterable[Record] = (),
) -> bytes:
    """Write a message with these sections, and an OPT record where the question has one; nothing limits its length."""
    sections = [[_resource(record) for record in section] for section in (answers, authority, additional)]
    if question.edns is not None:
        do = "do" if question.edns.do else ""
        sections[2].append(dnslib.EDNS0(dnslib.DNSLabel(()), ext_rcode=rcode >> 4, flags=do, udp_len=edns_size))
    buffer = DNSBuffer()
    buffer.names = _Pointers()
    buffer.append(HEADER.pack(question.id, flags, 1, *map(len, sections)))
    dnslib.DNSQuestion(dnslib.DNSLabel(question.name), question.type, question.class_).pack(buffer)
    for resource in (resource for section in sections for resource in section):
        resource.pack(buffer)
    return bytes(buffer.data)


_HOSTS = {"CNAME": dnslib.CNAME, "NS": dnslib.NS, "PTR": dnslib.PTR}


def _resource(record: Record) -> Any:
    """Return the dnslib form of a record; its names are given as labels, because dnslib encodes text by IDNA 2003."""
    label = dnslib.DNSLabel
    value = record.value
    number = value.type if isinstance(value, Opaque) else getattr(dnslib.QTYPE, record.type)
    match value:
        case Address(ip=ip):
            data = (dnslib.A if ip.version == 4 else dnslib.AAAA)(tuple(ip.packed))
        case Host(name=name):
            data = _HOSTS[record.type](label(name))
        case Service():
            data = dnslib.SRV(value.priority, value.weight, value.port, label(value.target))
        case StartOfAuthority():
            times = (value.serial, value.refresh, value.retry, value.expire, value.minimum)
            data = dnslib.SOA(label(value.primary), label(value.mailbox), times)
        case Text(strings=strings):
            data = dnslib.RD(b"".join(bytes([len(string)]) + string for string in strings))
        case CertificateAuthority(flags=flags, tag=tag, value=said):
            data = dnslib.RD(bytes([flags, len(tag)]) + tag.encode() + said)
        case Opaque(data=octets):
            data = dnslib.RD(octets)
    return dnslib.RR(label(record.owner), number, CLASS_IN, record.ttl, data)

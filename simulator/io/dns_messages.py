"""Writes DNS queries and reads replies: the plain ones here, all others by dnspython (RFC 1035 §4, RFC 2308, RFC 2782).

A partner that nobody has seen has eight questions asked about it, and one question costs dnspython as much as a fifth
of a TLS handshake. What is plain takes a tenth of that here: records of the asked type at the asked name, or none and
at most one SOA record. Aliases, EDNS, odd names, contradictions and all that is broken are dnspython's.
"""

from __future__ import annotations

import re
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulator.discovery import Answer, Question, RecordType, SrvRecord, Status
from simulator.errors import SipfedError

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

QR, TC, RD, OPCODE, RCODE = 0x8000, 0x0200, 0x0100, 0x7800, 0x000F
NOERROR, NXDOMAIN, REFUSED = 0, 3, 5
TYPES: Final[dict[RecordType, int]] = {"A": 1, "AAAA": 28, "SRV": 33}
SOA, CLASS_IN = 6, 1
LONGEST_TTL = 0x7FFF_FFFF
"Seconds; more than that means zero (RFC 2181 §8)."
LONGEST_NAME = 253
"Characters, without the dot at its end."

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_SERVICE = struct.Struct("!HHH")
_PLAIN_LABELS: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class Reply:
    """What one server said to a query."""

    answer: Answer
    "What that means for who asked."
    conclusive: bool
    "Whether the server knows; another one need not be asked then."
    truncated: bool = False
    "Whether the whole of it can be had by TCP only; the answer says nothing then."


class CannotAsk(SipfedError):
    """No server is known, or no query can hold the name."""


def write_query(question: Question) -> bytes:
    """A query with a random id; raises CannotAsk for a name that no query can hold."""
    name, id_ = question.name.rstrip("."), secrets.randbits(16)
    if len(name) > LONGEST_NAME or _PLAIN_LABELS.fullmatch(name) is None:
        return _write_other(f"{name}.", question.type, id_)
    labels = b"".join(len(label).to_bytes(1, "big") + label.encode("ascii") for label in name.split("."))
    return _HEADER.pack(id_, RD, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, TYPES[question.type], CLASS_IN)


def read_reply(wire: bytes, query: bytes, kind: RecordType) -> Reply | None:
    """What a datagram says to `query`, which asked for `kind`; None for what is no reply to it."""
    return read_plain(wire, query, kind) or _read_other(wire, query, kind)


# -- the plain ones -------------------------------------------------------------------------------------------------


class _NotPlain(Exception):
    """This is for dnspython."""


def read_plain(wire: bytes, query: bytes, kind: RecordType) -> Reply | None:
    """The same for a plain reply; None for all others."""
    size = len(query)
    if len(wire) < size or wire[:2] != query[:2] or wire[12:size] != query[12:]:
        return None
    _, flags, questions, answers, authority, additional = _HEADER.unpack_from(wire)
    if flags & (QR | OPCODE | TC) != QR or questions != 1:
        return None
    code = flags & RCODE
    try:
        reader = _Reader(wire, size)
        if code == NOERROR and answers:
            answer = reader.records(kind, answers)
            reader.pass_over(authority)
        elif code in (NOERROR, NXDOMAIN) and not answers:
            answer = reader.nothing("nxdomain" if code == NXDOMAIN else "nodata", authority)
        elif not answers and not authority and not additional:
            answer = Answer("refused" if code == REFUSED else "servfail")
        else:
            return None
        reader.pass_over(additional)
    except (_NotPlain, IndexError, struct.error):
        return None
    if reader.offset != len(wire):
        return None
    return Reply(answer, code in (NOERROR, NXDOMAIN))


class _Reader:
    """Reads the records behind the question of a message; raises _NotPlain, IndexError or struct.error."""

    def __init__(self, wire: bytes, offset: int) -> None:
        self.offset = offset
        self._wire = wire
        self._asked = self._name(_HEADER.size)[0].lower()

    def records(self, kind: RecordType, count: int) -> Answer:
        """The next `count` records, all of them of this kind and at the name that was asked for."""
        found: list[SrvRecord | str] = []
        least = LONGEST_TTL
        for _ in range(count):
            owner, type_, ttl, start, end = self._next()
            if owner != self._asked or type_ != TYPES[kind]:
                raise _NotPlain
            found.append(self._service(start, end) if kind == "SRV" else self._address(type_, start, end))
            least = min(least, ttl)
        if len({str(record).lower() for record in found}) != count:
            raise _NotPlain  # a set has nothing twice (RFC 2181 §5)
        return Answer("noerror", tuple(found), None, float(least))

    def nothing(self, status: Status, authority: int) -> Answer:
        """That there is nothing; for how long says the SOA record of the zone, if one is there (RFC 2308 §5)."""
        if authority == 0:
            return Answer(status)
        owner, type_, ttl, start, end = self._next()
        if authority > 1 or type_ != SOA or not f".{self._asked}".endswith(f".{owner}"):
            raise _NotPlain
        for _ in range(2):
            start = self._name(start)[1]
        if end - start != 20:
            raise _NotPlain
        return Answer(status, ttl=float(min(ttl, int.from_bytes(self._wire[end - 4 : end], "big"))))

    def pass_over(self, count: int) -> None:
        """Read records that do not matter: addresses of the servers that an answer names."""
        for _ in range(count):
            _, type_, _, start, end = self._next()
            self._address(type_, start, end)

    def _next(self) -> tuple[str, int, int, int, int]:
        """Owner, type and TTL of the next record, and where its data begins and ends."""
        owner, start = self._name(self.offset)
        type_, class_, ttl, length = _RECORD.unpack_from(self._wire, start)
        start += _RECORD.size
        self.offset = start + length
        if class_ != CLASS_IN or ttl > LONGEST_TTL or self.offset > len(self._wire):
            raise _NotPlain
        return owner.lower(), type_, ttl, start, self.offset

    def _name(self, offset: int) -> tuple[str, int]:
        """A name of letters, digits, hyphens and underscores, and where it ends; pointers only lead back."""
        wire, labels, end, bound = self._wire, list[str](), 0, offset
        while length := wire[offset]:
            if length < 64:
                labels.append(wire[offset + 1 : offset + 1 + length].decode("latin-1"))
                offset += 1 + length
            else:
                target = (length & 0x3F) << 8 | wire[offset + 1]
                end = end or offset + 2
                if length < 192 or target >= bound:
                    raise _NotPlain
                offset = bound = target
        name = ".".join(labels)
        if len(name) > LONGEST_NAME or _PLAIN_LABELS.fullmatch(name) is None:
            raise _NotPlain
        return name, end or offset + 1

    def _service(self, start: int, end: int) -> SrvRecord:
        target, behind = self._name(start + _SERVICE.size)
        if behind != end:
            raise _NotPlain
        priority, weight, port = _SERVICE.unpack_from(self._wire, start)
        return SrvRecord(priority, weight, port, f"{target}.")

    def _address(self, type_: int, start: int, end: int) -> str:
        data = self._wire[start:end]
        if type_ == TYPES["A"] and len(data) == 4:
            return "{}.{}.{}.{}".format(*data)
        if type_ == TYPES["AAAA"] and len(data) == 16:
            import dns.ipv6

            return dns.ipv6.inet_ntoa(data)
        raise _NotPlain


# -- the others -----------------------------------------------------------------------------------------------------


def _write_other(name: str, kind: RecordType, id_: int) -> bytes:
    import dns.exception
    import dns.message

    try:
        return dns.message.make_query(name, kind, id=id_).to_wire()
    except dns.exception.DNSException as error:
        raise CannotAsk(f"{name!r} is no name that can be asked for: {error}") from error


def _read_other(wire: bytes, query: bytes, kind: RecordType) -> Reply | None:
    import dns.exception
    import dns.flags
    import dns.message

    try:
        reply = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None  # whoever sent it, the right one may still come
    if not isinstance(reply, dns.message.QueryMessage) or not dns.message.from_wire(query).is_response(reply):
        return None
    if reply.flags & dns.flags.TC:
        return Reply(Answer("servfail"), conclusive=False, truncated=True)
    return reply_of(reply, kind)


def reply_of(message: dns.message.QueryMessage, kind: RecordType) -> Reply:
    """What dnspython's message says."""
    import dns.exception
    import dns.rcode

    try:
        answer = _answer(message, kind)
    except dns.exception.DNSException:  # it contradicts itself
        answer = Answer("servfail")
    return Reply(answer, message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN))


def _answer(reply: dns.message.QueryMessage, kind: RecordType) -> Answer:
    import dns.rcode

    code = reply.rcode()
    if code == dns.rcode.NXDOMAIN:
        return _negative("nxdomain", reply)
    if code != dns.rcode.NOERROR:
        return Answer("refused" if code == dns.rcode.REFUSED else "servfail")
    chain = reply.resolve_chaining()
    if chain.answer is None:
        return _negative("nodata", reply)
    alias = chain.canonical_name.to_text(omit_final_dot=True) if chain.cnames else None
    return Answer("noerror", _records(chain.answer, kind), alias, float(chain.minimum_ttl))


def _records(rrset: dns.rrset.RRset, kind: RecordType) -> tuple[str | SrvRecord, ...]:
    if kind == "SRV":
        return tuple(SrvRecord(item.priority, item.weight, item.port, item.target.to_text()) for item in rrset)
    return tuple(item.address for item in rrset)


def _negative(status: Status, message: dns.message.QueryMessage) -> Answer:
    """An answer without records: what it is worth to a cache stands in its SOA record (RFC 2308 §5)."""
    import dns.exception
    import dns.rdatatype

    try:
        chain = message.resolve_chaining()
    except dns.exception.DNSException:
        return Answer(status)
    alias = chain.canonical_name.to_text(omit_final_dot=True) if chain.cnames else None
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in message.authority)
    return Answer(status, (), alias, float(chain.minimum_ttl) if has_soa else None)

"""What each kind of fault makes of a question (RFC 5452 for what a forger would try, RFC 2782 for SRV)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from fakes.dns.faults import Asked, Effect, Fault, FaultKind
from fakes.dns.lookup import Finding, PublishedZones, Rcode, target_of
from fakes.dns.message import Reply, truncated
from fakes.dns.records import MAX_NAME, Address, Host, Name, Record, Service, Text, folded, wire_length
from fakes.dns.zone import Zone
from fakes.dns.zonedict import insert


def record_of(owner: Name, type_: str, value: str, ttl: int = 0) -> Record:
    """Make a record from the text of its value. Raises FakeError when it is none of that type."""
    made = insert(Zone("invalid"), "x", type_, value).records[-1]
    return replace(made, owner=owner, ttl=ttl)


def _nothing(asked: Asked) -> Reply:
    return Reply(b"", Rcode.NOERROR, asked.question)


def _cut(asked: Asked) -> Reply:
    return truncated(asked.question, asked.finding, asked.zones.edns_size)


def _no_answer(_: Fault, asked: Asked) -> Effect:
    return Effect(_nothing(asked))


def _late(fault: Fault, asked: Asked) -> Effect:
    return Effect(asked.reply(), delay=fault.delay)


def _refusal(rcode: Rcode) -> Callable[[Fault, Asked], Effect]:
    return lambda _, asked: Effect(asked.reply(Finding(rcode, authoritative=False)))


def _flapping(fault: Fault, asked: Asked) -> Effect | None:
    if fault.counts[asked.type] % 2 == 0:
        return None
    zone = asked.zones.nearest(asked.name)
    return Effect(asked.reply(Finding(Rcode.NXDOMAIN, authority=(zone.negative,) if zone else ())))


def _tc_without_tcp(_: Fault, asked: Asked) -> Effect:
    return Effect(_cut(asked) if asked.transport == "udp" else _nothing(asked))


def _tcp_reset(_: Fault, asked: Asked) -> Effect:
    return Effect(_cut(asked)) if asked.transport == "udp" else Effect(_nothing(asked), reset=True)


def _wrong_id(fault: Fault, asked: Asked) -> Effect:
    reply = asked.reply()
    id_ = (asked.question.id + fault.chance.randint(1, 0xFFFF)) & 0xFFFF
    return Effect(replace(reply, wire=id_.to_bytes(2, "big") + reply.wire[2:]))


def _other(name: Name) -> Name:
    """Return a name of the same length in octets that is another one."""
    if not name:
        return (b"other",)
    first = name[0][:-1] + (b"x" if name[0][-1:] != b"x" else b"y")
    return (first, *name[1:])


def _wrong_question(_: Fault, asked: Asked) -> Effect:
    twin = replace(asked, question=replace(asked.question, name=_other(asked.question.name)))
    return Effect(replace(twin.reply(asked.finding), question=asked.question))


def _wrong_name(_: Fault, asked: Asked) -> Effect:
    return Effect(asked.reply(_moved(asked.finding, asked.name, _other(asked.question.name))))


def _mangled(fault: Fault, asked: Asked) -> Effect:
    reply, chance = asked.reply(), fault.chance
    wire = bytearray(reply.wire)
    if chance.random() < 0.25:
        del wire[chance.randrange(12, len(wire)) :]
    else:
        for place in {chance.randrange(12, len(wire)) for _ in range(chance.randint(1, 8))}:
            wire[place] ^= chance.randint(1, 255)
    return Effect(replace(reply, wire=bytes(wire)))


def loop_partner(name: Name) -> Name:
    """The other name of a loop."""
    return (b"loop", *name)


def _loop_reaches(fault: Fault, asked: Asked) -> bool:
    return asked.name == loop_partner(fault.name)


def _cname_loop(fault: Fault, asked: Asked) -> Effect:
    one, other = fault.name, loop_partner(fault.name)
    if asked.name == other:
        one, other = other, one
    there = Record(asked.question.name, "CNAME", 0, Host(other))
    back = Record(other, "CNAME", 0, Host(asked.question.name))
    return Effect(asked.reply(Finding(Rcode.NOERROR, answers=(there, back))))


def _targets(fault: Fault, zones: PublishedZones) -> list[Name]:
    answers = zones.find(fault.name, "SRV").answers
    return [folded(target_of(record)) for record in answers if record.type == "SRV"]


def _host_of(target: Name) -> Name:
    """The name that a target becomes an alias of."""
    return (b"host", *target)


def _target_reaches(fault: Fault, asked: Asked) -> bool:
    targets = _targets(fault, asked.zones)
    return asked.name in targets or asked.name in map(_host_of, targets)


def _target_cname(fault: Fault, asked: Asked) -> Effect | None:
    targets = _targets(fault, asked.zones)
    if asked.name in targets:
        return _alias(asked, asked.name)
    if asked.name in map(_host_of, targets):
        there = asked.zones.find(asked.name[1:], asked.type)
        return Effect(asked.reply(_moved(there, asked.name[1:], asked.question.name)))
    return Effect(asked.reply(replace(asked.finding, additional=())))


def _alias(asked: Asked, target: Name) -> Effect | None:
    host, there = _host_of(target), asked.zones.find(target, asked.type)
    if there.rcode == Rcode.REFUSED or wire_length(host) > MAX_NAME:
        return None  # not our name, or none that an alias could stand for
    alias = Record(asked.question.name, "CNAME", there.answers[0].ttl if there.answers else 0, Host(host))
    if asked.type == "CNAME":
        return Effect(asked.reply(Finding(Rcode.NOERROR, answers=(alias,))))
    moved = _moved(there, target, host)
    return Effect(asked.reply(replace(moved, answers=(alias, *moved.answers))))


def _moved(finding: Finding, old: Name, new: Name) -> Finding:
    """Return the finding with another owner in place of the old one."""
    answers = tuple(replace(one, owner=new) if folded(one.owner) == old else one for one in finding.answers)
    return replace(finding, answers=answers)


def _target_root(_: Fault, asked: Asked) -> Effect:
    old = asked.finding.answers
    record = Record(asked.question.name, "SRV", old[-1].ttl if old else 0, Service(0, 0, 0, ()))
    return Effect(asked.reply(Finding(Rcode.NOERROR, answers=(record,))))


def _filler(type_: str, number: int) -> Address | Service | Text:
    match type_:
        case "A":
            return Address(IPv4Address(0x7FFE0000 + number))  # 127.254.0.0 and up: nobody is there
        case "AAAA":
            return Address(IPv6Address("2001:db8:ffff::") + number)
        case "SRV":
            return Service(65535, 0, 1, (f"filler-{number}".encode(), b"invalid"))
        case _:
            return Text((f"filler {number}".encode(),))


def _huge(fault: Fault, asked: Asked) -> Effect:
    kind, true = asked.type, asked.finding
    ttl = true.answers[-1].ttl if true.answers else 0
    more = tuple(Record(asked.question.name, kind, ttl, _filler(kind, number)) for number in range(1, fault.count + 1))
    own = tuple(record for record in true.answers if record.type == kind)
    return Effect(asked.reply(Finding(Rcode.NOERROR, answers=own + more)))


_CHANGED: Mapping[str, str] = {
    "A": "127.254.255.254",
    "AAAA": "2001:db8:ffff::fffe",
    "CNAME": "changed.invalid",
    "SRV": "0 0 1 changed.invalid",
    "TXT": "changed",
}


def _changed(fault: Fault, asked: Asked) -> Effect:
    kind, true = asked.type, asked.finding
    if fault.counts[kind] == 1:
        answers = tuple(replace(record, ttl=0) for record in true.answers)
        return Effect(asked.reply(replace(true, answers=answers)))
    record = record_of(asked.question.name, kind, fault.value or _CHANGED[kind])
    return Effect(asked.reply(Finding(Rcode.NOERROR, answers=(record,))))


def _wildcard_reaches(fault: Fault, asked: Asked) -> bool:
    zone = asked.zones.nearest(fault.name)
    if zone is None or zone is not asked.zones.nearest(asked.name):
        return False
    true = asked.finding
    return true.rcode == Rcode.NXDOMAIN and not true.answers


def _wildcard_a(fault: Fault, asked: Asked) -> Effect | None:
    zone = asked.zones.nearest(asked.name)
    if zone is None:
        return None
    if asked.type == "A":
        address = record_of(asked.question.name, "A", fault.value or _CHANGED["A"])
        return Effect(asked.reply(Finding(Rcode.NOERROR, answers=(address,))))
    return Effect(asked.reply(Finding(Rcode.NOERROR, authority=(zone.negative,))))


EFFECTS: Mapping[FaultKind, Callable[[Fault, Asked], Effect | None]] = {
    FaultKind.NO_ANSWER: _no_answer,
    FaultKind.LATE: _late,
    FaultKind.SERVFAIL: _refusal(Rcode.SERVFAIL),
    FaultKind.REFUSED: _refusal(Rcode.REFUSED),
    FaultKind.FORMERR: _refusal(Rcode.FORMERR),
    FaultKind.FLAPPING: _flapping,
    FaultKind.TC_WITHOUT_TCP: _tc_without_tcp,
    FaultKind.TCP_RESET: _tcp_reset,
    FaultKind.WRONG_ID: _wrong_id,
    FaultKind.WRONG_QUESTION: _wrong_question,
    FaultKind.WRONG_NAME: _wrong_name,
    FaultKind.MANGLED: _mangled,
    FaultKind.CNAME_LOOP: _cname_loop,
    FaultKind.TARGET_CNAME: _target_cname,
    FaultKind.TARGET_ROOT: _target_root,
    FaultKind.HUGE: _huge,
    FaultKind.CHANGED: _changed,
    FaultKind.WILDCARD_A: _wildcard_a,
}
"What each kind does; None where it does nothing this time."
REACH: Mapping[FaultKind, Callable[[Fault, Asked], bool]] = {
    FaultKind.CNAME_LOOP: _loop_reaches,
    FaultKind.TARGET_CNAME: _target_reaches,
    FaultKind.WILDCARD_A: _wildcard_reaches,
}
"Which questions a kind is about besides those for its name."

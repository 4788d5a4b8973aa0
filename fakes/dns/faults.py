"""What a name server can do wrong, as one list of kinds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fakes.dns.lookup import Finding, PublishedZones
from fakes.dns.message import Question, Reply, Transport, find, write_reply
from fakes.dns.records import Name, folded, is_within, name_text


class FaultKind(StrEnum):
    """What goes wrong; `about` says it in one line."""

    about: str

    def __new__(cls, value: str, about: str) -> FaultKind:
        """Make a member that is its text."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    NO_ANSWER = "no-answer", "Nothing comes back; over TCP the connection stays open."
    LATE = "late", "The answer comes `delay` seconds late."
    SERVFAIL = "servfail", "The answer is SERVFAIL."
    REFUSED = "refused", "The answer is REFUSED."
    FORMERR = "formerr", "The answer is FORMERR."
    FLAPPING = "nxdomain-flapping", "Every other answer is NXDOMAIN, beginning with the first."
    TC_WITHOUT_TCP = "tc-without-tcp", "Over UDP the answer is cut short (TC), and over TCP nothing comes back."
    TCP_RESET = "tcp-reset", "Over UDP the answer is cut short (TC), and over TCP the connection is reset."
    WRONG_ID = "wrong-id", "The answer carries another id."
    WRONG_QUESTION = "wrong-question", "The answer repeats a question that was not asked."
    WRONG_NAME = "wrong-name", "The records of the answer belong to another name."
    MANGLED = "mangled", "Some octets behind the header are others, or the end is missing."
    CNAME_LOOP = "cname-loop", "The name is an alias (CNAME) of one that is an alias of the name."
    TARGET_CNAME = (
        "srv-target-cname",
        "The targets of its SRV records are aliases (CNAME) of their hosts (RFC 2782 forbids it).",
    )
    TARGET_ROOT = "srv-target-root", "The SRV record has the target `.`: the service is decidedly not available."
    HUGE = "huge-rrset", "`count` more records of the type stand in the answer."
    CHANGED = "changed-after-ttl-0", "The first answer has a TTL of 0, and each later one says `value` in its place."
    WILDCARD_A = "srv-nodata-wildcard-a", "SRV has no data, and each name that does not exist has the address `value`."


HUGE_TYPES = ("A", "AAAA", "SRV", "TXT")
CHANGED_TYPES = ("A", "AAAA", "CNAME", "SRV", "TXT")
_TYPES_OF: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.TARGET_CNAME: ("SRV",),
    FaultKind.TARGET_ROOT: ("SRV",),
    FaultKind.HUGE: HUGE_TYPES,
    FaultKind.CHANGED: CHANGED_TYPES,
}
"The types of questions that a kind can do something to, where it is not all."


@dataclass(eq=False, slots=True)
class Fault:
    """One thing that goes wrong, for one name; in a `with` block it goes wrong until the end of it."""

    name: Name
    "Folded; a first label `*` stands for all names below."
    kind: FaultKind
    "What."
    type: str | None
    "For questions of this type only; None for all."
    delay: float
    "For `late`, seconds."
    count: int
    "For `huge-rrset`."
    value: str | None
    "For `changed-after-ttl-0` and `srv-nodata-wildcard-a`: the value as in a zone file."
    rate: float
    "The share of the questions that it happens to."
    times: int | None
    "It happens so often and then no more; None for always."
    chance: random.Random
    "Whatever is up to chance comes from here."
    undo: Callable[[Fault], None]
    "Takes it out of the server."
    counts: Counter[str] = field(default_factory=Counter)
    "How often it happened so far, by the type of the question."

    def remove(self) -> None:
        """Let all be right again; harmless when it is."""
        self.undo(self)

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __str__(self) -> str:
        return f"{self.kind} for {self.type or 'all types'} of {name_text(self.name)}"

    @property
    def happened(self) -> int:
        """How often it happened so far."""
        return self.counts.total()

    def names(self, name: Name, type_: str) -> bool:
        """True when it was asked for under this folded name, and for this type or all."""
        if self.type not in (None, type_) or type_ not in _TYPES_OF.get(self.kind, (type_,)):
            return False
        if self.name[:1] == (b"*",):
            return name == self.name or (len(name) >= len(self.name) and is_within(name, self.name[1:]))
        return name == self.name

    def happens(self, type_: str) -> bool:
        """Draw whether it happens this time, and count."""
        if self.times is not None and self.happened >= self.times:
            return False
        if self.rate < 1 and self.chance.random() >= self.rate:
            return False
        self.counts[type_] += 1
        return True


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens in place of an answer."""

    reply: Reply
    "What goes back: nothing when its `wire` is empty."
    delay: float = 0.0
    "Seconds until it does."
    reset: bool = False
    "Whether the TCP connection ends with a reset in its place."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what the zones say to it."""

    question: Question
    "That could be read."
    transport: Transport
    "What it came over."
    zones: PublishedZones
    "What its asker is allowed to see."

    @property
    def name(self) -> Name:
        """The name asked for, folded."""
        return folded(self.question.name)

    @property
    def type(self) -> str:
        """Mnemonic of the type asked for."""
        return self.question.type_text

    @property
    def finding(self) -> Finding:
        """The true answer."""
        return find(self.question, self.zones)

    def reply(self, finding: Finding | None = None) -> Reply:
        """Write a finding, or else the true answer, as it goes over this transport."""
        return write_reply(self.question, finding or self.finding, self.transport, self.zones.edns_size)

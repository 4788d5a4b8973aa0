"""DNS names and records as values (RFC 1035 §3, RFC 2782, RFC 3596), without any wire format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, get_args

from fakes.errors import FakeError

Name = tuple[bytes, ...]
"Labels from left to right as they stand on the wire, letter case kept; the root is the empty tuple."

RecordType = Literal["A", "AAAA", "CNAME", "NS", "SOA", "SRV"]
RECORD_TYPES: tuple[RecordType, ...] = get_args(RecordType)

MAX_LABEL = 63
MAX_NAME = 255
"Octets of a whole name on the wire, length octets and root included (RFC 1035 §2.3.4)."


def parse_name(text: str) -> Name:
    """Return the labels of an absolute name; one trailing dot is allowed, `"."` is the root.

    Underscores and letter case are kept. Raises FakeError for what no DNS name may be, and for non-ASCII text:
    the DNS carries A-labels (`xn--…`), and converting is the caller's business.
    """
    if text == ".":
        return ()
    labels = text.removesuffix(".").split(".")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise FakeError(f"{text!r} cannot be a DNS name: write it in printable ASCII (IDNs as xn-- labels).")
    if not all(1 <= len(label) <= MAX_LABEL for label in labels):
        raise FakeError(f"{text!r} cannot be a DNS name: each label has 1 to {MAX_LABEL} characters.")
    name = tuple(label.encode("ascii") for label in labels)
    if wire_length(name) > MAX_NAME:
        raise FakeError(f"{text!r} cannot be a DNS name: it takes more than {MAX_NAME} octets on the wire.")
    return name


def wire_length(name: Name) -> int:
    """Octets that the name takes on the wire without compression."""
    return sum(len(label) + 1 for label in name) + 1


def folded(name: Name) -> Name:
    """The form by which names compare: ASCII letters without case (RFC 4343), all other octets as they are."""
    return tuple(label.lower() for label in name)


def is_within(name: Name, origin: Name) -> bool:
    """True when `name` is `origin` or lies below it; both folded."""
    return len(name) >= len(origin) and name[len(name) - len(origin) :] == origin


def name_text(name: Sequence[bytes]) -> str:
    r"""Return the name with a trailing dot; octets that would mislead a reader come as `\DDD` (RFC 1035 §5.1)."""
    return "".join(f"{_label_text(label)}." for label in name) or "."


def _label_text(label: bytes) -> str:
    return "".join(chr(o) if 33 <= o <= 126 and o not in b'."\\' else f"\\{o:03d}" for o in label)


@dataclass(frozen=True, slots=True)
class Address:
    """Value of an A or AAAA record."""

    ip: IPv4Address | IPv6Address
    "Which of the two types it is follows from the version."

    def __str__(self) -> str:
        return str(self.ip)


@dataclass(frozen=True, slots=True)
class Host:
    """Value of a CNAME or NS record."""

    name: Name
    "The name that it points to, absolute."

    def __str__(self) -> str:
        return name_text(self.name)


@dataclass(frozen=True, slots=True)
class Service:
    """Value of an SRV record (RFC 2782)."""

    priority: int
    "0 to 65535, the lowest is tried first."
    weight: int
    "0 to 65535, the share among equal priorities."
    port: int
    "0 to 65535."
    target: Name
    "Absolute; the root means that the service is decidedly not available."

    def __post_init__(self) -> None:
        for what, number in (("priority", self.priority), ("weight", self.weight), ("port", self.port)):
            if not 0 <= number <= 0xFFFF:
                raise FakeError(f"The {what} of an SRV record is 0 to 65535, not {number}.")

    def __str__(self) -> str:
        return f"{self.priority} {self.weight} {self.port} {name_text(self.target)}"


@dataclass(frozen=True, slots=True)
class StartOfAuthority:
    """Value of the SOA record (RFC 1035 §3.3.13); times in seconds."""

    primary: Name
    "The name server that the zone comes from."
    mailbox: Name
    "Whom to write to, the @ as a dot."
    serial: int
    "Counts the changes of the zone."
    minimum: int
    "How long a resolver may keep a negative answer (RFC 2308 §4)."
    refresh: int = 3600
    "For secondaries, of which there are none."
    retry: int = 600
    "As `refresh`."
    expire: int = 86400
    "As `refresh`."

    def __str__(self) -> str:
        times = f"{self.serial} {self.refresh} {self.retry} {self.expire} {self.minimum}"
        return f"{name_text(self.primary)} {name_text(self.mailbox)} {times}"


Value = Address | Host | Service | StartOfAuthority


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN; `str(record)` is its line in a zone file."""

    owner: Name
    "Absolute, in the letter case it was written in."
    type: RecordType
    "Which of the six types; it fits the value."
    ttl: int
    "Seconds that a resolver may keep it."
    value: Value
    "What the record says."

    def __str__(self) -> str:
        return f"{name_text(self.owner)} {self.ttl} IN {self.type} {self.value}"

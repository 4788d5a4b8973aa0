"""DNS names and records as values (RFC 1035 §3, RFC 2782, RFC 3596, RFC 8659), without any wire format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, get_args

from fakes.errors import FakeError

Name = tuple[bytes, ...]
"Labels from left to right as they stand on the wire, letter case kept; the root is the empty tuple."

RecordType = Literal["A", "AAAA", "ALIAS", "CAA", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT"]
"What a zone in Python can hold; a zone file may hold others, which are served as they are."
RECORD_TYPES: tuple[RecordType, ...] = get_args(RecordType)

MAX_LABEL = 63
MAX_TEXT = 255
"Octets of one string of a TXT record (RFC 1035 §3.3)."
MAX_NAME = 255
"Octets of a whole name on the wire, length octets and root included (RFC 1035 §2.3.4)."


@lru_cache(maxsize=4096)
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
    return short_enough(tuple(label.encode("ascii") for label in labels))


def short_enough(name: Name) -> Name:
    """Return the name. Raises FakeError when it takes more octets than a name may."""
    if wire_length(name) > MAX_NAME:
        raise FakeError(f"{name_text(name)!r} cannot be a DNS name: it takes more than {MAX_NAME} octets on the wire.")
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


_PLAIN_OCTETS = bytes(o for o in range(33, 127) if o not in b'."\\;()@$')


def _label_text(label: bytes) -> str:
    if not label.translate(None, _PLAIN_OCTETS):  # nearly always, and this is fast
        return label.decode("ascii")
    return "".join(chr(o) if o in _PLAIN_OCTETS else f"\\{o:03d}" for o in label)


def _quoted(text: bytes) -> str:
    """Return a character string as a zone file has it (RFC 1035 §5.1)."""
    inner = "".join(chr(o) if 32 <= o <= 126 and o not in b'"\\' else f"\\{o:03d}" for o in text)
    return f'"{inner}"'


@dataclass(frozen=True, slots=True)
class Address:
    """Value of an A or AAAA record."""

    ip: IPv4Address | IPv6Address
    "Which of the two types it is follows from the version."

    def __str__(self) -> str:
        return str(self.ip)


@dataclass(frozen=True, slots=True)
class Host:
    """Value of a CNAME, NS, PTR or ALIAS record."""

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


@dataclass(frozen=True, slots=True)
class Text:
    """Value of a TXT record."""

    strings: tuple[bytes, ...]
    "At least one, each of at most 255 octets; most readers join them."

    def __post_init__(self) -> None:
        if not self.strings or any(len(string) > MAX_TEXT for string in self.strings):
            raise FakeError(f"A TXT record has one or more strings of at most {MAX_TEXT} octets.")

    def __str__(self) -> str:
        return " ".join(map(_quoted, self.strings))


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """Value of a CAA record (RFC 8659 §4)."""

    flags: int
    "0 to 255; 128 says that who does not know the tag must not issue."
    tag: str
    "`issue`, `issuewild`, `iodef` or another one of ASCII letters and digits."
    value: bytes
    "What the tag says, such as `letsencrypt.org`."

    def __post_init__(self) -> None:
        if not 0 <= self.flags <= 255:
            raise FakeError(f"The flags of a CAA record are 0 to 255, not {self.flags}.")
        if not (self.tag.isascii() and self.tag.isalnum() and len(self.tag) <= 255):
            raise FakeError(f"The tag of a CAA record has ASCII letters and digits only, unlike {self.tag!r}.")

    def __str__(self) -> str:
        return f"{self.flags} {self.tag} {_quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Opaque:
    """Value of a type that this server knows nothing of, as a zone file had it (RFC 3597)."""

    type: int
    "Its number."
    data: bytes
    "As on the wire, without compressed names."
    text: str
    "As in a zone file."

    def __str__(self) -> str:
        return self.text


Value = Address | Host | Service | StartOfAuthority | Text | CertificateAuthority | Opaque


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN; `str(record)` is its line in a zone file."""

    owner: Name
    "Absolute, in the letter case it was written in."
    type: str
    "Mnemonic of the type; it fits the value."
    ttl: int
    "Seconds that a resolver may keep it."
    value: Value
    "What the record says."

    def __str__(self) -> str:
        return f"{name_text(self.owner)} {self.ttl} IN {self.type} {self.value}"

"""Domain names and FQDNs as labels, and every flaw that makes a text none (RFC 3261 §25.1, RFC 1123 §2.1, RFC 5891)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Self

import idna

from simulator.errors import InvalidName

MAX_LABEL = 63
"Octets of one label (RFC 1035 §2.3.4)."
MAX_NAME = 253
"Characters of a name without its trailing dot: 255 octets on the wire (RFC 1035 §2.3.4)."
SRV_PREFIX = "_sipfederationtls._tcp"
"Where a SIP domain publishes its federation server (R15, R40)."
MAX_SIP_DOMAIN = MAX_NAME - len(SRV_PREFIX) - 1
"230: a longer domain could not be looked up, its SRV name would be over the limit (F7.3)."


class NameFlaw(enum.Enum):
    """Why a text is no name, or not one for its role; the value is how reports spell it (P6-P8)."""

    EMPTY = "empty"
    "There is nothing, or nothing but a dot."
    EMPTY_LABEL = "empty-label"
    "Two dots in a row, or one at the start."
    SPACE = "space"
    "A space or line break, also at the ends: nothing is stripped."
    UNDERSCORE = "underscore"
    "Only service names such as `_sipfederationtls._tcp` have underscores (RFC 8552)."
    WILDCARD = "wildcard"
    "A `*` stands for names and is none (P9)."
    URI = "uri"
    "A scheme, a port or brackets: more than the name was given."
    CHARACTER = "character"
    "A character that no host name has."
    HYPHEN = "hyphen"
    "A label begins or ends with a hyphen."
    RESERVED_HYPHENS = "reserved-hyphens"
    "Hyphens in the third and fourth place, and no A-label (RFC 5890 §2.3.1)."
    A_LABEL = "a-label"
    "A label begins with `xn--` and is not what IDNA 2008 writes for any U-label."
    IDNA = "idna"
    "A label in another alphabet that IDNA 2008 does not allow: a symbol, a misplaced joiner, mixed directions."
    LABEL_TOO_LONG = "label-too-long"
    "More than 63 octets in a label, counted in its A-label."
    TOO_LONG = "too-long"
    "More than 253 characters."
    IP_ADDRESS = "ip-address"
    "An IP address in any spelling that C libraries or URIs read as one (P7)."
    IP_ZONE = "ip-zone"
    "An IPv6 address whose zone holds what no zone has."
    NUMERIC_TOP_LABEL = "numeric-top-label"
    "The last label does not begin with a letter (RFC 3261 §25.1, P8)."
    SINGLE_LABEL = "single-label"
    "A host may have one label, a SIP domain has two or more (P8)."
    DOMAIN_TOO_LONG = "domain-too-long"
    "More than 230 characters: the SRV name of such a SIP domain cannot be looked up (F7.3)."


class FlawedName(InvalidName):
    """What every reader of names here raises: an `InvalidName` that carries its reason as data too."""

    def __init__(self, text: str, flaw: NameFlaw, reason: str) -> None:
        super().__init__(text, reason)
        self.flaw = flaw
        "The reason as data; `reason` is the same as a clause."


_Finding = tuple[NameFlaw, str]
_MAX_INPUT = 1024
_SHOWN_INPUT = 300
_FOREIGN_CHARACTER = re.compile(r"[^a-z0-9-]")
_IPV4_PART = re.compile(r"0x[0-9a-f]*|[0-9]+")
_ZONE = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class _Name:
    """A DNS host name as its labels; two are equal when they have one role (class) and the same labels."""

    labels: tuple[str, ...]
    "Lower-case A-labels, leftmost first, without the empty root label."

    def __post_init__(self) -> None:
        flaw = _flaw_of_labels(self.labels)
        if flaw is not None:
            raise FlawedName(_shortened(".".join(self.labels)), *flaw)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name as people and protocols write it; raises `InvalidName` with the reason.

        Upper case, one trailing dot, U-labels and their UTS 46 variants (full-width letters, `。` as dot) are the same
        name as its lower-case A-labels. Spaces around the text are not removed, and IP addresses are never names (P7).
        """
        try:
            return cls(_split(text))
        except FlawedName as flawed:
            raise FlawedName(_shortened(text), flawed.flaw, flawed.reason) from None

    @property
    def unicode(self) -> str:
        """The name for people to read: U-labels where there are any. Look-alikes (homographs) are not marked."""
        return ".".join(idna.ulabel(label) for label in self.labels)

    def __str__(self) -> str:
        return ".".join(self.labels)


@dataclass(frozen=True, slots=True)
class Fqdn(_Name):
    """The name of a host, as an SRV target, a static route or a certificate gives it; `parse` makes one.

    A single label is a legal SIP host (RFC 3261 §25.1); underscores, wildcards and numeric top labels are not.
    """


@dataclass(frozen=True, slots=True)
class SipDomain(_Name):
    """The part after the @ of an organisation's SIP addresses; `parse` makes one.

    Narrower than a host name: at least two labels, and short enough for its SRV record to be looked up. Whether it is
    a public suffix such as `co.uk` is not checked. An Fqdn of the same spelling is never equal to it (C14).
    """

    def __post_init__(self) -> None:
        _Name.__post_init__(self)
        flaw = _flaw_of_domain(self.labels)
        if flaw is not None:
            raise FlawedName(str(self), *flaw)

    @property
    def srv_name(self) -> str:
        """The owner name of the federation's SRV record (R40), without a trailing dot."""
        return f"{SRV_PREFIX}.{self}"

    @property
    def fqdn(self) -> Fqdn:
        """The host that has the domain's own name (R10)."""
        return Fqdn(self.labels)

    def child(self, label: str) -> Fqdn:
        """The host one label below this domain (R11); raises `InvalidName` if `label` is none or makes it too long."""
        child = Fqdn.parse(f"{label}.{self}")
        if not self.is_parent_of(child):
            raise FlawedName(_shortened(label), NameFlaw.CHARACTER, "it is not exactly one label")
        return child

    def is_parent_of(self, name: Fqdn | SipDomain) -> bool:
        """Whether `name` lies exactly one label below this domain."""
        return name.labels[1:] == self.labels

    def is_ancestor_of(self, name: Fqdn | SipDomain) -> bool:
        """Whether `name` lies below this domain at any depth; the domain itself does not."""
        return len(name.labels) > len(self.labels) and name.labels[-len(self.labels) :] == self.labels


Host = Fqdn | IPv4Address | IPv6Address
"Where a static route may point to (R33)."


def parse_host(text: str) -> Host:
    """Read the host of a static route: a name, a dotted IPv4 quad, or IPv6 with or without brackets (R33).

    Other spellings of IPv4 (`127.1`, `0x7f.1`) raise `InvalidName`, as does anything that is no name. An IPv6 zone
    (`fe80::1%eth0`) is kept. That certificates seldom name an address (R34) is for the caller to say.
    """
    try:
        return IPv4Address(text)
    except AddressValueError:
        pass
    address = _ipv6(text)
    if address is None:
        return Fqdn.parse(text)
    if address.scope_id is not None and _ZONE.fullmatch(address.scope_id) is None:
        reason = "the zone of an IPv6 address is letters, digits and . _ ~ - only"
        raise FlawedName(_shortened(text), NameFlaw.IP_ZONE, reason)
    return address


def _split(text: str) -> tuple[str, ...]:
    """Map the text (UTS 46), cut it at its dots and turn U-labels into A-labels."""
    if len(text) > _MAX_INPUT:
        raise FlawedName(text, NameFlaw.TOO_LONG, f"it is longer than {MAX_NAME} characters")
    if _ipv6(text) is not None or _bracketed_ipv4(text):
        raise FlawedName(text, NameFlaw.IP_ADDRESS, "it is an IP address where a name is needed")
    if text.isascii():
        mapped = text.lower()
    else:
        try:
            mapped = idna.uts46_remap(text, std3_rules=False)
        except idna.IDNAError as error:
            raise FlawedName(text, NameFlaw.IDNA, _idna_reason(error)) from None
    return tuple(_a_label(label) for label in mapped.removesuffix(".").split("."))


def _a_label(label: str) -> str:
    """The ASCII form of a mapped label; ASCII labels come back unchanged and are judged with the others."""
    if label.isascii():
        return label
    foreign = _FOREIGN_CHARACTER.search("".join(character for character in label if character.isascii()))
    if foreign is not None:
        raise FlawedName(label, *_character_flaw(foreign[0]))
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError as error:
        too_long = len(label.encode("punycode", "replace")) > MAX_LABEL - len("xn--")
        raise FlawedName(label, NameFlaw.LABEL_TOO_LONG if too_long else NameFlaw.IDNA, _idna_reason(error)) from None


def _flaw_of_labels(labels: tuple[str, ...]) -> _Finding | None:
    """Why these are not the lower-case A-labels of a host name, or None."""
    if not any(labels):
        return NameFlaw.EMPTY, "it is empty"
    for label in labels:
        flaw = _flaw_of_label(label)
        if flaw is not None:
            return flaw
    if sum(map(len, labels)) + len(labels) - 1 > MAX_NAME:
        return NameFlaw.TOO_LONG, f"it is longer than {MAX_NAME} characters"
    if len(labels) <= 4 and all(_IPV4_PART.fullmatch(label) for label in labels):
        return NameFlaw.IP_ADDRESS, _address_reason(".".join(labels))
    if not labels[-1][0].isalpha():
        reason = f"its last label {labels[-1]!r} does not begin with a letter (RFC 3261 §25.1)"
        return NameFlaw.NUMERIC_TOP_LABEL, reason
    return None


def _flaw_of_label(label: str) -> _Finding | None:
    """Why this is no lower-case A-label or plain letter-digit-hyphen label, or None (RFC 5890 §2.3.1)."""
    if not label:
        return NameFlaw.EMPTY_LABEL, "it has an empty label (two dots in a row, or a dot at the start)"
    foreign = _FOREIGN_CHARACTER.search(label)
    if foreign is not None:
        return _character_flaw(foreign[0])
    shown = repr(_shortened(label))
    if len(label) > MAX_LABEL:
        return NameFlaw.LABEL_TOO_LONG, f"its label {shown} is longer than {MAX_LABEL} characters"
    if label.startswith("-") or label.endswith("-"):
        return NameFlaw.HYPHEN, f"its label {shown} begins or ends with a hyphen"
    if label.startswith("xn--"):
        try:
            canonical = idna.alabel(idna.ulabel(label)).decode("ascii")
        except idna.IDNAError as error:
            return NameFlaw.A_LABEL, f"its label {shown} is no internationalised label: {_idna_reason(error)}"
        if canonical != label:  # older versions of the package do not check it
            reason = f"its label {shown} is no internationalised label: IDNA 2008 writes {canonical!r}"
            return NameFlaw.A_LABEL, reason
        return None
    if label[2:4] == "--":
        reason = f"its label {shown} has hyphens in the third and fourth place, which are reserved (RFC 5890 §2.3.1)"
        return NameFlaw.RESERVED_HYPHENS, reason
    return None


def _flaw_of_domain(labels: tuple[str, ...]) -> _Finding | None:
    """Why the labels of a host name are no SIP federation domain, or None (P8, F7.3)."""
    if len(labels) < 2:
        return NameFlaw.SINGLE_LABEL, "a SIP domain has at least two labels, such as acme.com"
    if sum(map(len, labels)) + len(labels) - 1 > MAX_SIP_DOMAIN:
        reason = f"it is longer than {MAX_SIP_DOMAIN} characters, so that {SRV_PREFIX}.<domain> could not be looked up"
        return NameFlaw.DOMAIN_TOO_LONG, reason
    return None


def _character_flaw(character: str) -> _Finding:
    """Why this character has no place in a host name, in the words of its usual cause."""
    match character:
        case "*":
            return NameFlaw.WILDCARD, "'*' is a wildcard, which stands for names but is none"
        case "_":
            reason = "it has an underscore, which only service names such as _sipfederationtls._tcp have"
            return NameFlaw.UNDERSCORE, reason
        case ":" | "[" | "]":
            return NameFlaw.URI, f"it has {character!r}: a name comes without scheme, port and brackets"
        case _ if character.isspace():
            return NameFlaw.SPACE, "it has a space or line break"
        case _:
            shown = f"{character!r} (U+{ord(character):04X})"
            return NameFlaw.CHARACTER, f"it has {shown}, but only letters, digits and hyphens are allowed"


def _address_reason(text: str) -> str:
    """Why a text that C libraries read as an IPv4 address (`inet_aton`) is no name (P7)."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return "it reads as an IP address, but not as the usual four decimal numbers"
    return "it is an IP address where a name is needed"


def _idna_reason(error: idna.IDNAError) -> str:
    """The package's own words as part of our sentence; short, because they may quote the input."""
    text = _shortened(str(error)).rstrip(".")
    return f"IDNA 2008 does not allow it ({text[:1].lower()}{text[1:]})"


def _ipv6(text: str) -> IPv6Address | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return IPv6Address(bare)
    except AddressValueError:
        return None


def _bracketed_ipv4(text: str) -> bool:
    """Whether this is an IPv4 address in the brackets that only IPv6 has in a URI."""
    if not (text.startswith("[") and text.endswith("]")):
        return False
    try:
        IPv4Address(text[1:-1])
    except AddressValueError:
        return False
    return True


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_INPUT else text[:_SHOWN_INPUT] + "…"

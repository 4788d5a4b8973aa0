"""Zone files (RFC 1035 §5), read by dnspython."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.nsbase
import dns.zone

from fakes.dns.message import type_name
from fakes.dns.records import (
    RECORD_TYPES,
    Address,
    CertificateAuthority,
    Host,
    Name,
    Opaque,
    Record,
    Service,
    StartOfAuthority,
    Text,
    Value,
    name_text,
)
from fakes.dns.zone import Zone
from fakes.errors import FakeError

ALIAS = 65401
"There is no such type; this number is private (RFC 6895 §3.1) and the one that PowerDNS takes."


class _Alias(dns.rdtypes.nsbase.NSBase):
    """What dnspython reads after the word ALIAS: a name."""


class _AsciiOnly(dns.name.IDNACodec):
    """Refuses names that are not ASCII, because dnspython would encode them by IDNA 2003."""

    def __init__(self) -> None:
        """Nothing to prepare; the inherited one is untyped."""

    def encode(self, label: str) -> bytes:
        if not label.isascii():
            text = f"{label!r} is not ASCII; write IDNs as xn-- labels"
            raise dns.exception.SyntaxError(text)  # type: ignore[no-untyped-call] # dnspython has it so
        return label.encode("ascii")


def read_text(text: str, origin: str | None, *, source: str) -> Zone:
    """Make a zone; see `Zone.from_text`."""
    _teach_alias()
    try:
        name = None if origin is None else dns.name.from_text(origin, idna_codec=_AsciiOnly())
        read = dns.zone.from_text(
            text, name, relativize=False, check_origin=False, filename=source, idna_codec=_AsciiOnly()
        )
    except (dns.exception.DNSException, ValueError) as error:
        raise FakeError(f"The zone cannot be read: {_sentence(error, source)}.") from error
    assert read.origin is not None  # or it would have raised UnknownOrigin
    return _converted(read, source)


def _sentence(error: Exception, source: str) -> str:
    if isinstance(error, dns.zone.UnknownOrigin):
        return f"{source} has no $ORIGIN and none was given"
    text = str(error).rstrip(".") or type(error).__name__
    return text if source in text else f"{source}: {text}"


def _converted(read: dns.zone.Zone, source: str) -> Zone:
    assert read.origin is not None
    zone = Zone(name_text(_name(read.origin)) if read.origin.labels != (b"",) else ".")
    if read.get_rdataset(read.origin, "NS") is not None:
        zone.remove("@", "NS")
    soa: list[Record] = []
    for owner, rdataset in read.iterate_rdatasets():
        kind = type_name(rdataset.rdtype) if rdataset.rdtype != ALIAS else "ALIAS"
        if kind == "DNAME":
            raise FakeError(f"{source}: {owner} DNAME: this server knows no DNAME, write CNAMEs.")
        records = [Record(_name(owner), kind, rdataset.ttl, _value(kind, rdata)) for rdata in rdataset]
        if kind == "SOA":
            soa = records  # last, because every other record counts the serial up
        else:
            try:
                zone.put(*records)
            except FakeError as error:
                raise FakeError(f"{source}: {error}") from error
    return zone.put(*soa) if soa else zone


def _name(name: dns.name.Name) -> Name:
    return name.labels[:-1]


def _value(kind: str, rdata: Any) -> Value:
    match kind:
        case "A" | "AAAA":
            return Address(ip_address(rdata.address))
        case "NS" | "CNAME" | "PTR" | "ALIAS":
            return Host(_name(rdata.target))
        case "SRV":
            return Service(rdata.priority, rdata.weight, rdata.port, _name(rdata.target))
        case "TXT":
            return Text(tuple(rdata.strings))
        case "CAA":
            return CertificateAuthority(rdata.flags, rdata.tag.decode("ascii"), rdata.value)
        case "SOA":
            times = (rdata.serial, rdata.minimum, rdata.refresh, rdata.retry, rdata.expire)
            return StartOfAuthority(_name(rdata.mname), _name(rdata.rname), *times)
    assert kind not in RECORD_TYPES
    data = rdata.to_wire()
    generic = f"\\# {len(data)} {data.hex()}"
    return Opaque(rdata.rdtype, data, generic if kind.startswith("TYPE") else rdata.to_text())


def _teach_alias() -> None:
    """Let dnspython know the word; for everybody in this process, but there is no other ALIAS that it could be."""
    with suppress(dns.rdata.RdatatypeExists):
        dns.rdata.register_type(SimpleNamespace(ALIAS=_Alias), ALIAS, "ALIAS", rdclass=dns.rdataclass.IN)

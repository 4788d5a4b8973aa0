"""Zones as a test writes them (RFC 1034 §4.2, RFC 2181 §5 and §10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from fakes.dns.lookup import PublishedZone, publish
from fakes.dns.records import (
    MAX_TEXT,
    RECORD_TYPES,
    Address,
    CertificateAuthority,
    Host,
    Name,
    Record,
    RecordType,
    Service,
    StartOfAuthority,
    Text,
    Value,
    folded,
    is_within,
    name_text,
    parse_name,
    short_enough,
)
from fakes.errors import FakeError

MAX_TTL = 2**31 - 1
"RFC 2181 §8."

Nodes = dict[Name, dict[tuple[str, Value], Record]]


class Zone:
    """A zone under construction: records come and go here, and a `ZoneSet` shows the world a copy.

    `Zone("fabrikam.test").srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test").a("sip", "127.1.2.3")`

    Owners are relative to the origin: `"sip"`, `"@"` or `""` for the apex; a name that already ends in the origin is
    taken as it is. A first label `*` is a wildcard (RFC 4592). Targets (of ALIAS, CNAME, NS, PTR and SRV) are always
    absolute; a trailing dot changes nothing. A SOA record and an NS record `ns.<origin>`, for which there is no address
    unless you add one, are there from the start. Every mistake raises FakeError and leaves the zone as it was.
    """

    def __init__(self, origin: str, *, ttl: int = 5, negative_ttl: int = 5) -> None:
        """Make a zone with SOA and NS only.

        `ttl` is for records that state none, `negative_ttl` for NXDOMAIN and NODATA (the SOA's minimum), both in
        seconds and short by default, so that a change reaches resolvers that cache.
        """
        self._name = parse_name(origin)
        self._apex = folded(self._name)
        self._ttl = _checked_ttl(ttl)
        server = short_enough((b"ns", *self._name))
        mailbox = short_enough((b"hostmaster", *self._name))
        self._serial = 2
        soa = StartOfAuthority(server, mailbox, serial=self._serial, minimum=_checked_ttl(negative_ttl))
        self._soa = Record(self._name, "SOA", ttl, soa)
        value = Host(server)
        self._nodes: Nodes = {self._apex: {("NS", value): Record(self._name, "NS", ttl, value)}}
        self._published: PublishedZone | None = None

    @classmethod
    def from_text(cls, text: str, origin: str | None = None, *, source: str = "the zone file") -> Zone:
        """Read a zone file as BIND has it (RFC 1035 §5), with `$ORIGIN`, `$TTL` and `$GENERATE` but not `$INCLUDE`.

        Without `origin` the file's first `$ORIGIN` is it. Names outside the zone are passed over, as by BIND. Where
        SOA or NS are missing, those of `Zone(origin)` are there. Besides the types of `RECORD_TYPES` any other is taken
        and served as it is, without additional records; DNAME is not. ALIAS is written like a CNAME. `source` is for
        error texts. Raises FakeError with the line where reading stopped.
        """
        from fakes.dns.zonefile import read_text  # dnspython is heavy, and not everybody needs it

        return read_text(text, origin, source=source)

    @classmethod
    def from_file(cls, path: Path | str, origin: str | None = None) -> Zone:
        """Read a zone file; see `from_text`. Raises FakeError also when it cannot be read."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FakeError(f"The zone file {path} cannot be read: {error}.") from error
        return cls.from_text(text, origin, source=str(path))

    @classmethod
    def from_dict(cls, origin: str, names: Mapping[str, Mapping[str, Any]], *, ttl: int = 5) -> Zone:
        """Make a zone of plain values, as JSON or TOML have them: owner, type, then one text or a list of texts.

        `{"_sipfederationtls._tcp": {"SRV": "0 0 5061 sip.fabrikam.test"}, "sip": {"A": ["127.1.2.3"]}}`

        Names are as for `Zone`. The text of a TXT record is taken as it is, without quotes. In place of the texts there
        may be `{"ttl": 0, "values": [...]}`. Raises FakeError with the owner and type that is wrong.
        """
        from fakes.dns.zonedict import read_dict  # it needs this module

        return read_dict(origin, names, ttl=ttl)

    @property
    def origin(self) -> str:
        """Name of the apex, without a trailing dot."""
        return name_text(self._name).removesuffix(".")

    @property
    def key(self) -> Name:
        """The apex as names compare."""
        return self._apex

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, the SOA first, then by owner in the order they were added."""
        return (self._start, *(record for node in self._nodes.values() for record in node.values()))

    def to_text(self) -> str:
        """The zone as a zone file: all names absolute, a TTL on each line. `from_text` reads it again."""
        return "".join(f"{record}\n" for record in self.records)

    def a(self, owner: str, *addresses: str, ttl: int | None = None) -> Zone:
        """Add an A record for each IPv4 address."""
        try:
            values = [Address(IPv4Address(address)) for address in addresses]
        except AddressValueError as error:
            raise FakeError(f"An A record needs an IPv4 address: {error}.") from error
        return self._insert("A", owner, *values, ttl=ttl)

    def aaaa(self, owner: str, *addresses: str, ttl: int | None = None) -> Zone:
        """Add an AAAA record for each IPv6 address."""
        try:
            values = [Address(IPv6Address(address)) for address in addresses]
        except AddressValueError as error:
            raise FakeError(f"An AAAA record needs an IPv6 address: {error}.") from error
        return self._insert("AAAA", owner, *values, ttl=ttl)

    def alias(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Answer A and AAAA of the owner with those of the target, as providers do whose apex must be an alias.

        The target is looked up in all zones of the server when somebody asks; where they cannot resolve it, the answer
        is SERVFAIL. The owner may own other records, but no addresses. No asker ever sees the ALIAS record itself.
        """
        return self._insert("ALIAS", owner, Host(parse_name(target)), ttl=ttl)

    def caa(self, owner: str, flags: int, tag: str, value: str, *, ttl: int | None = None) -> Zone:
        """Say which certificate authority may issue for the owner (RFC 8659), such as `0, "issue", "ca.example"`."""
        return self._insert("CAA", owner, CertificateAuthority(flags, tag, value.encode()), ttl=ttl)

    def cname(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Make the owner an alias; it must own nothing else (RFC 1034 §3.6.2)."""
        return self._insert("CNAME", owner, Host(parse_name(target)), ttl=ttl)

    def ns(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Add a name server; below the apex this delegates the owner and all names below it."""
        return self._insert("NS", owner, Host(parse_name(target)), ttl=ttl)

    def ptr(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Add a pointer, mostly from a name below `in-addr.arpa` or `ip6.arpa` to a host."""
        return self._insert("PTR", owner, Host(parse_name(target)), ttl=ttl)

    def soa(self, *, primary: str, mailbox: str, serial: int, minimum: int, ttl: int | None = None) -> Zone:
        """Say something else in the SOA record; later changes count the serial on from here."""
        if not 0 <= serial < 2**32:
            raise FakeError(f"A serial is 0 to {2**32 - 1}, not {serial}.")
        value = StartOfAuthority(parse_name(primary), parse_name(mailbox), serial, _checked_ttl(minimum))
        return self.put(Record(self._name, "SOA", self._ttl if ttl is None else _checked_ttl(ttl), value))

    def srv(self, owner: str, priority: int, weight: int, port: int, target: str, *, ttl: int | None = None) -> Zone:
        """Add an SRV record (RFC 2782); the target `"."` says that the service is decidedly not available."""
        return self._insert("SRV", owner, Service(priority, weight, port, parse_name(target)), ttl=ttl)

    def txt(self, owner: str, *texts: str, ttl: int | None = None) -> Zone:
        """Add one TXT record for each text; one of more than 255 octets of UTF-8 is cut into several strings."""
        values = []
        for text in texts:
            octets = text.encode()
            pieces = tuple(octets[at : at + MAX_TEXT] for at in range(0, len(octets), MAX_TEXT))
            values.append(Text(pieces or (b"",)))
        return self._insert("TXT", owner, *values, ttl=ttl)

    def remove(self, owner: str, type_: str | None = None) -> Zone:
        """Take away all records of the owner but the SOA, or those of one type. Raises FakeError if there are none."""
        name = folded(self._absolute(owner))
        there = self._nodes.get(name, {})
        known = {*RECORD_TYPES, *(record.type for record in there.values())}
        if type_ is not None and type_ not in known:
            raise FakeError(f"{type_!r} is no record type here; there are {', '.join(sorted(known))}.")
        kept = {key: record for key, record in there.items() if type_ not in (None, record.type)}
        if len(kept) == len(there):
            raise FakeError(f"Zone {self.origin} has no {type_ or 'record'} at {name_text(name)} to remove.")
        self._nodes[name] = kept
        return self._changed()

    def put(self, *records: Record) -> Zone:
        """Add records of one owner and type as they are, owners absolute; a SOA record takes the place of the old."""
        name, kind = records[0].owner, records[0].type
        key = folded(name)
        if not is_within(key, self._apex):
            raise FakeError(f"{name_text(name)!r} is outside the zone {self.origin}.")
        if kind == "SOA":
            return self._put_soa(records[0])
        new = {(kind, record.value): record for record in records}
        there = self._nodes.get(key, {})
        if kind == "CNAME" and key == self._apex:
            raise FakeError(f"The apex {name_text(name)} owns the SOA record and therefore cannot be an alias (CNAME).")
        if kind == "NS" and b"*" in key[:1]:
            raise FakeError(f"{name_text(name)} cannot be delegated: nobody agrees what that means (RFC 4592 §4.2).")
        node = there | new
        kinds = [of for of, _ in node]
        if "CNAME" in kinds and len(node) > 1:
            raise FakeError(f"{name_text(name)} cannot be an alias (CNAME) and own other records.")
        if "ALIAS" in kinds and (kinds.count("ALIAS") > 1 or "A" in kinds or "AAAA" in kinds):
            raise FakeError(f"{name_text(name)} can have one ALIAS, and then no A and AAAA records of its own.")
        self._nodes[key] = node
        return self._changed()

    def copy(self) -> Zone:
        """Return a zone with the same records that changes apart from this one."""
        twin = Zone.__new__(Zone)
        twin.__dict__.update(self.__dict__)
        twin._nodes = {name: dict(node) for name, node in self._nodes.items()}
        return twin

    def publish(self) -> PublishedZone:
        """Return the zone as a server sees it, fixed at this moment; the same one until the zone changes."""
        published = self._published
        if published is None:
            owned = {owner: node.values() for owner, node in self._nodes.items()}
            published = self._published = publish(self._apex, owned, self._start)
        return published

    @property
    def _start(self) -> Record:
        """The SOA record with the serial of this moment."""
        soa = self._soa.value
        assert isinstance(soa, StartOfAuthority)
        return replace(self._soa, value=replace(soa, serial=self._serial))

    def __repr__(self) -> str:
        return f"<Zone {self.origin or '.'} with {len(self.records)} records>"

    def _insert(self, type_: RecordType, owner: str, *values: Value, ttl: int | None) -> Zone:
        name = self._absolute(owner)
        seconds = self._ttl if ttl is None else _checked_ttl(ttl)
        if not values:
            raise FakeError(f"The {type_} record of {name_text(name)} needs at least one value.")
        return self.put(*(Record(name, type_, seconds, value) for value in values))

    def _put_soa(self, record: Record) -> Zone:
        value = record.value
        assert isinstance(value, StartOfAuthority)
        if folded(record.owner) != self._apex:
            raise FakeError(f"A SOA record belongs to the apex of the zone, not to {name_text(record.owner)}.")
        self._soa, self._serial, self._published = record, value.serial, None
        return self

    def _absolute(self, owner: str) -> Name:
        if owner in ("", "@"):
            return self._name
        name = parse_name(owner)
        if is_within(folded(name), self._apex):
            return name
        if owner.endswith("."):
            raise FakeError(f"{owner!r} is outside the zone {self.origin}.")
        return short_enough(name + self._name)

    def _changed(self) -> Zone:
        self._serial = (self._serial + 1) % 2**32
        self._published = None
        return self


def _checked_ttl(ttl: int) -> int:
    if not 0 <= ttl <= MAX_TTL:
        raise FakeError(f"A TTL is 0 to {MAX_TTL} seconds, not {ttl}.")
    return ttl

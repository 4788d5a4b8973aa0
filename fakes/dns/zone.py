"""Zones as a test writes them, and the set of zones that a server answers from (RFC 1034 §4.2, RFC 2181 §5 and §10)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from fakes.dns.lookup import PublishedZone, PublishedZones, publish
from fakes.dns.message import Reply, Transport, reply_to
from fakes.dns.records import (
    RECORD_TYPES,
    Address,
    Host,
    Name,
    Record,
    RecordType,
    Service,
    StartOfAuthority,
    Value,
    folded,
    is_within,
    name_text,
    parse_name,
)
from fakes.errors import FakeError

MAX_TTL = 2**31 - 1
"RFC 2181 §8."


class Zone:
    """A zone under construction: records come and go here, and a `ZoneSet` shows the world a copy.

    `Zone("fabrikam.test").srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test").a("sip", "127.1.2.3")`

    Owners are relative to the origin: `"sip"`, `"@"` or `""` for the apex; a name that already ends in the origin is
    taken as it is. Targets (of CNAME, NS and SRV) are always absolute; a trailing dot changes nothing. A SOA record
    and an NS record `ns.<origin>`, for which there is no address unless you add one, are there from the start.
    Every mistake raises FakeError and leaves the zone as it was.
    """

    def __init__(self, origin: str, *, ttl: int = 5, negative_ttl: int = 5) -> None:
        """Make a zone with SOA and NS only.

        `ttl` is for records that state none, `negative_ttl` for NXDOMAIN and NODATA (the SOA's minimum), both in
        seconds and short by default, so that a change reaches resolvers that cache.
        """
        self._name = parse_name(origin)
        self._ttl = _checked_ttl(ttl)
        self._nodes: dict[Name, dict[tuple[RecordType, Value], Record]] = {}
        server = parse_name(f"ns.{origin}") if self._name else (b"ns",)
        mailbox = (b"hostmaster", *self._name)
        soa = StartOfAuthority(server, mailbox, serial=1, minimum=_checked_ttl(negative_ttl))
        self._soa = Record(self._name, "SOA", ttl, soa)
        self._insert("NS", "@", Host(server), ttl=None)

    @property
    def origin(self) -> str:
        """Name of the apex, without a trailing dot."""
        return name_text(self._name).removesuffix(".")

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, the SOA first, then by owner in the order they were added."""
        return (self._soa, *(record for node in self._nodes.values() for record in node.values()))

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

    def cname(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Make the owner an alias; it must own nothing else (RFC 1034 §3.6.2)."""
        return self._insert("CNAME", owner, Host(parse_name(target)), ttl=ttl)

    def ns(self, owner: str, target: str, *, ttl: int | None = None) -> Zone:
        """Add a name server; below the apex this delegates the owner and all names below it."""
        return self._insert("NS", owner, Host(parse_name(target)), ttl=ttl)

    def srv(self, owner: str, priority: int, weight: int, port: int, target: str, *, ttl: int | None = None) -> Zone:
        """Add an SRV record (RFC 2782); the target `"."` says that the service is decidedly not available."""
        return self._insert("SRV", owner, Service(priority, weight, port, parse_name(target)), ttl=ttl)

    def remove(self, owner: str, type_: RecordType | None = None) -> Zone:
        """Take away all records of the owner but the SOA, or those of one type. Raises FakeError if there are none."""
        if type_ is not None and type_ not in RECORD_TYPES:
            raise FakeError(f"{type_!r} is no record type here; there are {', '.join(RECORD_TYPES)}.")
        name = folded(self._absolute(owner))
        there = self._nodes.get(name, {})
        kept = {key: record for key, record in there.items() if type_ not in (None, record.type)}
        if len(kept) == len(there):
            raise FakeError(f"Zone {self.origin} has no {type_ or 'record'} at {name_text(name)} to remove.")
        self._nodes[name] = kept
        self._changed()
        return self

    def copy(self) -> Zone:
        """Return a zone with the same records that changes apart from this one."""
        twin = Zone(self.origin or ".", ttl=self._ttl)
        twin._soa = self._soa
        twin._nodes = {name: dict(node) for name, node in self._nodes.items()}
        return twin

    def publish(self) -> PublishedZone:
        """Return the zone as a server sees it, fixed at this moment."""
        return publish(self._name, self.records)

    def __repr__(self) -> str:
        return f"<Zone {self.origin or '.'} with {len(self.records)} records>"

    def _insert(self, type_: RecordType, owner: str, *values: Value, ttl: int | None) -> Zone:
        name = self._absolute(owner)
        seconds = self._ttl if ttl is None else _checked_ttl(ttl)
        new = [Record(name, type_, seconds, value) for value in values]
        if not new:
            raise FakeError(f"The {type_} record of {name_text(name)} needs at least one value.")
        there = self._nodes.get(folded(name), {})
        kinds = {record.type for record in there.values()} | {record.type for record in new}
        if type_ == "CNAME" and folded(name) == folded(self._name):
            raise FakeError(f"The apex {name_text(name)} owns the SOA record and therefore cannot be an alias (CNAME).")
        if "CNAME" in kinds and len({*there, *((type_, value) for value in values)}) > 1:
            raise FakeError(f"{name_text(name)} cannot be an alias (CNAME) and own other records.")
        self._nodes[folded(name)] = there | {(type_, record.value): record for record in new}
        self._changed()
        return self

    def _absolute(self, owner: str) -> Name:
        if owner in ("", "@"):
            return self._name
        if "*" in owner.split("."):
            raise FakeError(f"{owner!r}: wildcard records (RFC 4592) are not supported, write the names out.")
        name = parse_name(owner)
        if is_within(folded(name), folded(self._name)):
            return name
        if owner.endswith("."):
            raise FakeError(f"{owner!r} is outside the zone {self.origin}.")
        return parse_name(f"{owner}.{self.origin}")

    def _changed(self) -> None:
        soa = self._soa.value
        assert isinstance(soa, StartOfAuthority)
        self._soa = replace(self._soa, value=replace(soa, serial=soa.serial + 1))


def _checked_ttl(ttl: int) -> int:
    if not 0 <= ttl <= MAX_TTL:
        raise FakeError(f"A TTL is 0 to {MAX_TTL} seconds, not {ttl}.")
    return ttl


class ZoneSet:
    """The zones that a server answers from; they may change at any time and from any thread.

    What goes in is a copy. Every change swaps the whole state in one step, so that no query sees half of one; what
    you do to a `Zone` afterwards shows only after `replace_zone`, or use `edit`.
    """

    def __init__(self, zones: Iterable[Zone] = (), *, additional: bool = True) -> None:
        """`additional` says whether SRV answers carry the addresses of their targets, where we have them."""
        self._writing = threading.Lock()
        self._zones: dict[Name, Zone] = {}
        self._published = PublishedZones({}, additional)
        for zone in zones:
            self.add_zone(zone)

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of all zones, in the order they were first added."""
        return tuple(zone.origin for zone in tuple(self._zones.values()))

    def zone(self, origin: str) -> Zone:
        """Return a copy of the zone with this origin. Raises FakeError when there is none."""
        key = folded(parse_name(origin))
        with self._writing:
            return self._known(key).copy()

    def add_zone(self, zone: Zone) -> None:
        """Serve one more zone. Raises FakeError when its origin is served already: see `replace_zone`."""
        with self._writing:
            if folded(parse_name(zone.origin or ".")) in self._zones:
                raise FakeError(f"There is a zone {zone.origin} already; replace_zone changes it.")
            self._put(zone)

    def replace_zone(self, zone: Zone) -> None:
        """Serve this zone in place of the one with the same origin, or as a new one."""
        with self._writing:
            self._put(zone)

    def remove_zone(self, origin: str) -> None:
        """Stop serving the zone; its names are then refused. Raises FakeError when there is none."""
        key = folded(parse_name(origin))
        with self._writing:
            self._known(key)
            del self._zones[key]
            kept = {name: zone for name, zone in self._published.by_origin.items() if name != key}
            self._published = replace(self._published, by_origin=kept)

    @contextmanager
    def edit(self, origin: str) -> Iterator[Zone]:
        """Give the zone for changing and publish it at the end, in one step.

        An exception inside leaves all as it was. Of two edits of one zone at the same time the later end wins.
        """
        zone = self.zone(origin)
        yield zone
        self.replace_zone(zone)

    def answer(self, wire: bytes, *, transport: Transport) -> bytes | None:
        """Return the bytes that answer a query, without the length prefix of TCP; see `respond`."""
        reply = self.respond(wire, transport=transport)
        return None if reply is None else reply.wire

    def respond(self, wire: bytes, *, transport: Transport) -> Reply | None:
        """Answer any bytes: with a reply that says what it is about, or None for what nobody may answer.

        None stands for less than a header and for messages that are answers themselves. Never raises.
        """
        return reply_to(wire, self._published, transport)

    def _known(self, key: Name) -> Zone:
        zone = self._zones.get(key)
        if zone is None:
            raise FakeError(f"There is no zone {name_text(key)} here; there are: {', '.join(self.origins) or 'none'}.")
        return zone

    def _put(self, zone: Zone) -> None:
        copy = zone.copy()
        published = copy.publish()
        self._zones[published.origin] = copy
        by_origin = {**self._published.by_origin, published.origin: published}
        self._published = replace(self._published, by_origin=by_origin)

"""The zones that a server answers from, changed by anybody at any time and never seen half changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fakes.dns.answers import Answers, Kept
from fakes.dns.lookup import PublishedZones
from fakes.dns.message import UDP_SIZE, Reply, Transport
from fakes.dns.records import Name, folded, name_text, parse_name
from fakes.dns.zone import Zone
from fakes.errors import FakeError


class ZoneSet:
    """The zones that a server answers from; they may change at any time and from any thread.

    What goes in is a copy. Every change swaps the whole state in one step, so that no query sees half of one; what
    you do to a `Zone` afterwards shows only after `replace_zone`, or use `edit`.
    """

    def __init__(self, zones: Iterable[Zone] = (), *, additional: bool = True, edns_size: int = 1232) -> None:
        """`additional` says whether SRV answers carry the addresses of their targets, where we have them.

        `edns_size` is the most octets that a UDP answer takes, also for askers that can take more (RFC 6891 §6.2.5);
        1232 is what today's servers have, because it fits every path without fragments.
        """
        if not UDP_SIZE <= edns_size <= 0xFFFF:
            raise FakeError(f"UDP answers may be limited to {UDP_SIZE} to 65535 octets, not {edns_size}.")
        self._writing = threading.Lock()
        self._additional, self._edns_size = additional, edns_size
        self._zones: dict[Name, Zone] = {}
        self._answers: Answers | None = None
        self._add(zones)

    @classmethod
    def from_dict(cls, zones: Mapping[str, Mapping[str, Mapping[str, Any]]], *, ttl: int = 5) -> ZoneSet:
        """Make zones of plain values, by origin; see `Zone.from_dict`."""
        return cls(Zone.from_dict(origin, names, ttl=ttl) for origin, names in zones.items())

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of all zones, in the order they were first added."""
        return tuple(zone.origin for zone in tuple(self._zones.values()))

    def __contains__(self, origin: str) -> bool:
        """Whether a zone with this origin is served; names compare without case."""
        return folded(parse_name(origin)) in self._zones

    def zone(self, origin: str) -> Zone:
        """Return a copy of the zone with this origin. Raises FakeError when there is none."""
        key = folded(parse_name(origin))
        with self._writing:
            return self._known(key).copy()

    def add_zone(self, zone: Zone) -> None:
        """Serve one more zone. Raises FakeError when its origin is served already: see `replace_zone`."""
        self._add([zone])

    def replace_zone(self, zone: Zone) -> None:
        """Serve this zone in place of the one with the same origin, or as a new one."""
        self.replace_zones([zone])

    def replace_zones(self, zones: Iterable[Zone]) -> None:
        """Do so with several zones in one step: no query sees some of them and not the others."""
        copies = {zone.key: zone.copy() for zone in zones}
        with self._writing:
            self._zones.update(copies)
            self._answers = None

    def remove_zone(self, origin: str) -> None:
        """Stop serving the zone; its names are then refused. Raises FakeError when there is none."""
        key = folded(parse_name(origin))
        with self._writing:
            self._known(key)
            del self._zones[key]
            self._answers = None

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
        kept = self.kept(wire, transport)
        return None if kept is None else wire[:2] + kept.tail

    def respond(self, wire: bytes, *, transport: Transport) -> Reply | None:
        """Answer any bytes: with a reply that says what it is about, or None for what nobody may answer.

        None stands for less than a header and for messages that are answers themselves. Never raises.
        """
        kept = self.kept(wire, transport)
        return None if kept is None else kept.for_id(wire[:2])

    def kept(self, wire: bytes, transport: Transport) -> Kept | None:
        """Return the answer for any id, from what is kept where it was given before."""
        return (self._answers or self._current()).to(wire, transport)

    @property
    def published(self) -> PublishedZones:
        """All zones as they are at this moment, fixed."""
        return (self._answers or self._current()).zones

    def _current(self) -> Answers:
        """Make the next state when somebody asks, so that ten thousand zones added one by one are copied once."""
        with self._writing:
            if self._answers is None:
                self._answers = Answers(PublishedZones(dict(self._zones), self._additional, self._edns_size))
            return self._answers

    def _known(self, key: Name) -> Zone:
        zone = self._zones.get(key)
        if zone is None:
            raise FakeError(f"There is no zone {name_text(key)} here; there are: {', '.join(self.origins) or 'none'}.")
        return zone

    def _add(self, zones: Iterable[Zone]) -> None:
        copies = [zone.copy() for zone in zones]
        with self._writing:
            new: dict[Name, Zone] = {}
            for zone in copies:
                if zone.key in self._zones or zone.key in new:
                    raise FakeError(f"There is a zone {zone.origin} already; replace_zone changes it.")
                new[zone.key] = zone
            self._zones.update(new)
            self._answers = None

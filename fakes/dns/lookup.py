"""What an authoritative server says to a name and a type (RFC 1034 §4.3.2, RFC 2308, RFC 6604)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from fakes.dns.records import Address, Host, Name, Record, RecordType, Service, folded, is_within

Node = Mapping[RecordType, tuple[Record, ...]]


class Rcode(IntEnum):
    """Response codes that this server gives (RFC 1035 §4.1.1, RFC 6891 §9)."""

    NOERROR = 0
    FORMERR = 1
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """The sections of an answer, before anybody thinks of bytes."""

    rcode: Rcode
    "What became of the question."
    authoritative: bool = True
    "False for a referral and for names outside our zones."
    answers: tuple[Record, ...] = ()
    "Answer section: the alias chain, then the records asked for."
    authority: tuple[Record, ...] = ()
    "SOA of a negative answer, NS records of a referral."
    additional: tuple[Record, ...] = ()
    "Addresses of what the answer names, without OPT."


@dataclass(frozen=True, slots=True)
class PublishedZone:
    """One zone as the server sees it: complete, and never changed again."""

    origin: Name
    "Folded name of the apex."
    nodes: Mapping[Name, Node]
    "Records by folded owner and type."
    inner: frozenset[Name]
    "Folded names that own nothing but have something below them (empty non-terminals, RFC 8020)."
    negative: Record
    "The SOA as negative answers carry it: its TTL is how long they may be kept (RFC 2308 §3)."

    def cut(self, name: Name) -> tuple[Record, ...]:
        """Return the NS records of the highest delegation at or above `name`; nothing when the zone itself decides."""
        for start in range(len(name) - len(self.origin) - 1, -1, -1):
            servers = self.nodes.get(name[start:], {}).get("NS")
            if servers:
                return servers
        return ()

    def holds(self, name: Name) -> bool:
        """True when the name exists here, with records or as an empty non-terminal."""
        return name in self.nodes or name in self.inner


@dataclass(frozen=True, slots=True)
class PublishedZones:
    """All zones of a server at one moment."""

    by_origin: Mapping[Name, PublishedZone]
    "Zones by their folded origin."
    additional: bool
    "Whether answers carry the addresses of SRV targets."

    def nearest(self, name: Name) -> PublishedZone | None:
        """Return the zone with the longest origin that the folded name is within."""
        for start in range(len(name) + 1):
            zone = self.by_origin.get(name[start:])
            if zone is not None:
                return zone
        return None

    def find(self, asked: Name, type_: str) -> Finding:
        """Answer a question of class IN; `type_` is a mnemonic, `ANY` for all.

        An alias is followed as long as its target is in a zone of ours. The first owner comes back in the letter case
        of the question, because resolvers check it.
        """
        chain: list[Record] = []
        visited: set[Name] = set()
        name = folded(asked)
        while (zone := self.nearest(name)) is not None:
            if name in visited:
                return Finding(Rcode.NOERROR, answers=tuple(chain))
            visited.add(name)
            servers = zone.cut(name)
            if servers:
                glue = self._addresses(servers) if not chain else ()
                return Finding(Rcode.NOERROR, bool(chain), tuple(chain), servers, glue)
            node = zone.nodes.get(name, {})
            aliases = () if type_ in ("ANY", "CNAME") else node.get("CNAME", ())
            found = _matching(node, type_) or aliases
            if not found:
                rcode = Rcode.NOERROR if zone.holds(name) else Rcode.NXDOMAIN
                return Finding(rcode, answers=tuple(chain), authority=(zone.negative,))
            chain += found if chain else [replace(record, owner=asked) for record in found]
            if found is not aliases:
                return Finding(Rcode.NOERROR, answers=tuple(chain), additional=self._addresses(found))
            name = folded(_target(aliases[0]))
        return Finding(Rcode.NOERROR, answers=tuple(chain)) if chain else Finding(Rcode.REFUSED, authoritative=False)

    def _addresses(self, records: tuple[Record, ...]) -> tuple[Record, ...]:
        """Return the addresses that we have for the targets of SRV (when wanted) and NS records, each once."""
        found: dict[Record, None] = {}
        for record in records:
            if record.type == "NS" or (record.type == "SRV" and self.additional):
                target = folded(_target(record))
                zone = self.nearest(target)
                node = zone.nodes.get(target, {}) if zone is not None else {}
                found.update(dict.fromkeys(node.get("A", ()) + node.get("AAAA", ())))
        return tuple(found)


def _matching(node: Node, type_: str) -> tuple[Record, ...]:
    return tuple(record for kind, records in node.items() if type_ in (kind, "ANY") for record in records)


def _target(record: Record) -> Name:
    value = record.value
    assert isinstance(value, Host | Service)
    return value.name if isinstance(value, Host) else value.target


def publish(origin: Name, records: tuple[Record, ...]) -> PublishedZone:
    """Index the records of one zone, which hold exactly one SOA, for answering."""
    apex = folded(origin)
    nodes: dict[Name, dict[RecordType, list[Record]]] = {}
    inner: set[Name] = set()
    negative: Record | None = None
    for record in records:
        owner = folded(record.owner)
        assert is_within(owner, apex)
        nodes.setdefault(owner, {}).setdefault(record.type, []).append(record)
        inner.update(owner[start:] for start in range(1, len(owner) - len(apex)))
        if not isinstance(record.value, Address | Host | Service):
            negative = replace(record, ttl=min(record.ttl, record.value.minimum))
    assert negative is not None
    frozen = {owner: {kind: tuple(same) for kind, same in node.items()} for owner, node in nodes.items()}
    return PublishedZone(apex, frozen, frozenset(inner - nodes.keys()), negative)

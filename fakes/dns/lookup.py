"""What an authoritative server says to a name and a type (RFC 1034 §4.3.2, RFC 2308, RFC 4592, RFC 6604)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from fakes.dns.records import Host, Name, Record, Service, StartOfAuthority, folded

Node = Mapping[str, tuple[Record, ...]]

NOTHING: Node = {}
"What an empty non-terminal owns."
MAX_ALIASES = 16
"How many ALIAS records may lead to each other."


class Rcode(IntEnum):
    """Response codes that this server gives (RFC 1035 §4.1.1, RFC 6891 §9)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
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
    wild: bool
    "Whether some owner has a label `*`."
    negative: Record
    "The SOA as negative answers carry it: its TTL is how long they may be kept (RFC 2308 §3)."

    def cut(self, name: Name) -> tuple[Record, ...]:
        """Return the NS records of the highest delegation at or above `name`; nothing when the zone itself decides."""
        for start in range(len(name) - len(self.origin) - 1, -1, -1):
            servers = self.nodes.get(name[start:], NOTHING).get("NS")
            if servers:
                return servers
        return ()

    def holds(self, name: Name) -> bool:
        """True when the name exists here, with records or as an empty non-terminal."""
        return name in self.nodes or name in self.inner

    def look(self, name: Name) -> tuple[Node | None, bool]:
        """Return what the folded name owns, None when it does not exist, and whether a wildcard gave it.

        A wildcard speaks for a name only directly below the closest name that exists (RFC 4592 §3.3.1).
        """
        node = self.nodes.get(name)
        if node is not None:
            return node, False
        if name in self.inner:
            return NOTHING, False
        if self.wild:
            for start in range(1, len(name) - len(self.origin) + 1):
                if self.holds(name[start:]):
                    source = (b"*", *name[start:])
                    return self.nodes.get(source, NOTHING if source in self.inner else None), True
        return None, False


class Publishable(Protocol):
    """A zone that can be asked for its published form, as often as one likes."""

    def publish(self) -> PublishedZone:
        """Return the same form each time."""


@dataclass(frozen=True, slots=True)
class PublishedZones:
    """All zones of a server at one moment."""

    by_origin: Mapping[Name, Publishable]
    "Zones by their folded origin."
    additional: bool = True
    "Whether answers carry the addresses of SRV targets."
    edns_size: int = 1232
    "The most that a UDP answer takes, whatever the asker says it can take."

    def nearest(self, name: Name) -> PublishedZone | None:
        """Return the zone with the longest origin that the folded name is within."""
        for start in range(len(name) + 1):
            zone = self.by_origin.get(name[start:])
            if zone is not None:
                return zone.publish()
        return None

    def find(self, asked: Name, type_: str, *, aliases: int = 0) -> Finding:
        """Answer a question of class IN; `type_` is a mnemonic, `ANY` for all.

        An alias is followed as long as its target is in a zone of ours. The first owner comes back in the letter case
        of the question, because resolvers check it. `aliases` counts the ALIAS records that led here.
        """
        chain: list[Record] = []
        visited: set[Name] = set()
        name, written = folded(asked), asked
        while (zone := self.nearest(name)) is not None:
            if name in visited:
                return Finding(Rcode.NOERROR, answers=tuple(chain))
            visited.add(name)
            servers = zone.cut(name)
            if servers:
                glue = self._addresses(servers) if not chain else ()
                return Finding(Rcode.NOERROR, bool(chain), tuple(chain), servers, glue)
            node, wild = zone.look(name)
            found = self._matching(node or NOTHING, type_, aliases)
            if found is None:
                return Finding(Rcode.SERVFAIL, authoritative=False)
            leads_on = not found and "CNAME" in (node or NOTHING)
            if node is not None and leads_on:
                found = node["CNAME"]
            if not found:
                rcode = Rcode.NXDOMAIN if node is None else Rcode.NOERROR
                return Finding(rcode, answers=tuple(chain), authority=(zone.negative,))
            chain += [replace(record, owner=written) for record in found] if wild or not chain else found
            if not leads_on:
                return Finding(Rcode.NOERROR, answers=tuple(chain), additional=self._addresses(found))
            written = target_of(found[0])
            name = folded(written)
        return Finding(Rcode.NOERROR, answers=tuple(chain)) if chain else Finding(Rcode.REFUSED, authoritative=False)

    def _matching(self, node: Node, type_: str, aliases: int) -> tuple[Record, ...] | None:
        """Return the node's records of the type, ALIAS as the addresses behind it; None when those cannot be found."""
        if "ALIAS" in node and type_ in ("A", "AAAA", "ANY"):
            found = [record for kind, records in node.items() if kind == type_ for record in records]
            if type_ == "ANY":
                found = [record for kind, records in node.items() if kind != "ALIAS" for record in records]
            for kind in ("A", "AAAA") if type_ == "ANY" else (type_,):
                behind = self._behind(node["ALIAS"][0], kind, aliases)
                if behind is None:
                    return None
                found += behind
            return tuple(found)
        if type_ == "ANY":
            return tuple(record for records in node.values() for record in records)
        return node.get(type_, ())

    def _behind(self, alias: Record, type_: str, aliases: int) -> list[Record] | None:
        """Return the addresses that an ALIAS stands for; None when its target cannot be resolved here."""
        if aliases >= MAX_ALIASES:
            return None
        there = self.find(target_of(alias), type_, aliases=aliases + 1)
        addresses = [record for record in there.answers if record.type == type_]
        negative = bool(there.authority) and there.authority[0].type == "SOA"
        if there.rcode == Rcode.NXDOMAIN or (not addresses and negative):
            return []
        if not addresses:
            return None
        ttl = min(alias.ttl, *(record.ttl for record in there.answers))
        return [replace(record, owner=alias.owner, ttl=ttl) for record in addresses]

    def _addresses(self, records: tuple[Record, ...]) -> tuple[Record, ...]:
        """Return the addresses that we have for the targets of SRV (when wanted) and NS records, each once."""
        found: dict[Record, None] = {}
        for record in records:
            if record.type == "NS" or (record.type == "SRV" and self.additional):
                target = folded(target_of(record))
                zone = self.nearest(target)
                node = zone.nodes.get(target) if zone is not None else None
                if node is not None:
                    found.update(dict.fromkeys(node.get("A", ()) + node.get("AAAA", ())))
        return tuple(found)


def target_of(record: Record) -> Name:
    """Return the name that a CNAME, NS, PTR, ALIAS or SRV record points to."""
    value = record.value
    assert isinstance(value, Host | Service)
    return value.name if isinstance(value, Host) else value.target


def publish(apex: Name, owned: Mapping[Name, Iterable[Record]], soa: Record) -> PublishedZone:
    """Index the records of one zone, given by folded owner and without the SOA, for answering."""
    assert isinstance(soa.value, StartOfAuthority)
    nodes: dict[Name, Node] = {}
    inner: set[Name] = set()
    wild = False
    for owner, records in owned.items():
        node: dict[str, list[Record]] = {}
        for record in records:
            node.setdefault(record.type, []).append(record)
        if node:
            nodes[owner] = {kind: tuple(same) for kind, same in node.items()}
            inner.update([owner[start:] for start in range(1, len(owner) - len(apex))])
            wild = wild or b"*" in owner
    nodes[apex] = {"SOA": (soa,), **nodes.get(apex, NOTHING)}
    negative = Record(soa.owner, "SOA", min(soa.ttl, soa.value.minimum), soa.value)
    return PublishedZone(apex, nodes, frozenset(inner.difference(nodes)), wild, negative)

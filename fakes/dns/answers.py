"""Answers of one state of the zones, kept as they went over the wire: the next asker only gets another id."""

from __future__ import annotations

from dataclasses import replace

from fakes.dns.lookup import PublishedZones
from fakes.dns.message import Reply, Transport, reply_to

MAX_KEPT = 10_000
"How many answers are kept for each transport; then all are forgotten, which costs less than to know the oldest."
MAX_KEPT_OCTETS = 8_000_000
"How much they may take on the wire in sum."
MAX_QUERY = 512
"Longer queries are not worth a place: no resolver sends them."


class Kept:
    """An answer less its id, which is all that differs between two askers of the same octets."""

    __slots__ = ("reply", "tail")

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.tail = reply.wire[2:]

    def for_id(self, id_: bytes) -> Reply:
        """Return the reply as the asker with this id got it."""
        reply = self.reply
        if reply.wire[:2] == id_ or not reply.wire:
            return reply
        question = reply.question and replace(reply.question, id=int.from_bytes(id_, "big"))
        return replace(reply, wire=id_ + self.tail, question=question)


class Answers:
    """What the zones say, as octets. A change of the zones makes a new one, so that nothing here is ever stale.

    The key is the query less its id: letter case, flags and EDNS are part of it, so that they come back exactly.
    """

    __slots__ = ("_kept", "_max_kept", "_max_octets", "_octets", "zones")

    def __init__(self, zones: PublishedZones, max_kept: int = MAX_KEPT, max_octets: int = MAX_KEPT_OCTETS) -> None:
        self.zones = zones
        self._max_kept, self._max_octets = max_kept, max_octets
        self._kept: dict[Transport, dict[bytes, Kept]] = {"udp": {}, "tcp": {}}
        self._octets = 0

    def to(self, wire: bytes, transport: Transport) -> Kept | None:
        """Return the answer to a query, for any id; None for what nobody may answer."""
        kept = self._kept[transport].get(wire[2:])
        return kept if kept is not None else self._new(wire, transport)

    @property
    def kept(self) -> tuple[int, int]:
        """How many answers are kept, and how many octets they and their queries take."""
        return sum(map(len, self._kept.values())), self._octets

    def _new(self, wire: bytes, transport: Transport) -> Kept | None:
        reply = reply_to(wire, self.zones, transport)
        if reply is None:
            return None
        kept = Kept(reply)
        if reply.question is not None and len(wire) <= MAX_QUERY:
            known = self._kept[transport]
            self._octets += len(wire) + len(reply.wire)
            if len(known) >= self._max_kept or self._octets > self._max_octets:
                self._kept = {"udp": {}, "tcp": {}}
                self._octets = len(wire) + len(reply.wire)
                known = self._kept[transport]
            known[wire[2:]] = kept
        return kept

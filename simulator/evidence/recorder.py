"""The one timeline of a federation: every component writes what it saw, every view reads from here."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulator.clock import Clock

Layer = Literal["dns", "tcp", "tls", "sip", "log"]
NO_DATA: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that one participant saw or did."""

    at: float
    "Seconds on the federation's clock."
    who: str
    "The participant who saw or did it."
    peer: str
    "The participant at the other end; empty where there is none."
    layer: Layer
    "Where it happened; `log` is a participant's own explanation of what it decided."
    what: str
    "One word, from the viewpoint of `who`; the Recorder's methods list the words of each layer."
    text: str
    "For `sip` the whole message, for `log` a sentence, else a detail in the words of the layer. Untrusted."
    data: Mapping[str, object] = field(default_factory=lambda: NO_DATA)
    "More facts for machines: names, versions, numbers, lists of them. Everything that JSON can say."


class Recorder:
    """Keeps the newest `capacity` records; safe to write and read from several threads.

    The methods named after a layer are the usual way in: they hold the vocabulary that the ladder knows how to draw.
    """

    def __init__(self, clock: Clock, capacity: int = 20_000) -> None:
        if capacity < 1:
            raise ValueError("a recorder keeps at least one record")
        self._clock = clock
        self._records: deque[Record] = deque(maxlen=capacity)
        self._written = 0
        self._lock = threading.Lock()

    def record(
        self,
        who: str,
        layer: Layer,
        what: str,
        text: str = "",
        *,
        peer: str = "",
        data: Mapping[str, object] = NO_DATA,
        at: float | None = None,
    ) -> Record:
        """Write one record and return it; `at` is for what was seen before now (seconds on the same clock)."""
        entry = Record(self._clock.now() if at is None else at, who, peer, layer, what, text, data)
        with self._lock:
            self._records.append(entry)
            self._written += 1
        return entry

    def mark(self) -> int:
        """A place in the timeline: `since(mark)` gives what was written after it."""
        with self._lock:
            return self._written

    def since(self, mark: int = 0) -> list[Record]:
        """What was written after `mark` and is still kept, in the order of writing."""
        with self._lock:
            kept = len(self._records)
            skip = max(0, mark - (self._written - kept))
            return list(islice(self._records, skip, kept))

    def lost_since(self, mark: int = 0) -> int:
        """How many records after `mark` had to make room for newer ones."""
        with self._lock:
            return max(0, self._written - len(self._records) - mark)

    @staticmethod
    def to_json_lines(records: Iterable[Record]) -> str:
        """One JSON object a line, ASCII only; bytes that are no UTF-8 appear as lone surrogates (`\\udc80`)."""
        return "".join(json.dumps(_plain(record), default=str) + "\n" for record in records)

    # One method per thing that happens on the wire.

    def dns_question(
        self, who: str, server: str, name: str, record_type: str, *, transport: str = "udp", at: float | None = None
    ) -> Record:
        """`who` asks `server` for the records of that type, such as SRV or A."""
        data = {"name": name, "type": record_type, "transport": transport}
        return self.record(who, "dns", "question", f"{record_type} {name}", peer=server, data=data, at=at)

    def dns_answer(
        self,
        server: str,
        asker: str,
        name: str,
        record_type: str,
        rcode: str,
        answers: Sequence[str] = (),
        *,
        at: float | None = None,
    ) -> Record:
        """`server` answers: `rcode` in DNS words (NOERROR, NXDOMAIN, ...), `answers` one text a record."""
        data = {"name": name, "type": record_type, "rcode": rcode, "answers": list(answers)}
        return self.record(server, "dns", "answer", f"{rcode} {record_type} {name}", peer=asker, data=data, at=at)

    def tcp(
        self,
        who: str,
        peer: str,
        what: Literal["connected", "accepted", "refused", "timeout", "closed", "lost"],
        detail: str = "",
    ) -> Record:
        """`who` connected to `peer`, accepted its connection, was refused, got no answer, closed, or lost the link."""
        return self.record(who, "tcp", what, detail, peer=peer)

    def tls_established(
        self, who: str, peer: str, *, version: str, names: Sequence[str], cipher: str = "", sni: str | None = None
    ) -> Record:
        """`who` completed a handshake with `peer`, which showed a certificate for `names` (empty: none shown)."""
        data = {"version": version, "names": list(names), "cipher": cipher, "sni": sni}
        return self.record(who, "tls", "established", ", ".join(names), peer=peer, data=data)

    def tls_presented(self, who: str, peer: str, *, names: Sequence[str]) -> Record:
        """`who` showed `peer` a certificate for `names`; for where the other end's view is not recorded."""
        return self.record(who, "tls", "presented", ", ".join(names), peer=peer, data={"names": list(names)})

    def tls_refused(self, who: str, peer: str, *, alert: str, reason: str = "", names: Sequence[str] = ()) -> Record:
        """`who` ended the handshake with that alert because of `peer`'s certificate; `reason` is a sentence."""
        return self.record(who, "tls", "refused", reason, peer=peer, data={"alert": alert, "names": list(names)})

    def tls_refused_by(self, who: str, peer: str, *, alert: str, names: Sequence[str] = ()) -> Record:
        """`peer` ended the handshake with `who` by that alert, after `who` had shown a certificate for `names`."""
        detail = f"the certificate that was shown is for {', '.join(names)}" if names else ""
        return self.record(who, "tls", "refused-by", detail, peer=peer, data={"alert": alert, "names": list(names)})

    def tls_failed(self, who: str, peer: str, reason: str) -> Record:
        """The handshake of `who` with `peer` came to nothing without an alert."""
        return self.record(who, "tls", "failed", reason, peer=peer)

    def sip_sent(self, who: str, peer: str, message: bytes) -> Record:
        """`who` sent these bytes of one SIP message to `peer`."""
        return self.record(who, "sip", "sent", message.decode("utf-8", "surrogateescape"), peer=peer)

    def sip_received(self, who: str, peer: str, message: bytes) -> Record:
        """`who` received these bytes of one SIP message from `peer`."""
        return self.record(who, "sip", "received", message.decode("utf-8", "surrogateescape"), peer=peer)

    def log(self, who: str, sentence: str, **data: object) -> Record:
        """`who` explains what it decided and why, in a sentence for the reader of a failed test."""
        return self.record(who, "log", "note", sentence, data=data)


def _plain(record: Record) -> dict[str, object]:
    return {
        name: dict(record.data) if name == "data" else getattr(record, name)
        for name in ("at", "who", "peer", "layer", "what", "text", "data")
    }

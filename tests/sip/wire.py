"""Two SIP connections joined in memory, with a clock that only the test moves."""

from __future__ import annotations

from typing import TypeVar

from simulator.sip.connection import SipConnection
from simulator.sip.dialog import Dialog
from simulator.sip.events import Event
from simulator.sip.fields import new_call_id, new_tag
from simulator.sip.message import Request, Response
from simulator.sip.transaction import Timers

SomeEvent = TypeVar("SomeEvent", bound=Event)


class End:
    """One end: its connection, every event it gave, and every byte it sent."""

    def __init__(self, name: str, timers: Timers | None) -> None:
        self.seen: list[tuple[str, Request | Response]] = []
        self.connection = SipConnection(
            sent_by=f"{name}.test:5061", timers=timers, tap=lambda way, message: self.seen.append((way, message))
        )
        self.events: list[Event] = []
        self.sent = b""

    def drain(self) -> None:
        while (event := self.connection.next_event()) is not None:
            self.events.append(event)

    def take(self, kind: type[SomeEvent]) -> SomeEvent:
        """The next event, which must be of this kind."""
        assert self.events, f"no {kind.__name__}, nothing happened"
        event = self.events.pop(0)
        assert isinstance(event, kind), f"{event} is no {kind.__name__}"
        return event

    def sent_lines(self) -> list[str]:
        """The start lines of what this end sent so far."""
        return [message.start_line for way, message in self.seen if way == "out"]


class Pair:
    """alice and bob, one stream between them."""

    def __init__(self, timers: Timers | None = None) -> None:
        self.now = 1000.0
        self.alice = End("alice", timers)
        self.bob = End("bob", timers)

    def flow(self, *, chunk: int = 100_000) -> None:
        """Carry bytes both ways, in pieces of `chunk`, until both ends are silent."""
        moved = True
        while moved:
            moved = False
            for source, target in ((self.alice, self.bob), (self.bob, self.alice)):
                source.drain()
                data = source.connection.data_to_send()
                source.sent += data
                for start in range(0, len(data), chunk):
                    moved = True
                    target.connection.receive_data(data[start : start + chunk], self.now)
                    target.drain()

    def advance(self, seconds: float) -> None:
        """Let time pass and every timer run out at its own moment."""
        end = self.now + seconds
        ends = (self.alice, self.bob)
        while due := [at for each in ends if (at := each.connection.next_timeout()) is not None and at <= end]:
            self.now = max(self.now, min(due))
            for each in ends:
                each.connection.handle_timeout(self.now)
            self.flow()
        self.now = end

    def to_bob(self, text: str) -> None:
        """Bytes of a peer that is not ours: LF for CRLF, a blank line behind the headers."""
        self.bob.connection.receive_data(text.replace("\n", "\r\n").encode(), self.now)
        self.bob.drain()


class Calls:
    """Requests and responses as alice and bob write them, as if they had come over a wire."""

    def request(self, method: str = "MESSAGE", **more: str) -> Request:
        """A request of alice outside of any dialog, without Via; `more` adds headers, `_` standing for `-`."""
        body = more.pop("body", "").encode()
        headers = [
            ("Max-Forwards", "70"),
            ("From", f'"Alice" <sip:alice@alice.test>;tag={new_tag()};epid=0123456789'),
            ("To", "<sip:bob@bob.test>"),
            ("Call-ID", new_call_id()),
            ("CSeq", f"1 {method}"),
            ("Contact", "<sip:alice@alice.test;opaque=user:epid:abc;gruu>"),
            *((name.replace("_", "-"), value) for name, value in more.items()),
        ]
        return Request.build(method, "sip:bob@bob.test", headers, body, "text/plain" if body else None)

    def respond(self, request: Request, status: int, tag: str | None = "bobs", **more: str) -> Response:
        headers = [(name.replace("_", "-"), value) for name, value in more.items()]
        return request.respond(status, to_tag=tag, headers=headers)

    def peer_request(self, dialog: Dialog, method: str, cseq: int, **more: str) -> Request:
        """What the other end of `dialog` would send."""
        headers = [
            ("Via", "SIP/2.0/TLS peer.test:5061;branch=z9hG4bKpeer"),
            ("From", dialog.remote.raw),
            ("To", dialog.local.raw),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{cseq} {method}"),
            *((name.replace("_", "-"), value) for name, value in more.items()),
        ]
        return Request.build(method, "sip:alice@alice.test", headers)

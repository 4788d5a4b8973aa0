"""What holds for any bytes that a peer can send: the rules that the fuzzer checks, and the replay of what it found.

Needs no fuzzer: `tests/sip/test_fuzz_corpus.py` calls `check` for every input that was kept.
"""

from __future__ import annotations

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import NameAddr
from simulator.sip.framing import KeepAlivePing, KeepAlivePong, Limits, MessageReader
from simulator.sip.header_names import key_of
from simulator.sip.message import Message, Request, parse
from simulator.sip.views import HeaderViews, View

LIMITS = Limits(start_line=200, header_bytes=2000, header_count=40, body=500)
"Small, so that short inputs reach them."

OTHER_KEYS = {"vias": "via", "top-via": "via", "contacts": "contact"}
"Views that go by another name than their header."

VIEWS: dict[str, list[str]] = {}
"The attributes that show a header, by its key."

for _name, _view in vars(HeaderViews).items():
    if isinstance(_view, View):
        VIEWS.setdefault(OTHER_KEYS.get(_view.key, _view.key), []).append(_name)


def check(data: bytes) -> None:
    """Raise AssertionError, or whatever our code raises by mistake, unless `data` is handled as any bytes must be.

    The first byte says how the rest is cut into chunks: 0 not at all, else into pieces of that length, at most 20.
    """
    if not data:
        return
    size, wire = data[0], data[1:]
    events, left = _read(wire, max(size, len(wire) // 20) if size else len(wire))
    seen = b"".join(_bytes_of(event) for event in events)
    assert wire.startswith(seen), "the events are not what was sent"
    if left is not None:
        assert len(seen) + left == len(wire), "bytes were lost or stored twice"
    for event in events:
        if isinstance(event, Message):
            _check_message(event)


def _read(wire: bytes, size: int) -> tuple[list[Message | KeepAlivePing | KeepAlivePong], int | None]:
    """The events of a stream, and how many bytes wait for more; None after a protocol error."""
    reader = MessageReader(LIMITS)
    events: list[Message | KeepAlivePing | KeepAlivePong] = []
    for start in range(0, len(wire), size or 1):
        reader.receive_data(wire[start : start + size])
        while True:
            try:
                event = reader.next_event()
            except RemoteProtocolError as error:
                assert 400 <= error.status_hint <= 599
                assert str(error).isprintable(), "a sentence of ours holds control characters of the peer"
                if isinstance(reader.refused, Request):
                    bytes(reader.refused.respond(error.status_hint, to_tag="t"))
                return events, None
            if not isinstance(event, Message | KeepAlivePing | KeepAlivePong):
                break
            events.append(event)
    incomplete = reader.incomplete
    return events, reader.buffered if incomplete is None else len(bytes(incomplete)) + reader.buffered - 1


def _bytes_of(event: Message | KeepAlivePing | KeepAlivePong) -> bytes:
    if isinstance(event, Message):
        return bytes(event)
    return b"\r\n\r\n" if isinstance(event, KeepAlivePing) else b"\r\n"


def _check_message(message: Message) -> None:
    valid = _accepts(message.validate)
    for name in {name for name, _ in message.headers}:
        for view in VIEWS.get(key_of(name), ()):
            if _accepts(lambda view=view: getattr(message, view)) and view in {"from_", "to"}:
                _check_uri(getattr(message, view))
    if isinstance(message, Request):
        response = parse(bytes(message.respond(400, to_tag="t")))
        response.headers.check()
        assert not valid or _accepts(response.validate), "a valid request leads to an invalid response"
    wire = bytes(message)
    message.headers.add("X-Own", "1")
    assert bytes(message).replace(b"\r\nX-Own: 1", b"", 1) == wire, "a change of one header changes others"


def _check_uri(who: NameAddr) -> None:
    try:
        uri = who.parsed_uri
    except RemoteProtocolError:
        return
    assert uri.matches(uri)


def _accepts(look: object) -> bool:
    assert callable(look)
    try:
        look()
    except RemoteProtocolError as error:
        assert str(error).isprintable()
        return False
    return True

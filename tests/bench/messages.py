"""What reading and writing a SIP message costs beside sipmessage, and that the costs grow with the size and no faster.

All figures are processor time of this process, since a round is short and neighbours are many.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import SupportsBytes

import sipmessage

from simulator.sip.fields import Via
from simulator.sip.framing import Limits, MessageReader
from simulator.sip.message import Message, Request, parse
from tests.bench.measure import Measure, Round, Stopwatch, Target

CORPUS = Path(__file__).parent.parent / "corpus" / "sip"
SIZE = 1200
REPEATS = 8
"How often a round goes through all messages."


def subscribes() -> list[bytes]:
    """64 SUBSCRIBEs of an S4B user, of 1.2 kB and 17 headers, with names of their own, so that no cache helps."""
    wire = (CORPUS / "subscribe-categories.sip").read_bytes()
    wire = re.sub(rb"(ms-key-info|ms-route-sig)=([^;>]{20})[^;>]*", rb"\1=\2", wire)
    message = parse(wire)
    message.set_body(message.body[: SIZE - len(wire)])
    assert len(bytes(message)) == SIZE
    return [
        bytes(message)
        .replace(b"8D409A15", b"%08X" % number)
        .replace(b"38209ebf3e", b"%010x" % number)
        .replace(b"23ffb7f2", b"%08x" % number)
        .replace(b"CSeq: 1", b"CSeq: %d" % (number % 10))
        for number in range(64)
    ]


def ours_typed(wire: bytes) -> object:
    """Parsed, and what a transaction needs."""
    message = parse(wire)
    return (message.vias, message.from_, message.to, message.cseq, message.call_id)


def theirs_typed(wire: bytes) -> object:
    """The same by sipmessage."""
    message = sipmessage.Message.parse(wire)
    return (message.via, message.from_address, message.to_address, message.cseq, message.call_id)


def ours_read(wire: bytes) -> object:
    """As a stream brings it: framed, every line looked at, validated."""
    reader = MessageReader()
    reader.receive_data(wire)
    message = reader.next_event()
    assert isinstance(message, Message)
    message.validate()
    return message


@contextmanager
def each(
    do: Callable[[bytes], object], made_of: Callable[[], Sequence[bytes]] = subscribes, repeats: int = REPEATS
) -> Iterator[Round]:
    """Rounds that do this to every message."""
    wires = made_of()
    yield partial(timed, lambda: [do(wire) for _ in range(repeats) for wire in wires])


@contextmanager
def written(parse_one: Callable[[bytes], SupportsBytes]) -> Iterator[Round]:
    """Rounds that write out messages parsed before."""
    messages = [parse_one(wire) for wire in subscribes()]
    yield partial(timed, lambda: [bytes(message) for _ in range(REPEATS) for message in messages])


def timed(do: Callable[[], object], watch: Stopwatch) -> None:
    """One round, in milliseconds of processor time."""
    start = time.process_time()
    do()
    watch.value = (time.process_time() - start) * 1000


def with_headers(number: int) -> list[bytes]:
    """A MESSAGE with that many Record-Routes and as many unknown headers."""
    lines = [("Record-Route", f"<sip:h{index}.test;lr>") for index in range(number)]
    lines += [(f"X-Own-{index}", "value") for index in range(number)]
    return [built(lines)]


def with_params(number: int) -> list[bytes]:
    """A MESSAGE whose Via has that many parameters."""
    params = "".join(f';p{index}="v,{index}"' for index in range(number))
    return [built([("Via", f"SIP/2.0/TLS a.test{params}")])]


def with_body(number: int) -> list[bytes]:
    """A MESSAGE with a body of that many bytes."""
    return [built([], b"x" * number)]


def built(headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """A complete MESSAGE with these headers."""
    basic = [("Via", "SIP/2.0/TLS c.test;branch=z9hG4bK1"), ("From", "<sip:a@b.test>;tag=1"), ("To", "<sip:c@d.test>"),
             ("Call-ID", "1"), ("CSeq", "1 MESSAGE")]  # fmt: skip
    return bytes(Request.build("MESSAGE", "sip:c@d.test", [*headers, *basic], body, "text/plain" if body else None))


def look_at_all(wire: bytes) -> object:
    """Validated, with every Via and Record-Route."""
    message = parse(wire)
    message.validate()
    return (message.vias, message.record_routes, [Via.parse(via.raw) for via in message.vias])


def in_pieces(wire: bytes) -> object:
    """Through a reader, in pieces of a network's packet.

    Both sizes are beyond what the allocator keeps in hand (128 kB), which would make the smaller one too cheap.
    """
    reader = MessageReader(Limits(body=10_000_000))
    for start in range(0, len(wire), 1400):
        reader.receive_data(wire[start : start + 1400])
        reader.next_event()
    return reader


def _measures() -> Iterator[Measure]:
    unit = "ms"
    theirs, size = "by sipmessage.", f"an S4B SUBSCRIBE of {SIZE / 1000} kB"
    pairs: list[tuple[str, str, Callable[[bytes], object], Callable[[bytes], object], float]] = [
        ("parse", f"Reading {size}", parse, sipmessage.Message.parse, 4),
        ("parse + typed", f"Reading {size} with its Vias, From, To, CSeq and Call-ID", ours_typed, theirs_typed, 5),
    ]
    for name, about, ours, other, times in pairs:
        yield Measure(f"SIP {name}, sipmessage", f"{about}, 512 times, {theirs}", partial(each, other), unit)
        yield Measure(
            f"SIP {name}", f"{about}, 512 times.", partial(each, ours), unit, f"SIP {name}, sipmessage",
            Target(1 / times, "ratio"),
        )  # fmt: skip
    yield Measure(
        "SIP stream + validate", f"Framing and validating {size}, as a connection does, 512 times.",
        partial(each, ours_read), unit, "SIP parse + typed, sipmessage",
    )  # fmt: skip
    written_by = partial(written, sipmessage.Message.parse)
    yield Measure("SIP write, sipmessage", f"Writing {size}, 512 times, {theirs}", written_by, unit)
    yield Measure(
        "SIP write", f"Writing {size}, 512 times.", partial(written, parse), unit, "SIP write, sipmessage",
        Target(1 / 2, "ratio"),
    )  # fmt: skip
    for what, do, make, least in (
        ("headers", look_at_all, with_headers, 50),
        ("parameters", look_at_all, with_params, 50),
        ("bytes of body", in_pieces, with_body, 300_000),
    ):
        small, large = f"SIP 10 × {least:,} {what}", f"SIP 1 × {10 * least:,} {what}"
        yield Measure(
            small, f"Ten MESSAGEs with {least:,} {what}.", partial(each, do, partial(make, least), 10 * REPEATS)
        )
        yield Measure(
            large, f"One with {10 * least:,}: as much, so in the same time but for a fifth.",
            partial(each, do, partial(make, 10 * least), REPEATS), "ms", small, Target(1.2, "ratio"),
        )  # fmt: skip


MEASURES = tuple(_measures())

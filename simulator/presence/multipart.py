"""Bodies of several parts as presence needs them: `multipart/related` (RFC 2387) as Microsoft writes it."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType

CONTENT_TYPE = "multipart/related"

MAX_BYTES = 5_000_000
"A larger body is refused; Microsoft's edges take 5,000 kB from another server (dialect facts §7)."
MAX_PARTS = 1001
"A list and a part for each of 1,000 contacts, which is what a discovered partner may watch (dialect facts §7)."

_HEAD = re.compile(rb"((?:[^\r\n][^\n]*\n)*)\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")


class Part(NamedTuple):
    """One part of a body."""

    content_id: str
    "Without angle brackets; empty where the part has none."
    content_type: str
    "The whole header value."
    content: bytes
    "The bytes between the blank line and the next boundary."


def boundary_for(parts: list[Part]) -> str:
    """A boundary for these parts, always the same one: their hash, which none of them can hold by chance."""
    return hashlib.sha256(b"\0".join(part.content for part in parts)).hexdigest()[:20]


def write(parts: list[Part], *, root_type: str, boundary: str | None = None) -> tuple[bytes, str]:
    """The body and its Content-Type, whose `start` is the first part's Content-ID, unquoted and without brackets.

    Raises LocalProtocolError for a boundary that occurs in a part, and for a line end in a header.
    """
    chosen = boundary_for(parts) if boundary is None else boundary
    pieces = []
    for part in parts:
        if chosen.encode() in part.content:
            raise LocalProtocolError(f"The boundary {chosen!r} occurs in a part; choose another one.")
        if re.search("[\r\n]", part.content_id + part.content_type):
            raise LocalProtocolError(f"The Content-ID {part.content_id!r} or the type of a part holds a line end.")
        head = f"Content-Transfer-Encoding: binary\r\nContent-ID: {part.content_id}\r\nContent-Type: "
        pieces.append(f"--{chosen}\r\n{head}{part.content_type}\r\n\r\n".encode() + part.content + b"\r\n")
    body = b"".join([*pieces, f"--{chosen}--\r\n".encode()])
    return body, f'{CONTENT_TYPE}; type="{root_type}"; start={parts[0].content_id}; boundary={chosen}'


def read(body: bytes, content_type: MediaType) -> list[Part]:
    """The parts in the order of the body, the root of the document first (RFC 2387 §3.2).

    Raises RemoteProtocolError for a missing boundary, no or too many parts, a part without a head, or a transfer
    encoding other than 7bit, 8bit and binary.
    """
    if len(body) > MAX_BYTES:
        raise RemoteProtocolError(
            f"A body of {len(body)} bytes is over the limit of {MAX_BYTES} for several parts.", status_hint=413
        )
    boundary = content_type.params.get("boundary") or ""
    if not boundary:
        raise RemoteProtocolError(f"A body of type {CONTENT_TYPE} needs a boundary in its Content-Type.")
    delimiter = rb"\r?\n--" + re.escape(boundary.encode("utf-8", "surrogateescape"))
    before_end = re.split(delimiter + b"--", b"\r\n" + body, maxsplit=1)[0]
    pieces = re.split(delimiter + rb"[ \t]*\r?\n", before_end, maxsplit=MAX_PARTS + 1)[1:]
    if not 1 <= len(pieces) <= MAX_PARTS:
        raise RemoteProtocolError(f"A body of type {CONTENT_TYPE} has {MAX_PARTS} parts at most, and at least one.")
    parts = [_part(piece) for piece in pieces]
    start = bare_id(content_type.params.get("start") or "")
    root = next((part for part in parts if start and part.content_id == start), parts[0])
    return [root, *(part for part in parts if part is not root)]


def bare_id(text: str) -> str:
    """A Content-ID without the angle brackets that RFC 2392 asks for and Microsoft leaves out, and without `cid:`."""
    return text.strip().removeprefix("cid:").removeprefix("<").removesuffix(">")


def _part(piece: bytes) -> Part:
    head = _HEAD.match(piece)
    if head is None:
        raise RemoteProtocolError("A part of the body has no blank line after its headers.")
    lines = _FOLD.sub(" ", head[1].decode("utf-8", "replace")).splitlines()
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    encoding = fields.get("content-transfer-encoding", "binary").lower()
    if encoding not in ("7bit", "8bit", "binary"):
        raise RemoteProtocolError(f"The transfer encoding {encoding[:40]!r} is not understood here.", status_hint=415)
    return Part(bare_id(fields.get("content-id", "")), fields.get("content-type", "text/plain"), piece[head.end() :])

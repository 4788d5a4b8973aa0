"""Bodies of several parts, each with headers of its own (RFC 2046 §5.1, RFC 2045 §6)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType

MAX_PARTS = 20
"A body with more parts is refused."

TransferEncoding = Literal["7bit", "8bit", "binary", "base64", "quoted-printable"]
"Content-Transfer-Encoding of a part."


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    content_type: str
    "The whole header value."
    content: bytes
    "Without its transfer encoding."
    headers: tuple[tuple[str, str], ...] = ()
    "Its other headers, without Content-Type and Content-Transfer-Encoding; names as written."


def write_multipart(
    parts: Sequence[Part],
    *,
    subtype: str = "alternative",
    encoding: TransferEncoding = "8bit",
    boundary: str | None = None,
) -> tuple[str, bytes]:
    """The Content-Type value and the body; `encoding` is how every part travels.

    Without a `boundary` one is made that no part holds. Raises LocalProtocolError for parts that the boundary or the
    encoding cannot carry.
    """
    if not 1 <= len(parts) <= MAX_PARTS:
        raise LocalProtocolError(f"A multipart body has 1 to {MAX_PARTS} parts, not {len(parts)}.")
    contents = [_wrapped(part.content, encoding) for part in parts]
    if boundary is None:
        boundary = _boundary_for(contents)
    elif not _BOUNDARY.fullmatch(boundary) or any(boundary.encode() in content for content in contents):
        raise LocalProtocolError(f"The boundary {boundary!r} is malformed or stands in one of the parts.")
    pieces = []
    for part, content in zip(parts, contents, strict=True):
        fields = [("Content-Type", part.content_type), ("Content-Transfer-Encoding", encoding), *part.headers]
        if any("\r" in text or "\n" in text for field in fields for text in field):
            raise LocalProtocolError("A header of a part holds a line break.")
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        pieces.append(f"--{boundary}\r\n{head}\r\n".encode() + content + b"\r\n")
    return f'multipart/{subtype}; boundary="{boundary}"', b"".join(pieces) + f"--{boundary}--\r\n".encode()


def read_multipart(content_type: MediaType, body: bytes) -> list[Part]:
    """The parts in their order; what stands before the first and behind the last is skipped.

    A part without Content-Type is `text/plain`. A part that is itself multipart is not opened. Raises
    RemoteProtocolError for a missing boundary, no or too many parts, a part without its blank line, and base64 that is
    none; with status_hint 415 for a transfer encoding that is not understood.
    """
    return [_part(part) for part in _split(content_type.params.get("boundary") or "", body)]


_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,\-./:=?]{1,70}")
_HEADERS = re.compile(rb"\r?\n((?:[^\r\n][^\n]*\n)*)\r?\n(.*)", re.DOTALL)


def _boundary_for(contents: Sequence[bytes]) -> str:
    return next(
        boundary
        for boundary in (f"----=_NextPart_{number:03d}" for number in count())
        if not any(boundary.encode() in content for content in contents)
    )


def _wrapped(content: bytes, encoding: TransferEncoding) -> bytes:
    match encoding:
        case "base64":
            return b"\r\n".join(
                binascii.b2a_base64(content[at : at + 57], newline=False) for at in range(0, len(content), 57)
            )
        case "quoted-printable":
            return binascii.b2a_qp(content, istext=False).replace(b"=\n", b"=\r\n")
        case "7bit" if not content.isascii():
            raise LocalProtocolError("A part beyond ASCII does not fit into 7bit; take 8bit, base64 or another.")
    if encoding not in get_args(TransferEncoding):
        raise LocalProtocolError(f"{encoding!r} is none of {', '.join(get_args(TransferEncoding))}.")
    return content


def _split(boundary: str, body: bytes) -> list[bytes]:
    """The parts between the boundaries (RFC 2046 §5.1.1), each with the line end that follows its boundary."""
    delimiter = rb"\r?\n--" + re.escape(boundary.encode("utf-8", "surrogateescape"))
    before_end = re.split(delimiter + b"--", b"\r\n" + body, maxsplit=1)[0]
    parts = re.split(delimiter + rb"[ \t]*(?=\r?\n)", before_end, maxsplit=MAX_PARTS + 1)[1:]
    if not boundary or not 1 <= len(parts) <= MAX_PARTS:
        raise RemoteProtocolError(f"A multipart body needs a boundary and 1 to {MAX_PARTS} parts.")
    return parts


def _part(source: bytes) -> Part:
    match = _HEADERS.fullmatch(source)
    if match is None:
        raise RemoteProtocolError("A part of the body has no blank line after its headers.")
    head = re.sub(r"\r?\n[ \t]+", " ", match[1].decode("utf-8", "surrogateescape"))
    content_type, encoding, others = "text/plain", "binary", []
    for line in filter(None, re.split(r"\r?\n", head)):
        name, _, value = (piece.strip() for piece in line.partition(":"))
        if name.lower() == "content-type":
            content_type = value
        elif name.lower() == "content-transfer-encoding":
            encoding = value
        else:
            others.append((name, value))
    return Part(content_type, _unwrapped(encoding, match[2]), tuple(others))


def _unwrapped(encoding: str, content: bytes) -> bytes:
    match encoding.lower():
        case "7bit" | "8bit" | "binary":
            return content
        case "quoted-printable":
            return binascii.a2b_qp(content)
        case "base64":
            try:
                return binascii.a2b_base64(content)
            except binascii.Error as error:
                raise RemoteProtocolError(f"A part says it is base64, but is not: {error}.") from error
        case _:
            raise RemoteProtocolError(
                f"The transfer encoding {encoding[:40]!r} is not understood here.", status_hint=415
            )

"""The text in the body of a MESSAGE: plain, HTML, RTF, or several of them at once (RFC 3428 §4, dialect facts §4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.chat import charset
from simulator.chat.font import FontHint, read_msgr, write_msgr
from simulator.chat.formats import ALTERNATIVE, HTML, PLAIN_TEXT, RTF, TEXTS, TextFormat
from simulator.chat.formats import PLAIN as PLAIN  # the type of a body that does not say
from simulator.chat.html import read_html, write_html
from simulator.chat.multipart import Part, read_multipart, write_multipart
from simulator.chat.rtf import read_rtf, write_rtf
from simulator.errors import RemoteProtocolError
from simulator.sip.fields import MediaType

READABLE = (*TEXTS, ALTERNATIVE)
"What `read_body` understands: for an Accept header and for the accept-types of an offer."

MAX_BYTES = 5_120_000
"What Skype for Business takes of another server (5,000 kB, dialect facts §7); a larger body is refused unread."


@dataclass(frozen=True, slots=True)
class ReadBody:
    """What a body of a chat says."""

    text: str
    "What a person would read, with nothing normalised."
    media_type: str
    "Of the text that was read: one of TEXTS."
    offered: tuple[str, ...]
    "The media types of all alternatives, in their order; one where the body is a single text."
    font: FontHint | None = None
    "The hint of a plain text; None where there is none that can be read."


def encode(text: str, form: TextFormat = PLAIN_TEXT) -> tuple[str, bytes]:
    """The Content-Type value and the body for `text`, in UTF-8 as Skype for Business writes it.

    Raises LocalProtocolError for half a surrogate pair, which no charset holds, and for NUL in HTML.
    """
    if len(form.media_types) == 1:
        return _encode_one(text, form.media_types[0], form.font)
    parts = [Part(*_encode_one(text, media_type, form.font)) for media_type in form.media_types]
    return write_multipart(parts, encoding=form.encoding)


def read_body(content_type: str | MediaType | None, body: bytes, *, prefer: Sequence[str] = TEXTS) -> ReadBody:
    """The text of a body; `content_type` is the whole header value, None where the header is missing.

    Of several alternatives the first of `prefer` is taken (a receiver such as pidgin-sipe prefers HTML and RTF), of
    which one is enough. Raises RemoteProtocolError with status_hint 415 for a type or charset that is not understood,
    413 for more than MAX_BYTES and 400 for bytes that are not what they claim to be.
    """
    if len(body) > MAX_BYTES:
        raise RemoteProtocolError(f"A text of {len(body)} bytes is over the limit of {MAX_BYTES}.", status_hint=413)
    media_type = content_type if isinstance(content_type, MediaType) else MediaType.parse(content_type or PLAIN)
    if media_type.name != ALTERNATIVE:
        return _read_one(media_type, body, (media_type.name,))
    parts = read_multipart(media_type, body)
    types = [MediaType.parse(part.content_type) for part in parts]
    offered = tuple(found.name for found in types)
    for wanted in prefer:
        if wanted in offered:
            index = offered.index(wanted)
            return _read_one(types[index], parts[index].content, offered)
    raise RemoteProtocolError(
        f"None of the alternatives is {' or '.join(prefer)}: {', '.join(offered)[:200]}.", status_hint=415
    )


def decode_body(content_type: str | MediaType | None, body: bytes) -> str:
    """Just the text of `read_body`."""
    return read_body(content_type, body).text


def _encode_one(text: str, media_type: str, font: FontHint | None) -> tuple[str, bytes]:
    match media_type:
        case "text/plain":
            hint = f";msgr={write_msgr(font)}" if font is not None else ""
            return f"{PLAIN}; charset=UTF-8{hint}", charset.encode(text)
        case "text/html":
            return f"{HTML}; charset=UTF-8", charset.encode(write_html(text))
        case _:
            return f"{RTF}; charset=UTF-8", write_rtf(text)


def _read_one(media_type: MediaType, body: bytes, offered: tuple[str, ...]) -> ReadBody:
    said = media_type.params.get("charset")
    match media_type.name:
        case "text/plain":
            msgr = media_type.params.get("msgr")
            text = charset.decode(body, said or "utf-8")
            return ReadBody(text, PLAIN, offered, read_msgr(msgr) if msgr else None)
        case "text/html":
            return ReadBody(read_html(charset.decode(body, said or "utf-8")), HTML, offered)
        case "text/rtf":
            return ReadBody(read_rtf(body, said), RTF, offered)
        case name:
            raise RemoteProtocolError(f"A body of type {name[:80]!r} is not understood here.", status_hint=415)

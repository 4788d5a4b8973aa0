"""The text in the body of a MESSAGE (RFC 3428 §4): plain, HTML, or the plain one of several alternatives."""

from __future__ import annotations

import binascii
import codecs
import re
from html import unescape

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import MediaType

PLAIN = "text/plain"
HTML = "text/html"
ALTERNATIVE = "multipart/alternative"
READABLE = (PLAIN, HTML, ALTERNATIVE)
"What decode_body understands: for an Accept header and for the accept-types of an offer."

MAX_PARTS = 20
"A body with more alternatives is refused."

CHARSETS = frozenset(
    ["utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "koi8-r"]
    + ["gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
    + [f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)]
    + [f"cp{number}" for number in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874, 932, 949, 950)]
)
"Python's names of the charsets that are texts; codecs such as `unicode_escape` are not for bytes of a stranger."


def encode(text: str, *, media_type: str = PLAIN) -> tuple[str, bytes]:
    """The Content-Type value and the body for `text`, in UTF-8 as Skype for Business writes it.

    Raises LocalProtocolError for half a surrogate pair, which no charset holds.
    """
    try:
        return f"{media_type}; charset=UTF-8", text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"{text!r} holds half a surrogate pair and cannot be sent.") from error


def decode_body(content_type: str | MediaType | None, body: bytes) -> str:
    """The text that a person would read; `content_type` is the whole header value, None where the header is missing.

    HTML loses its markup; of alternatives the plain one is taken, else the HTML one. The font hint (`msgr`) is ignored.
    Raises RemoteProtocolError with status_hint 415 for a type or charset that is not understood and 400 for bytes that
    are not in the charset they claim.
    """
    media_type = content_type if isinstance(content_type, MediaType) else MediaType.parse(content_type or PLAIN)
    if media_type.name == ALTERNATIVE:
        return _alternative(media_type.params.get("boundary") or "", body)
    if media_type.name not in (PLAIN, HTML):
        raise RemoteProtocolError(f"A body of type {media_type.name[:80]!r} is not understood here.", status_hint=415)
    text = _decode(body, media_type.params.get("charset") or "utf-8")
    return strip_html(text) if media_type.name == HTML else text


def strip_html(markup: str) -> str:
    """The text of an HTML message: tags gone, line breaks where <br> and paragraphs have them, entities resolved.

    Takes time linear in the size of the markup, whatever it is (the standard library's parser takes minutes for 60 kB).
    """
    pieces: list[str] = []
    without_end: set[str] = set()
    at = 0
    while (start := markup.find("<", at)) >= 0:
        pieces.append(_flowed(markup[at:start]))
        if markup.startswith("<!--", start):
            end = markup.find("-->", start)
            at = end + 3 if end >= 0 else len(markup)
            continue
        tag = _TAG.match(markup, start)
        if tag is None:
            pieces.append("<")
            at = start + 1
            continue
        name = (tag[1] or "").lower()
        at = _end_of_hidden(markup, name, tag.end(), without_end)
        if name == "br" or name in _BLOCKS:
            pieces.append("\n")
    pieces.append(_flowed(markup[at:]))
    lines = (line.strip(" ") for line in unescape("".join(pieces)).split("\n"))
    return "\n".join(line for line in lines if line)


def _flowed(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text)


def _end_of_hidden(markup: str, name: str, at: int, without_end: set[str]) -> int:
    """Where the text goes on after a tag: behind the whole element if it is one that does not show."""
    if name not in _HIDDEN or name in without_end:
        return at
    end = re.compile(rf"</{name}[^<>]*>", re.IGNORECASE).search(markup, at)
    if end is None:
        without_end.add(name)
        return at
    return end.end()


_HIDDEN = frozenset(["script", "style", "head", "title"])
_BLOCKS = frozenset(["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol"])
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[^<>]*>|<[!?/][^<>]*>")
_PART = re.compile(rb"\r?\n((?:[^\r\n][^\n]*\n)*)\r?\n(.*)", re.DOTALL)


def _decode(body: bytes, charset: str) -> str:
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.name not in CHARSETS:
        raise RemoteProtocolError(f"The charset {charset[:40]!r} is not understood here.", status_hint=415)
    try:
        return codec.decode(body, "strict")[0]
    except UnicodeError as error:
        raise RemoteProtocolError(f"The body says it is {charset[:40]}, but its bytes are not.") from error


def _alternative(boundary: str, body: bytes) -> str:
    parts = [_part(part) for part in _split(boundary, body)]
    for wanted in (PLAIN, HTML):
        for headers, content in parts:
            content_type = MediaType.parse(headers.get("content-type") or PLAIN)
            if content_type.name == wanted:
                return decode_body(
                    content_type, _transferred(headers.get("content-transfer-encoding", "binary"), content)
                )
    raise RemoteProtocolError("None of the alternatives is plain text or HTML.", status_hint=415)


def _split(boundary: str, body: bytes) -> list[bytes]:
    """The parts between the boundaries (RFC 2046 §5.1.1), each with the line end that follows its boundary."""
    delimiter = rb"\r?\n--" + re.escape(boundary.encode("utf-8", "surrogateescape"))
    before_end = re.split(delimiter + b"--", b"\r\n" + body, maxsplit=1)[0]
    parts = re.split(delimiter + rb"[ \t]*(?=\r?\n)", before_end, maxsplit=MAX_PARTS + 1)[1:]
    if not boundary or not 1 <= len(parts) <= MAX_PARTS:
        raise RemoteProtocolError(f"A body of alternatives needs a boundary and 1 to {MAX_PARTS} parts.")
    return parts


def _part(part: bytes) -> tuple[dict[str, str], bytes]:
    match = _PART.fullmatch(part)
    if match is None:
        raise RemoteProtocolError("A part of the alternatives has no blank line after its headers.")
    head = re.sub(r"\r?\n[ \t]+", " ", match[1].decode("utf-8", "surrogateescape"))
    fields = [line.partition(":") for line in head.splitlines()]
    return {name.strip().lower(): value.strip() for name, _, value in fields}, match[2]


def _transferred(encoding: str, content: bytes) -> bytes:
    """The bytes behind a Content-Transfer-Encoding (RFC 2045 §6)."""
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

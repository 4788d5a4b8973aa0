"""The text in the body of a MESSAGE (RFC 3428 §4): plain, HTML, or the plain one of several alternatives."""

from __future__ import annotations

import codecs
import re

from simulator.errors import LocalProtocolError, RemoteProtocolError

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


def decode_body(content_type: str | None, body: bytes) -> str:
    """The text that a person would read; `content_type` is the whole header value, None where the header is missing.

    HTML loses its markup; of alternatives the plain one is taken, else the HTML one. The font hint (`msgr`) is ignored.
    Raises RemoteProtocolError with status_hint 415 for a type or charset that is not understood and 400 for bytes that
    are not in the charset they claim.
    """
    media_type, parameters = _content_type(PLAIN if content_type is None else content_type)
    if media_type == ALTERNATIVE:
        return _alternative(content_type or "", body)
    if media_type not in (PLAIN, HTML):
        raise RemoteProtocolError(f"A body of type {media_type[:80]!r} is not understood here.", status_hint=415)
    text = _decode(body, parameters.get("charset", "utf-8"))
    return strip_html(text) if media_type == HTML else text


def strip_html(markup: str) -> str:
    """The text of an HTML message: tags gone, line breaks where <br> and paragraphs have them, entities resolved."""
    from html.parser import HTMLParser

    class _Text(HTMLParser):
        skipped = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its signature
            self.skipped += tag in _INVISIBLE
            if tag == "br" or (tag in _BLOCKS and pieces):
                pieces.append("\n")

        def handle_endtag(self, tag: str) -> None:
            self.skipped -= tag in _INVISIBLE and self.skipped > 0

        def handle_data(self, data: str) -> None:
            if not self.skipped:
                pieces.append(re.sub(r"[ \t\r\n]+", " ", data))

    pieces: list[str] = []
    parser = _Text(convert_charrefs=True)
    parser.feed(markup)
    parser.close()
    lines = "".join(pieces).split("\n")
    return "\n".join(line.strip(" ") for line in lines).strip("\n")


_INVISIBLE = frozenset(["script", "style", "head", "title"])
_BLOCKS = frozenset(["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol"])
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')


def _content_type(value: str) -> tuple[str, dict[str, str]]:
    parameters = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in _PARAMETER.findall(value)
    }
    return value.partition(";")[0].strip().lower(), parameters


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


def _alternative(content_type: str, body: bytes) -> str:
    from email.parser import BytesParser
    from email.policy import HTTP

    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "surrogateescape")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = [part for part in message.walk() if not part.is_multipart()]
    if not message.is_multipart() or len(parts) > MAX_PARTS:
        raise RemoteProtocolError(f"A body of alternatives needs a boundary and 1 to {MAX_PARTS} parts.")
    for wanted in (PLAIN, HTML):
        for part in parts:
            if part.get_content_type() == wanted:
                payload = part.get_payload(decode=True)
                content = payload if isinstance(payload, bytes) else b""
                return decode_body(str(part.get("Content-Type", PLAIN)), content)
    raise RemoteProtocolError("None of the alternatives is plain text or HTML.", status_hint=415)

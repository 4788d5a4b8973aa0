"""SIP requests and responses that keep every byte they were parsed from (RFC 3261 §7)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.header_names import key_of
from simulator.sip.headers import Headers, check_writable
from simulator.sip.reasons import REASONS as REASONS  # part of this module for those who build responses
from simulator.sip.text import TOKEN, parse_number, shown
from simulator.sip.uri import SipUri
from simulator.sip.views import HeaderViews

SIP_VERSION = "SIP/2.0"

DIALOG_METHODS = frozenset({"INVITE", "SUBSCRIBE", "NOTIFY", "REFER"})
"Methods whose 2xx (and 101-199) make a dialog, so that Record-Route is copied (RFC 3261 §12.1.1, RFC 6665 §4.4.1)."

_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})
_COPIED_WITH_ROUTE = _COPIED | {"record-route"}
_COPIED_INTO_TRYING = _COPIED | {"timestamp"}
_URI_TEXT = re.compile(r"[^\s<>\x00-\x20\x7f]+")
_REQUEST_LINE = re.compile(rf"({TOKEN.pattern}) ({_URI_TEXT.pattern}) SIP/2\.0(?=\r\n|\Z)").match


class Message(HeaderViews, ABC):
    """What requests and responses share: headers, body and (see HeaderViews) the typed views of the headers."""

    __slots__ = ("body", "headers", "version")

    headers: Headers
    "Raw and in order."
    body: bytes
    "To replace it, use `set_body`, which also writes Content-Length."
    version: str
    "As received; `SIP/2.0` when built."

    @property
    @abstractmethod
    def start_line(self) -> str:
        """The first line without its CRLF."""

    def __bytes__(self) -> bytes:
        """The message as it goes over the wire: for a parsed one exactly the bytes it came from."""
        head = f"{self.start_line}{self.headers.block}\r\n\r\n".encode("utf-8", "surrogateescape")
        return head + self.body if self.body else head

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Message) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<{self.start_line}, {len(self.headers)} headers, {len(self.body)} bytes of body>"

    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        """Replace the body; writes Content-Length and, where given, Content-Type, which an empty body loses."""
        if not body:
            self.headers.remove("Content-Type")
        elif content_type is not None:
            self.headers.set("Content-Type", content_type)
        elif "Content-Type" not in self.headers:
            raise LocalProtocolError("a body needs a Content-Type (RFC 3261 §20.15)")
        self.body = body
        self.headers.set("Content-Length", str(len(body)))

    @property
    def content_length(self) -> int | None:
        """What the header says, which for a message from a stream is the length of `body`."""
        return content_length(self.headers)

    def validate(self) -> None:
        """Raise RemoteProtocolError unless the headers that all messages need are well-formed (RFC 3261 §8.1.1).

        Every line must be a header. Looks at the top Via, From, To, Call-ID, CSeq and, where present, Max-Forwards
        (RFC 2543 peers send none).
        """
        self.headers.check()
        _ = self.essentials


def _complete(headers: Iterable[tuple[str, str]], body: bytes, content_type: str | None) -> list[tuple[str, str]]:
    """The headers, then Content-Type and Content-Length as the body wants them; raises LocalProtocolError."""
    complete = [*headers]
    given = {key_of(name) for name, _ in complete}
    if "content-length" in given:
        raise LocalProtocolError("Content-Length is written by us; leave it out")
    if content_type is not None:
        if "content-type" in given:
            raise LocalProtocolError("Content-Type is given twice")
        complete.append(("Content-Type", content_type))
    elif body and "content-type" not in given:
        raise LocalProtocolError("a body needs a Content-Type (RFC 3261 §20.15)")
    complete.append(("Content-Length", str(len(body))))
    return complete


class Request(Message):
    """A SIP request. `method` and `uri` are the texts of the request line; nothing of it is checked here."""

    __slots__ = ("method", "uri")

    def __init__(
        self, method: str, uri: str, headers: Headers, body: bytes = b"", *, version: str = SIP_VERSION
    ) -> None:
        self.method = method
        self.uri = uri
        self.headers = headers
        self.body = body
        self.version = version

    @classmethod
    def build(
        cls,
        method: str,
        uri: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Request:
        """A new request: the headers in the order given, then Content-Type and Content-Length.

        Raises LocalProtocolError on a line break or blank where none may be, on a given Content-Length, and on a body
        without Content-Type. Whoever wants a request that no peer may send says so: `Request(...)` with
        `Headers.unchecked(...)` takes any text.
        """
        if TOKEN.fullmatch(method) is None:
            raise LocalProtocolError(f"{shown(method)} is no method")
        if _URI_TEXT.fullmatch(uri) is None:
            raise LocalProtocolError(f"{shown(uri)} is no Request-URI")
        check_writable(uri, "the Request-URI")
        return cls(method, uri, Headers(_complete(headers, body, content_type)), body)

    @property
    def start_line(self) -> str:
        """`METHOD uri SIP/2.0`."""
        return f"{self.method} {self.uri} {self.version}"

    @property
    def parsed_uri(self) -> SipUri:
        """The Request-URI in parts. Raises RemoteProtocolError (416 for a scheme other than sip, sips, tel)."""
        return SipUri.parse(self.uri)

    def copy(self) -> Request:
        """A request of its own with the same bytes."""
        return Request(self.method, self.uri, self.headers.copy(), self.body, version=self.version)

    def validate(self) -> None:
        """As for every message; the CSeq must name this method (RFC 3261 §8.1.1.5), and the URI be one (416, 400)."""
        super().validate()
        _ = self.parsed_uri
        named = self.essentials.cseq.method
        if named != self.method:
            raise RemoteProtocolError(f"the CSeq names {named}, the request line {self.method}")

    def respond(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """A response to this request (RFC 3261 §8.2.6), even to a malformed one: what there is to echo is echoed.

        Via, From, To, Call-ID and CSeq are copied raw and in their order; Record-Route too for 101-299 to a method that
        makes dialogs; Timestamp for 100. `to_tag` is appended where To has no tag yet. `reason` defaults to REASONS.
        Raises as `Request.build`.
        """
        if not 100 <= status <= 699:
            raise LocalProtocolError(f"{status} is no status code")
        if reason is None:
            reason = REASONS.get(status, "")
        else:
            check_writable(reason, "the reason")
        copied = _COPIED
        if status == 100:
            copied = _COPIED_INTO_TRYING
        elif status < 300 and self.method in DIALOG_METHODS:
            copied = _COPIED_WITH_ROUTE
        lines = self.headers.lines_of(copied)
        if to_tag is not None:
            self._add_to_tag(lines, to_tag)
        if headers or body or content_type is not None:
            lines += Headers(_complete(headers, body, content_type)).lines
        else:
            lines.append("Content-Length: 0")
        return Response(status, reason, Headers.unchecked(lines), body)

    def _add_to_tag(self, lines: list[str], tag: str) -> None:
        """Append `;tag=` to the raw To, which is one of the lines, unless it has a tag or is too broken to tell."""
        if not (tag.isalnum() and tag.isascii()) and TOKEN.fullmatch(tag) is None:
            raise LocalProtocolError(f"{shown(tag)} is no tag")
        try:
            if self.to.tag is not None:
                return
        except RemoteProtocolError:
            return
        lines[lines.index(self.headers.line_of("to"))] += f";tag={tag}"


class Response(Message):
    """A SIP response. `status` is 100 to 699, `reason` the phrase as written."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, headers: Headers, body: bytes = b"", *, version: str = SIP_VERSION
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.version = version

    @property
    def start_line(self) -> str:
        """`SIP/2.0 status reason`."""
        return f"{self.version} {self.status} {self.reason}"

    @property
    def is_final(self) -> bool:
        """Whether this ends the transaction: 200 or more."""
        return self.status >= 200

    def copy(self) -> Response:
        """A response of its own with the same bytes."""
        return Response(self.status, self.reason, self.headers.copy(), self.body, version=self.version)


def content_length(headers: Headers) -> int | None:
    """What Content-Length says. Raises RemoteProtocolError when it is no number, or stands there more than once, be it
    with the same number (RFC 3261 §7.3.1)."""
    values = headers.content_lengths()
    if not values:
        return None
    if len(values) == 1 and len(values[0]) < 10 and values[0].isdigit() and values[0].isascii():
        return int(values[0])
    length = parse_number(values[0], "Content-Length", 2**63)
    if any(parse_number(value, "Content-Length", 2**63) != length for value in values[1:]):
        raise RemoteProtocolError("two Content-Length headers contradict each other")
    if len(values) > 1:
        raise RemoteProtocolError("there is more than one Content-Length")
    return length


def parse(data: bytes) -> Request | Response:
    """The one message that `data` is, all of it. Raises RemoteProtocolError.

    Without Content-Length the body is the rest, as in a datagram; with one that is not the length of the body, `data`
    is refused. Limits belong to `framing.MessageReader`. Only the start line and Content-Length are looked at here:
    what else is wrong with a header, its view and `Message.validate` say.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise RemoteProtocolError("no empty line ends the headers")
    message = parse_head(data[:end])
    message.body = data[end + 4 :]
    length = content_length(message.headers)
    if length is not None and length != len(message.body):
        raise RemoteProtocolError(f"Content-Length is {length}, the body has {len(message.body)} bytes")
    return message


def parse_head(head: bytes | bytearray) -> Request | Response:
    """The message, body still empty, of a head without the CRLFCRLF at its end. Raises RemoteProtocolError."""
    text = head.decode("utf-8", "surrogateescape")
    request = _REQUEST_LINE(text)
    if request is not None:
        return Request(request[1], request[2], Headers.from_block(text[request.end() :]))
    start, line_end, block = text.partition("\r\n")
    headers = Headers.from_block(line_end + block)
    first, _, rest = start.partition(" ")
    if first[:4].upper() == "SIP/":
        return _response(first, rest, start, headers)
    uri, _, version = rest.rpartition(" ")
    if version != SIP_VERSION:
        _check_version(version, start)
    if TOKEN.fullmatch(first) is None or _URI_TEXT.fullmatch(uri) is None:
        raise RemoteProtocolError(f"the request line is malformed: {shown(start)}")
    return Request(first, uri, headers, version=version)


def salvage_request(head: bytes | bytearray) -> Request | None:
    """What `parse_head` refused, as far as an answer to it needs: a request whose request line is wrong somewhere."""
    start, _, block = head.decode("utf-8", "surrogateescape").partition("\r\n")
    method, _, rest = start.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if TOKEN.fullmatch(method) is None or "SIP/" not in rest.upper():
        return None
    return Request(method, uri, Headers.from_block(f"\r\n{block}" if block else ""), version=version)


def _response(version: str, rest: str, start: str, headers: Headers) -> Response:
    if version != SIP_VERSION:
        _check_version(version, start)
    status, blank, reason = rest.partition(" ")
    if (
        "\r" in reason
        or "\n" in reason
        or not blank
        or len(status) != 3
        or not (status.isascii() and status.isdigit())
        or not "1" <= status[0] <= "6"
    ):
        raise RemoteProtocolError(f"the status line is malformed: {shown(start)}")
    return Response(int(status), reason, headers, version=version)


_VERSION = re.compile(r"SIP/\d+\.\d+", re.IGNORECASE | re.ASCII)


def _check_version(version: str, start: str) -> None:
    """The version compares case-insensitively; another one than 2.0 is 505 (RFC 3261 §7.1, RFC 4475 §3.1.2.16)."""
    if version.upper() == SIP_VERSION:
        return
    if _VERSION.fullmatch(version):
        raise RemoteProtocolError(f"{version} is not spoken here", status_hint=505)
    raise RemoteProtocolError(f"the first line is no SIP start line: {shown(start)}")

"""SIP requests and responses that keep every byte they were parsed from (RFC 3261 §7)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeVar

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.fields import CSeq, EventHeader, MediaType, NameAddr, SubscriptionState, Via
from simulator.sip.headers import Headers, check_writable
from simulator.sip.reasons import REASONS as REASONS  # part of this module for those who build responses
from simulator.sip.text import TOKEN, parse_number, shown, split_top_level
from simulator.sip.uri import SipUri

Parsed = TypeVar("Parsed")

SIP_VERSION = "SIP/2.0"

DIALOG_METHODS = frozenset({"INVITE", "SUBSCRIBE", "NOTIFY", "REFER"})
"Methods whose 2xx (and 101-199) make a dialog, so that Record-Route is copied (RFC 3261 §12.1.1, RFC 6665 §4.4.1)."

_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})
_COPIED_WITH_ROUTE = _COPIED | {"record-route"}
_COPIED_INTO_TRYING = _COPIED | {"timestamp"}
_URI_TEXT = re.compile(r"[^\s<>\x00-\x20\x7f]+")
_STRAY_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")


class Message(ABC):
    """What requests and responses share: headers, body and the typed views of the headers.

    Every view raises RemoteProtocolError when its header is malformed, stands twice where once is allowed, or (where
    the type has no None) is missing. Views are made on first use and remembered until a header changes.
    """

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
        head = "\r\n".join((self.start_line, *self.headers.lines, "\r\n"))
        return head.encode("utf-8", "surrogateescape") + self.body

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
    def vias(self) -> list[Via]:
        """Every Via, the last hop's first; empty where there is none."""
        return self.headers.view("vias", _vias)

    @property
    def top_via(self) -> Via:
        """The Via of whoever sent this to us; only this one is parsed, the lower ones are others' business."""
        return self.headers.view("top-via", _top_via)

    @property
    def from_(self) -> NameAddr:
        """Who sent this."""
        return self.headers.view("from", _from)

    @property
    def to(self) -> NameAddr:
        """Whom it is for."""
        return self.headers.view("to", _to)

    @property
    def call_id(self) -> str:
        """The Call-ID as written."""
        return self.headers.view("call-id", _call_id)

    @property
    def cseq(self) -> CSeq:
        """Sequence number and method."""
        return self.headers.view("cseq", _cseq)

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact."""
        return self.headers.view("contacts", _contacts)

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact: the remote target where a dialog is made (RFC 3261 §12.1)."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def record_routes(self) -> tuple[str, ...]:
        """Every Record-Route value in order of the message, text untouched, as a Route must give it back."""
        return self.headers.view("record-routes", lambda headers: tuple(headers.values("record-route")))

    @property
    def routes(self) -> tuple[str, ...]:
        """Every Route value in order of the message, text untouched."""
        return self.headers.view("routes", lambda headers: tuple(headers.values("route")))

    @property
    def max_forwards(self) -> int | None:
        """0 to 255; 0 is usual on NEGOTIATE."""
        value = self.headers.only("max-forwards")
        return None if value is None else parse_number(value, "Max-Forwards", 255)

    @property
    def expires(self) -> int | None:
        """Seconds, 0 to 2**32-1."""
        value = self.headers.only("expires")
        return None if value is None else parse_number(value, "Expires", 2**32 - 1)

    @property
    def content_length(self) -> int | None:
        """What the header says, which for a message from a stream is the length of `body`."""
        return content_length(self.headers)

    @property
    def event(self) -> EventHeader | None:
        """The event package of SUBSCRIBE, NOTIFY and PUBLISH."""
        return self._optional("event", EventHeader.parse)

    @property
    def subscription_state(self) -> SubscriptionState | None:
        """How the subscription stands, from a NOTIFY (or a 200 that piggybacks the first one)."""
        return self._optional("subscription-state", SubscriptionState.parse)

    @property
    def media_type(self) -> MediaType | None:
        """The whole Content-Type."""
        return self._optional("content-type", MediaType.parse)

    @property
    def content_type(self) -> str | None:
        """`type/subtype` in lower case, without parameters."""
        media_type = self.media_type
        return None if media_type is None else media_type.name

    @property
    def content_params(self) -> dict[str, str | None]:
        """The parameters of Content-Type, for instance `charset`, names in lower case."""
        media_type = self.media_type
        return {} if media_type is None else media_type.params

    def _optional(self, key: str, parse: Callable[[str], Parsed]) -> Parsed | None:
        def make(headers: Headers) -> Parsed | None:
            value = headers.only(key)
            return None if value is None else parse(value)

        return self.headers.view(key, make)

    def validate(self) -> None:
        """Raise RemoteProtocolError unless the headers that all messages need are well-formed (RFC 3261 §8.1.1).

        Looks at the top Via, From, To, Call-ID, CSeq and, where present, Max-Forwards (RFC 2543 peers send none).
        """
        _ = (self.top_via, self.from_, self.to, self.call_id, self.max_forwards, self.cseq)

    def _fill(self, headers: Iterable[tuple[str, str]], body: bytes, content_type: str | None) -> None:
        """Append `headers`, then Content-Type and Content-Length as the body wants them."""
        for name, value in headers:
            self.headers.add(name, value)
        if "content-length" in self.headers:
            raise LocalProtocolError("Content-Length is written by us; leave it out")
        if content_type is not None:
            if "content-type" in self.headers:
                raise LocalProtocolError("Content-Type is given twice")
            self.headers.add("Content-Type", content_type)
        elif body and "content-type" not in self.headers:
            raise LocalProtocolError("a body needs a Content-Type (RFC 3261 §20.15)")
        self.headers.add("Content-Length", str(len(body)))


class Request(Message):
    """A SIP request. `method` and `uri` are the texts of the request line."""

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
        without Content-Type. What a peer must never send can't be built here; such bytes are sent raw.
        """
        if TOKEN.fullmatch(method) is None:
            raise LocalProtocolError(f"{shown(method)} is no method")
        if _URI_TEXT.fullmatch(uri) is None:
            raise LocalProtocolError(f"{shown(uri)} is no Request-URI")
        check_writable(uri, "the Request-URI")
        request = cls(method, uri, Headers())
        request._fill(headers, body, content_type)
        request.body = body
        return request

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
        """As for every message, and the CSeq must name this method (RFC 3261 §8.1.1.5)."""
        super().validate()
        if self.cseq.method != self.method:
            raise RemoteProtocolError(f"the CSeq names {self.cseq.method}, the request line {self.method}")

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
        response = Response(status, REASONS.get(status, "") if reason is None else reason, Headers())
        check_writable(response.reason, "the reason")
        copied = _COPIED
        if status == 100:
            copied = _COPIED_INTO_TRYING
        elif status < 300 and self.method in DIALOG_METHODS:
            copied = _COPIED_WITH_ROUTE
        response.headers.copy_from(self.headers, copied)
        if to_tag is not None:
            response._add_to_tag(to_tag)
        response._fill(headers, body, content_type)
        response.body = body
        return response


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

    def _add_to_tag(self, tag: str) -> None:
        """Append `;tag=` to the raw To unless it has one, or is too broken to tell."""
        if TOKEN.fullmatch(tag) is None:
            raise LocalProtocolError(f"{shown(tag)} is no tag")
        try:
            if self.to.tag is not None:
                return
        except RemoteProtocolError:
            return
        self.headers.append_to_first("to", f";tag={tag}")


def content_length(headers: Headers) -> int | None:
    """What Content-Length says. Raises RemoteProtocolError when it is no number or two contradict each other."""
    values = headers.get_all("content-length")
    if not values:
        return None
    length = parse_number(values[0], "Content-Length", 2**63)
    if any(parse_number(value, "Content-Length", 2**63) != length for value in values[1:]):
        raise RemoteProtocolError("two Content-Length headers contradict each other")
    return length


def parse(data: bytes) -> Request | Response:
    """The one message that `data` is, all of it. Raises RemoteProtocolError.

    Without Content-Length the body is the rest, as in a datagram; with one that is not the length of the body, `data`
    is refused. Limits belong to `framing.MessageReader`. The views are lazy: a message is accepted here whose From is
    malformed; see `Message.validate`.
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
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks:
        raise RemoteProtocolError("a CR or LF stands alone in the headers")
    start = lines.pop(0)
    headers = Headers.from_lines(lines)
    first, _, rest = start.partition(" ")
    if first[:4].upper() == "SIP/":
        return _response(first, rest, start, headers)
    uri, _, version = rest.rpartition(" ")
    if version != SIP_VERSION:
        _check_version(version, start)
    if TOKEN.fullmatch(first) is None or _URI_TEXT.fullmatch(uri) is None:
        raise RemoteProtocolError(f"the request line is malformed: {shown(start)}")
    return Request(first, uri, headers, version=version)


def _response(version: str, rest: str, start: str, headers: Headers) -> Response:
    if version != SIP_VERSION:
        _check_version(version, start)
    status, blank, reason = rest.partition(" ")
    if not blank or len(status) != 3 or not (status.isascii() and status.isdigit()) or not "1" <= status[0] <= "6":
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


def _required(headers: Headers, key: str, spelled: str) -> str:
    value = headers.only(key)
    if value is None:
        raise RemoteProtocolError(f"there is no {spelled}")
    return value


def _vias(headers: Headers) -> list[Via]:
    return [Via.parse(value) for value in headers.values("via")]


def _top_via(headers: Headers) -> Via:
    value = headers.get("via")
    if not value:
        raise RemoteProtocolError("there is no Via")
    return Via.parse(split_top_level(value)[0] if "," in value else value)


def _from(headers: Headers) -> NameAddr:
    return NameAddr.parse(_required(headers, "from", "From"))


def _to(headers: Headers) -> NameAddr:
    return NameAddr.parse(_required(headers, "to", "To"))


def _cseq(headers: Headers) -> CSeq:
    return CSeq.parse(_required(headers, "cseq", "CSeq"))


def _contacts(headers: Headers) -> list[NameAddr]:
    return [NameAddr.parse(value) for value in headers.values("contact")]


def _call_id(headers: Headers) -> str:
    value = _required(headers, "call-id", "Call-ID")
    if not value or " " in value or "\t" in value:
        raise RemoteProtocolError(f"{shown(value)} is no Call-ID")
    return value

"""Typed views of header values that keep the text they came from (RFC 3261 §20, RFC 6665 §8)."""

from __future__ import annotations

import os
import re
from itertools import count
from typing import NamedTuple

from simulator.errors import RemoteProtocolError
from simulator.sip.text import TOKEN, Params, end_of_quoted, parse_number, parse_params, quote, shown, unquote
from simulator.sip.uri import SipUri, parse_hostport

BRANCH_COOKIE = "z9hG4bK"
"What every RFC 3261 branch begins with (§8.1.1.7)."

_BLANK = " \t"
_BAD_URI = re.compile(r"[\s<>\x00-\x1f\x7f]")

# What most peers write, read in one match; whatever does not fit goes the long way, with the same result. The
# parameters are left for later: that they are well-formed, and what the one says that everybody asks for, is known.
_PLAIN_PARAMS = r"(?:;[^;=\s\"\x00-\x1f\x7f]++(?:=[^;\s\"\x00-\x1f\x7f]*+)?+)*+"
_USUAL_VIA = re.compile(
    r"SIP/2\.0/([A-Za-z]++) ([A-Za-z0-9_\-]++(?:\.[A-Za-z0-9_\-]++)*+)(?::([1-5][0-9]{4}|[0-9]{1,4}))?+"
    rf"((?:;branch=([^;\s\"\x00-\x1f\x7f]++))?+{_PLAIN_PARAMS})"
).fullmatch
_USUAL_NAME_ADDR = re.compile(
    r'(?:"([^"\\]*+)"[ \t]*+|(?![ \t])([^"<,;]*+))<([A-Za-z]++:[!-;=?-~]*+)>'
    rf"((?:;tag=([^;\s\"\x00-\x1f\x7f]++))?+{_PLAIN_PARAMS})"
).fullmatch
_USUAL_METHODS = frozenset(
    {"ACK", "BENOTIFY", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NEGOTIATE", "NOTIFY", "OPTIONS", "PRACK",
     "PUBLISH", "REFER", "REGISTER", "SERVICE", "SUBSCRIBE", "UPDATE"}
)  # fmt: skip

# The rarer values are named tuples because making one costs a quarter of a frozen dataclass; Via and NameAddr, which
# every message has, are cheaper still.


class _Value:
    """A header value with parameters, equal to any other of the same text."""

    __slots__ = ("_params", "_tail", "raw")

    raw: str
    "The value as it stood in the message."
    _tail: str
    "The text of the parameters, known to be well-formed."
    _params: Params | None
    "What it says, once somebody asked."

    @property
    def params(self) -> Params:
        """The parameters in order, names in lower case, None for one without `=`; not to be changed."""
        if self._params is None:
            self._params = parse_params(self._tail)
        return self._params

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __str__(self) -> str:
        return self.raw

    def __repr__(self) -> str:
        return f"{type(self).__name__}.parse({self.raw!r})"


class Via(_Value):
    """One Via value (RFC 3261 §20.42)."""

    __slots__ = ("_branch", "host", "port", "transport")

    def __init__(
        self, transport: str, host: str, port: int | None, tail: str, raw: str, *, branch: str | None = None
    ) -> None:
        """For `parse`: `tail` is the text of the parameters, known to be well-formed, `branch` one of them."""
        self.transport = transport
        "As written, usually `TLS`."
        self.host = host
        "sent-by host as written, an IPv6 reference without its brackets."
        self.port = port
        self.raw = raw
        self._tail = tail
        self._params = None
        self._branch = branch

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one value (no comma list). A Via without branch is fine. Raises RemoteProtocolError."""
        usual = _USUAL_VIA(text)
        if usual is not None:
            transport, host, port, tail, branch = usual.groups()
            return cls(transport, host, int(port) if port else None, tail, text, branch=branch)
        text = text.strip(_BLANK)
        head, semicolon, params = text.partition(";")
        protocol, _, sent_by = head.partition(" ")
        parts = protocol.split("/")
        if len(parts) != 3 or not sent_by:
            parts, sent_by = _spaced_via(head, text)
        name, version, transport = parts
        if name.upper() != "SIP" or version != "2.0" or TOKEN.fullmatch(transport) is None:
            raise RemoteProtocolError(f"the Via {shown(text)} is not SIP/2.0")
        host, digits = parse_hostport(sent_by.strip(_BLANK), text)
        via = cls(transport, host, digits, semicolon + params, text)
        via._params = parse_params(via._tail)
        return via

    @property
    def branch(self) -> str | None:
        """The branch parameter; None in an RFC 2543 style Via, which Microsoft clients send."""
        return self._branch or self.params.get("branch")

    @property
    def received(self) -> str | None:
        """Where the request came from, an IPv6 address without brackets: peers write both (RFC 5118 §4.5)."""
        received = self.params.get("received")
        return received[1:-1] if received and received[0] == "[" and received[-1] == "]" else received

    @property
    def rport(self) -> int | None:
        """The port that the request came from; None where it is missing or only asked for (RFC 3581 §3, §4)."""
        rport = self.params.get("rport")
        return parse_number(rport, "rport", 65535) if rport else None

    @property
    def asks_for_rport(self) -> bool:
        """Whether `rport` stands there without a value, so that the receiver fills it in (RFC 3581 §3)."""
        return "rport" in self.params and not self.params["rport"]

    @property
    def alias(self) -> bool:
        """Whether the sender takes requests on the connection that it opened (RFC 5923 §5)."""
        return "alias" in self.params

    @property
    def sent_by(self) -> str:
        """host[:port] in lower case, as the transaction key wants it (RFC 3261 §17.2.3)."""
        host = f"[{self.host.lower()}]" if ":" in self.host else self.host.lower()
        return host if self.port is None else f"{host}:{self.port}"


def _spaced_via(head: str, text: str) -> tuple[list[str], str]:
    """The rare `SIP / 2.0 / TLS  host : port`, blanks around the separators (RFC 4475 §3.1.1.1)."""
    parts = head.split("/", 2)
    if len(parts) != 3:
        raise RemoteProtocolError(f"{shown(text)} is no Via")
    transport, _, sent_by = parts[2].strip(_BLANK).replace("\t", " ").partition(" ")
    sent_by = sent_by.strip(_BLANK)
    if not sent_by:
        raise RemoteProtocolError(f"the Via {shown(text)} names no sender")
    return [parts[0].strip(_BLANK), parts[1].strip(_BLANK), transport], sent_by.replace(" ", "")


class NameAddr(_Value):
    """The value of From, To, Contact, Route and their kin (RFC 3261 §20.10).

    Its `params` are the header's; those inside the angle brackets belong to the URI.
    """

    __slots__ = ("_tag", "display_name", "uri")

    def __init__(self, display_name: str, uri: str, tail: str, raw: str, *, tag: str | None = None) -> None:
        """For `parse` and `build`: `tail` is the text of the parameters, known to be well-formed, `tag` one of them."""
        self.display_name = display_name
        "Without quotes and escapes; empty where there is none."
        self.uri = uri
        "The URI as written, without angle brackets; `*` for the Contact that removes all."
        self.raw = raw
        self._tail = tail
        self._params = None
        self._tag = tag

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read one value: `"Name"<uri>;params`, `Name <uri>` or a bare URI. Raises RemoteProtocolError."""
        usual = _USUAL_NAME_ADDR(text)
        if usual is not None:
            quoted, plain, uri, tail, tag = usual.groups()
            return cls(plain.strip(_BLANK) if quoted is None else quoted, uri, tail, text, tag=tag)
        text = text.strip(_BLANK)
        start = end_of_quoted(text, 0) if text[:1] == '"' else 0
        opening = text.find("<", start)
        if opening < 0:
            if start:
                raise RemoteProtocolError(f"no '<' follows the display name of {shown(text)}")
            return cls._parse_bare(text)
        closing = text.find(">", opening)
        if closing < 0:
            raise RemoteProtocolError(f"no '>' closes the '<' in {shown(text)}")
        display = text[:opening].strip(_BLANK)
        if start:
            if text[start:opening].strip(_BLANK):
                raise RemoteProtocolError(f"text stands between display name and '<' in {shown(text)}")
            display = unquote(display)
        elif "," in display:
            raise RemoteProtocolError(f"a display name with a comma needs quotes: {shown(text)}")
        elif '"' in display:
            return cls._parse_bare(text)  # the quote can only belong to a parameter, and the '<' to the quote
        params = text[closing + 1 :].lstrip(_BLANK)
        if params and params[0] != ";":
            raise RemoteProtocolError(f"text follows the '>' of {shown(text)}")
        return cls._checked(display, text[opening + 1 : closing], params, text)

    @classmethod
    def _parse_bare(cls, text: str) -> NameAddr:
        """A bare addr-spec: all parameters belong to the header, and `?` would need the brackets (RFC 3261 §20)."""
        uri, semicolon, params = text.partition(";")
        uri = uri.strip(_BLANK)
        if "?" in uri:
            raise RemoteProtocolError(f"a URI with '?' needs angle brackets: {shown(text)}")
        return cls._checked("", uri, semicolon + params, text, star_ok=True)

    @classmethod
    def _checked(cls, display_name: str, uri: str, tail: str, text: str, *, star_ok: bool = False) -> NameAddr:
        if not (star_ok and uri == "*") and (":" not in uri or _BAD_URI.search(uri) is not None):
            raise RemoteProtocolError(f"{shown(text)} holds no URI")
        value = cls(display_name, uri, tail, text)
        value._params = parse_params(tail)
        return value

    @classmethod
    def build(cls, uri: str, *, display_name: str = "", tag: str | None = None) -> NameAddr:
        """A value in brackets: `"Name" <uri>;tag=…`, the name quoted."""
        name = f"{quote(display_name)} " if display_name else ""
        return cls.parse(f"{name}<{uri}>" if tag is None else f"{name}<{uri}>;tag={tag}")

    @property
    def tag(self) -> str | None:
        """The tag parameter (RFC 3261 §19.3); None where there is none."""
        if self._tag is not None or not self._tail:
            return self._tag
        return self.params.get("tag")

    @property
    def parsed_uri(self) -> SipUri:
        """The URI in parts. Raises RemoteProtocolError (416 for a scheme other than sip, sips, tel)."""
        return SipUri.parse(self.uri)


class CSeq(NamedTuple):
    """Sequence number and method (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Raises RemoteProtocolError where the number is 2**31 or more, or the method no token."""
        number, _, method = text.partition(" ")
        if method in _USUAL_METHODS and len(number) < 10 and number.isdigit() and number.isascii():
            return cls(int(number), method)
        method = method.strip(_BLANK)
        if TOKEN.fullmatch(method) is None:
            number, _, method = text.replace("\t", " ").partition(" ")
            method = method.strip(" ")
            if TOKEN.fullmatch(method) is None:
                raise RemoteProtocolError(f"{shown(text)} is no CSeq")
        return cls(parse_number(number, "the CSeq number", 2**31 - 1), method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class EventHeader(NamedTuple):
    """The Event of SUBSCRIBE and NOTIFY (RFC 6665 §8.2.1)."""

    package: str
    "Event package with its templates, case kept, for instance `presence`."
    id: str | None
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> EventHeader:
        """Raises RemoteProtocolError where the package is no token."""
        package, params = _token_and_params(text, "Event")
        return cls(package, params.get("id"), params, text)

    def __str__(self) -> str:
        return self.raw


class SubscriptionState(NamedTuple):
    """The Subscription-State of a NOTIFY (RFC 6665 §8.2.3)."""

    state: str
    "Lower case: `active`, `pending`, `terminated` or an extension."
    expires: int | None
    "Seconds the subscription still lives; None where the notifier does not say."
    reason: str | None
    "Why it was terminated, lower case."
    retry_after: int | None
    "Seconds to wait before the next try."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> SubscriptionState:
        """Raises RemoteProtocolError where the state is no token or `expires`, `retry-after` no number."""
        state, params = _token_and_params(text, "Subscription-State")
        reason = params.get("reason")
        return cls(
            state.lower(),
            _seconds(params.get("expires"), "expires"),
            reason.lower() if reason else None,
            _seconds(params.get("retry-after"), "retry-after"),
            params,
            text,
        )

    def __str__(self) -> str:
        return self.raw


def _seconds(text: str | None, what: str) -> int | None:
    return None if text is None else parse_number(text, what, 2**32 - 1)


def _token_and_params(text: str, what: str) -> tuple[str, Params]:
    token, semicolon, params = text.partition(";")
    token = token.strip(_BLANK)
    if TOKEN.fullmatch(token) is None:
        raise RemoteProtocolError(f"{shown(text)} is no {what}")
    return token, parse_params(semicolon + params)


class MediaType(NamedTuple):
    """A Content-Type, or one element of Accept (RFC 3261 §20.15)."""

    name: str
    "`type/subtype` in lower case; `*` is possible in Accept."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Raises RemoteProtocolError where this is no `type/subtype`."""
        name, semicolon, params = text.partition(";")
        kind, slash, subtype = name.partition("/")
        kind, subtype = kind.strip(_BLANK), subtype.strip(_BLANK)
        if not slash or TOKEN.fullmatch(kind) is None or TOKEN.fullmatch(subtype) is None:
            raise RemoteProtocolError(f"{shown(text)} is no media type")
        return cls(f"{kind}/{subtype}".lower(), parse_params(semicolon + params), text)

    def __str__(self) -> str:
        return self.raw


_PREFIX = os.urandom(8).hex()
"Random per process, so that two processes never make the same identifier; the counter makes each unique within it."
_counter = count(1)


def new_tag() -> str:
    """A tag that no other dialog has (RFC 3261 §19.3): 64 random bits of the process and a counter, in hex."""
    return f"{_PREFIX}{next(_counter):x}"


def new_branch() -> str:
    """A branch for a new transaction: the magic cookie, then as in `new_tag` (RFC 3261 §8.1.1.7)."""
    return f"{BRANCH_COOKIE}{_PREFIX}{next(_counter):x}"


def new_call_id() -> str:
    """A Call-ID of 32 hex digits without `@`, as Microsoft endpoints write it (RFC 3261 §8.1.1.4)."""
    return f"{_PREFIX}{next(_counter):016x}"

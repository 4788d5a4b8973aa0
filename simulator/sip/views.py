"""The typed headers of a message: a table of name and parser, each read at the first look (RFC 3261 §20 and others)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar, overload

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import CSeq, EventHeader, MediaType, NameAddr, SubscriptionState, Via
from simulator.sip.header_names import key_of
from simulator.sip.headers import Headers
from simulator.sip.text import parse_number, shown, split_top_level
from simulator.sip.values import (
    Credentials,
    Diagnostics,
    FirstMessage,
    Parametrised,
    Reason,
    Replaces,
    RetryAfter,
    SessionExpires,
    Timestamp,
    WarningValue,
    date,
    params_only,
    plain_text,
    seconds,
    token,
)

Value = TypeVar("Value")
Seen = TypeVar("Seen", covariant=True)


class HasHeaders(Protocol):
    """A message."""

    headers: Headers


class View(Generic[Seen]):
    """An attribute that shows headers as values: made at the first look, remembered until a header changes."""

    __slots__ = ("_make", "key")

    def __init__(self, key: str, make: Callable[[Headers], Seen]) -> None:
        self.key = key
        "Under which the value is remembered; the name of the header but for views of several kinds."
        self._make = make

    @overload
    def __get__(self, message: None, owner: type) -> View[Seen]: ...
    @overload
    def __get__(self, message: HasHeaders, owner: type) -> Seen: ...
    def __get__(self, message: HasHeaders | None, owner: type) -> View[Seen] | Seen:
        if message is None:
            return self
        headers = message.headers
        views = headers.views
        key = self.key
        if key in views:
            return views[key]  # type: ignore[return-value]  # one key, one type
        made = self._make(headers)
        views[key] = made
        return made


def required(name: str, parse: Callable[[str], Value]) -> View[Value]:
    """The one header of this name; RemoteProtocolError where it is missing."""
    key = key_of(name)

    def make(headers: Headers) -> Value:
        value = headers.only(key)
        if value is None:
            raise RemoteProtocolError(f"there is no {name}")
        return parse(value)

    return View(key, make)


def optional(name: str, parse: Callable[[str], Value]) -> View[Value | None]:
    """The one header of this name, or None."""
    key = key_of(name)

    def make(headers: Headers) -> Value | None:
        value = headers.only(key)
        return None if value is None else parse(value)

    return View(key, make)


def listed(name: str, parse: Callable[[str], Value]) -> View[tuple[Value, ...]]:
    """The elements of all headers of this name, at their commas; empty where there is none."""
    key = key_of(name)
    return View(key, lambda headers: tuple([parse(value) for value in headers.elements(key)]))


def by_line(name: str, parse: Callable[[str], Value]) -> View[tuple[Value, ...]]:
    """One value for each header of this name, which may hold commas; empty where there is none."""
    key = key_of(name)
    return View(key, lambda headers: tuple([parse(value) for value in headers.all_of(key)]))


def _number(what: str, maximum: int) -> Callable[[str], int]:
    return lambda text: parse_number(text, what, maximum)


_hops = _number("Max-Forwards", 255)


def _call_id(value: str) -> str:
    if not value or " " in value or "\t" in value:
        raise RemoteProtocolError(f"{shown(value)} is no Call-ID")
    return value


def _top_via(headers: Headers) -> Via:
    value = headers.first("via")
    if not value:
        raise RemoteProtocolError("there is no Via")
    return Via.parse(split_top_level(value)[0] if "," in value else value)


class Essentials(NamedTuple):
    """What every message must have (RFC 3261 §8.1.1)."""

    top_via: Via
    from_: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    max_forwards: int | None
    "RFC 2543 peers send none."


def _essentials(headers: Headers) -> Essentials:
    """All at once, which costs half of what their own views do; those find them made."""
    values = headers.only_each(("from", "to", "call-id", "cseq", "max-forwards"))
    if None in values[:4]:
        missing = ("From", "To", "Call-ID", "CSeq")[values.index(None)]
        raise RemoteProtocolError(f"there is no {missing}")
    from_, to, call_id, cseq, hops = values
    assert from_ is not None and to is not None and call_id is not None and cseq is not None
    essentials = Essentials(
        _top_via(headers),
        NameAddr.parse(from_),
        NameAddr.parse(to),
        _call_id(call_id),
        CSeq.parse(cseq),
        None if hops is None else _hops(hops),
    )
    headers.views.update(zip(("top-via", "from", "to", "call-id", "cseq", "max-forwards"), essentials, strict=True))
    return essentials


def _vias(headers: Headers) -> list[Via]:
    return [Via.parse(value) for value in headers.elements("via")]


def _privacy(text: str) -> tuple[str, ...]:
    return tuple([token(part.strip(" \t")) for part in text.split(";")])


class HeaderViews:
    """What all messages show of their headers.

    Every view raises RemoteProtocolError when its header is malformed, stands twice where once is allowed, or (where
    the type has no None and is no tuple) is missing. A view is made on first use and remembered until a header changes.
    """

    __slots__ = ()

    headers: Headers

    # What every message needs (RFC 3261 §8.1.1).

    vias = View("vias", _vias)
    "Every Via, the last hop's first; empty where there is none."
    top_via = View("top-via", _top_via)
    "The Via of whoever sent this to us; only this one is parsed, the lower ones are others' business."
    from_ = required("From", NameAddr.parse)
    "Who sent this."
    to = required("To", NameAddr.parse)
    "Whom it is for."
    call_id = required("Call-ID", _call_id)
    "As written."
    cseq = required("CSeq", CSeq.parse)
    "Sequence number and method."
    max_forwards = optional("Max-Forwards", _hops)
    "0 to 255; 0 is usual on NEGOTIATE."
    essentials = View("essentials", _essentials)
    "The six above, which whoever needs most of them reads faster together."
    contacts = View("contacts", lambda headers: [NameAddr.parse(value) for value in headers.elements("contact")])
    "Every Contact."
    record_routes = listed("Record-Route", plain_text)
    "Every Record-Route value in order of the message, text untouched, as a Route must give it back."
    routes = listed("Route", plain_text)
    "Every Route value in order of the message, text untouched."

    # The rest of RFC 3261 §20.

    accept = listed("Accept", MediaType.parse)
    accept_encoding = listed("Accept-Encoding", Parametrised.parse)
    accept_language = listed("Accept-Language", Parametrised.parse)
    alert_info = listed("Alert-Info", NameAddr.parse)
    allow = listed("Allow", token)
    "Methods, as written."
    authentication_info = by_line("Authentication-Info", Credentials.parse)
    authorization = by_line("Authorization", Credentials.parse)
    call_info = listed("Call-Info", NameAddr.parse)
    content_disposition = optional("Content-Disposition", Parametrised.parse)
    content_encoding = listed("Content-Encoding", token)
    content_language = listed("Content-Language", token)
    media_type = optional("Content-Type", MediaType.parse)
    "The whole Content-Type."
    date = optional("Date", date)
    error_info = listed("Error-Info", NameAddr.parse)
    expires = optional("Expires", seconds)
    "Seconds, 0 to 2**32-1."
    in_reply_to = listed("In-Reply-To", _call_id)
    min_expires = optional("Min-Expires", seconds)
    mime_version = optional("MIME-Version", plain_text)
    organization = optional("Organization", plain_text)
    priority = optional("Priority", token)
    proxy_authenticate = by_line("Proxy-Authenticate", Credentials.parse)
    proxy_authorization = by_line("Proxy-Authorization", Credentials.parse)
    proxy_require = listed("Proxy-Require", token)
    "Option tags, as written; one that a proxy does not know is 420."
    reply_to = optional("Reply-To", NameAddr.parse)
    require = listed("Require", token)
    "Option tags, as written; one that the receiver does not know is 420."
    retry_after = optional("Retry-After", RetryAfter.parse)
    server = optional("Server", plain_text)
    subject = optional("Subject", plain_text)
    supported = listed("Supported", token)
    timestamp = optional("Timestamp", Timestamp.parse)
    unsupported = listed("Unsupported", token)
    user_agent = optional("User-Agent", plain_text)
    warnings = listed("Warning", WarningValue.parse)
    www_authenticate = by_line("WWW-Authenticate", Credentials.parse)

    # Events and publication (RFC 6665 §8.2, RFC 3903 §11.3), sessions (RFC 4028), and others that peers send.

    allow_events = listed("Allow-Events", token)
    event = optional("Event", EventHeader.parse)
    "The event package of SUBSCRIBE, NOTIFY and PUBLISH."
    subscription_state = optional("Subscription-State", SubscriptionState.parse)
    "How the subscription stands, from a NOTIFY (or a 200 that piggybacks the first one)."
    sip_etag = optional("SIP-ETag", token)
    sip_if_match = optional("SIP-If-Match", token)
    session_expires = optional("Session-Expires", SessionExpires.parse)
    min_se = optional("Min-SE", SessionExpires.parse)
    reasons = listed("Reason", Reason.parse)
    "RFC 3326: at most one for each protocol."
    replaces = optional("Replaces", Replaces.parse)
    refer_to = optional("Refer-To", NameAddr.parse)
    referred_by = optional("Referred-By", NameAddr.parse)
    history_info = listed("History-Info", NameAddr.parse)
    "RFC 7044: `index` is among the params."
    p_asserted_identity = listed("P-Asserted-Identity", NameAddr.parse)
    "RFC 3325: a sip or sips URI, a tel URI, or both."
    p_preferred_identity = listed("P-Preferred-Identity", NameAddr.parse)
    privacy = optional("Privacy", _privacy)

    # Microsoft's own (dialect facts §1.3, §2, §4 and §5).

    compression = optional("Compression", token)
    "`LZ77-8K` or `LZ77-64K`, on NEGOTIATE and its 200."
    ms_diagnostics = by_line("ms-diagnostics", Diagnostics.parse)
    ms_diagnostics_public = by_line("ms-diagnostics-public", Diagnostics.parse)
    ms_client_diagnostics = by_line("ms-client-diagnostics", Diagnostics.parse)
    ms_text_format = optional("ms-text-format", FirstMessage.parse)
    ms_im_formats = by_line("ms-im-format", FirstMessage.parse)
    ms_keep_alive = optional("ms-keep-alive", Parametrised.parse)
    ms_piggyback_cseq = optional("ms-piggyback-cseq", _number("ms-piggyback-cseq", 2**31 - 1))
    ms_edge_proxy_message_trust = optional("ms-edge-proxy-message-trust", params_only)
    ms_asserted_verification_level = optional("ms-asserted-verification-level", params_only)
    ms_split_domain_info = optional("ms-split-domain-info", params_only)
    ms_conversation_id = optional("Ms-Conversation-ID", plain_text)
    ms_subnet = optional("ms-subnet", plain_text)
    ms_telemetry_id = optional("ms-telemetry-id", plain_text)
    ms_user_logon_data = optional("ms-user-logon-data", plain_text)
    endpoints = listed("EndPoints", NameAddr.parse)
    roster_manager = optional("Roster-Manager", NameAddr.parse)

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact: the remote target where a dialog is made (RFC 3261 §12.1)."""
        contacts = self.contacts
        return contacts[0] if contacts else None

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

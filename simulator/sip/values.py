"""Typed values of the headers beside the basic ones (RFC 3261 §20, RFC 3326, RFC 3891, RFC 4028, Microsoft's own)."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from typing import NamedTuple

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import MediaType
from simulator.sip.text import TOKEN, Params, end_of_quoted, parse_number, parse_params, shown, split_top_level, unquote

_BLANK = " \t"
_SECONDS = 2**32 - 1


def seconds(text: str) -> int:
    """delta-seconds: 0 to 2**32-1."""
    return parse_number(text, "the number of seconds", _SECONDS)


def token(text: str) -> str:
    """One token, as written."""
    if TOKEN.fullmatch(text) is None:
        raise RemoteProtocolError(f"{shown(text)} is no token")
    return text


def plain_text(text: str) -> str:
    """Text that has no parts: Subject, User-Agent and their kin."""
    return text


def params_only(text: str) -> Params:
    """`name=value;name=value`, as the ms-…-trust headers are written."""
    return parse_params(f";{text}")


class Parametrised(NamedTuple):
    """A token with parameters: Accept-Encoding, Accept-Language, Content-Disposition, ms-keep-alive."""

    value: str
    "The token as written."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> Parametrised:
        """Raises RemoteProtocolError where the value is no token."""
        value, semicolon, params = text.partition(";")
        return cls(token(value.strip(_BLANK)), parse_params(semicolon + params), text)


class SessionExpires(NamedTuple):
    """Session-Expires, and Min-SE, which has no refresher (RFC 4028 §4, §5)."""

    seconds: int
    refresher: str | None
    "`uac` or `uas`; None while that is open."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """Raises RemoteProtocolError where there are no seconds, or the refresher is neither side."""
        number, semicolon, rest = text.partition(";")
        params = parse_params(semicolon + rest)
        refresher = params.get("refresher")
        if refresher is not None:
            refresher = refresher.lower()
            if refresher not in {"uac", "uas"}:
                raise RemoteProtocolError(f"{shown(refresher)} is no refresher")
        return cls(seconds(number), refresher, params, text)


class RetryAfter(NamedTuple):
    """When to try again (RFC 3261 §20.33)."""

    seconds: int
    comment: str
    "What stands in parentheses, without them; empty where there is none."
    duration: int | None
    "For how many seconds the callee can then be reached."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> RetryAfter:
        """Raises RemoteProtocolError where there are no seconds, or a parenthesis is left open."""
        opening, closing = text.find("("), text.rfind(")")
        if opening >= 0:
            if closing < opening:
                raise RemoteProtocolError(f"a parenthesis stays open in {shown(text)}")
            comment, number, rest = text[opening + 1 : closing], text[:opening], text[closing + 1 :].strip(_BLANK)
        else:
            number, semicolon, rest = text.partition(";")
            comment, rest = "", semicolon + rest
        if rest and rest[0] != ";":
            raise RemoteProtocolError(f"text follows the comment in {shown(text)}")
        params = parse_params(rest)
        duration = params.get("duration")
        return cls(seconds(number), comment, None if duration is None else seconds(duration), params, text)


class WarningValue(NamedTuple):
    """One Warning (RFC 3261 §20.43)."""

    code: int
    "Three digits; 309 and 606 are seen of Microsoft's servers."
    agent: str
    text: str

    @classmethod
    def parse(cls, text: str) -> WarningValue:
        """Raises RemoteProtocolError unless this is `code agent "text"`."""
        parts = text.split(None, 2)
        if len(parts) != 3 or len(parts[0]) != 3 or not (parts[0].isascii() and parts[0].isdigit()):
            raise RemoteProtocolError(f"{shown(text)} is no Warning")
        if parts[2][:1] != '"' or end_of_quoted(parts[2], 0) != len(parts[2]):
            raise RemoteProtocolError(f"the text of the Warning {shown(text)} is not quoted")
        return cls(int(parts[0]), parts[1], unquote(parts[2]))


class Reason(NamedTuple):
    """Why a request was sent (RFC 3326 §2)."""

    protocol: str
    "As written: `SIP`, `Q.850`."
    cause: int | None
    text: str | None
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Raises RemoteProtocolError where the protocol is no token or the cause no number."""
        protocol, params, _ = Parametrised.parse(text)
        cause = params.get("cause")
        number = None if cause is None else parse_number(cause, "the cause", 2**31 - 1)
        return cls(protocol, number, params.get("text"), params, text)


class Replaces(NamedTuple):
    """The dialog that an INVITE takes over (RFC 3891 §6.1)."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Raises RemoteProtocolError where one of the tags is missing."""
        call_id, semicolon, rest = text.partition(";")
        params = parse_params(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id.strip(_BLANK) or to_tag is None or from_tag is None:
            raise RemoteProtocolError(f"{shown(text)} names no dialog")
        return cls(call_id.strip(_BLANK), to_tag, from_tag, "early-only" in params)


class Timestamp(NamedTuple):
    """When the request was sent, and how long its receiver took (RFC 3261 §20.38); in seconds of the sender."""

    sent: float
    delay: float | None

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Raises RemoteProtocolError where these are no decimal numbers."""
        parts = text.split()
        if not 1 <= len(parts) <= 2 or any(_DECIMAL.fullmatch(part) is None for part in parts):
            raise RemoteProtocolError(f"{shown(text)} is no Timestamp")
        return cls(float(parts[0]), float(parts[1]) if len(parts) == 2 else None)


_DECIMAL = re.compile(r"(?=\.?[0-9])[0-9]{0,15}(?:\.[0-9]{0,15})?")


class Credentials(NamedTuple):
    """A challenge or its answer: `Scheme name=value, name="value"` (RFC 3261 §20.7, §20.44)."""

    scheme: str
    "As written; empty in an Authentication-Info without one."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> Credentials:
        """Raises RemoteProtocolError where a parameter has no value."""
        scheme, _, rest = text.partition(" ")
        if "=" in scheme:
            scheme, rest = "", text
        params: Params = {}
        for part in split_top_level(rest):
            name, equals, value = part.partition("=")
            if part and not equals:
                raise RemoteProtocolError(f"a parameter has no value in {shown(text)}")
            if part:
                params.setdefault(name.strip(_BLANK).lower(), unquote(value.strip(_BLANK)))
        return cls(scheme, params, text)


class Diagnostics(NamedTuple):
    """ms-diagnostics, ms-diagnostics-public and ms-client-diagnostics ([MS-OCER] 2.2.1), read as far as possible.

    Nobody's message is refused for what its diagnostics look like: this never raises.
    """

    code: int | None
    "The id before the first dot, for instance 1008; None where there is no number."
    reason: str | None
    source: str | None
    "FQDN of the server that wrote it; not in the public form."
    params: Params
    raw: str

    @classmethod
    def parse(cls, text: str) -> Diagnostics:
        """The parts that can be read."""
        number, semicolon, rest = text.partition(";")
        digits = number.partition(".")[0].strip(_BLANK)
        code = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
        try:
            params = parse_params((semicolon + rest).rstrip("; \t"))
        except RemoteProtocolError:
            params = {}
        return cls(code, params.get("reason"), params.get("source"), params, text)


class FirstMessage(NamedTuple):
    """The first text of a chat, carried in its INVITE: ms-text-format and ms-im-format (dialect §4)."""

    media_type: MediaType
    body: bytes | None
    "What `ms-body` holds, without its base64; None where there is none, as in an answer."

    @classmethod
    def parse(cls, text: str) -> FirstMessage:
        """Raises RemoteProtocolError where this is no media type or `ms-body` no base64."""
        media_type = MediaType.parse(text)
        encoded = media_type.params.get("ms-body")
        if encoded is None:
            return cls(media_type, None)
        try:
            body = binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4), strict_mode=True)
        except (binascii.Error, ValueError):
            raise RemoteProtocolError(f"ms-body is no base64: {shown(encoded)}") from None
        return cls(media_type, body)


_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?:{_DAYS}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT"
)


def date(text: str) -> datetime:
    """`Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17). Raises RemoteProtocolError on any other form or zone."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise RemoteProtocolError(f"{shown(text)} is no SIP date, which is in GMT")
    day, month, year, hour, minute, second = match.groups()
    try:
        return datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC
        )
    except ValueError:
        raise RemoteProtocolError(f"there is no such day or time as {shown(text)}") from None

"""Read sip:, sips: and tel: URIs without losing the text they came from (RFC 3261 §19.1, RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType
from typing import Final, NamedTuple

from simulator.errors import RemoteProtocolError
from simulator.sip.text import parse_number, parse_params, shown

_HOST = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>]")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_ESCAPED_BYTE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/")


class SipUri(NamedTuple):
    """One URI as it stood on the wire, and its parts.

    Nothing is decoded: percent-escapes stay. A GRUU (`…;opaque=user:epid:…;gruu`) is an ordinary URI with parameters.
    """

    scheme: str
    "Lower case: `sip`, `sips` or `tel`."
    user: str | None
    "The user part before `:password`, percent-escapes untouched; the number of a tel: URI; None where there is none."
    password: str | None
    host: str
    "As written, an IPv6 reference without its brackets; empty for tel:."
    port: int | None
    params: Mapping[str, str | None]
    "URI parameters in order, names in lower case, None for one without `=`."
    headers: str
    "What follows `?`, as written; empty where there is none."
    raw: str
    "The text that was parsed."

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Split `text`. Raises RemoteProtocolError: malformed (400), or a scheme other than sip, sips, tel (416).

        The same users talk all the time, so what was read last is remembered.
        """
        return _parse_again(text) if len(text) <= _REMEMBERED else _parse(text)

    @property
    def domain(self) -> str:
        """The host in lower case without a trailing dot: what routing and the domain rules compare."""
        return self.host.lower().removesuffix(".")

    @property
    def aor(self) -> str:
        """Whom the URI addresses, without port, parameters and headers: `sip:user@host`, host in lower case.

        The case of the user part is kept (RFC 3261 §19.1.4); needless percent-escapes in it are resolved.
        """
        if self.scheme == "tel":
            return f"tel:{self.user}"
        host = f"[{self.domain}]" if ":" in self.host else self.domain
        return f"{self.scheme}:{host}" if self.user is None else f"{self.scheme}:{plain_user(self.user)}@{host}"

    def matches(self, other: SipUri) -> bool:
        """Whether both name the same resource (RFC 3261 §19.1.4, RFC 3966 §4); `==` compares the texts.

        It is no equivalence: `sip:a@b` matches `sip:a@b;x=1` and `sip:a@b;x=2`, which do not match each other.
        """
        if self.scheme != other.scheme or not _same_params(self.params, other.params):
            return False
        if self.scheme == "tel":
            return _digits(self.user) == _digits(other.user)
        return (
            _decoded(self.user) == _decoded(other.user)
            and _decoded(self.password) == _decoded(other.password)
            and _comparable(self.domain) == _comparable(other.domain)
            and self.port == other.port
            and _same_headers(self.headers, other.headers)
        )

    @property
    def is_loose_router(self) -> bool:
        """Whether the URI carries `lr` (RFC 3261 §16.12)."""
        return "lr" in self.params

    @property
    def transport(self) -> str | None:
        """The `transport` parameter in lower case."""
        transport = self.params.get("transport")
        return transport.lower() if transport else None

    def __str__(self) -> str:
        return self.raw


_REMEMBERED: Final = 256
"The longest URI that is remembered, in characters; that and their number bound the memory."


def _parse(text: str) -> SipUri:
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or _FORBIDDEN.search(text) is not None:
        raise RemoteProtocolError(f"{shown(text)} is no URI")
    if scheme not in {"sip", "sips", "tel"}:
        raise RemoteProtocolError(f"the scheme of {shown(text)} is not supported", status_hint=416)
    if "%" in rest and _BAD_ESCAPE.search(rest) is not None:
        raise RemoteProtocolError(f"a percent-escape is incomplete in {shown(text)}")
    if scheme == "tel":
        number, semicolon, params = rest.partition(";")
        if not number:
            raise RemoteProtocolError(f"{shown(text)} has no number")
        return SipUri(scheme, number, None, "", None, MappingProxyType(parse_params(semicolon + params)), "", text)
    userinfo, at, hostpart = rest.rpartition("@")
    if "@" in userinfo or (at and not userinfo):
        raise RemoteProtocolError(f"the user part of {shown(text)} is malformed")
    user, password_colon, password = userinfo.partition(":")
    hostpart, _, headers = hostpart.partition("?")
    hostport, semicolon, params = hostpart.partition(";")
    host, port = parse_hostport(hostport, text)
    return SipUri(
        scheme,
        user if at else None,
        password if password_colon else None,
        host,
        port,
        MappingProxyType(parse_params(semicolon + params)),
        headers,
        text,
    )


_parse_again = lru_cache(maxsize=1024)(_parse)


def plain_user(user: str) -> str:
    """`user` with those percent-escapes resolved that the grammar does not need (RFC 3261 §19.1.2)."""
    if "%" not in user:
        return user
    return _ESCAPED.sub(_resolve, user)


def _resolve(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _USER_PLAIN else escape[0].upper()


_COUNTS_WHEN_ABSENT = frozenset({"user", "ttl", "method", "maddr", "transport"})
"URI parameters that match no URI without them (RFC 3261 §19.1.4); of others only those in both are compared."


def _same_params(one: Mapping[str, str | None], two: Mapping[str, str | None]) -> bool:
    one = {_decoded(name): value for name, value in one.items()}
    two = {_decoded(name): value for name, value in two.items()}
    if any((name in one) != (name in two) for name in _COUNTS_WHEN_ABSENT):
        return False
    return all(_decoded(one[name]).lower() == _decoded(two[name]).lower() for name in one.keys() & two.keys())


def _same_headers(one: str, two: str) -> bool:
    return _header_set(one) == _header_set(two)


def _header_set(headers: str) -> list[tuple[str, str]]:
    pairs = (header.partition("=") for header in headers.split("&") if header)
    return sorted((_decoded(name).lower(), _decoded(value)) for name, _, value in pairs)


def _decoded(text: str | None) -> str:
    """`text` with every percent-escape resolved, its bytes read as UTF-8; empty for None."""
    if text is None or "%" not in text:
        return text or ""
    raw = _ESCAPED_BYTE.sub(lambda escape: bytes([int(escape[1], 16)]), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _comparable(host: str) -> IPv6Address | str:
    return IPv6Address(_repaired(host)) if ":" in host else host


_SEPARATORS = str.maketrans("", "", "-.()")


def _digits(number: str | None) -> str:
    return (number or "").translate(_SEPARATORS).lower()


def parse_hostport(text: str, context: str) -> tuple[str, int | None]:
    """`host[:port]` with an IPv6 reference in brackets; the host comes back without them.

    Raises RemoteProtocolError, which quotes `context`, on anything that is no host name, address or port up to 65535.
    """
    if text[:1] == "[":
        host, bracket, tail = text[1:].partition("]")
        if not bracket or not is_ipv6(host):
            raise RemoteProtocolError(f"{shown(context)} has a malformed IPv6 reference")
        if not tail:
            return host, None
        if tail[0] != ":":
            raise RemoteProtocolError(f"text follows the IPv6 reference in {shown(context)}")
        return host, parse_number(tail[1:], "the port", 65535)
    host, colon, port = text.partition(":")
    if _HOST.fullmatch(host) is None:
        raise RemoteProtocolError(f"{shown(context)} has no valid host")
    return host, parse_number(port, "the port", 65535) if colon else None


def is_ipv6(text: str) -> bool:
    """Whether `text` is an IPv6 address without brackets and zone, or one that only RFC 3261's grammar allows."""
    if _IPV6.fullmatch(text) is None:
        return False
    try:
        IPv6Address(_repaired(text))
    except AddressValueError:
        return False
    return True


def _repaired(address: str) -> str:
    """Three colons before an embedded IPv4 address, a mistake of RFC 3261's grammar, as the two that are meant.

    "An implementation must tolerate both" (RFC 5118 §4.10).
    """
    before, colons, embedded = address.partition(":::")
    return f"{before}::{embedded}" if colons and "." in embedded and ":" not in embedded else address

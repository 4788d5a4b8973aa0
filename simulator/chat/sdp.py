"""The session description of an IM session: SDP (RFC 4566) with Microsoft's `m=message` medium."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from simulator.chat import charset
from simulator.chat.formats import accepts
from simulator.errors import LocalProtocolError, RemoteProtocolError

CONTENT_TYPE = "application/sdp"
CALL_TYPE_IM = "application/sdp;call-type=im"
"How newer clients of Skype for Business mark the session description of a chat (dialect facts §4.1)."
MAX_BYTES = 16 * 1024
"A larger description is refused unread; an IM session needs a few hundred bytes."

IM_MEDIA = ("message", "x-ms-message")
"OCS 2007 and later, and its forerunner."

_TOKEN = re.compile(r"[^\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class ImDescription:
    """An offer or answer of an IM session."""

    accept_types: tuple[str, ...]
    "Lower-case media types that the peer takes; empty when it did not say, which means everything."
    uri: str | None
    "The SIP URI in the media line: an answer has it, an offer says `null`."
    media: str
    "`message` or `x-ms-message`; an answer repeats the offer's."

    def accepts(self, media_type: str) -> bool:
        """Whether the peer takes a body of this media type, such as `text/plain`."""
        return accepts(self.accept_types, media_type)


@dataclass(frozen=True, slots=True)
class ImRefusal:
    """A session description that is right in itself, but not of an IM session."""

    reason: str
    "One sentence for a log or a Warning header."
    media: tuple[str, ...]
    "The media that it offers, in its order."
    status: int = 488
    "What a server for chat alone answers (RFC 3261 §21.4.26)."


def im_offer(
    address: str | IPv4Address | IPv6Address,
    *,
    accept_types: Sequence[str] = ("text/plain",),
    own_uri: str | None = None,
    media: str = "message",
) -> bytes:
    """An offer, or with `own_uri` the answer, as Skype for Business writes it.

    The port of the media line means nothing. `address` is an IP address; raises LocalProtocolError where it is none
    and for values that would break the lines.
    """
    for value in (*accept_types, media, *([own_uri] if own_uri is not None else [])):
        if not _TOKEN.fullmatch(value):
            raise LocalProtocolError(f"{value!r} does not fit into a session description.")
    return session_lines(address, f"m={media} 5060 sip {own_uri or 'null'}", f"a=accept-types:{' '.join(accept_types)}")


def session_lines(address: str | IPv4Address | IPv6Address, *lines: str) -> bytes:
    """A session description of Microsoft's clients with these lines for its media, as they stand.

    Raises LocalProtocolError where `address` is no IP address.
    """
    host = _address(address)
    where = f"IN IP{host.version} {host}"
    head = ("v=0", f"o=- 0 0 {where}", "s=session", f"c={where}", "t=0 0")
    return charset.encode("".join(line + "\r\n" for line in (*head, *lines)))


def parse_im_sdp(body: bytes) -> ImDescription | ImRefusal:
    """What the peer offers or answers; ImRefusal for sound, video, file transfer or several media at once.

    Lenient on line ends, trailing blanks and unknown lines. Raises RemoteProtocolError for what is no session
    description.
    """
    lines = _lines(body)
    if lines[0] != ("v", "0"):
        raise RemoteProtocolError("A session description begins with the line v=0.")
    media = [value.split() for kind, value in lines if kind == "m"]
    if any(len(parts) < 3 for parts in media):
        raise RemoteProtocolError("A media line needs a medium, a port, a transport and a format.")
    names = tuple(parts[0].lower() for parts in media)
    refusal = _refusal(names, media)
    if refusal is not None:
        return ImRefusal(refusal, names)
    uri = media[0][3] if len(media[0]) > 3 else "null"
    attributes = [value.partition(":") for kind, value in lines if kind == "a"]
    types = [value for name, _, value in attributes if name.lower() == "accept-types"]
    return ImDescription(tuple(" ".join(types).lower().split()), None if uri.lower() == "null" else uri, names[0])


def _address(address: str | IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    try:
        return ip_address(address)
    except ValueError as error:
        raise LocalProtocolError(f"{address!r} is no IP address, and a connection line of SDP needs one.") from error


def _lines(body: bytes) -> list[tuple[str, str]]:
    if len(body) > MAX_BYTES:
        raise RemoteProtocolError(
            f"A session description of {len(body)} bytes is over the limit of {MAX_BYTES}.", status_hint=413
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("The session description is not UTF-8.") from error
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        if len(line) < 2 or line[1] != "=":
            raise RemoteProtocolError(f"{line[:60]!r} is no line of a session description, which reads letter=value.")
        found.append((line[0], line[2:].strip()))
    if not found:
        raise RemoteProtocolError("The session description is empty.")
    return found


def _refusal(names: tuple[str, ...], media: list[list[str]]) -> str | None:
    if not names:
        return "The session description offers no medium."
    others = [name for name in names if name not in IM_MEDIA]
    if others:
        return f"The session offers {', '.join(name[:40] for name in others)}, and only messages are taken here."
    if len(names) > 1:
        return "The session offers several message media, and only one is taken here."
    if media[0][2].lower() != "sip":
        return f"The messages would travel over {media[0][2][:40]}, and only sip is taken here."
    return None

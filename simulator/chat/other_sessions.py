"""What Skype for Business offers beside a chat of two, for a server to refuse (dialect facts §4.2).

The types and the headers were seen in traffic; the insides of the XML and of the media lines are from memory. A server
that takes chat alone decides by the types.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from simulator import markup
from simulator.chat.invitation import CONFERENCE, FILE_TRANSFER, MULTIPARTY, OLD_FILE_TRANSFER
from simulator.chat.multipart import Part, write_multipart
from simulator.chat.sdp import CONTENT_TYPE, im_offer, session_lines
from simulator.errors import LocalProtocolError

Medium = Literal["audio", "video", "data", "applicationsharing"]
_FORMATS: dict[Medium, str] = {
    "audio": "RTP/AVP 114 9 111 0 8 97 13 118 101",
    "video": "RTP/AVP 122 121 123",
    "data": "TCP/RTP/AVP 127",
    "applicationsharing": "TCP/RTP/AVP 127",
}


@dataclass(frozen=True, slots=True)
class SessionOffer:
    """What an INVITE needs to offer one of them."""

    content_type: str
    "The Content-Type value."
    body: bytes
    "The body."
    headers: tuple[tuple[str, str], ...] = ()
    "Headers that belong to the offer."


def conference_offer(focus_uri: str, *, subject: str = "") -> SessionOffer:
    """The invitation to go on in a conference, whose focus has this URI."""
    body = (
        f'<Conferencing version="2.0"><focus-uri>{markup.text(focus_uri)}</focus-uri>'
        f"<subject>{markup.text(subject)}</subject>"
        '<im available="true"><first-im/></im></Conferencing>'
    )
    return SessionOffer(CONFERENCE, body.encode())


def old_file_offer(
    address: str | IPv4Address | IPv6Address, *, name: str = "report.txt", size: int = 1024, cookie: int = 1
) -> SessionOffer:
    """A file as Office Communicator offers it: a session of messages whose first text is the invitation."""
    if "\r" in name or "\n" in name:
        raise LocalProtocolError(f"The file name {name!r} holds a line break.")
    fields = (
        ("Application-Name", "File Transfer"),
        ("Application-GUID", "{5D3E02AB-6190-11d3-BBBB-00C04F795683}"),
        ("Invitation-Command", "INVITE"),
        ("Invitation-Cookie", str(cookie)),
        ("Application-File", name),
        ("Application-FileSize", str(size)),
    )
    text = "".join(f"{name}: {value}\r\n" for name, value in fields).encode()
    encoded = binascii.b2a_base64(text, newline=False).decode("ascii")
    first = ("ms-text-format", f"{OLD_FILE_TRANSFER}; charset=UTF-8; ms-body={encoded}")
    return SessionOffer(CONTENT_TYPE, im_offer(address, accept_types=("text/plain", OLD_FILE_TRANSFER)), (first,))


def file_offer(address: str | IPv4Address | IPv6Address, *, name: str = "report.txt", size: int = 1024) -> SessionOffer:
    """A file as Lync 2010 and later offer it: its description and a session of data in one multipart/mixed."""
    request = (
        '<request xmlns="http://schemas.microsoft.com/rtc/2009/05/filetransfer" requestId="1"><publishFile>'
        f'<fileInfo embed="false"><id>{{1A2B3C4D-0000-4000-8000-0123456789AB}}</id><name>{markup.text(name)}</name>'
        f"<size>{size}</size></fileInfo></publishFile></request>"
    )
    parts = (Part(FILE_TRANSFER, request.encode()), Part(CONTENT_TYPE, _description(address, ["data"])))
    return SessionOffer(*write_multipart(parts, subtype="mixed"))


def media_offer(
    address: str | IPv4Address | IPv6Address, media: Sequence[Medium] = ("audio",), *, alternatives: bool = False
) -> SessionOffer:
    """Sound, video, data or application sharing; with `alternatives` as a Lync client writes a call, with a second
    description for Office Communicator.
    """
    description = _description(address, media)
    if not alternatives:
        return SessionOffer(CONTENT_TYPE, description)
    fallback = ("Content-Disposition", "session; handling=optional; ms-proxy-2007fallback")
    modern = ("Content-Disposition", "session; handling=optional")
    parts = (Part(CONTENT_TYPE, description, (fallback,)), Part(CONTENT_TYPE, description, (modern,)))
    return SessionOffer(*write_multipart(parts, encoding="7bit"))


def multiparty_headers(uris: Sequence[str], *, required: bool = True) -> list[tuple[str, str]]:
    """The headers of an INVITE to a chat of several; `uris` are all who take part, the caller first."""
    headers = [
        ("Roster-Manager", uris[0]),
        ("EndPoints", ", ".join(f"<{uri}>" for uri in uris)),
        ("TriggeredInvite", "TRUE"),
    ]
    return [*headers, ("Require", MULTIPARTY)] if required else headers


def _description(address: str | IPv4Address | IPv6Address, media: Sequence[Medium]) -> bytes:
    ports = range(50020, 50020 + 10 * len(media), 10)
    lines = [f"m={medium} {port} {_FORMATS[medium]}" for medium, port in zip(media, ports, strict=True)]
    return session_lines(address, *lines)

"""Requests and responses for the tests of chats, with fixed headers."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.sip.headers import Headers
from simulator.sip.message import Request, Response

OFFER = (
    b"v=0\r\no=- 0 0 IN IP4 192.0.2.57\r\ns=session\r\nc=IN IP4 192.0.2.57\r\nt=0 0\r\n"
    b"m=message 5060 sip null\r\na=accept-types:text/plain\r\n"
)
"A session description of an IM session."


def request(
    method: str = "INVITE",
    headers: Iterable[tuple[str, str]] = (),
    *,
    body: bytes = b"",
    content_type: str | None = None,
) -> Request:
    """A request from user1@contoso.test to user2@fabrikam.test with these headers besides the usual ones."""
    usual = [
        ("Via", "SIP/2.0/TLS 203.0.113.10:5061;branch=z9hG4bK2DA3892F.D0429AA14DA5C5DB"),
        ("Max-Forwards", "69"),
        ("From", '"User One"<sip:user1@contoso.test>;tag=9d5c2a38ba;epid=b84a59c035'),
        ("To", "<sip:user2@fabrikam.test>"),
        ("Call-ID", "ce878a8bc0ca4c769ca729bc2f56a998"),
        ("CSeq", f"1 {method}"),
    ]
    return Request.build(method, "sip:user2@fabrikam.test", [*usual, *headers], body, content_type)


def invite(*headers: tuple[str, str], body: bytes = OFFER, content_type: str | None = "application/sdp") -> Request:
    """An INVITE to an IM session, or with another body."""
    return request("INVITE", headers, body=body, content_type=content_type)


def response(status: int, *headers: tuple[str, str]) -> Response:
    """An answer with these headers and no others."""
    return Response(status, "", Headers(headers))

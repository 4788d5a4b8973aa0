"""What follows an INVITE on its own way: its CANCEL, and the ACK of its failure (RFC 3261 §9.1, §17.1.1.3)."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.sip.message import Request, Response


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE that was sent."""
    return _following(invite, "CANCEL", invite.to.raw, ("From", "Call-ID", "Route"))


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK that a client transaction sends by itself for 300 to 699: the INVITE's Via, the response's To."""
    return _following(invite, "ACK", response.headers.get("To") or invite.to.raw, ("Route", "From", "Call-ID"))


def _following(invite: Request, method: str, to: str, copied: Iterable[str]) -> Request:
    """A request for the INVITE's next hop alone, in its transaction: with its URI, its Via and its CSeq number."""
    return Request.build(
        method,
        invite.uri,
        [
            ("Via", invite.top_via.raw),
            ("Max-Forwards", "70"),
            ("To", to),
            *((name, value) for name in copied for value in invite.headers.get_all(name)),
            ("CSeq", f"{invite.cseq.number} {method}"),
        ],
    )

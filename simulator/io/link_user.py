"""Who is told what happens on a connection, and how a request on it can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from simulator.errors import FederationFailed

if TYPE_CHECKING:
    from simulator import tls
    from simulator.io.link import Link
    from simulator.sip.message import Request, Response
    from simulator.sip.transaction import ServerTransaction
    from simulator.trust import Verdict


class LinkLost(FederationFailed):
    """The connection ended before the answer came; `refused_in` says whether a TLS refusal was the reason."""

    def __init__(self, sentence: str, *, phase: str, verdict: Verdict | None = None) -> None:
        super().__init__(sentence)
        self.phase = phase
        "`connect`, `tls`, `sip`: how far the connection had come."
        self.verdict = verdict
        "Our verdict on the peer's certificate, where that was the reason."


class RequestTimedOut(FederationFailed):
    """No final response came in time (RFC 3261 §17.1, Timer B or F)."""


class Tap(Protocol):
    """Sees everything that happens on a link, in order; the recorder is one."""

    def opened(self, link: Link) -> None:
        """TCP is up."""

    def unreachable(self, link: Link, sentence: str) -> None:
        """TCP did not come up."""

    def secured(self, link: Link, handshake: tls.HandshakeCompleted) -> None:
        """Both certificates were accepted, as far as this side can know."""

    def refused(self, link: Link, *, by_peer: bool, alert: str, sentence: str) -> None:
        """One side refused the other in TLS."""

    def failed(self, link: Link, sentence: str) -> None:
        """The handshake came to nothing, and not because of a certificate."""

    def sent(self, link: Link, message: Request | Response) -> None:
        """A message was handed to TLS."""

    def received(self, link: Link, message: Request | Response) -> None:
        """A complete message came in."""

    def closed(self, link: Link, sentence: str) -> None:
        """The connection is gone."""


class LinkUser(Protocol):
    """What is told about the requests of a link; the user agent is one."""

    def on_request(self, link: Link, transaction: ServerTransaction, request: Request) -> None:
        """A new request; answer it with `link.respond(transaction, …)`, now or later."""

    def on_ack(self, link: Link, request: Request) -> None:
        """The ACK to a 2xx."""

    def on_cancel(self, link: Link, transaction: ServerTransaction) -> None:
        """The peer wants the INVITE of `transaction` to end; the CANCEL itself was answered."""

    def on_remark(self, link: Link, sentence: str) -> None:
        """A message of the peer was turned away before it became a request or response for us."""

    def on_closed(self, link: Link) -> None:
        """The link is gone; its transactions have ended already."""

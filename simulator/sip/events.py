"""What happened on a SIP connection, as values that `SipConnection.next_event` hands out (RFC 3261 §17, §18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulator.errors import RemoteProtocolError
    from simulator.sip.message import Request, Response
    from simulator.sip.transaction import ClientTransaction, ServerTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    at: float
    "Seconds on the caller's clock: the `now` of the call that brought it."


@dataclass(frozen=True, slots=True)
class RequestReceived(Event):
    """A new request, seen once: answer it with `send_response(transaction, ...)`. Never an ACK, never a CANCEL."""

    request: Request
    transaction: ServerTransaction


@dataclass(frozen=True, slots=True)
class ResponseReceived(Event):
    """A response to a request of ours. A 2xx to an INVITE comes again whenever the peer repeats it (RFC 6026 §7.2)."""

    response: Response
    transaction: ClientTransaction


@dataclass(frozen=True, slots=True)
class AckReceived(Event):
    """An ACK that belongs to no failed INVITE: the ACK to a 2xx, which its dialog waits for (RFC 3261 §13.3.1.4)."""

    request: Request
    transaction: ServerTransaction | None
    "The accepted INVITE where the ACK carries its branch (old peers); None for the usual ACK with a branch of its own."


@dataclass(frozen=True, slots=True)
class CancelReceived(Event):
    """The peer gave up on its INVITE. The CANCEL has been answered; answer the INVITE itself, with 487 (§9.2)."""

    request: Request
    transaction: ServerTransaction
    "The transaction of the INVITE, which has no final response yet."


@dataclass(frozen=True, slots=True)
class TransactionFailed(Event):
    """A transaction ended without what it waited for.

    A client transaction: no final response. A server transaction: the connection went before it was answered
    (`connection`), or the ACK to a failure response never came (`timeout`, timer H).
    """

    transaction: ClientTransaction | ServerTransaction
    reason: Literal["timeout", "connection"]
    sentence: str
    "Why, for a person."

    @property
    def status(self) -> int:
        """The status that the user has to act as if it had come: 408 or 503 (RFC 3261 §8.1.3.1)."""
        return 408 if self.reason == "timeout" else 503


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """A request that no element may send, or one that came before by another way (482, RFC 3261 §8.2.2.2), was kept
    from you and, unless it was an ACK, answered with `response`."""

    request: Request
    response: Response | None
    reason: str


@dataclass(frozen=True, slots=True)
class ResponseDiscarded(Event):
    """A response that answers nothing we wait for, or lacks what would tell (RFC 3261 §8.1.3.3, §18.1.2)."""

    response: Response
    reason: str


@dataclass(frozen=True, slots=True)
class PingReceived(Event):
    """A keep-alive (CRLFCRLF) came; its pong (CRLF) is already among the data to send (RFC 5626 §4.4.1)."""


@dataclass(frozen=True, slots=True)
class PongReceived(Event):
    """The peer answered a keep-alive of ours."""


@dataclass(frozen=True, slots=True)
class ConnectionBroken(Event):
    """The peer's bytes no longer make sense: nothing more is read. Send what is left, close, call `connection_lost`."""

    error: RemoteProtocolError

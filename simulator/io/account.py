"""One local user of a SIP element: what reached them, what they show, and whom they watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.io.mailbox import Mailbox
from simulator.presence.state import Availability, PresenceState

AVAILABLE = PresenceState(Availability.AVAILABLE)


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A chat message as it reached a user."""

    text: str
    "The plain text."
    sender: str
    "`sip:user@domain` of who wrote it."
    content_type: str
    "The media type it came as."
    at: float
    "Seconds on the federation's clock."


@dataclass(frozen=True, slots=True)
class PresenceSeen:
    """A presence notification as it reached a watcher."""

    presentity: str
    "`sip:user@domain` of whom it is about."
    state: PresenceState | None
    "The state, or None when the notification had no body."
    subscription: str
    "`active`, `pending` or `terminated` (RFC 6665 §4.1.3)."
    at: float
    "Seconds on the federation's clock."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A final answer other than success, decided before the request was looked at."""

    status: int
    "The SIP status."
    reason: str
    "The reason phrase that goes out."
    sentence: str
    "Why, for the log; it never leaves this side."
    cause: str = ""
    "The row of the failure-to-answer matrix (`peering.Cause`); empty where the rules of SIP alone decide."
    headers: tuple[tuple[str, str], ...] = ()
    "Further headers of the answer."
    closes: bool = False
    "Whether the connection is closed after the answer."


@dataclass(eq=False)
class Account:
    """A user; the user agent fills it and reads it."""

    uri: str
    "`sip:user@domain`, the domain in lower case."
    display_name: str = ""
    "As shown to partners; may be empty."
    state: PresenceState = AVAILABLE
    "What the user shows to watchers."
    refusal: Callable[[], Refusal | None] = lambda: None
    "Asked at every use: why this user may not federate, or None (R4–R6)."
    inbox: Mailbox[TextMessage] = field(default_factory=Mailbox)
    "Messages that were accepted for the user."
    seen: Mailbox[PresenceSeen] = field(default_factory=Mailbox)
    "Notifications about those whom the user watches."

"""One local user of a SIP element: what reached them, what they show, and what they allow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from simulator.io.mailbox import Mailbox
from simulator.presence.state import Availability, PresenceState

if TYPE_CHECKING:
    from simulator.io.invitations import PendingInvitation

AVAILABLE = PresenceState(Availability.AVAILABLE)
Consent = Literal["allow", "ask", "deny"]


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
    embedded: bool = False
    "Whether it came in the INVITE of its session (dialect facts §4.2)."

    def __str__(self) -> str:
        return f"{self.text!r} from {self.sender}"


@dataclass(frozen=True, slots=True)
class TypingSeen:
    """A user was told that somebody types, or has stopped."""

    sender: str
    "`sip:user@domain` of who types."
    active: bool
    "False when they stopped without having written."
    came_by: str
    "`INFO` (KeyboardActivity), `MESSAGE` (RFC 3994), or `silence`: they did not say that they stopped."
    at: float
    "Seconds on the federation's clock."


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """Something other than a chat was offered to a user, and refused for them."""

    sender: str
    "`sip:user@domain` of who offered it."
    kind: str
    "What it was: `conference`, `file transfer`, `audio` …"
    status: int
    "What it was refused with."
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
    content_type: str = ""
    "The media type it came as; empty without a body."
    came_by: str = "NOTIFY"
    "`NOTIFY`, `BENOTIFY`, or `SUBSCRIBE` for the one that the 200 to SUBSCRIBE carried."


@dataclass(frozen=True, slots=True)
class SubscriptionSeen:
    """The subscription of a watcher came to another state."""

    presentity: str
    "`sip:user@domain` of who is watched."
    state: str
    "`pending`, `active` or `terminated`."
    reason: str
    "Why it ended: the reason of the NOTIFY (`rejected`), or a sentence; empty while it lives."


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
    details: tuple[tuple[str, str], ...] = ()
    "Parameters of the diagnostic in our log, name and value."
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
    consent: Consent = "allow"
    "What a watcher gets about whom the user has not decided: the state, a wait for the decision, or a refusal."
    decisions: dict[str, bool] = field(default_factory=dict)
    "Whom the user has allowed or denied to watch, by `sip:user@domain`."
    answers_when_told: bool = False
    "Whether invitations to chats wait for the test; otherwise they are accepted at once."
    inbox: Mailbox[TextMessage] = field(default_factory=Mailbox)
    "Messages that were accepted for the user."
    seen: Mailbox[PresenceSeen] = field(default_factory=Mailbox)
    "Notifications about those whom the user watches."
    subscriptions: Mailbox[SubscriptionSeen] = field(default_factory=Mailbox)
    "What became of the user's own subscriptions."
    watchers: Mailbox[str] = field(default_factory=Mailbox)
    "Who has subscribed to the user's presence, or tried to."
    typing: Mailbox[TypingSeen] = field(default_factory=Mailbox)
    "Who typed to the user."
    offers: Mailbox[OfferSeen] = field(default_factory=Mailbox)
    "What was offered and refused."
    ignored: set[str] = field(default_factory=set)
    "Which of `messages`, `typing`, `offers`, `notifications` may come without being expected."

    invitations: Mailbox[PendingInvitation] = field(default_factory=Mailbox)
    "Invitations to chats that wait, or have waited, for the test."

    @property
    def shown(self) -> PresenceState:
        """What watchers are told: the state, with the user's name."""
        if self.state.display_name is not None or not self.display_name:
            return self.state
        return replace(self.state, display_name=self.display_name)

    @property
    def epid(self) -> str:
        """The id of the one endpoint that the user has, ten hex digits (dialect facts §2.1)."""
        return hashlib.sha256(self.uri.encode()).hexdigest()[:10]

    def forget_all(self) -> None:
        """Be as new: nothing arrived, nothing decided."""
        new = Account(self.uri)
        for name in ("state", "consent", "decisions", "answers_when_told", "ignored", *MAILBOXES):
            setattr(self, name, getattr(new, name))


MAILBOXES = ("inbox", "seen", "subscriptions", "watchers", "typing", "offers", "invitations")

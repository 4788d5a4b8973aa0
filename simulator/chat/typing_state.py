"""The two sides of a typing indication and their timers (RFC 3994 §3.2, §3.3); time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from simulator.chat.composing import Composing


@dataclass(frozen=True, slots=True)
class TypingTimers:
    """Seconds; the defaults are those of RFC 3994 §3.2 and §3.3."""

    idle: float = 15.0
    "Without a key for so long, the composer has stopped."
    refresh: int = 120
    "So often an active composer says it again; no less than 60."
    lifetime: float = 120.0
    "So long a peer counts as typing that said no `refresh`, as in every KeyboardActivity."

    def __str__(self) -> str:
        return f"idle after {self.idle:g} s, said again every {self.refresh} s, over after {self.lifetime:g} s"


RFC_3994 = TypingTimers()
"The timers as the RFC has them."


class Key(Enum):
    """What happens to a composer."""

    PRESSED = "a key was pressed"
    SENT = "the message was sent"
    IDLE = "no key for `idle` seconds"
    REFRESH = "`refresh` seconds since the last notice"


TRANSITIONS: dict[tuple[bool, Key], tuple[bool, bool]] = {
    (False, Key.PRESSED): (True, True),
    (True, Key.PRESSED): (True, False),
    (True, Key.SENT): (False, False),
    (False, Key.SENT): (False, False),
    (True, Key.IDLE): (False, True),
    (True, Key.REFRESH): (True, True),
}
"""(active, what happens) -> (active afterwards, whether the peer is told): RFC 3994 §3.2, figure 1. The message itself
tells the peer that the typing is over."""


class Composer:
    """The side that types: what it must tell the peer, and when."""

    def __init__(self, timers: TypingTimers = RFC_3994, *, content_type: str | None = "text/plain") -> None:
        self._timers = timers
        self._content_type = content_type
        self._idle_at: float | None = None
        self._refresh_at: float | None = None
        self.active = False

    def key_pressed(self, now: float) -> Composing | None:
        """Something was typed; returns the notice to send, None where the peer knows already."""
        return self._step(Key.PRESSED, now)

    def message_sent(self, now: float) -> None:
        """The message that was typed goes out, which ends the typing without a notice."""
        self._step(Key.SENT, now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None while nobody types."""
        return min((at for at in (self._idle_at, self._refresh_at) if at is not None), default=None)

    def handle_timeout(self, now: float) -> Composing | None:
        """What to send when a timer has run out by `now`; None where none has."""
        if self._idle_at is not None and now >= self._idle_at:
            return self._step(Key.IDLE, now)
        if self._refresh_at is not None and now >= self._refresh_at:
            return self._step(Key.REFRESH, now)
        return None

    def _step(self, what: Key, now: float) -> Composing | None:
        self.active, told = TRANSITIONS[self.active, what]
        if not self.active:
            self._idle_at = self._refresh_at = None
        elif what is Key.PRESSED:
            self._idle_at = now + self._timers.idle
        if self.active and told:
            self._refresh_at = now + self._timers.refresh
        if not told:
            return None
        return Composing(self.active, self._content_type, self._timers.refresh if self.active else None)


class TypingWatcher:
    """The side that watches a peer type: whether the peer is, as far as it last said."""

    def __init__(self, timers: TypingTimers = RFC_3994) -> None:
        self._timers = timers
        self._until: float | None = None

    @property
    def active(self) -> bool:
        """Whether the peer is typing."""
        return self._until is not None

    def receive(self, composing: Composing, now: float) -> bool:
        """The peer said this; returns whether it changed what is shown."""
        before = self.active
        lifetime = self._timers.lifetime if composing.refresh is None else composing.refresh
        self._until = now + lifetime if composing.active else None
        return self.active is not before

    def message_received(self) -> bool:
        """The peer's message is there, so the typing is over; returns whether that changed anything."""
        before, self._until = self.active, None
        return before

    def next_timeout(self) -> float | None:
        """When the peer counts as idle unless something comes before."""
        return self._until

    def handle_timeout(self, now: float) -> bool:
        """Returns whether the peer has just become idle by silence."""
        if self._until is None or now < self._until:
            return False
        self._until = None
        return True

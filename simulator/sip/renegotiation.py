"""Changes to a running session: which are open, and when a refused one is tried again (RFC 3261 §14, RFC 3311)."""

from __future__ import annotations

from random import randint
from typing import NamedTuple

from simulator.sip.message import Response
from simulator.sip.transaction import Timers


class Change(NamedTuple):
    """An INVITE or UPDATE of ours, as it was asked for."""

    method: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    "An offer; an UPDATE without one changes nothing but the target and the session timer."
    content_type: str | None = None
    is_refresh: bool = False
    "Sent by the session itself, to keep its timer from running out."


class Changes:
    """Our changes of one session by the CSeq numbers that they went out with, from the first INVITE on."""

    def __init__(self, *, we_called: bool) -> None:
        """Who called waits longer after a 491 than who was called (§14.1)."""
        self.retry_at: float | None = None
        "When the change that met one of the peer's is due again."
        self._we_called = we_called
        self._open: dict[int, Change] = {}
        self._refused: Change | None = None

    def begin(self, number: int, change: Change) -> None:
        """It went out; one of the user takes the place of an earlier one that waits to be tried again."""
        self._open[number] = change
        if not change.is_refresh:
            self.retry_at = self._refused = None

    def close(self, number: int) -> Change | None:
        """It has its final response, or never will; None for what is no open change."""
        return self._open.pop(number, None)

    @property
    def invite_open(self) -> bool:
        return any(change.method == "INVITE" for change in self._open.values())

    @property
    def offer_open(self) -> bool:
        """Whether an offer of ours may still be answered: then no other may be made, by either side."""
        return any(change.body or change.method == "INVITE" for change in self._open.values())

    @property
    def refresh_open(self) -> bool:
        return any(change.is_refresh for change in self._open.values())

    def pause(self) -> float:
        """Seconds until another try after a 491, so that the two sides do not meet again (§14.1)."""
        return (randint(210, 400) if self._we_called else randint(0, 200)) / 100

    def try_again(self, change: Change, now: float) -> None:
        """It got 491."""
        self._refused = change
        self.retry_at = now + self.pause()

    def take_refused(self) -> Change:
        """What is to be tried again, now."""
        assert self._refused is not None
        change, self._refused, self.retry_at = self._refused, None, None
        return change


class Unacknowledged:
    """A 2xx of ours to an INVITE, until its ACK comes: it is repeated, and given up in the end (§13.3.1.4)."""

    def __init__(self, response: Response, now: float, timers: Timers) -> None:
        self.response = response
        self.give_up_at = now + timers.patience
        self._longest = timers.t2
        self._pause = timers.t1
        self._resend_at = now + self._pause

    def next_timeout(self) -> float:
        return min(self._resend_at, self.give_up_at)

    def due(self, now: float) -> bool:
        """Whether it has to be sent again; then the next pause is twice as long, T2 at most."""
        if now < self._resend_at:
            return False
        self._pause = min(2 * self._pause, self._longest)
        self._resend_at = now + self._pause
        return True

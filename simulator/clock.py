"""The one clock of a federation: seconds that only go forward, and the calendar time for certificates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the asyncio driver and the recorder ask for the time; sans-IO code gets `now` as an argument instead."""

    def now(self) -> float:
        """Seconds since the clock's own start; never goes backwards."""

    def today(self) -> datetime:
        """The calendar time, in UTC, that belongs to `now()`."""


class SystemClock:
    """Real time, counted from zero at construction; `advance` moves it ahead of the real one."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._started_at = datetime.now(UTC)
        self._ahead = 0.0
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> float:
        return time.monotonic() - self._started + self._ahead

    def today(self) -> datetime:
        return self._started_at + timedelta(seconds=self.now())

    def advance(self, seconds: float, *, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Jump `seconds` ahead and tell every watcher, so that timers which are now due fire at once.

        `meanwhile` is called when the time has changed and no timer has fired yet: for a clock elsewhere that is to
        jump together with this one, so that nobody is told something by a clock that has not jumped.
        """
        if seconds < 0:
            raise ValueError("a clock only goes forward")
        self._ahead += seconds
        meanwhile()
        for watcher in self._watchers:
            watcher()

    def on_jump(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every `advance`; timers use it to look again at what is due."""
        self._watchers.append(watcher)

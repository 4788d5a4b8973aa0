"""Timers on the federation's clock: one asyncio handle for all of them, and `advance` fires what became due."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from types import TracebackType

from simulator.clock import SystemClock


class Timer:
    """A call that is planned; `cancel` forgets it."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """Plans calls at times of `clock`; to be made and used on the loop's thread."""

    def __init__(self, clock: SystemClock) -> None:
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._closed = False
        clock.on_jump(self._look_again)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` once the clock shows `when` (seconds)."""
        timer = Timer(when, callback)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if self._heap[0][2] is timer:
            self._plan()
        return timer

    def close(self) -> None:
        """Forget all timers."""
        self._closed = True
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()

    def _look_again(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fire)

    def _plan(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._heap and not self._closed:
            self._handle = self._loop.call_later(max(0.0, self._heap[0][0] - self.clock.now()), self._fire)

    def _fire(self) -> None:
        now = self.clock.now()
        try:
            while self._heap and (self._heap[0][0] <= now or self._heap[0][2].callback is None):
                callback = heapq.heappop(self._heap)[2].callback
                if callback is not None:
                    callback()
        finally:
            self._plan()


class time_limit:  # noqa: N801 - as `asyncio.timeout`, which it stands beside
    """As `asyncio.timeout`, on the clock of `timers`; on the real one without them. Raises TimeoutError."""

    __slots__ = ("_limit", "_seconds", "_timer", "_timers")

    def __init__(self, seconds: float, timers: Timers | None) -> None:
        self._seconds = seconds
        self._timers = timers
        self._limit = asyncio.timeout(seconds if timers is None else None)
        self._timer: Timer | None = None

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        if self._timers is not None:
            self._timer = self._timers.call_at(self._timers.clock.now() + self._seconds, self._end)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)  # which turns the cancellation into a TimeoutError

    def _end(self) -> None:
        self._limit.reschedule(asyncio.get_running_loop().time())


class Alarm:
    """One planned call of somebody who often changes their mind: to put it off costs nothing, and leaves nothing."""

    __slots__ = ("_callback", "_due", "_timer", "_timers")

    def __init__(self, timers: Timers, callback: Callable[[], None]) -> None:
        self._timers = timers
        self._callback = callback
        self._due: float | None = None
        self._timer: Timer | None = None

    def set(self, when: float | None) -> None:
        """Call at `when` and at no other time; None: never."""
        self._due = when
        timer = self._timer
        if timer is not None and (when is None or timer.when > when):
            timer.cancel()
            timer = self._timer = None
        if timer is None and when is not None:
            self._timer = self._timers.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        assert self._due is not None
        if self._due > self._timers.clock.now():
            self.set(self._due)
        else:
            self._due = None
            self._callback()

"""A list that grows, and waits for what a test expects to find in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


KEPT = 10_000
"Items that were taken or read and stay for whoever looks back."
UNREAD = 100_000
"Items that may wait to be taken; what more comes pushes out the oldest."


class Mailbox(Generic[T]):
    """Keeps what arrived, in order; `take` waits for one item and marks it as expected.

    It is bounded: of what was taken the last `KEPT` stay, of what was not the last `UNREAD`; whoever must not lose
    anything asks for `full` before. To be used on the loop's thread; reading (`iter`, `len`) is safe from any thread.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._gone = 0
        "How many came before the first that is kept."
        self._untaken: dict[int, T] = {}
        "By their number, which counts from 0."
        self._waiters: set[asyncio.Future[None]] = set()

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._items))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def untaken(self) -> tuple[T, ...]:
        """What arrived and was not taken."""
        return tuple(self._untaken.values())

    @property
    def full(self) -> bool:
        """Whether the next item would push out one that nobody has taken."""
        return len(self._untaken) >= UNREAD

    def put(self, item: T) -> None:
        """Add an item and wake everybody who waits."""
        self._untaken[self._gone + len(self._items)] = item
        self._items.append(item)
        if len(self._untaken) > UNREAD:
            del self._untaken[next(iter(self._untaken))]
        if len(self._items) - len(self._untaken) > KEPT:
            self._forget_the_oldest()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def take(self, wanted: Callable[[T], bool], *, within: float) -> T | None:
        """The first untaken item that is `wanted`, waiting up to `within` real seconds; None when there was none."""
        found = await self._first(self._untaken.items, lambda one: wanted(one[1]), within)
        if found is None:
            return None
        number, item = found
        del self._untaken[number]
        return item

    def take_all(self) -> tuple[T, ...]:
        """Everything that arrived so far, in order; all of it is taken then."""
        self._untaken.clear()
        return tuple(self._items)

    async def read_all(self) -> tuple[T, ...]:
        """The same, for boxes that have to fetch it first."""
        return self.take_all()

    async def find(self, wanted: Callable[[T], bool], *, within: float) -> T | None:
        """The first item of all that is `wanted`, waiting likewise; it is not taken."""
        return await self._first(lambda: self._items, wanted, within)

    async def beyond(self, count: int, *, within: float) -> tuple[T, ...]:
        """What came after the first `count` items, waiting up to `within` real seconds while there is nothing.

        Whoever asks has those first items: they are taken.
        """
        while self._untaken and (oldest := next(iter(self._untaken))) < count:
            del self._untaken[oldest]
        try:
            async with asyncio.timeout(within):
                while self._gone + len(self._items) <= count:
                    await self._next()
        except TimeoutError:
            pass
        return tuple(islice(self._items, max(0, count - self._gone), None))

    def clear(self) -> None:
        """Forget everything; whoever waits goes on waiting."""
        self._items.clear()
        self._untaken.clear()
        self._gone = 0

    def _forget_the_oldest(self) -> None:
        """Let go of the oldest items as far as they were taken; one that was not keeps all that came after it."""
        while len(self._items) - len(self._untaken) > KEPT and self._gone not in self._untaken:
            self._items.popleft()
            self._gone += 1

    async def _first(self, items: Callable[[], Iterable[S]], wanted: Callable[[S], bool], within: float) -> S | None:
        try:
            async with asyncio.timeout(within):
                while (found := next(filter(wanted, items()), None)) is None:
                    await self._next()
                return found
        except TimeoutError:
            return None

    async def _next(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

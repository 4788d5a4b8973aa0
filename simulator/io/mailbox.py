"""A list that grows, and waits for what a test expects to find in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Keeps everything that arrived, in order; `take` waits for one item and marks it as expected.

    To be used on the loop's thread; reading (`iter`, `len`) is safe from any thread.
    """

    def __init__(self) -> None:
        self._items: list[T] = []
        self._untaken: list[T] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._items))

    def __len__(self) -> int:
        return len(self._items)

    @property
    def untaken(self) -> tuple[T, ...]:
        """What arrived and was not taken."""
        return tuple(self._untaken)

    def put(self, item: T) -> None:
        """Add an item and wake everybody who waits."""
        self._items.append(item)
        self._untaken.append(item)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def take(self, wanted: Callable[[T], bool], *, within: float) -> T | None:
        """The first untaken item that is `wanted`, waiting up to `within` real seconds; None when there was none."""
        found = await self._first(self._untaken, wanted, within)
        if found is not None:
            self._untaken.remove(found)
        return found

    def take_all(self) -> tuple[T, ...]:
        """Everything that arrived so far, in order; all of it is taken then."""
        self._untaken.clear()
        return tuple(self._items)

    async def read_all(self) -> tuple[T, ...]:
        """The same, for boxes that have to fetch it first."""
        return self.take_all()

    async def find(self, wanted: Callable[[T], bool], *, within: float) -> T | None:
        """The first item of all that is `wanted`, waiting likewise; it is not taken."""
        return await self._first(self._items, wanted, within)

    async def beyond(self, count: int, *, within: float) -> tuple[T, ...]:
        """What came after the first `count` items, waiting up to `within` real seconds while there is nothing."""
        try:
            async with asyncio.timeout(within):
                while len(self._items) <= count:
                    await self._next()
        except TimeoutError:
            pass
        return tuple(self._items[count:])

    def clear(self) -> None:
        """Forget everything; whoever waits goes on waiting."""
        self._items.clear()
        self._untaken.clear()

    async def _first(self, items: list[T], wanted: Callable[[T], bool], within: float) -> T | None:
        try:
            async with asyncio.timeout(within):
                while (found := next(filter(wanted, items), None)) is None:
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

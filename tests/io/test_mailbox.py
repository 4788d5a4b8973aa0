"""The list that grows and can be waited for."""

from __future__ import annotations

import asyncio

from simulator.io.mailbox import Mailbox


def test_what_is_there_is_taken_once() -> None:
    async def use() -> None:
        box: Mailbox[str] = Mailbox()
        box.put("one")
        box.put("two")

        assert await box.take(lambda item: item == "two", within=5) == "two"
        assert await box.take(lambda item: item == "two", within=0) is None
        assert box.untaken == ("one",)
        assert list(box) == ["one", "two"]

    asyncio.run(use())


def test_what_comes_later_wakes_the_one_who_waits_for_it() -> None:
    async def use() -> None:
        box: Mailbox[int] = Mailbox()

        def put_all() -> None:
            for number in (1, 2, 3):
                box.put(number)

        waiting = [asyncio.create_task(box.take(number.__eq__, within=5)) for number in (3, 1)]
        asyncio.get_running_loop().call_soon(put_all)  # after both tasks have begun to wait

        assert await asyncio.gather(*waiting) == [3, 1]
        assert box.untaken == (2,)

    asyncio.run(use())

"""The list that grows and can be waited for."""

from __future__ import annotations

import asyncio

import pytest

from simulator.io import mailbox
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


def test_of_what_was_taken_only_the_latest_stays_and_numbers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEPT", 3)

    async def use() -> None:
        box: Mailbox[int] = Mailbox()
        for number in range(10):
            box.put(number)
            assert await box.take(number.__eq__, within=0) == number
        box.put(10)

        assert list(box) == [7, 8, 9, 10]
        assert await box.beyond(9, within=0) == (9, 10)
        assert await box.beyond(2, within=0) == (7, 8, 9, 10), "what is gone cannot be read"

    asyncio.run(use())


def test_what_nobody_took_stays_and_what_came_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEPT", 3)

    async def use() -> None:
        box: Mailbox[int] = Mailbox()
        box.put(-1)
        for number in range(10):
            box.put(number)
            await box.take(number.__eq__, within=0)

        assert box.untaken == (-1,)
        assert next(iter(box)) == -1
        assert await box.take(lambda _item: True, within=0) == -1
        box.put(10)
        assert list(box) == [7, 8, 9, 10]

    asyncio.run(use())


def test_whoever_reads_on_has_taken_what_was_before() -> None:
    async def use() -> None:
        box: Mailbox[int] = Mailbox()
        for number in range(4):
            box.put(number)

        assert await box.beyond(3, within=0) == (3,)
        assert box.untaken == (3,)

    asyncio.run(use())


def test_a_full_box_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "UNREAD", 2)

    async def use() -> None:
        box: Mailbox[int] = Mailbox()
        full = []
        for number in (1, 2, 3):
            full.append(box.full)
            box.put(number)

        assert full == [False, False, True]
        assert box.untaken == (2, 3)

    asyncio.run(use())

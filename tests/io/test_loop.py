"""The loop on a background thread."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from simulator.errors import ConfigurationError, SipfedError
from simulator.io.loop import KIND, LoopThread


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread("test loop")
    thread.start()
    yield thread
    thread.close()


async def wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def test_a_coroutine_runs_on_the_other_thread(loop: LoopThread) -> None:
    async def where() -> str:
        return threading.current_thread().name

    assert loop.run(where()) == "test loop"
    assert loop.call(lambda: threading.current_thread().name) == "test loop"


def test_what_it_raises_comes_back(loop: LoopThread) -> None:
    async def fail() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        loop.run(fail())


def test_a_timeout_cancels_the_coroutine(loop: LoopThread) -> None:
    ended = threading.Event()

    async def wait() -> None:
        try:
            await wait_for_ever()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        loop.run(wait(), timeout=0.01)
    assert ended.wait(5)


def test_errors_that_nobody_waited_for_are_kept(loop: LoopThread) -> None:
    def fail() -> None:
        raise LookupError("in the background")

    loop.call(lambda: asyncio.get_running_loop().call_soon(fail))
    loop.call(lambda: None)

    (error,) = loop.take_errors()
    assert "in the background" in error
    assert "test_loop.py" in error, "it says where"
    assert loop.take_errors() == []


def test_a_synchronous_call_from_the_loop_is_a_sentence_and_no_deadlock(loop: LoopThread) -> None:
    with pytest.raises(SipfedError, match="await the coroutine"):
        loop.call(lambda: loop.run(wait_for_ever()))


def test_closing_ends_what_still_runs_and_the_thread(loop: LoopThread) -> None:
    ended = threading.Event()

    async def background() -> None:
        try:
            await wait_for_ever()
        finally:
            ended.set()

    tasks = loop.call(lambda: [asyncio.get_running_loop().create_task(background())])
    loop.call(lambda: None)

    loop.close()
    loop.close()

    assert ended.is_set()
    assert tasks[0].cancelled()
    assert "test loop" not in [thread.name for thread in threading.enumerate()]


def test_closing_ends_what_began_only_then(loop: LoopThread) -> None:
    ended = threading.Event()
    late = []

    async def afterwards() -> None:
        try:
            await wait_for_ever()
        finally:
            ended.set()

    async def background() -> None:
        try:
            await wait_for_ever()
        finally:
            late.append(asyncio.get_running_loop().create_task(afterwards()))

    tasks = loop.call(lambda: [asyncio.get_running_loop().create_task(background())])
    loop.call(lambda: None)

    loop.close()

    assert tasks[0].done()
    assert late[0].cancelled()
    assert ended.is_set()


def test_the_environment_chooses_the_kind_of_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvloop")
    monkeypatch.setenv(KIND, "uvloop")
    thread = LoopThread()
    thread.start()
    try:
        assert type(thread.loop).__module__.startswith("uvloop")
        assert thread.call(lambda: asyncio.get_running_loop() is thread.loop)
    finally:
        thread.close()


def test_a_kind_of_loop_that_nobody_knows_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KIND, "fastest")
    with pytest.raises(ConfigurationError, match="no event loop 'fastest'; write asyncio or uvloop"):
        LoopThread()


def test_a_loop_that_is_not_installed_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KIND, "uvloop")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(ConfigurationError, match=r"pip install sipfed\[fast\]"):
        LoopThread()

"""One event loop on a background thread, so that tests stay synchronous while the partners go on answering."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, TypeVar, cast

from simulator.errors import ConfigurationError, Problem, SipfedError

T = TypeVar("T")

KIND = "SIPFED_LOOP"
"The environment variable that chooses the event loop: `asyncio`, as when it is not set, or `uvloop`."


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop of the kind that SIPFED_LOOP names; ConfigurationError when that cannot be had."""
    kind = os.environ.get(KIND) or "asyncio"
    if kind == "asyncio":
        return asyncio.new_event_loop()
    if kind != "uvloop":
        raise ConfigurationError([Problem(KIND, f"there is no event loop {kind!r}; write asyncio or uvloop")])
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError as error:
        advice = "uvloop is not installed; `pip install sipfed[fast]` brings it, but not on Windows"
        raise ConfigurationError([Problem(KIND, advice)]) from error
    return cast("asyncio.AbstractEventLoop", uvloop.new_event_loop())


class _Errand(Generic[T]):
    """One thing to do on the loop for another thread, which waits for it.

    `asyncio.run_coroutine_threadsafe` does the same with two futures and a condition, at three times the cost; a test
    has the loop do something twenty times.
    """

    __slots__ = ("_error", "_over", "_result", "_task")

    def __init__(self) -> None:
        self._over = threading.Lock()
        self._over.acquire()
        self._task: asyncio.Task[T] | None = None
        self._error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, whether or not anybody has seen the result."""
        return not self._over.locked()

    # -- on the loop --

    def do(self, function: Callable[..., T], arguments: tuple[object, ...]) -> None:
        """Call the function."""
        try:
            self._result = function(*arguments)
        except (SystemExit, KeyboardInterrupt) as error:
            self._error = error
            raise
        except BaseException as error:  # as asyncio does with its tasks: it belongs to who waits
            self._error = error
        finally:
            self._over.release()

    def begin(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> None:
        """Run the coroutine as a task."""
        self._task = loop.create_task(coroutine)
        self._task.add_done_callback(self._take)

    def cancel(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()

    def _take(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._error = CancelledError()
        elif (error := task.exception()) is not None:
            self._error = error
        else:
            self._result = task.result()
        self._over.release()

    # -- on the thread that waits --

    def result(self, timeout: float | None) -> T:
        """Wait for the end and return or raise what came of it; TimeoutError after `timeout` seconds."""
        if not self._over.acquire(timeout=-1 if timeout is None else timeout):
            raise TimeoutError
        self._over.release()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # its traceback holds this frame
        return self._result


class LoopThread:
    """Runs coroutines and functions on its own event loop and hands their results back.

    Errors that nobody waited for are kept: `take_errors()` gives them to the test in which they happened. The loop is
    that of asyncio, or uvloop's with SIPFED_LOOP=uvloop in the environment; ConfigurationError when it is not there.
    """

    def __init__(self, name: str = "sipfed") -> None:
        self._loop = new_event_loop()
        self._loop.set_exception_handler(self._keep_error)
        self._errors: list[str] = []
        self._thread = threading.Thread(target=self._run_forever, name=name, daemon=True)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop itself, for code that already runs on it."""
        return self._loop

    def start(self) -> None:
        """Start the thread; the loop runs until `close`."""
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run `coroutine` on the loop and return its result; raises what it raises.

        With `timeout` (seconds) the coroutine is cancelled and TimeoutError raised when it takes longer.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise SipfedError("A synchronous call was made on the federation's own loop; await the coroutine instead.")
        errand: _Errand[T] = _Errand()
        try:
            self._loop.call_soon_threadsafe(errand.begin, self._loop, coroutine)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise
        try:
            return errand.result(timeout)
        except BaseException:
            if not errand.is_over and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(errand.cancel)
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `coroutine` on the loop and return at once; the future gives its result to any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a plain function on the loop's thread and return its result."""
        if threading.current_thread() is self._thread:
            raise SipfedError("A synchronous call was made on the federation's own loop; call the function itself.")
        errand: _Errand[T] = _Errand()
        self._loop.call_soon_threadsafe(errand.do, function, args)
        return errand.result(None)

    def take_errors(self) -> list[str]:
        """The errors of background callbacks and tasks since the last call, a sentence each."""
        errors, self._errors = self._errors, []
        return errors

    def close(self) -> None:
        """Cancel what still runs, stop the loop and join the thread. Calling it twice does no harm."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _run_forever(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        while tasks := asyncio.all_tasks(self._loop):  # one that ends may begin another
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    def _keep_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = context["message"] if error is None else f"{context['message']}: {type(error).__name__}: {error}"
        trace = getattr(error, "__traceback__", None)
        if trace is not None:
            while trace.tb_next is not None:
                trace = trace.tb_next
            text += f" (at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
        self._errors.append(text)

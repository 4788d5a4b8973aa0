"""The client as a process: what it is told, and what it says."""

from __future__ import annotations

import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

DEADLINE = 10.0
"Seconds until it must have said what a test expects."


class Event(NamedTuple):
    """Something that happened to the client."""

    word: str
    "`signed-on`, `message`, `typing`, `remark` or `error`."
    who: str
    "The other's address, `sip:user@domain`."
    text: str
    "The message as plain text, or what is remarked."


class LyncClient:
    """One signed-in user. To be used as a context manager."""

    def __init__(self, program: Path, address: str, server: tuple[str, int], folder: Path) -> None:
        """`program` is client.c compiled, `address` the user's, `server` where the client signs in."""
        self._events: queue.Queue[Event] = queue.Queue()
        self.said: list[str] = []
        "All its output, for failures."
        self._process = subprocess.Popen(
            [str(program), address, f"{server[0]}:{server[1]}", str(folder)],
            cwd=folder,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> LyncClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._reader.join()
        self._process.__exit__(kind, error, trace)

    def say(self, to: str, text: str) -> None:
        """Send a message; the session it needs is opened by the client."""
        self._tell(f"say {to} {text}")

    def type(self, to: str) -> None:
        """Begin to type."""
        self._tell(f"type {to}")

    def expect(self, word: str, who: str = "") -> Event:
        """The next event of this kind, about `who` if given; what comes before it is passed over."""
        passed: list[Event] = []
        while True:
            try:
                event = self._events.get(timeout=DEADLINE)
            except queue.Empty:
                raise AssertionError(
                    f"The client did not say {word!r}, but {passed}; all it said:\n{self._all()}"
                ) from None
            if event.word == word and who in ("", event.who):
                return event
            passed.append(event)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 3:
                self._events.put(Event(*parts))

    def _all(self) -> str:
        return "".join(self.said)

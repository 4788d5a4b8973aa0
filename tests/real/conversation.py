"""Another program that is told what to do a line at a time, and says what happens a line at a time."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

DEADLINE = 20.0
"Seconds until it must have said what a test expects."


class Conversation:
    """A running program. To be used as a context manager, which kills it at the end."""

    def __init__(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        "All that it said, without the ends of lines."
        self._unread: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._reader.join()
        self._process.__exit__(kind, error, trace)

    def tell(self, line: str) -> None:
        """Write one line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def until(self, pattern: str) -> re.Match[str]:
        """Read on to the next line that holds the pattern; fails at the deadline and when the program ends before."""
        while True:
            try:
                line = self._unread.get(timeout=DEADLINE)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"It never said {pattern!r}, but this:\n" + "\n".join(self.lines))
            if found := re.search(pattern, line):
                return found

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._unread.put(self.lines[-1])
        self._unread.put(None)

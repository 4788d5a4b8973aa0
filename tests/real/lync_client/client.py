"""The client as a process: what it is told, and what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.real.conversation import Conversation


class LyncClient(Conversation):
    """One signed-in user of client.c, whose lines are an event, who it is about, and a text, with tabs between."""

    def __init__(self, program: Path, address: str, server: tuple[str, int], folder: Path) -> None:
        """`program` is client.c compiled, `address` the user's, `server` where the client signs in."""
        command = [str(program), address, f"{server[0]}:{server[1]}", str(folder)]
        super().__init__(command, folder, {"HOME": str(folder), "PATH": "/usr/bin:/bin"})

    def say(self, to: str, text: str) -> None:
        """Send a message; the session it needs is opened by the client."""
        self.tell(f"say {to} {text}")

    def type(self, to: str) -> None:
        """Begin to type."""
        self.tell(f"type {to}")

    def expect(self, word: str, who: str = "") -> str:
        """The text of the next `signed-on`, `message`, `typing`, `remark` or `error` about `who`."""
        return self.until(rf"^{word}\t{re.escape(who)}\t(.*)")[1]

"""What the UDP side, the TCP side and the server between them say to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fakes.dns.message import Transport

Client = tuple[Any, ...]
"Address and port, and for IPv6 some more."


class Carrier(Protocol):
    """Brings answers back the way that the query came."""

    transport: Transport
    "Which of the two it is."

    def send(self, wire: bytes, client: Client) -> None:
        """Send an answer that was not there at once; nothing happens when the asker has gone."""

    def reset(self) -> None:
        """End the connection, if there is one, with a reset."""


Answer = Callable[[bytes, Client, Carrier], bytes | None]
"Gives the octets that go back, none when nothing does or the carrier was told, and None when nobody may answer."

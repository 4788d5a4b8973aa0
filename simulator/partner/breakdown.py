"""What may stand in an edge's place while it is broken: nobody, or somebody who speaks no SIP over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, cast

Breakdown = Literal["refuses", "closes", "closes-in-handshake", "garbage", "silent"]
"""Nobody listens; or connections are accepted and closed at once, or after the first bytes, or answered with what is no
TLS, or they stay open and nothing ever comes back."""

GARBAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


class Stranger(asyncio.Protocol):
    """One connection to whoever listens in the edge's place."""

    def __init__(self, how: Breakdown, on_dialled: Callable[[str], None], open_ones: set[asyncio.Transport]) -> None:
        self._how = how
        self._on_dialled = on_dialled
        self._open = open_ones
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close at once where that is wanted."""
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self._transport)
        address, port = self._transport.get_extra_info("peername")[:2]
        self._on_dialled(f"{address}:{port}")
        if self._how == "closes":
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer the first bytes with the end, or with what is no TLS."""
        del data
        assert self._transport is not None
        if self._how == "garbage":
            self._transport.write(GARBAGE)
        if self._how != "silent":
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        del error
        assert self._transport is not None
        self._open.discard(self._transport)


class Impostor:
    """Listens in the place of an edge; to be used on the loop."""

    def __init__(self, how: Breakdown, on_dialled: Callable[[str], None]) -> None:
        """`on_dialled` gets the address of whoever connects."""
        self._how = how
        self._on_dialled = on_dialled
        self._open: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, port: int) -> None:
        """Take the edge's place, unless nobody is to listen there."""
        if self._how != "refuses":
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: Stranger(self._how, self._on_dialled, self._open), address, port
            )

    async def close(self) -> None:
        """Leave the place."""
        for transport in tuple(self._open):
            transport.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

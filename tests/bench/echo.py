"""A bare MTLS echo on the same event loop and the same TLS end points as the stack has: what is left without SIP."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import cast

from simulator import tls

BLOCK = b"x" * 600
"As long as a SIP message is."


class EchoEnd(asyncio.Protocol, ABC):
    """Reads, lets `receive` answer, and writes once for each read."""

    def __init__(self, endpoint: tls.Endpoint) -> None:
        self._tls = endpoint
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tls.start()
        self._write()

    def data_received(self, data: bytes) -> None:
        self._tls.receive_data(data)
        while (event := self._tls.next_event()) is not None:
            match event:
                case tls.DataReceived(data=plain):
                    self.receive(plain)
                case tls.HandshakeCompleted():
                    self.ready.set_result(None)
        self._write()

    @abstractmethod
    def receive(self, plain: bytes) -> None:
        """Take what came, and send what is to be sent."""

    def _write(self) -> None:
        assert self._transport is not None
        if data := self._tls.data_to_send():
            self._transport.write(data)


class EchoServer(EchoEnd):
    """Sends everything back."""

    def receive(self, plain: bytes) -> None:
        self._tls.send(plain)


class EchoClient(EchoEnd):
    """Keeps some blocks under way."""

    def __init__(self, endpoint: tls.Endpoint) -> None:
        super().__init__(endpoint)
        self._left = self._open = self._received = 0
        self._done: asyncio.Future[None] | None = None

    async def run(self, number: int, window: int) -> None:
        """Send `number` blocks, at most `window` of them at a time, and wait until all are back."""
        self._done = asyncio.get_running_loop().create_future()
        self._left = number - window
        self._open = window
        self._tls.send(BLOCK * window)
        self._write()
        await self._done

    def receive(self, plain: bytes) -> None:
        back, self._received = divmod(self._received + len(plain), len(BLOCK))
        again = min(back, self._left)
        self._left -= again
        self._open += again - back
        if again:
            self._tls.send(BLOCK * again)
        elif not self._open and self._done is not None:
            self._done.set_result(None)

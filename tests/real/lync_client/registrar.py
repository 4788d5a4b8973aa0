"""The home server of a Lync client: signs it in without asking, and passes its chats on to other domains and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulator.sip.framing import NEED_DATA, MessageReader
from simulator.sip.message import Request, Response

Message = Request | Response
OWN = frozenset({"REGISTER", "SUBSCRIBE", "SERVICE", "PUBLISH"})
"What the client asks of its home server; everything else is for the domain it writes to."


class Stream(asyncio.Protocol):
    """One TCP connection that brings whole messages."""

    def __init__(self, on_message: Callable[[Stream, Message], None]) -> None:
        self._on_message = on_message
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.receive_data(data)
        while (event := self._reader.next_event()) is not NEED_DATA:
            if isinstance(event, Request | Response):
                self._on_message(self, event)

    def send(self, message: Message) -> None:
        """Write one message as it is."""
        assert self._transport is not None
        self._transport.write(bytes(message))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Registrar:
    """Between one client and the tunnels of its domain: `start`, then let the client connect to `port`."""

    def __init__(self, address: str, tunnel_out: tuple[str, int], tunnel_in_port: int) -> None:
        self._address = address
        self._tunnel_out = tunnel_out
        self._tunnel_in_port = tunnel_in_port
        self._servers: list[asyncio.Server] = []
        self._client: Stream | None = None
        self._out: Stream | None = None
        self._came_by: dict[str, Stream] = {}
        "The connection each request of somebody else's came by, by its top Via."
        self.seen: list[Message] = []
        "Everything that went between the client and other domains, in order."
        self.port = 0

    async def start(self) -> None:
        """Open the tunnel, and listen for the client and for what the tunnel brings."""
        loop = asyncio.get_running_loop()
        _, self._out = await loop.create_connection(lambda: Stream(self._from_outside), *self._tunnel_out)
        self._servers = [
            await loop.create_server(lambda: Stream(self._from_client), self._address, 0),
            await loop.create_server(lambda: Stream(self._from_outside), self._address, self._tunnel_in_port),
        ]
        self.port = self._servers[0].sockets[0].getsockname()[1]

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for stream in (self._client, self._out, *self._came_by.values()):
            if stream is not None:
                stream.close()

    def _from_client(self, stream: Stream, message: Message) -> None:
        self._client = stream
        if isinstance(message, Request) and message.method in OWN:
            stream.send(_welcome(message))
            return
        self.seen.append(message)
        if isinstance(message, Response):
            self._came_by[message.top_via.raw].send(message)
        else:
            assert self._out is not None
            self._out.send(message)

    def _from_outside(self, stream: Stream, message: Message) -> None:
        self.seen.append(message)
        if isinstance(message, Request):
            self._came_by[message.top_via.raw] = stream
        if self._client is not None:
            self._client.send(message)


def _welcome(request: Request) -> Response:
    """200 to whatever a home server is asked; the Contact and the times of a registration come back with it."""
    headers = [("Expires", request.headers.get("Expires") or "7200")]
    if request.method == "REGISTER":
        contact = request.headers.get("Contact")
        if contact:
            headers.append(("Contact", f"{contact};expires=7200"))
        headers += [
            ("Allow-Events", "vnd-microsoft-roaming-contacts,vnd-microsoft-roaming-self,presence"),
            ("Supported", "msrtc-event-categories"),
        ]
    return request.respond(200, to_tag="registrar", headers=headers)

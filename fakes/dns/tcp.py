"""The TCP side of the server (RFC 1035 §4.2.2, RFC 7766)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import cast

from fakes.dns.carrier import Answer, Client
from fakes.dns.message import Transport

LENGTH = struct.Struct("!H")
LINGER = struct.Struct("hh" if os.name == "nt" else "ii")
"Of SO_LINGER: on or off, and how long."
WRITE_AT_ONCE = 65536
"Bytes of answers that are joined before they are written."


class TcpServer:
    """A listening socket and its connections."""

    def __init__(self, answer: Answer, *, idle_timeout: float, max_connections: int) -> None:
        self.answer = answer
        self.idle_timeout = idle_timeout
        self.connections: set[Connection] = set()
        self._max_connections = max_connections
        self._listener: asyncio.Server | None = None
        self._accepting = False

    async def start(self, sock: socket.socket) -> None:
        """Accept connections from a socket that listens already."""
        self._accepting = True
        self._listener = await asyncio.get_running_loop().create_server(lambda: Connection(self), sock=sock)

    def admit(self, connection: Connection) -> bool:
        """True when there is room for one more connection."""
        if len(self.connections) >= self._max_connections or not self._accepting:
            return False
        self.connections.add(connection)
        return True

    async def close(self) -> None:
        """Stop accepting, drop all connections, and return when every socket is closed."""
        listener, self._listener, self._accepting = self._listener, None, False
        if listener is None:
            return
        listener.close()
        if self.connections:
            await asyncio.wait([connection.abort() for connection in self.connections])
        await listener.wait_closed()


class Connection(asyncio.Protocol):
    """One TCP connection: any number of queries, answered in their order (RFC 7766 §6.2.1) but for faults."""

    transport: Transport = "tcp"

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._buffer = bytearray()
        self._full = False
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast("asyncio.Transport", transport)
        self._peer: Client = transport.get_extra_info("peername") or ("?", 0)
        if self._server.admit(self):
            self._watch()
        else:
            self._stream.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def pause_writing(self) -> None:
        """The asker does not read: neither read nor answer more until it does."""
        self._full = True
        self._stream.pause_reading()

    def resume_writing(self) -> None:
        self._full = False
        self._stream.resume_reading()
        self._work()

    def connection_lost(self, _: Exception | None) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._server.connections.discard(self)
        self._closed.set_result(None)

    def abort(self) -> asyncio.Future[None]:
        """Drop the connection; the result is there when the socket is closed."""
        self._stream.abort()
        return self._closed

    def send(self, wire: bytes, _: Client) -> None:
        """Send an answer that was not there at once."""
        if not self._stream.is_closing():
            self._stream.write(LENGTH.pack(len(wire)) + wire)

    def reset(self) -> None:
        """End the connection with a reset in place of an orderly end, if the system can."""
        sock = self._stream.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER.pack(1, 0))
        self._stream.abort()

    def _work(self) -> None:
        """Answer the complete queries in the buffer, in few writes, as long as the asker takes the answers."""
        out = bytearray()
        while not self._full and not self._stream.is_closing() and (wire := self._next_query()) is not None:
            answer = self._server.answer(wire, self._peer, self)
            if answer is None:
                # No DNS client sends this, so nothing that follows can be trusted to be framed.
                self._stream.write(bytes(out))
                self._stream.close()
                return
            self._watch()
            if answer:
                out += LENGTH.pack(len(answer)) + answer
            if len(out) >= WRITE_AT_ONCE:
                self._stream.write(bytes(out))
                out.clear()
        if out and not self._stream.is_closing():
            self._stream.write(bytes(out))

    def _next_query(self) -> bytes | None:
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        wire = bytes(self._buffer[LENGTH.size : end])
        del self._buffer[:end]
        return wire

    def _watch(self) -> None:
        """Give the asker the idle time again, from now."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._loop.call_later(self._server.idle_timeout, self._stream.abort)

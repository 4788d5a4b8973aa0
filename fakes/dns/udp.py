"""The UDP side of the server (RFC 1035 §4.2.1): read in one go what has come, or datagram by datagram."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from fakes.dns.carrier import Answer, Client
from fakes.dns.message import Transport

DRAIN = 64
"How many datagrams are read before the loop may do something else."
MAX_DATAGRAM = 65535


class UdpSide(Protocol):
    """One of the two ways to serve a UDP socket."""

    def abort(self) -> asyncio.Future[None]:
        """Close at once; the result is there when the socket is closed."""


async def serve(sock: socket.socket, answer: Answer, failed: Callable[[], None]) -> UdpSide:
    """Serve a bound, non-blocking socket in the fastest way that the running loop has.

    `failed` is called when the socket has to be opened anew.
    """
    loop = asyncio.get_running_loop()
    reader = Reader(sock, answer)
    try:
        loop.add_reader(sock.fileno(), reader.readable)
    except NotImplementedError:  # the Proactor loop of Windows
        _, endpoint = await loop.create_datagram_endpoint(lambda: Endpoint(answer, failed), sock=sock)
        return endpoint
    return reader


class Reader:
    """Reads whatever waits in the socket each time the loop finds it readable, where the loop watches sockets.

    asyncio's own datagram transport reads one datagram each time, so that most of the effort goes into watching.
    """

    transport: Transport = "udp"

    def __init__(self, sock: socket.socket, answer: Answer) -> None:
        self._sock = sock
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def readable(self) -> None:
        """Answer what waits, some of it at least."""
        receive, send, answer = self._sock.recvfrom, self._sock.sendto, self._answer
        for _ in range(DRAIN):
            try:
                wire, client = receive(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:  # on Windows, that an earlier asker has gone; elsewhere the system may have no memory
                continue
            answered = answer(wire, client, self)
            if answered:
                try:
                    send(answered, client)
                except OSError:
                    continue  # no room or no way to the asker: lost, as UDP may, rather than piled up

    def send(self, wire: bytes, client: Client) -> None:
        """Send an answer that was not there at once."""
        try:
            self._sock.sendto(wire, client)
        except OSError:
            return  # as above, or the socket is closed

    def reset(self) -> None:
        """Nothing: there is no connection."""

    def abort(self) -> asyncio.Future[None]:
        """Close at once; the result is there when the socket is closed."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        return done


class Endpoint(asyncio.DatagramProtocol):
    """asyncio's own way, which every loop has."""

    transport: Transport = "udp"

    def __init__(self, answer: Answer, failed: Callable[[], None]) -> None:
        self._answer = answer
        self._failed = failed
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast and not an assertion: before Python 3.12 asyncio's own transports do not inherit from the class.
        self._endpoint = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Client) -> None:
        answered = self._answer(data, addr, self)
        if answered:
            self.send(answered, addr)

    def send(self, wire: bytes, client: Client) -> None:
        """Send an answer, unless too many wait already."""
        if not self._full and not self._endpoint.is_closing():
            self._endpoint.sendto(wire, client)

    def reset(self) -> None:
        """Nothing: there is no connection."""

    def error_received(self, _: Exception) -> None:
        """Open a new socket: an asker that has gone before its answer came must not cost the others theirs.

        On Windows that is an error of the next read, after which asyncio's Proactor loop reads no more, in Python up to
        3.14 (python/cpython#91227, #127057). Elsewhere only a failed send comes here.
        """
        self._failed()

    def pause_writing(self) -> None:
        """From here on answers are lost, as UDP may, rather than piled up."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def connection_lost(self, _: Exception | None) -> None:
        self._closed.set_result(None)

    def abort(self) -> asyncio.Future[None]:
        """Close at once; the result is there when the socket is closed."""
        self._endpoint.abort()
        return self._closed

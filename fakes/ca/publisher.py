"""Serve what a CA publishes over HTTP, on the caller's event loop (RFC 5280 §4.2.1.13, RFC 6960 appendix A)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from fakes.ca.authority import Authority
from fakes.ca.revocation import Publications
from fakes.errors import FakeError

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request that was answered, or is left without an answer; `str(fetch)` is one line."""

    client: str
    "The address of who asked."
    method: str
    "GET or POST."
    path: str
    "As asked for."
    status: int | None
    "The answer's status code; None where none is given."

    def __str__(self) -> str:
        return f"{self.client} asked {self.method} {self.path}: {self.status or 'no answer'}"


class Publisher:
    """One authority's CRLs, OCSP and issuers' certificates over HTTP: `await start()` and `close()`, or `async with`.

    It belongs to the event loop that `start` runs on. From `start` on the authority's certificates name its URLs.
    """

    def __init__(
        self,
        authority: Authority,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        on_fetch: Callable[[Fetch], object] | None = None,
        history: int = 10_000,
    ) -> None:
        """Prepare a server; nothing is opened yet. `port` 0 takes a free one; `history` bounds the requests kept.

        `on_fetch` is called on the loop's thread before each answer; what it raises goes to the loop's exception
        handler and does no harm here. Raises FakeError for an address that is none.
        """
        try:
            self._ip = ipaddress.ip_address(address)
        except ValueError as error:
            raise FakeError(f"The publisher of the CA needs an IP address to listen on, not {address!r}.") from error
        self._authority = authority
        self._publications = Publications(authority)
        self._port = port
        self._on_fetch = on_fetch
        self._history: deque[Fetch] = deque(maxlen=history)
        self._runner: web.ServerRunner | None = None
        self._dead: socket.socket | None = None
        self._never: asyncio.Future[None] | None = None
        self.url = ""
        "Below this URL everything is found, once it runs."

    @property
    def history(self) -> list[Fetch]:
        """All requests, oldest first, as far as they are kept; from any thread."""
        return list(self._history)

    async def start(self) -> None:
        """Listen. Raises FakeError when it runs already, or when address or port can't be had."""
        from aiohttp import web  # 200 ms

        if self._runner is not None:
            raise FakeError(f"The publisher of the CA runs already, at {self.url}.")
        self._never = asyncio.get_running_loop().create_future()
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, str(self._ip), self._port).start()
            # A port that is bound, but not listened at, is one where surely nobody answers.
            self._dead = _bound(self._ip)
        except OSError as error:
            await runner.cleanup()
            raise FakeError(
                f"The publisher of the CA cannot listen on {self._ip} port {self._port}: {error.strerror or error}."
            ) from error
        self._runner = runner
        self.url = self._url(runner.addresses[0][1])
        self._authority.publish(self.url, dead=self._url(self._dead.getsockname()[1]))

    async def close(self) -> None:
        """Stop listening and drop every connection; harmless when not running. The URLs lead nowhere from then on."""
        if self._runner is None or self._never is None or self._dead is None:
            return
        runner, self._runner = self._runner, None
        self._never.set_result(None)
        self._dead.close()
        await runner.cleanup()

    async def __aenter__(self) -> Publisher:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _url(self, port: int) -> str:
        return f"http://[{self._ip}]:{port}" if self._ip.version == 6 else f"http://{self._ip}:{port}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        assert self._never is not None, "requests come only while it runs"
        body = await request.read()  # of a megabyte at most
        page = self._publications.respond(request.method, request.raw_path, body)
        fetch = Fetch(request.remote or "?", request.method, request.raw_path, None if page is None else page.status)
        self._history.append(fetch)
        if self._on_fetch is not None:
            # By way of the loop, so that an error of the hook is reported there and the asker still gets the answer.
            asyncio.get_running_loop().call_soon(self._on_fetch, fetch)
        if page is None:
            await asyncio.shield(self._never)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        return web.Response(status=page.status, content_type=page.content_type, body=page.body)


def _bound(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> socket.socket:
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
    try:
        sock.bind((str(address), 0))
    except OSError:
        sock.close()
        raise
    return sock

"""Look up revocation over HTTP, and keep a connection back until it is known (RFC 5280 §6.3, RFC 6960 appendix A)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator import tls
from simulator.clock import Clock
from simulator.trust import Lookup, RevocationData, Verdict

if TYPE_CHECKING:
    from aiohttp import ClientResponse

LOOKUP_TIMEOUT = 2.0
"Seconds for one CRL or OCSP answer: two, one after the other, take less than a connection may to come up."
MAX_BODY = 10 * 1024 * 1024
"Bytes of a CRL; those of public CAs have some hundred thousand."
MAX_HELD = 1024 * 1024
"Bytes that a peer may send while its certificate is looked up."


class RevocationLookups:
    """Fetches CRLs and OCSP answers and keeps them for all connections of an element; to be used on the loop's thread.

    Redirections, proxies and other schemes than HTTP are not followed. Asked for at the same time, a thing is fetched
    once. What can't be had is kept too, as the sentence why, so that nobody waits for it twice.
    """

    def __init__(self, clock: Clock, *, data: RevocationData | None = None, timeout: float = LOOKUP_TIMEOUT) -> None:
        self.data = RevocationData() if data is None else data
        "What is known so far, for `trust.judge`."
        self._clock = clock
        self._timeout = timeout
        self._running: dict[Lookup, asyncio.Task[None]] = {}

    async def settle(self, judge: Callable[[], Verdict]) -> Verdict:
        """Judge, fetch what is missing, and judge again until nothing is."""
        while (verdict := judge()).pending:
            await asyncio.gather(*map(self._fetched, verdict.pending))
        return verdict

    def forget(self) -> None:
        """Ask anew for everything, as if nothing had been fetched yet."""
        self.data = RevocationData()

    async def _fetched(self, lookup: Lookup) -> None:
        task = self._running.get(lookup)
        if task is None:
            task = self._running[lookup] = asyncio.get_running_loop().create_task(self._fetch(lookup))
            task.add_done_callback(lambda _: self._running.pop(lookup, None))
        await asyncio.shield(task)

    async def _fetch(self, lookup: Lookup) -> None:
        import aiohttp  # 200 ms

        try:
            async with asyncio.timeout(self._timeout), aiohttp.ClientSession() as session:
                question: dict[str, Any] = {}
                if lookup.request:
                    question = {"data": lookup.request, "headers": {"Content-Type": "application/ocsp-request"}}
                method = "POST" if question else "GET"
                async with session.request(method, lookup.url, allow_redirects=False, **question) as response:
                    body = await _body(response) if response.status == 200 else b""
                    failure = "" if response.status == 200 else f"it answered {response.status}"
        except TimeoutError:
            failure = f"it did not answer in {self._timeout:g} s"
        except aiohttp.ClientConnectionError as error:
            failure = f"it can't be reached ({error})"
        except (aiohttp.ClientError, ValueError) as error:
            failure = f"what it answered can't be used ({error})"
        if failure:
            self.data.fail(lookup, failure, self._clock.today())
        else:
            self.data.put(lookup, body, self._clock.today())


async def _body(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise ValueError(f"more than {MAX_BODY} bytes")
    return bytes(body)


class CheckedEndpoint(tls.Endpoint):
    """An end point whose handshake counts as completed only once nothing of the verdict is pending.

    What is known inside the handshake is answered there, by an alert. What must be fetched comes too late for that:
    then the peer has its Finished already, and a refusal ends the connection by close_notify, before anything is read
    or written. Until then `next_event` gives None; `wake` is called when there is more.
    """

    def __init__(
        self,
        context: tls.Context,
        *,
        server_name: str | None,
        judge: Callable[[tls.PresentedChain], Verdict],
        settle: Callable[[Callable[[], Verdict]], Awaitable[Verdict]],
    ) -> None:
        super().__init__(context, server_name=server_name, verify=self._remember)
        self.wake: Callable[[], None] = lambda: None
        self._judge = judge
        self._settle = settle
        self._presented: tls.PresentedChain | None = None
        self._task: asyncio.Future[Verdict] | None = None
        self._first: tls.Event | None = None
        self._held = 0

    def _remember(self, presented: tls.PresentedChain) -> Verdict:
        self._presented = presented
        return self._judge(presented)

    def receive_data(self, data: bytes) -> None:
        if self._task is not None:
            self._held += len(data)
            if self._held > MAX_HELD:
                self._give_up(tls.TlsFailed(f"The peer sent more than {MAX_HELD} bytes before it could be trusted."))
                return
        super().receive_data(data)

    def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        super().close()

    def next_event(self) -> tls.Event | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._task is not None:
            return None
        event = super().next_event()
        if (
            isinstance(event, tls.HandshakeCompleted)
            and isinstance(event.verdict, Verdict)
            and event.verdict.pending
            and self._presented is not None
        ):
            self._look_up(event, self._presented)
            return None
        return event

    def _look_up(self, completed: tls.HandshakeCompleted, presented: tls.PresentedChain) -> None:
        task = asyncio.ensure_future(self._settle(lambda: self._judge(presented)))
        task.add_done_callback(lambda task: self._settled(completed, task))
        self._task = task

    def _settled(self, completed: tls.HandshakeCompleted, task: asyncio.Future[Verdict]) -> None:
        if self._task is None or task.cancelled():
            return
        verdict = task.result()
        if verdict.accepted:
            self._task, self._first = None, replace(completed, verdict=verdict)
        else:
            self._give_up(tls.RefusedPeer(verdict, ""))
        self.wake()

    def _give_up(self, event: tls.Event) -> None:
        while super().next_event() is not None:  # what came meanwhile is not for anybody
            pass
        self.close()
        self._first = event

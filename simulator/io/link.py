"""One MTLS connection: TCP, TLS and SIP in one synchronous chain under an asyncio protocol (RFC 3261 §18)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast

from simulator import tls
from simulator.io.link_user import LinkLost, LinkUser, RequestTimedOut, Tap
from simulator.io.timers import Timer, Timers
from simulator.sip import events as sip_events
from simulator.sip.connection import SipConnection
from simulator.sip.framing import Limits
from simulator.sip.merging import RequestRegister
from simulator.sip.message import Request, Response
from simulator.sip.style import HeaderStyle
from simulator.sip.transaction import ClientTransaction, ServerTransaction
from simulator.trust import Verdict

WRITE_BUFFER_LIMIT = 8 * 1024 * 1024
"Bytes that may wait for a peer that does not read; one more message ends the connection."
RECORD = 16_384
"""Bytes that fill a TLS record. What is to be sent leaves when it comes to that, though the rest of a read is still to
be handled: the peer has something to do meanwhile, and to wait for more would save nothing."""
LINGER = 2.0
"Seconds in which a peer that broke the rules may read our last answer before the connection is cut."


@dataclass(frozen=True, slots=True)
class _Awaited:
    """Who waits for the responses to a request of ours."""

    on_response: Callable[[Response], None] | None
    on_failure: Callable[[LinkLost | RequestTimedOut], None]
    future: asyncio.Future[Response] | None
    "What `request` gave, by which an INVITE can be cancelled."


class Link(asyncio.Protocol):
    """A connection to one peer; all methods are to be called on the loop's thread.

    What is sent while one read of the socket is handled leaves together, a TLS record at a time (one write per message
    costs three to five times as much).
    """

    def __init__(
        self,
        endpoint: tls.Endpoint,
        user: LinkUser,
        timers: Timers,
        *,
        sent_by: str,
        outgoing: bool,
        expected: str = "",
        tap: Tap | None = None,
        register: RequestRegister | None = None,
        limits: Limits | None = None,
        style: HeaderStyle | None = None,
        on_gone: Callable[[Link], object] = lambda _link: None,
    ) -> None:
        """`on_gone` is called when the socket is closed, which may be a moment after the link has ended."""
        self.outgoing = outgoing
        self.expected = expected
        "The name that was dialled; empty for an incoming connection."
        self.peer_address = ""
        self.handshake: tls.HandshakeCompleted | None = None
        self.verdict: Verdict | None = None
        "Our own verdict on the peer's certificate, once it was shown."
        self.closed_because: LinkLost | None = None
        self.fault = ""
        "Why it ended, when one side found fault with the other; empty for a connection that was simply closed."
        self.used_at = timers.clock.now()
        "When something went over it last, in seconds on the federation's clock."
        self.heard = False
        "Whether the peer has said anything inside TLS yet."
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        "Done when TLS is up; raises LinkLost when it never comes up."
        self._tls = endpoint
        seen = None if tap is None else self._on_message
        self._sip = SipConnection(sent_by=sent_by, tap=seen, register=register, limits=limits, style=style)
        self._user = user
        self._timers = timers
        self._timer: Timer | None = None
        self._tap = tap
        self._on_gone = on_gone
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[ClientTransaction, _Awaited] = {}
        self._in_dispatch = False
        self._flush_planned = False
        self._alert = ""

    # -- for the user -------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether a request may be sent on it."""
        return self.closed_because is None and self.handshake is not None

    @property
    def peer_names(self) -> tuple[str, ...]:
        """The names of the peer's certificate; empty before the handshake."""
        return self.verdict.names if self.verdict is not None else ()

    @property
    def waiting(self) -> int:
        """How many requests of ours have no final response yet."""
        return len(self._waiting)

    @property
    def own_address(self) -> tuple[str, int]:
        """Our end of the TCP connection."""
        assert self._transport is not None
        address, port = self._transport.get_extra_info("sockname")[:2]
        return address, port

    def request(
        self, request: Request, *, on_response: Callable[[Response], None] | None = None, add_via: bool = True
    ) -> asyncio.Future[Response]:
        """Send `request` in a new client transaction; the future gives the final response. With `add_via` off it has
        its Via already.

        It raises LinkLost when the connection ends first and RequestTimedOut after Timer B or F. `on_response` gets
        every response, the provisional ones too, before anything is handled that came behind it in the same read.
        """
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def failed(error: LinkLost | RequestTimedOut) -> None:
            if not future.done():
                _fail(future, error)

        self._send(request, _Awaited(on_response, failed, future), add_via=add_via)
        return future

    def send(
        self,
        request: Request,
        on_response: Callable[[Response], None],
        on_failure: Callable[[LinkLost | RequestTimedOut], None],
    ) -> None:
        """The same without a future, which costs as much as reading the response: for whoever sends a great many.

        Either `on_response` gets a final response at last, or `on_failure` the error; raises LinkLost when the
        connection has ended before.
        """
        self._send(request, _Awaited(on_response, on_failure, None))

    def _send(self, request: Request, awaited: _Awaited, *, add_via: bool = True) -> None:
        if self.closed_because is not None:
            raise self.closed_because
        transaction = self._sip.send_request(request, self._timers.clock.now(), add_via=add_via)
        self._waiting[transaction] = awaited
        self._flush_soon()

    def respond(self, transaction: ServerTransaction, response: Response) -> None:
        """Answer the request of `transaction`; nothing happens when the connection is gone."""
        if self.closed_because is None:
            self._sip.send_response(transaction, response, self._timers.clock.now())
            self._flush_soon()

    def acknowledge(self, ack: Request) -> None:
        """Send the ACK to a 2xx, which has no transaction (RFC 3261 §13.2.2.4)."""
        if self.closed_because is None:
            self._sip.send_ack(ack)
            self._flush_soon()

    def send_one_way(self, request: Request) -> None:
        """Send a request that nobody answers, such as BENOTIFY (MS-SIP 3.5.5.3)."""
        if self.closed_because is not None:
            raise self.closed_because
        self._sip.send_one_way(request)
        self._flush_soon()

    def send_raw(self, data: bytes) -> None:
        """Send bytes inside TLS as they are, on purpose: nothing is checked, and no transaction knows of them."""
        if self.closed_because is not None:
            raise self.closed_because
        self._sip.send_raw(data)
        self._flush_soon()

    def forget(self, transaction: ServerTransaction) -> None:
        """Never answer the request of `transaction`, as a BENOTIFY wants it."""
        self._sip.forget(transaction)

    def cancel(self, invite: asyncio.Future[Response]) -> None:
        """Give up on an INVITE of ours, named by the future that `request` gave; its final response still comes."""
        for transaction, awaited in self._waiting.items():
            if awaited.future is invite:
                self._sip.cancel(transaction, self._timers.clock.now())
                self._flush_soon()
                return

    def close(self, sentence: str = "closed by this side") -> None:
        """End TLS and TCP after what is still to be written; pending requests fail."""
        if self.closed_because is None and self._transport is not None:
            if self.alive and (data := self._sip.data_to_send()):
                self._tls.send(data)
            self._tls.close()
            self._write()
            self._transport.close()
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.abort()
        self._ended(sentence)

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("", 0)
        self.peer_address = f"{peer[0]}:{peer[1]}"
        if self._tap is not None:
            self._tap.opened(self)
        self._tls.start()
        self._write()

    def data_received(self, data: bytes) -> None:
        if self.closed_because is not None:
            return
        self._tls.receive_data(data)
        self._dispatch()

    def eof_received(self) -> None:
        if self.closed_because is None:
            self._tls.receive_eof()
            self._dispatch()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self.closed_because is None:
            self._read_what_is_left()
        self._ended(f"the connection ended: {error}" if error else "the peer closed the connection")
        self._on_gone(self)

    def _read_what_is_left(self) -> None:
        """Hear what the peer said before the connection broke under a write of ours, which ends the reading as well.

        In TLS 1.3 a server refuses a client only after the client's handshake is over. When it then closes with a
        request of ours unread, its alert is followed by a reset; Linux keeps the alert for whoever still reads, other
        systems may not.
        """
        assert self._transport is not None
        sock = self._transport.get_extra_info("socket")
        with suppress(OSError), sock.dup() as twin:  # the transport's own can't be read any more
            twin.setblocking(False)
            while self.closed_because is None and (data := twin.recv(65_536)):
                self.data_received(data)

    # -- inside -------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        self._in_dispatch = True
        try:
            while (event := self._tls.next_event()) is not None:
                self._on_tls_event(event)
        finally:
            self._in_dispatch = False
            self._flush()

    def _on_tls_event(self, event: tls.Event) -> None:
        match event:
            case tls.DataReceived(data=data):
                self.heard = True
                self.used_at = self._timers.clock.now()
                self._sip.receive_data(data, self._timers.clock.now())
                self._drain_sip()
            case tls.HandshakeCompleted():
                self.handshake = event
                self.verdict = event.verdict if isinstance(event.verdict, Verdict) else None
                if self._tap is not None:
                    self._tap.secured(self, event)
                if not self.ready.done():
                    self.ready.set_result(None)
            case tls.RefusedPeer(verdict=verdict, alert=alert):
                self.verdict = verdict if isinstance(verdict, Verdict) else None
                self._refused(by_peer=False, alert=alert, sentence=event.reason, verdict=self.verdict)
            case tls.PeerRefused(alert=alert):
                self._refused(by_peer=True, alert=alert, sentence=f"the peer ended TLS with the alert {alert}")
            case tls.TlsFailed(reason=reason, alert=alert):
                self._failed(f"TLS failed: {reason}" + (f" (alert {alert})" if alert else ""))
            case tls.Closed():
                self._end("the peer closed the connection")

    def _refused(self, *, by_peer: bool, alert: str, sentence: str, verdict: Verdict | None = None) -> None:
        if self._tap is not None:
            self._tap.refused(self, by_peer=by_peer, alert=alert, sentence=sentence)
        self.fault = sentence
        if by_peer:
            self._end(sentence, phase="tls")
        else:
            self._hang_up()  # a TLS 1.3 client may have sent a request already, which would cost it our alert
            self._ended(sentence, phase="tls", verdict=verdict)

    def _failed(self, sentence: str) -> None:
        """TLS ended for another reason than a certificate: a failed handshake, or later a connection that was cut."""
        if self._tap is not None and self.handshake is None:
            self._tap.failed(self, sentence)
        self.fault = sentence
        self._end(sentence, phase="tls" if self.handshake is None else "sip")

    def _drain_sip(self) -> None:
        sip = self._sip
        while (event := sip.next_event()) is not None:
            if isinstance(event, sip_events.RequestReceived):
                self._user.on_request(self, event.transaction, event.request)
            elif isinstance(event, sip_events.ResponseReceived):
                self._on_response(event.transaction, event.response)
            else:
                self._on_rare_event(event)
            if sip.due >= RECORD and self.closed_because is None:
                self._send_due()

    def _on_rare_event(self, event: sip_events.Event) -> None:
        match event:
            case sip_events.AckReceived(request=request):
                self._user.on_ack(self, request)
            case sip_events.CancelReceived(request=request, transaction=transaction):
                self._user.on_cancel(self, transaction)
            case sip_events.TransactionFailed(transaction=ClientTransaction() as transaction, sentence=sentence):
                awaited = self._waiting.pop(transaction, None)
                if awaited is not None:
                    awaited.on_failure(self.closed_because or RequestTimedOut(sentence))
            case sip_events.RequestRefused(request=request, reason=reason):
                self._user.on_remark(self, f"a {request.method} was refused: {reason}")
            case sip_events.ResponseDiscarded(response=response, reason=reason):
                self._user.on_remark(self, f"a {response.status} was ignored: {reason}")
            case sip_events.ConnectionBroken(error=error):
                self.fault = f"the peer broke a rule of SIP: {error}"
                self._last_words()
                self._ended(self.fault, phase="sip")

    def _on_response(self, transaction: ClientTransaction, response: Response) -> None:
        final = response.status >= 200
        awaited = self._waiting.pop(transaction, None) if final else self._waiting.get(transaction)
        if awaited is None:
            return
        if awaited.on_response is not None:
            awaited.on_response(response)
        if final and awaited.future is not None and not awaited.future.done():
            awaited.future.set_result(response)

    def _on_message(self, direction: Literal["in", "out"], message: Request | Response) -> None:
        assert self._tap is not None
        (self._tap.received if direction == "in" else self._tap.sent)(self, message)

    def _flush_soon(self) -> None:
        if not self._in_dispatch and not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_planned = False
        if self._transport is None or self._transport.is_closing():
            return
        self._send_due()
        if self._transport.get_write_buffer_size() > WRITE_BUFFER_LIMIT:
            self._transport.abort()
            self.fault = f"the peer left more than {WRITE_BUFFER_LIMIT} bytes unread"
            self._ended(self.fault)
        self._plan_timeout()

    def _send_due(self) -> None:
        if data := self._sip.data_to_send():
            self.used_at = self._timers.clock.now()
            self._tls.send(data)
        self._write()

    def _write(self) -> None:
        data = self._tls.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def _plan_timeout(self) -> None:
        when = self._sip.next_timeout()
        if when is None or (self._timer is not None and self._timer.when <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.call_at(when, self._on_timeout)

    def _on_timeout(self) -> None:
        self._timer = None
        self._sip.handle_timeout(self._timers.clock.now())
        self._drain_sip()
        self._flush()

    def _last_words(self) -> None:
        """Send what is left and end our direction only: to close with bytes unread would destroy the answer."""
        if data := self._sip.data_to_send():
            self._tls.send(data)
        self._tls.close()
        self._hang_up()

    def _hang_up(self) -> None:
        """Write what is still to be written, and close when the peer has, or has had the time to read it."""
        self._write()
        if self._transport is None:
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._timers.call_at(self._timers.clock.now() + LINGER, self._transport.abort)
        else:
            self._transport.close()

    def _end(self, sentence: str, *, phase: str = "", verdict: Verdict | None = None) -> None:
        """End from our side, after what is still to be written."""
        self._write()
        if self._transport is not None:
            self._transport.close()
        self._ended(sentence, phase=phase, verdict=verdict)

    def _ended(self, sentence: str, *, phase: str = "", verdict: Verdict | None = None) -> None:
        if self.closed_because is not None:
            return
        if not phase:
            phase = "sip" if self.handshake is not None else "tls"
        self.closed_because = LinkLost(sentence, phase=phase, verdict=verdict)
        if self._timer is not None:
            self._timer.cancel()
        self._sip.connection_lost(sentence, self._timers.clock.now())
        self._drain_sip()
        if not self.ready.done():
            _fail(self.ready, self.closed_because)
        if self._tap is not None:
            self._tap.closed(self, sentence)
        self._user.on_closed(self)


def _fail(future: asyncio.Future[Response] | asyncio.Future[None], error: LinkLost | RequestTimedOut) -> None:
    """Fail it, and mark that as seen: a caller that went away does not make a link's end an error of ours."""
    future.set_exception(error)
    future.exception()

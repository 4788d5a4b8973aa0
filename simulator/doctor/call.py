"""One TLS connection that accepts whatever the server shows, and one SIP request on it (RFC 3261 §18)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Literal, cast

from cryptography import x509

from simulator import tls
from simulator.sip.connection import SipConnection
from simulator.sip.events import ConnectionBroken, RequestReceived, ResponseReceived
from simulator.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class Accepted:
    """The verdict of somebody who only looks: the rules are applied afterwards."""

    accepted: bool = True
    "Always."
    alert: str = ""
    "Never read."


EndingKind = Literal["alert", "closed", "tls", "sip"]


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended."""

    kind: EndingKind
    "The server's fatal alert; it closed the connection; what it sent was no TLS; what it sent was no SIP."
    text: str
    "The alert's name, else a sentence."

    @property
    def sentence(self) -> str:
        """The reason for people."""
        return f"The server ended TLS with the alert {self.text}." if self.kind == "alert" else self.text


class CallEnded(Exception):
    """The connection ended before what was waited for came; `ending` of the call says why."""


class Call(asyncio.Protocol):
    """What `create_connection` gets; the handshake begins with the connection."""

    def __init__(self, context: tls.Context, server_name: str | None) -> None:
        self.presented: tuple[x509.Certificate, ...] = ()
        "What the server showed, leaf first; also when the handshake fails later."
        self.handshake: tls.HandshakeCompleted | None = None
        "Set when TLS is up as far as this side can know."
        self.ending: Ending | None = None
        "Set when it is over."
        self.local: tuple[str, int] = ("", 0)
        "Our end."
        loop = asyncio.get_running_loop()
        self.secured: asyncio.Future[None] = loop.create_future()
        "Done with the handshake; raises CallEnded."
        self.answer: asyncio.Future[Response] = loop.create_future()
        "The final response; raises CallEnded."
        for future in (self.secured, self.answer):
            future.add_done_callback(_retrieve)
        self._tls = tls.Endpoint(context, server_name=server_name, verify=self._note)
        self._sip = SipConnection(sent_by="client.sipfed.invalid")
        self._transport: asyncio.Transport | None = None
        self._at_eof = False

    def send(self, request: Request) -> None:
        """Send a request that has its Via; `answer` brings the final response."""
        if self.ending is None:
            self._sip.send_request(request, time.monotonic(), add_via=False)
            self._flush()

    def close(self) -> None:
        """End TLS and TCP."""
        if self._transport is not None and self.ending is None:
            self._tls.close()
            self._write()
            self._transport.close()
        self._end("closed", "This side closed the connection.")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        self._transport = transport
        self.local = transport.get_extra_info("sockname")[:2]
        self._tls.start()
        self._write()

    def data_received(self, data: bytes) -> None:
        self._tls.receive_data(data)
        self._take_events()

    def eof_received(self) -> None:
        self._at_eof = True
        self._tls.receive_eof()
        self._take_events()

    def connection_lost(self, error: Exception | None) -> None:
        self._end("closed", f"The connection ended: {error}." if error else "The server closed the connection.")

    def _note(self, presented: tls.PresentedChain) -> tls.VerdictLike:
        self.presented = presented.certificates
        return Accepted()

    def _take_events(self) -> None:
        while (event := self._tls.next_event()) is not None:
            match event:
                case tls.HandshakeCompleted():
                    self.handshake = event
                    self.presented = event.peer or self.presented
                    if not self.secured.done():
                        self.secured.set_result(None)
                case tls.DataReceived(data=data):
                    self._sip.receive_data(data, time.monotonic())
                    self._take_sip_events()
                case tls.PeerRefused(alert=alert):
                    self._end("alert", alert)
                case tls.RefusedPeer(verdict=verdict):
                    self._end("tls", str(verdict))
                case tls.TlsFailed(reason=reason):
                    self._end("closed" if self._at_eof else "tls", reason)
                case tls.Closed():
                    self._end("closed", "The server closed the connection.")
        self._flush()

    def _take_sip_events(self) -> None:
        while (event := self._sip.next_event()) is not None:
            match event:
                case ResponseReceived(response=response) if response.status >= 200:
                    if not self.answer.done():
                        self.answer.set_result(response)
                case RequestReceived(request=request, transaction=transaction):
                    # Some edges begin with NEGOTIATE; refusing it leaves the link as it is (dialect facts §1.3).
                    refusal = request.respond(405, to_tag=transaction.to_tag, headers=[("Allow", "OPTIONS")])
                    self._sip.send_response(transaction, refusal, time.monotonic())
                case ConnectionBroken(error=error):
                    self._end("sip", f"The server sent what is no SIP: {error}.")

    def _flush(self) -> None:
        data = self._sip.data_to_send()
        if data and self._tls.is_open:
            self._tls.send(data)
        self._write()

    def _write(self) -> None:
        data = self._tls.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _end(self, kind: EndingKind, text: str) -> None:
        if self.ending is not None:
            return
        self.ending = Ending(kind, text)
        self._write()
        if self._transport is not None:
            self._transport.close()
        for future in (self.secured, self.answer):
            if not future.done():
                future.set_exception(CallEnded())


def _retrieve(future: asyncio.Future[None] | asyncio.Future[Response]) -> None:
    """Mark the exception as seen: nobody has to wait for what is not needed any more."""
    if not future.cancelled():
        future.exception()

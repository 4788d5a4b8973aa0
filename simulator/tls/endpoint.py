"""One end of a mutual TLS connection without sockets: bytes in, bytes and events out (RFC 8446, RFC 5246)."""

from __future__ import annotations

from collections import deque
from typing import Final

from OpenSSL import SSL

from simulator.errors import LocalProtocolError
from simulator.tls import openssl
from simulator.tls.alerts import ALERTS
from simulator.tls.context import Context
from simulator.tls.events import (
    Closed,
    DataReceived,
    Event,
    HandshakeCompleted,
    PeerRefused,
    Refusal,
    RefusedPeer,
    TlsFailed,
    Verify,
)
from simulator.tls.openssl import Watch

_PLAIN_TEXT: Final = "The peer sent bytes that are no TLS; plain TCP or HTTP seems to be spoken on this port."
_SENTENCES: Final[dict[str, str]] = {
    "http request": _PLAIN_TEXT,  # OPTIONS looks like it, too
    "https proxy request": _PLAIN_TEXT,
    "wrong version number": _PLAIN_TEXT,
    "packet length too long": _PLAIN_TEXT,
    "unsupported protocol": "The peer offers no TLS version that is allowed here.",
    "no shared cipher": "The peer offers no cipher that is allowed here.",
}
_NO_CERTIFICATE: Final = "peer did not return a certificate"


class Endpoint:
    """One end of one connection.

    After every call take all of `next_event()` and send `data_to_send()`. No bytes of a peer make a method raise; an
    exception of the verify callable does come out of `receive_data`, after the peer was refused with internal_error.
    """

    def __init__(self, context: Context, *, server_name: str | None = None, verify: Verify | None = None) -> None:
        """`server_name` is sent as SNI by a client (A-labels; no IP address, RFC 6066 §3). `verify` replaces the
        context's for this connection, which is where the expected name comes in."""
        self._is_client = context.role == "client"
        self._watch = Watch(
            verify or context.verify,
            "server" if self._is_client else "client",
            server_name if self._is_client else None,
        )
        self._connection = SSL.Connection(context.native)
        self._connection.set_app_data(self._watch)
        if self._is_client:
            self._connection.set_connect_state()
            if server_name is not None:
                self._connection.set_tlsext_host_name(server_name.encode("ascii"))
        else:
            self._connection.set_accept_state()
        self._events: deque[Event] = deque()
        self._shaking = True
        self._reading = True
        self._writing = True

    @property
    def is_open(self) -> bool:
        """True while `send` is allowed: from HandshakeCompleted until `close` or a failure."""
        return self._writing and not self._shaking

    def start(self) -> None:
        """Begin the handshake: a client has its first bytes to send now. On a server this does nothing."""
        if self._is_client and self._shaking and self._writing:
            self._advance()

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the stream, any number of them; ignored once the connection is over."""
        if data and self._reading:
            openssl.give_input(self._connection, data)
            self._advance()

    def receive_eof(self) -> None:
        """The stream has ended: a `TlsFailed` unless the peer said so before by close_notify."""
        if self._reading:
            when = "in the middle of the handshake" if self._shaking else "without saying so in TLS (close_notify)"
            self._fail(TlsFailed(f"The peer closed the connection {when}."))

    def next_event(self) -> Event | None:
        """The oldest event not yet taken; None when there is none."""
        return self._events.popleft() if self._events else None

    def send(self, data: bytes) -> None:
        """Encrypt `data`, of any length. Raises LocalProtocolError outside of `is_open`."""
        if not self.is_open:
            raise LocalProtocolError("Nothing can be sent: the TLS connection is not open.")
        if data:
            openssl.encrypt(self._connection, data)

    def data_to_send(self) -> bytes:
        """Take the bytes for the stream; empty when there are none."""
        return openssl.take_output(self._connection)

    def close(self) -> None:
        """Say close_notify: we send no more. The peer may go on sending, until its `Closed`."""
        if self.is_open:
            self._connection.shutdown()
        if self._shaking:
            self._reading = False
        self._writing = False

    def _advance(self) -> None:
        self._watch.received = None
        # A stale entry, left by any other user of OpenSSL in this thread, would be taken for ours: as the reason of a
        # failure, and before OpenSSL 4 even as a failure.
        openssl.clear_errors()
        data: list[bytes] = []
        failure: Event | None = None
        try:
            if self._shaking:
                self._connection.do_handshake()
                self._complete()
            openssl.decrypt_all(self._connection, data)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            failure = TlsFailed("The peer closed the connection in the middle of the handshake.")
            if not self._shaking:
                failure = Closed()
        except SSL.Error as error:
            failure = self._explain(error)
        if data:
            self._events.append(DataReceived(b"".join(data)))
        if isinstance(failure, Closed):
            self._reading = False
            self._events.append(failure)
        elif failure is not None:
            self._fail(failure)
        if self._watch.problem is not None:
            problem, self._watch.problem = self._watch.problem, None
            raise problem

    def _complete(self) -> None:
        self._shaking = False
        connection, watch = self._connection, self._watch
        self._events.append(
            HandshakeCompleted(
                connection.get_protocol_version_name(),
                connection.get_cipher_name() or "",
                watch.certificates
                if self._is_client
                else openssl.client_chain(connection, next(iter(watch.certificates), None)),
                watch.server_name,
                watch.verdict,
            )
        )

    def _fail(self, event: Event) -> None:
        self._reading = self._writing = False
        self._events.append(event)

    def _explain(self, error: SSL.Error) -> Event:
        watch = self._watch
        sent = None if watch.sent is None else ALERTS.get(watch.sent, str(watch.sent))
        reason = openssl.reason(error)
        if watch.problem is not None:
            return TlsFailed(f"The peer's certificate could not be judged: {watch.problem!r}", sent)
        if self._shaking and watch.verdict is not None and not watch.verdict.accepted:
            return RefusedPeer(watch.verdict, sent or watch.verdict.alert)
        if watch.received is not None:
            return PeerRefused(ALERTS.get(watch.received, str(watch.received)))
        if reason == _NO_CERTIFICATE:
            alert = sent or "handshake_failure"
            return RefusedPeer(
                Refusal("The peer showed no certificate at all, but mutual TLS needs one.", alert), alert
            )
        return TlsFailed(_SENTENCES.get(reason, f"OpenSSL gave up: {reason}."), sent)

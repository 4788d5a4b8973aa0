"""The yardstick: a mutual TLS 1.3 handshake and an echo with nothing but pyOpenSSL and blocking sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from OpenSSL.crypto import X509

from fakes.ca import Authority, Issued
from tests.bench.measure import Measure, Round, Stopwatch

ECHO = b"x" * 600
"As long as a SIP message is."


@contextmanager
def bare_handshakes() -> Iterator[Round]:
    """A server on a thread, and rounds that each open a connection to it, echo once, and close it."""
    with Authority() as authority, socket.create_server(("127.0.0.1", 0)) as listener:
        server = context(SSL.TLS_SERVER_METHOD, authority, authority.issue("server.test"))
        client = context(SSL.TLS_CLIENT_METHOD, authority, authority.issue("client.test"))
        thread = threading.Thread(target=_serve, args=(listener, server), name="echo", daemon=True)
        thread.start()
        address = listener.getsockname()

        def one_round(watch: Stopwatch) -> None:
            with watch:
                _echo_once(address, client)

        yield one_round
        socket.create_connection(address).close()  # a connection without a word ends the server
        thread.join()


def context(method: int, authority: Authority, issued: Issued) -> SSL.Context:
    """P-256, TLS 1.3, mutual, no tickets: what our own end points do, with OpenSSL's own verification."""
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.use_certificate(issued.leaf)
    for certificate in x509.load_pem_x509_certificates(issued.chain_pem)[1:]:
        context.add_extra_chain_cert(certificate)
    key = load_pem_private_key(issued.key_pem, None)
    context.use_privatekey(key)  # type: ignore[arg-type] # any private key, says cryptography; a P-256 key, says our CA
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(X509.from_cryptography(authority.root))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *found: bool(found[-1]))
    return context


def _echo_once(address: tuple[str, int], context: SSL.Context) -> None:
    with socket.create_connection(address) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = SSL.Connection(context, sock)
        connection.set_connect_state()
        connection.do_handshake()
        connection.sendall(ECHO)
        assert _read(connection, len(ECHO)) == ECHO
        connection.shutdown()


def _serve(listener: socket.socket, context: SSL.Context) -> None:
    while True:
        sock, _ = listener.accept()
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = SSL.Connection(context, sock)
            connection.set_accept_state()
            try:
                connection.do_handshake()
            except SSL.Error:
                return
            connection.sendall(_read(connection, len(ECHO)))


def _read(connection: SSL.Connection, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += connection.recv(size - len(data))
    return data


HANDSHAKE = Measure(
    name="bare handshake + echo",
    about="A mutual TLS 1.3 handshake with P-256 over loopback TCP by pyOpenSSL alone, and one echo of 600 bytes.",
    setup=bare_handshakes,
)
MEASURES = (HANDSHAKE,)

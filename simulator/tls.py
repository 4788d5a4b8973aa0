"""Mutual TLS end point without sockets: bytes in, bytes and events out (RFC 8446, RFC 5246; RFC 3261 §26.3.1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

from simulator.errors import ConfigurationError, LocalProtocolError, Problem

Role = Literal["client", "server"]
Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

VERSIONS: Final[dict[str, int]] = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}

ALERTS: Final[dict[int, str]] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""Alert numbers and names (IANA TLS Alerts)."""

_NOT_A_REFUSAL: Final = frozenset({0, 90, 100})

# OpenSSL has no call that says "send this alert": it derives the alert from the error that the verification ends with.
# These are the errors that give each alert (ssl_x509err2alert in OpenSSL); access_denied has none and can't be sent.
_ERROR_FOR_ALERT: Final[dict[str, int]] = {
    "bad_certificate": _lib.X509_V_ERR_CERT_REJECTED,
    "unsupported_certificate": _lib.X509_V_ERR_INVALID_PURPOSE,
    "certificate_revoked": _lib.X509_V_ERR_CERT_REVOKED,
    "certificate_expired": _lib.X509_V_ERR_CERT_HAS_EXPIRED,
    "certificate_unknown": _lib.X509_V_ERR_PERMITTED_VIOLATION,
    "unknown_ca": _lib.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    "decrypt_error": _lib.X509_V_ERR_CERT_SIGNATURE_FAILURE,
    "handshake_failure": _lib.X509_V_ERR_APPLICATION_VERIFICATION,
    "internal_error": _lib.X509_V_ERR_OUT_OF_MEM,
}

REFUSAL_ALERTS: Final = frozenset(_ERROR_FOR_ALERT)
"""The alerts a verdict may choose."""

UNREADABLE: Final = (ValueError, x509.InvalidVersion, Warning)
"""What `cryptography` raises for a certificate that it can't read. The last is for programs that, as pytest can, turn
warnings into errors: it warns of a field that no CA would write, and a peer must not be able to raise that here."""

_SSL_MODE_ENABLE_PARTIAL_WRITE: Final = 1
_SSL_MODE_NO_AUTO_CHAIN: Final = 8
_READ_SIZE: Final = 16384
_allocate: Final[Any] = _ffi.new_allocator(should_clear_after_alloc=False)

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


class VerdictLike(Protocol):
    """What a verify callable returns; `str(verdict)` is put in the events as the reason."""

    @property
    def accepted(self) -> bool:
        """True lets the handshake go on."""

    @property
    def alert(self) -> str:
        """The alert to refuse with, one of `REFUSAL_ALERTS`; not read when accepted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that needs no policy: the peer showed no certificate, or one that can't be read."""

    sentence: str
    "What is wrong with what the peer presented."
    alert: str
    "The alert that answers it."
    accepted: bool = False
    "Never true."

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """What a peer shows of itself in the handshake."""

    certificates: tuple[x509.Certificate, ...]
    """Leaf first. From a server: all it sent, as it sent it. From a client: those of them that link to the leaf, since
    OpenSSL hands out a client's other certificates only once it is accepted."""
    role: Role
    "The TLS role of the peer who presents it, which decides the key usage it needs (F2.17)."
    server_name: str | None
    "The SNI: what we asked for when the peer is the server, what it asked for when it is the client."


Verify = Callable[[PresentedChain], VerdictLike]


class Event:
    """Something that happened on a TLS connection."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class HandshakeCompleted(Event):
    """Both sides may send now. A TLS 1.3 client learns only later, as `PeerRefused`, that the server refuses it."""

    version: str
    "`TLSv1.2` or `TLSv1.3`."
    cipher: str
    "OpenSSL's name of the cipher suite."
    peer: tuple[x509.Certificate, ...]
    "All certificates the peer presented, leaf first, linked or not; empty only for a resumed session."
    sni: str | None
    "The server name asked for, if any."
    verdict: VerdictLike | None
    "What the verify callable said; None for a resumed session, which was judged when it began."


@dataclass(frozen=True, slots=True)
class DataReceived(Event):
    """Plaintext arrived."""

    data: bytes
    "Never empty; all that one `receive_data` gave, joined."


@dataclass(frozen=True, slots=True)
class PeerRefused(Event):
    """The peer ended the connection by a fatal alert, in the handshake or, in TLS 1.3, after it."""

    alert: str
    "The alert's name (IANA), for instance `unknown_ca`."


@dataclass(frozen=True, slots=True)
class RefusedPeer(Event):
    """We refused the peer in the handshake."""

    verdict: VerdictLike
    "What the verify callable said, or a `Refusal` where it could not be asked."
    alert: str
    "The alert that was sent."

    @property
    def reason(self) -> str:
        """The verdict as a sentence."""
        return str(self.verdict)


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The peer will send no more (close_notify); what we send still reaches it until we close as well."""


@dataclass(frozen=True, slots=True)
class TlsFailed(Event):
    """The connection is over for another reason than a refused certificate."""

    reason: str
    "One sentence."
    alert: str | None = None
    "The alert that was sent for it, if any."


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as PEM."""

    chain_pem: bytes
    "The leaf first, then what shall be sent along, in that order; links are not checked, so a test may send nonsense."
    key_pem: bytes
    "The leaf's private key, not encrypted."


class Context:
    """What many connections share; built on first use, since it costs more than a certificate does.

    `verify` decides everything: OpenSSL's own opinion on trust, purpose, time and strength is overridden. Both roles
    are always mutual: a server demands a certificate. A client with no identity is a test of exactly that.
    Raises ConfigurationError, on the first connection, when the identity is no certificate or the key is not its own.
    """

    def __init__(
        self,
        identity: Identity | None,
        role: Role,
        verify: Verify,
        *,
        minimum: Version = "TLSv1.2",
        maximum: Version = "TLSv1.3",
        ciphers: str | None = None,
        tickets: bool = False,
        keylog: Callable[[str], None] | None = None,
    ) -> None:
        """`ciphers` is an OpenSSL cipher string for TLS 1.2 and older. `keylog` gets NSS key log lines."""
        if identity is None and role == "server":
            raise ConfigurationError([Problem("identity", "A TLS server needs a certificate and its key.")])
        self.identity = identity
        self.role: Role = role
        self.verify = verify
        self.minimum = minimum
        self.maximum = maximum
        self.ciphers = ciphers
        self.tickets = tickets
        self.keylog = keylog

    @cached_property
    def _openssl(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD if self.role == "server" else SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(VERSIONS[self.minimum])
        context.set_max_proto_version(VERSIONS[self.maximum])
        # Security level 0: key sizes and hashes are the verify callable's business, TLS 1.0 is impossible above it.
        context.set_cipher_list(f"{self.ciphers or 'DEFAULT'}:@SECLEVEL=0".encode())
        # A second handshake could show another certificate than the one that was judged.
        context.set_options(SSL.OP_NO_RENEGOTIATION)
        context.set_mode(_SSL_MODE_NO_AUTO_CHAIN)
        # pyOpenSSL sets it; without it one SSL_write takes everything.
        context.clear_mode(_SSL_MODE_ENABLE_PARTIAL_WRITE)
        if self.tickets:
            context.set_session_id(b"sipfed")
        else:
            # pyOpenSSL lacks SSL_CTX_set_num_tickets; stateful tickets without a cache are the least there is.
            context.set_options(SSL.OP_NO_TICKET)
            context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if self.role == "server":
            context.set_tlsext_servername_callback(_note_server_name)
        if (keylog := self.keylog) is not None:
            context.set_keylog_callback(lambda _, line: keylog(line.decode("ascii")))
        context.set_info_callback(_note_alert)
        _set_verify(context)
        if self.identity is not None:
            _load_identity(context, self.identity)
        return context


class Endpoint:
    """One end of one connection.

    After every call take all of `next_event()` and send `data_to_send()`. No bytes of a peer make a method raise; an
    exception of the verify callable does come out of `receive_data`, after the peer was refused with internal_error.
    """

    def __init__(self, context: Context, *, server_name: str | None = None, verify: Verify | None = None) -> None:
        """`server_name` is sent as SNI by a client (A-labels; no IP address, RFC 6066 §3). `verify` replaces the
        context's for this connection, which is where the expected name comes in."""
        self._is_client = context.role == "client"
        self._watch = _Watch(
            verify or context.verify,
            "server" if self._is_client else "client",
            server_name if self._is_client else None,
        )
        self._connection = SSL.Connection(context._openssl)
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
            _give_input(self._connection, data)
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
            _encrypt(self._connection, data)

    def data_to_send(self) -> bytes:
        """Take the bytes for the stream; empty when there are none."""
        return _take_output(self._connection)

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
        _lib.ERR_clear_error()
        data: list[bytes] = []
        failure: Event | None = None
        try:
            if self._shaking:
                self._connection.do_handshake()
                self._complete()
            _decrypt_all(self._connection, data)
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
                watch.certificates if self._is_client else _client_chain(connection),
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
        reason = _reason(error)
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


class _Watch:
    """What OpenSSL's callbacks note of one connection; holds no reference back to it, so that nothing needs the GC."""

    __slots__ = ("certificates", "problem", "received", "role", "sent", "server_name", "verdict", "verify")

    def __init__(self, verify: Verify, role: Role, server_name: str | None) -> None:
        self.verify = verify
        self.role: Role = role
        self.server_name = server_name
        self.certificates: tuple[x509.Certificate, ...] = ()
        self.verdict: VerdictLike | None = None
        self.problem: Exception | None = None
        self.sent: int | None = None
        self.received: int | None = None

    def judge(self, presented: list[bytes]) -> int:
        """Ask the policy once; X509_V_OK or the error that makes OpenSSL send the chosen alert."""
        try:
            self.certificates = tuple(x509.load_der_x509_certificate(der) for der in presented)
        except UNREADABLE as error:
            self.verdict = Refusal(f"The peer's certificate can't be read: {error}.", "bad_certificate")
        else:
            self.verdict = self.verify(PresentedChain(self.certificates, self.role, self.server_name))
        if self.verdict.accepted:
            return int(_lib.X509_V_OK)
        if self.verdict.alert not in REFUSAL_ALERTS:
            raise ValueError(f"{self.verdict.alert!r} is no alert to refuse a certificate with")
        return _ERROR_FOR_ALERT[self.verdict.alert]


# What follows is all that touches pyOpenSSL's callbacks and its cffi binding; `Any` ends here.


def _note_alert(connection: SSL.Connection, where: int, value: int) -> None:
    if where & SSL.SSL_CB_ALERT:
        watch: _Watch = connection.get_app_data()
        if where & SSL.SSL_CB_WRITE:
            watch.sent = value & 0xFF
        elif value & 0xFF not in _NOT_A_REFUSAL:
            watch.received = value & 0xFF


def _note_server_name(connection: SSL.Connection) -> None:
    name = connection.get_servername()
    watch: _Watch = connection.get_app_data()
    watch.server_name = None if name is None else name.decode("ascii", "backslashreplace")


def _verify_callback(_ok: int, store_context: Any) -> int:
    """Our verdict in place of OpenSSL's; called for its every finding, the first time with the chain already built."""
    ssl = _lib.X509_STORE_CTX_get_ex_data(store_context, _lib.SSL_get_ex_data_X509_STORE_CTX_idx())
    connection = SSL.Connection._reverse_mapping[ssl]
    watch: _Watch = connection.get_app_data()
    if watch.verdict is None:
        try:
            error = watch.judge(_presented(ssl, store_context))
        except Exception as problem:  # nothing can be raised through C; Endpoint raises it again
            watch.problem = problem
            error = _lib.X509_V_ERR_OUT_OF_MEM
    else:
        error = _lib.X509_V_OK
    _lib.X509_STORE_CTX_set_error(store_context, error)
    return int(error == _lib.X509_V_OK)


# pyOpenSSL's own wrapper hides the store context: its callback can say no, but not why, so it can't pick the alert;
# and it sees one certificate at a time. This is OpenSSL.SSL._VerifyHelper with both. One callback serves all contexts.
_VERIFY_CALLBACK: Final[Any] = _ffi.callback("int (*)(int, X509_STORE_CTX *)", _verify_callback, error=0)


def _set_verify(context: SSL.Context) -> None:
    mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    _lib.SSL_CTX_set_verify(context._context, mode, _VERIFY_CALLBACK)


def _presented(ssl: Any, store_context: Any) -> list[bytes]:
    stack = _lib.SSL_get_peer_cert_chain(ssl)
    if stack != _ffi.NULL:
        return _ders(stack)
    # On a server OpenSSL fills that list only after the verification; until then there is the chain it has built.
    built = _lib.X509_STORE_CTX_get1_chain(store_context)
    try:
        return _ders(built)
    finally:
        for index in range(_lib.sk_X509_num(built)):
            _lib.X509_free(_lib.sk_X509_value(built, index))
        _lib.sk_X509_free(built)


def _ders(stack: Any) -> list[bytes]:
    ders = []
    for index in range(_lib.sk_X509_num(stack)):
        bio = _ffi.gc(_lib.BIO_new(_lib.BIO_s_mem()), _lib.BIO_free)
        _lib.i2d_X509_bio(bio, _lib.sk_X509_value(stack, index))
        start = _ffi.new("char **")
        length = _lib.BIO_get_mem_data(bio, start)
        ders.append(bytes(_ffi.buffer(start[0], length)))
    return ders


def _client_chain(connection: SSL.Connection) -> tuple[x509.Certificate, ...]:
    leaf = connection.get_peer_certificate(as_cryptography=True)
    others = connection.get_peer_cert_chain(as_cryptography=True)
    return (*([leaf] if leaf is not None else []), *(others or []))


def _load_identity(context: SSL.Context, identity: Identity) -> None:
    try:
        leaf, *others = x509.load_pem_x509_certificates(identity.chain_pem)
        key: Any = load_pem_private_key(identity.key_pem, None)
        context.use_certificate(leaf)
        for certificate in others:
            context.add_extra_chain_cert(certificate)
        context.use_privatekey(key)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            [Problem("certificate", f"The certificate or its key can't be read: {error}")]
        ) from error
    except SSL.Error as error:
        raise ConfigurationError([Problem("certificate", f"OpenSSL does not take it: {_reason(error)}.")]) from error


# pyOpenSSL's own methods do the same as these four at three times the cost a message: they read until an exception
# says that nothing is left.


def _give_input(connection: SSL.Connection, data: bytes) -> None:
    _lib.BIO_write(connection._into_ssl, data, len(data))


def _take_output(connection: SSL.Connection) -> bytes:
    bio = connection._from_ssl
    size = _lib.BIO_get_mem_data(bio, _ffi.new("char **"))
    if size <= 0:
        return b""
    buffer = _allocate("char[]", size)
    return bytes(_ffi.buffer(buffer, _lib.BIO_read(bio, buffer, size)))


def _encrypt(connection: SSL.Connection, data: bytes) -> None:
    written = _lib.SSL_write(connection._ssl, data, len(data))
    if written <= 0:
        connection._raise_ssl_error(connection._ssl, written)


def _decrypt_all(connection: SSL.Connection, into: list[bytes]) -> None:
    """Append all plaintext there is, then return or raise what `Connection.recv` raises, but for want of input."""
    ssl = connection._ssl
    buffer = _allocate("char[]", _READ_SIZE)
    while (size := _lib.SSL_read(ssl, buffer, _READ_SIZE)) > 0:
        into.append(bytes(_ffi.buffer(buffer, size)))
    if _lib.SSL_get_error(ssl, size) != _lib.SSL_ERROR_WANT_READ:
        connection._raise_ssl_error(ssl, size)


def _reason(error: SSL.Error) -> str:
    entries = error.args[0] if error.args else ()
    if isinstance(entries, list) and entries:
        return str(entries[0][2])  # the others are what followed from it
    return str(error) or "for a reason OpenSSL does not give"

"""All that touches pyOpenSSL's callbacks and its cffi binding: verdict, alerts, chain and memory BIOs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

from simulator.errors import ConfigurationError, Problem
from simulator.tls.events import PresentedChain, Refusal, Role, VerdictLike, Verify

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

SSL_MODE_ENABLE_PARTIAL_WRITE: Final = 1
SSL_MODE_NO_AUTO_CHAIN: Final = 8
_READ_SIZE: Final = 16384
_allocate: Final[Any] = _ffi.new_allocator(should_clear_after_alloc=False)


class Watch:
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
            self.certificates = tuple(map(certificate, presented))
        except UNREADABLE as error:
            self.verdict = Refusal(f"The peer's certificate can't be read: {error}.", "bad_certificate")
        else:
            self.verdict = self.verify(PresentedChain(self.certificates, self.role, self.server_name))
        if self.verdict.accepted:
            return int(_lib.X509_V_OK)
        if self.verdict.alert not in REFUSAL_ALERTS:
            raise ValueError(f"{self.verdict.alert!r} is no alert to refuse a certificate with")
        return _ERROR_FOR_ALERT[self.verdict.alert]


def _info_callback(ssl: Any, where: int, value: int) -> None:
    """Remember the alerts that were sent and received; called at every step of a handshake as well."""
    if where & SSL.SSL_CB_ALERT:
        watch: Watch = SSL.Connection._reverse_mapping[ssl].get_app_data()
        if where & SSL.SSL_CB_WRITE:
            watch.sent = value & 0xFF
        elif value & 0xFF not in _NOT_A_REFUSAL:
            watch.received = value & 0xFF


# pyOpenSSL's own wrapper looks for the connection at each of the 23 steps of a handshake.
_INFO_CALLBACK: Final[Any] = _ffi.callback("void (*)(const SSL *, int, int)", _info_callback)


def note_alerts(context: SSL.Context) -> None:
    """Let the `Watch` of each connection note its alerts."""
    _lib.SSL_CTX_set_info_callback(context._context, _INFO_CALLBACK)


def note_server_name(connection: SSL.Connection) -> None:
    """The server name callback: remember what the client asked for; every name is served."""
    name = connection.get_servername()
    watch: Watch = connection.get_app_data()
    watch.server_name = None if name is None else name.decode("ascii", "backslashreplace")


def _verify_callback(_ok: int, store_context: Any) -> int:
    """Our verdict in place of OpenSSL's; called for its every finding, the first time with the chain already built."""
    ssl = _lib.X509_STORE_CTX_get_ex_data(store_context, _lib.SSL_get_ex_data_X509_STORE_CTX_idx())
    connection = SSL.Connection._reverse_mapping[ssl]
    watch: Watch = connection.get_app_data()
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


def set_verify(context: SSL.Context) -> None:
    """Demand a certificate and let the `Watch` of the connection judge it."""
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


def client_chain(connection: SSL.Connection, leaf: x509.Certificate | None) -> tuple[x509.Certificate, ...]:
    """On a server, after the handshake: all that the client presented, leaf first; the leaf is that of the handshake,
    None in a resumed session."""
    if leaf is None:
        found = connection.get_peer_certificate()
        if found is None:
            return ()
        leaf = certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, found))
    stack = _lib.SSL_get_peer_cert_chain(connection._ssl)  # on a server without the leaf
    return (leaf, *(() if stack == _ffi.NULL else map(certificate, _ders(stack))))


@lru_cache(maxsize=256)
def certificate(der: bytes) -> x509.Certificate:
    """The certificate in these bytes; the same one for the same bytes, with all that was read of it before.

    The peers of a federation come again and again. Raises one of UNREADABLE.
    """
    return x509.load_der_x509_certificate(der)


def load_identity(context: SSL.Context, chain_pem: bytes, key_pem: bytes) -> None:
    """Present this chain, as it is; raises ConfigurationError when it can't be read or the key is not its own."""
    try:
        leaf, *others = _chain(chain_pem)
        key = _key(key_pem)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            [Problem("certificate", f"The certificate or its key can't be read: {error}")]
        ) from error
    clear_errors()
    # pyOpenSSL's own methods encode and decode all of them anew, for half the cost of a context.
    done = _lib.SSL_CTX_use_certificate(context._context, leaf._x509)
    for certificate in others:
        if done and _lib.X509_up_ref(certificate._x509):
            done = _lib.SSL_CTX_add_extra_chain_cert(context._context, certificate._x509)
    if not done or not _lib.SSL_CTX_use_PrivateKey(context._context, key._pkey):
        complaint = _latest_error()
        raise ConfigurationError([Problem("certificate", f"OpenSSL does not take it: {reason(complaint)}.")])


@lru_cache(maxsize=64)
def _chain(pem: bytes) -> tuple[crypto.X509, ...]:
    """What OpenSSL makes of the certificates; raises ValueError. Both roles of an element present the same."""
    return tuple(map(_native_certificate, x509.load_pem_x509_certificates(pem)))


@lru_cache(maxsize=64)
def _native_certificate(certificate: x509.Certificate) -> crypto.X509:
    return crypto.X509.from_cryptography(certificate)


@lru_cache(maxsize=16)
def _key(pem: bytes) -> crypto.PKey:
    """What OpenSSL makes of the key; raises ValueError or TypeError."""
    key: Any = load_pem_private_key(pem, None)
    return crypto.PKey.from_cryptography_key(key)


def _latest_error() -> SSL.Error:
    """What OpenSSL has just complained of; the queue is empty then."""
    try:
        SSL._raise_current_error()
    except SSL.Error as error:
        return error


# pyOpenSSL's own methods do the same as these four at three times the cost a message: they read until an exception
# says that nothing is left.


def give_input(connection: SSL.Connection, data: bytes) -> None:
    """Put bytes of the stream where OpenSSL reads."""
    _lib.BIO_write(connection._into_ssl, data, len(data))


def take_output(connection: SSL.Connection) -> bytes:
    """Take all that OpenSSL has written for the stream."""
    bio = connection._from_ssl
    size = _lib.BIO_get_mem_data(bio, _ffi.new("char **"))
    if size <= 0:
        return b""
    buffer = _allocate("char[]", size)
    return bytes(_ffi.buffer(buffer, _lib.BIO_read(bio, buffer, size)))


def encrypt(connection: SSL.Connection, data: bytes) -> None:
    """Encrypt all of `data`; raises SSL.Error."""
    written = _lib.SSL_write(connection._ssl, data, len(data))
    if written <= 0:
        connection._raise_ssl_error(connection._ssl, written)


def decrypt_all(connection: SSL.Connection, into: list[bytes]) -> None:
    """Append all plaintext there is, then return or raise what `Connection.recv` raises, but for want of input."""
    ssl = connection._ssl
    buffer = _allocate("char[]", _READ_SIZE)
    while (size := _lib.SSL_read(ssl, buffer, _READ_SIZE)) > 0:
        into.append(bytes(_ffi.buffer(buffer, size)))
    if _lib.SSL_get_error(ssl, size) != _lib.SSL_ERROR_WANT_READ:
        connection._raise_ssl_error(ssl, size)


def clear_errors() -> None:
    """Forget what any other user of OpenSSL left in this thread's error queue."""
    _lib.ERR_clear_error()


def reason(error: SSL.Error) -> str:
    """OpenSSL's words for what went wrong first."""
    entries = error.args[0] if error.args else ()
    if isinstance(entries, list) and entries:
        return str(entries[0][2])  # the others are what followed from it
    return str(error) or "for a reason OpenSSL does not give"

"""What the connections of one side share: identity, versions, ciphers, tickets, the verdict (RFC 8446 §4.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from OpenSSL import SSL

from simulator.errors import ConfigurationError, Problem
from simulator.tls import openssl
from simulator.tls.events import Role, Verify

Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

VERSIONS: Final[dict[str, int]] = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}


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
    Raises ConfigurationError, on the first connection, when the identity is no certificate, the key is not its own, or
    OpenSSL knows no such cipher.
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
        ciphersuites: str | None = None,
        tickets: bool = False,
        keylog: Callable[[str], None] | None = None,
    ) -> None:
        """`ciphers` is an OpenSSL cipher string for TLS 1.2 and older, `ciphersuites` the same for TLS 1.3, such as
        `TLS_AES_128_GCM_SHA256`. `tickets` lets sessions be resumed. `keylog` gets NSS key log lines."""
        if list(VERSIONS).index(minimum) > list(VERSIONS).index(maximum):
            raise ConfigurationError([Problem("versions", f"There is no TLS version from {minimum} to {maximum}.")])
        if identity is None and role == "server":
            raise ConfigurationError([Problem("identity", "A TLS server needs a certificate and its key.")])
        self.identity = identity
        self.role: Role = role
        self.verify = verify
        self.minimum = minimum
        self.maximum = maximum
        self.ciphers = ciphers
        self.ciphersuites = ciphersuites
        self.tickets = tickets
        self.keylog = keylog

    @cached_property
    def native(self) -> SSL.Context:
        """What pyOpenSSL makes connections of."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD if self.role == "server" else SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(VERSIONS[self.minimum])
        context.set_max_proto_version(VERSIONS[self.maximum])
        self._choose_ciphers(context)
        # A second handshake could show another certificate than the one that was judged.
        context.set_options(SSL.OP_NO_RENEGOTIATION)
        # The buffers of an idle connection, 21 kB, go back.
        context.set_mode(openssl.SSL_MODE_NO_AUTO_CHAIN | SSL.MODE_RELEASE_BUFFERS)
        # pyOpenSSL sets it; without it one SSL_write takes everything.
        context.clear_mode(openssl.SSL_MODE_ENABLE_PARTIAL_WRITE)
        if self.tickets:
            context.set_session_id(b"sipfed")
        else:
            # pyOpenSSL lacks SSL_CTX_set_num_tickets; stateful tickets without a cache are the least there is.
            context.set_options(SSL.OP_NO_TICKET)
            context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if self.role == "server":
            context.set_tlsext_servername_callback(openssl.note_server_name)
        if (keylog := self.keylog) is not None:
            context.set_keylog_callback(lambda _, line: keylog(line.decode("ascii")))
        openssl.note_alerts(context)
        openssl.set_verify(context)
        if self.identity is not None:
            openssl.load_identity(context, self.identity.chain_pem, self.identity.key_pem)
        return context

    def _choose_ciphers(self, context: SSL.Context) -> None:
        try:
            # Security level 0: key sizes and hashes are the verify callable's business, TLS 1.0 is impossible above it.
            context.set_cipher_list(f"{self.ciphers or 'DEFAULT'}:@SECLEVEL=0".encode())
            if self.ciphersuites is not None:
                context.set_tls13_ciphersuites(self.ciphersuites.encode())
        except SSL.Error as error:
            asked = ", ".join(filter(None, (self.ciphers, self.ciphersuites)))
            raise ConfigurationError([Problem("ciphers", f"OpenSSL knows no cipher in {asked!r}.")]) from error
